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
            Self::Refused => "Refused by the mail server",
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
        // An open proves that a message in doubt was taken.
        (Sent | Unknown, Event::Confirm) => Delivered,
        // A bounce can come late, after a relay said that it was delivered.
        (Sent | Delivered | Unknown, Event::Bounce) => Bounced,
        _ => return None,
    })
}

/// Whether it is still to go, or on a connection just now: what `queued` counts.
pub const fn is_open(state: DeliveryState) -> bool {
    matches!(state, DeliveryState::Queued | DeliveryState::Sending)
}

/// How the counts of the run move when a delivery that was still to go becomes `to`.
pub fn leaves_queue(to: DeliveryState) -> Counts {
    use DeliveryState::*;
    let mut moved = Counts {
        queued: -1,
        ..Counts::default()
    };
    match to {
        Queued | Sending => moved.queued = 0,
        Sent => moved.sent = 1,
        Delivered => (moved.sent, moved.delivered) = (1, 1),
        Bounced => (moved.sent, moved.bounced) = (1, 1),
        Failed => moved.failed = 1,
        Skipped => moved.skipped = 1,
        Cancelled => moved.cancelled = 1,
        Unknown => moved.unknown = 1,
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeliveryState::*;

    #[test]
    fn a_delivery_goes_these_ways_and_no_other() {
        let ways = [
            (Queued, Event::Claim, Sending),
            (Queued, Event::Skip, Skipped),
            (Queued, Event::Cancel, Cancelled),
            (Sending, Event::Release, Queued),
            (Sending, Event::Defer, Queued),
            (Sending, Event::Accept, Sent),
            (Sending, Event::Fail, Failed),
            (Sending, Event::Skip, Skipped),
            (Sending, Event::Cancel, Cancelled),
            (Sending, Event::Doubt, Unknown),
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
        for &to in DeliveryState::ALL {
            let moved = leaves_queue(to);
            let places =
                moved.queued + moved.sent + moved.failed + moved.skipped + moved.cancelled + moved.unknown;
            assert_eq!(places, 0, "{to}");
            assert_eq!(moved.queued, if is_open(to) { 0 } else { -1 }, "{to}");
        }
    }
}
