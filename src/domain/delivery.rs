//! The ledger's states: what can happen to a delivery, what it becomes, and what that does to the
//! counts of its run. Nobody else decides what follows on a state.

use super::stats::Counts;
use super::{DeliveryState, UnknownTerm};

super::terms::term!(
    /// What can happen to a delivery.
    Event {
        /// A dispatcher took it to send it.
        Claim = "claim",
        /// Given back unsent: a pause, a stop, no connection.
        Release = "release",
        /// Sent back to wait: refused for now, or to be tried again after a crash.
        Defer = "defer",
        /// The mail server or provider took it.
        Accept = "accept",
        /// Shown to have arrived: by the provider, an open or a click.
        Confirm = "confirm",
        /// Refused for good, or given up.
        Fail = "fail",
        /// Not to be contacted after all.
        Skip = "skip",
        /// Its campaign was cancelled.
        Cancel = "cancel",
        /// Nobody knows whether it was taken, and it is left so.
        Doubt = "doubt",
        /// Taken and then returned.
        Bounce = "bounce",
    }
);

super::terms::term!(
    /// Why it was not sent, or may have been sent twice, as the ledger's `reason` says it. Beside
    /// these stand the reasons of consent for what was skipped.
    Reason {
        /// The mail server or provider refused it for good.
        Refused = "refused",
        /// Refused for now so often that it was given up.
        GivenUp = "given_up",
        /// The template cannot be rendered for this person.
        Unrenderable = "unrenderable",
        /// It was on a connection when the connection or the process died: nobody knows whether
        /// it was taken. On a delivery that was sent later: the person may have it twice.
        InDoubt = "in_doubt",
        /// Another event called it off before it was sent.
        CalledOff = "called_off",
    }
);

impl Reason {
    /// What staff read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Refused => "Refused by the mail server or the provider",
            Self::GivenUp => "Given up after many attempts",
            Self::Unrenderable => "The template cannot be rendered for this person",
            Self::CalledOff => "Called off by another event before it was sent",
            Self::InDoubt => "In doubt: on its way when the connection or Fairway stopped",
        }
    }
}

/// What the state becomes; `None` where the event cannot happen to it.
pub const fn transition(from: DeliveryState, event: Event) -> Option<DeliveryState> {
    use DeliveryState::*;
    Some(match (from, event) {
        (Queued, Event::Claim) => Sending,
        (Sending, Event::Release | Event::Defer) => Queued,
        (Sending, Event::Accept) => Sent,
        (Sending, Event::Fail) => Failed,
        (Sending, Event::Doubt) => Unknown,
        (Queued | Sending, Event::Skip) => Skipped,
        (Queued | Sending, Event::Cancel) => Cancelled,
        // An open proves that a message in doubt was taken, and that one that waits to be tried
        // again need not be.
        (Queued | Sending | Sent | Unknown, Event::Confirm) => Delivered,
        // A bounce can come late, after a relay said that it was delivered.
        (Sent | Delivered | Unknown, Event::Bounce) => Bounced,
        _ => return None,
    })
}

/// Whether it is still to go, or on a connection just now: what `queued` counts.
pub const fn is_open(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Queued | DeliveryState::Sending)
}

/// A delivery as the counts of its run see it: its state, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub state: DeliveryState,
    pub is_sent: bool,
    pub is_delivered: bool,
    pub is_opened: bool,
    pub is_clicked: bool,
    pub is_converted: bool,
    pub is_unsubscribed: bool,
    pub is_complained: bool,
}

impl Standing {
    /// One to which nothing came back yet.
    pub const fn new(state: DeliveryState) -> Self {
        Self {
            state,
            is_sent: false,
            is_delivered: false,
            is_opened: false,
            is_clicked: false,
            is_converted: false,
            is_unsubscribed: false,
            is_complained: false,
        }
    }

    /// What it is in the counts of its run. What moves them is the difference between two of these.
    pub fn counts(self) -> Counts {
        let is = |state| i64::from(self.state == state);
        Counts {
            target: 1,
            queued: i64::from(is_open(self.state)),
            sent: i64::from(self.is_sent),
            delivered: i64::from(self.is_delivered && self.state != DeliveryState::Bounced),
            bounced: is(DeliveryState::Bounced),
            failed: is(DeliveryState::Failed),
            skipped: is(DeliveryState::Skipped),
            cancelled: is(DeliveryState::Cancelled),
            unknown: is(DeliveryState::Unknown),
            opened: i64::from(self.is_opened),
            clicked: i64::from(self.is_clicked),
            converted: i64::from(self.is_converted),
            unsubscribed: i64::from(self.is_unsubscribed),
            complained: i64::from(self.is_complained),
            converted_value: 0,
        }
    }

    /// What it becomes by an event; `None` where that cannot happen to it. What was opened has
    /// arrived, whatever a report that comes later says: it is never returned.
    pub fn after(self, event: Event) -> Option<Self> {
        if event == Event::Bounce && self.is_opened {
            return None;
        }
        Some(Self {
            state: transition(self.state, event)?,
            is_sent: self.is_sent || matches!(event, Event::Accept | Event::Confirm | Event::Bounce),
            is_delivered: self.is_delivered || event == Event::Confirm,
            ..self
        })
    }

    /// Whether what comes back to it is counted. A message that never went out has no opens, and
    /// one that was returned has no more of them.
    pub const fn is_counted(self) -> bool {
        use DeliveryState::{Delivered, Queued, Sending, Sent, Unknown};
        matches!(self.state, Queued | Sending | Sent | Delivered | Unknown)
    }

    /// Opened, which proves that it arrived.
    pub fn opened(self) -> Self {
        match self.is_counted() {
            true => Self {
                is_opened: true,
                ..self.after(Event::Confirm).unwrap_or(self)
            },
            false => self,
        }
    }

    /// Clicked, which proves an open.
    pub fn clicked(self) -> Self {
        match self.is_counted() {
            true => Self {
                is_clicked: true,
                ..self.opened()
            },
            false => self,
        }
    }

    /// Its provider says that it arrived.
    pub fn confirmed(self) -> Self {
        self.after(Event::Confirm).unwrap_or(self)
    }

    /// Its provider says that it did not arrive: returned, or refused before it was known that it
    /// had been taken.
    pub fn returned(self) -> Self {
        let bounced = self.after(Event::Bounce);
        bounced.or_else(|| self.after(Event::Fail)).unwrap_or(self)
    }

    /// The person complained of it as spam.
    pub const fn complained(self) -> Self {
        Self {
            is_complained: self.is_complained || self.is_sent,
            ..self
        }
    }

    /// The person did what the campaign is for, after an open at least.
    pub const fn converted(self) -> Self {
        Self {
            is_converted: self.is_converted || self.is_opened,
            ..self
        }
    }

    /// Another message turned out to be what the person followed.
    pub const fn unconverted(self) -> Self {
        Self {
            is_converted: false,
            ..self
        }
    }

    /// The person opted out after it.
    pub const fn unsubscribed(self) -> Self {
        Self {
            is_unsubscribed: true,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeliveryState::*;
    use proptest::prelude::*;

    #[test]
    fn a_delivery_goes_these_ways_and_no_other() {
        let ways = [
            (Queued, Event::Claim, Sending),
            (Queued, Event::Skip, Skipped),
            (Queued, Event::Cancel, Cancelled),
            (Queued, Event::Confirm, Delivered),
            (Sending, Event::Release, Queued),
            (Sending, Event::Defer, Queued),
            (Sending, Event::Accept, Sent),
            (Sending, Event::Fail, Failed),
            (Sending, Event::Skip, Skipped),
            (Sending, Event::Cancel, Cancelled),
            (Sending, Event::Doubt, Unknown),
            (Sending, Event::Confirm, Delivered),
            (Sent, Event::Confirm, Delivered),
            (Sent, Event::Bounce, Bounced),
            (Delivered, Event::Bounce, Bounced),
            (Unknown, Event::Confirm, Delivered),
            (Unknown, Event::Bounce, Bounced),
        ];
        for &from in DeliveryState::ALL {
            for &event in Event::ALL {
                let expected = ways
                    .iter()
                    .find(|(f, e, _)| (*f, *e) == (from, event))
                    .map(|(_, _, to)| *to);
                assert_eq!(transition(from, event), expected, "{from} {event}");
            }
        }
    }

    #[test]
    fn nothing_that_left_the_queue_comes_back() {
        for &from in DeliveryState::ALL {
            for &event in Event::ALL {
                if let Some(to) = transition(from, event) {
                    assert!(is_open(from) || !is_open(to), "{from} {event}");
                }
            }
        }
    }

    #[test]
    fn a_person_is_counted_in_one_place_only() {
        for &state in DeliveryState::ALL {
            let is_sent = matches!(state, Sent | Delivered | Bounced);
            let counts = Standing {
                is_sent,
                ..Standing::new(state)
            }
            .counts();
            let places = counts.queued
                + counts.sent
                + counts.failed
                + counts.skipped
                + counts.cancelled
                + counts.unknown;
            assert_eq!((counts.target, places), (1, 1), "{state}");
            assert_eq!(counts.queued, i64::from(is_open(state)), "{state}");
        }
    }

    #[test]
    fn what_was_opened_is_never_returned_and_what_was_returned_is_never_opened() {
        let sent = Standing::new(Sending).after(Event::Accept).unwrap();
        for opened in [sent.opened(), sent.clicked()] {
            assert_eq!((opened.state, opened.is_delivered), (Delivered, true));
            assert_eq!(opened.after(Event::Bounce), None);
        }
        let returned = sent.after(Event::Bounce).unwrap();
        assert_eq!(returned.opened(), returned);
        assert_eq!(returned.clicked(), returned);
        // Confirmed by a provider, and then returned after all.
        let confirmed = sent.after(Event::Confirm).unwrap();
        assert_eq!(
            confirmed.after(Event::Bounce).map(|one| one.counts().delivered),
            Some(0)
        );
    }

    #[test]
    fn an_open_ends_the_retries_of_a_message_in_doubt() {
        let waits = Standing::new(Queued).opened();
        assert_eq!(waits.state, Delivered);
        let counts = waits.counts();
        assert_eq!(
            (counts.queued, counts.sent, counts.delivered, counts.opened),
            (0, 1, 1, 1)
        );
    }

    /// Something that happens to one of the deliveries of a run.
    #[derive(Clone, Copy, Debug)]
    enum Sign {
        Event(Event),
        /// By a mail server, for which it counts as delivered.
        Taken,
        Open,
        Click,
        Convert,
        Unconvert,
        Unsubscribe,
        Confirm,
        Return,
        Complain,
    }

    const SIGNS: &[Sign] = &[
        Sign::Taken,
        Sign::Open,
        Sign::Click,
        Sign::Convert,
        Sign::Unconvert,
        Sign::Unsubscribe,
        Sign::Confirm,
        Sign::Return,
        Sign::Complain,
    ];

    fn sign() -> impl Strategy<Value = Sign> {
        prop_oneof![
            proptest::sample::select(Event::ALL).prop_map(Sign::Event),
            proptest::sample::select(SIGNS),
        ]
    }

    fn apply(one: Standing, sign: Sign) -> Standing {
        match sign {
            Sign::Event(event) => one.after(event).unwrap_or(one),
            Sign::Taken => match one.after(Event::Accept) {
                Some(taken) => Standing {
                    is_delivered: true,
                    ..taken
                },
                None => one,
            },
            Sign::Open => one.opened(),
            Sign::Click => one.clicked(),
            Sign::Convert => one.converted(),
            Sign::Unconvert => one.unconverted(),
            Sign::Unsubscribe => one.unsubscribed(),
            Sign::Confirm => one.confirmed(),
            Sign::Return => one.returned(),
            Sign::Complain => one.complained(),
        }
    }

    proptest! {
        #[test]
        fn every_rate_lies_between_0_and_1_whatever_happens_in_whichever_order(
            signs in proptest::collection::vec((0..3_usize, sign()), 0..40)
        ) {
            let mut run = [Standing::new(Queued); 3];
            let mut sums: Counts = run.iter().map(|one| one.counts()).sum();
            for (place, sign) in signs {
                let (before, after) = (run[place], apply(run[place], sign));
                run[place] = after;
                sums += after.counts() - before.counts();
                prop_assert_eq!(sums, run.iter().map(|one| one.counts()).sum());
                let rates = sums.rates();
                for rate in [rates.delivery, rates.open, rates.click, rates.conversion, sums.progress()] {
                    prop_assert!(rate.is_none_or(|rate| (0.0..=1.0).contains(&rate)), "{:?} after {:?}", sums, sign);
                }
                prop_assert!(sums.named().iter().all(|(_, sum)| *sum >= 0), "{:?}", sums);
                prop_assert!(!after.is_opened || after.is_delivered && after.is_sent, "{:?}", after);
            }
        }
    }
}
