//! What is done when occurrences are due: after downtime or a pause there may be several, and
//! nobody shall get them all at once.

use chrono::{DateTime, TimeDelta, Utc};

/// An occurrence whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When the rule has it.
    pub original: DateTime<Utc>,
    /// When it was to be sent: the same, where nobody moved it.
    pub at: DateTime<Utc>,
}

/// Why one is not sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// Its grace time passed while Fairway was down or the campaign paused.
    TooLate,
    /// The one after it was due as well.
    Overtaken,
}

impl Missed {
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TooLate => "Nothing could be sent before its grace time had passed.",
            Self::Overtaken => "Nothing could be sent before the next one was due, which was sent instead.",
        }
    }
}

/// What becomes of those that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    pub send: Option<Due>,
    pub missed: Vec<(Due, Missed)>,
}

/// Of all that are due the latest is sent, where that is within its grace; the others are missed.
/// What is not due yet is left alone.
pub fn decide(due: &[Due], now: DateTime<Utc>, grace: TimeDelta) -> Decision {
    let mut due: Vec<_> = due.iter().filter(|due| due.at <= now).copied().collect();
    due.sort_by_key(|due| (due.at, due.original));
    let mut decision = Decision::default();
    if due.last().is_some_and(|last| now - last.at <= grace) {
        decision.send = due.pop();
    }
    decision.missed = due
        .into_iter()
        .map(|due| {
            let missed = match now - due.at > grace {
                true => Missed::TooLate,
                false => Missed::Overtaken,
            };
            (due, missed)
        })
        .collect();
    decision
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(hours * 3600, 0).unwrap()
    }

    fn due(hours: i64) -> Due {
        Due {
            original: at(hours),
            at: at(hours),
        }
    }

    #[test]
    fn the_latest_within_its_grace_is_sent_and_the_others_are_missed() {
        let grace = TimeDelta::hours(12);
        for (given, now, send, missed) in [
            (vec![], 100, None, vec![]),
            (vec![100], 99, None, vec![]),
            (vec![100], 100, Some(100), vec![]),
            (vec![100], 112, Some(100), vec![]),
            (vec![100], 113, None, vec![(100, Missed::TooLate)]),
            (
                vec![24, 72, 48],
                73,
                Some(72),
                vec![(24, Missed::TooLate), (48, Missed::TooLate)],
            ),
            (vec![70, 72], 73, Some(72), vec![(70, Missed::Overtaken)]),
            (vec![70, 72, 74], 73, Some(72), vec![(70, Missed::Overtaken)]),
        ] {
            let given: Vec<_> = given.into_iter().map(due).collect();
            let decision = decide(&given, at(now), grace);
            assert_eq!(decision.send, send.map(due), "{given:?} {now}");
            let missed: Vec<_> = missed.into_iter().map(|(hours, why)| (due(hours), why)).collect();
            assert_eq!(decision.missed, missed, "{given:?} {now}");
        }
    }

    proptest! {
        #[test]
        fn one_at_most_is_sent_never_early_and_each_is_decided_once(
            hours in proptest::collection::btree_set(0_i64..300, 0..20),
            now in 0_i64..300,
            grace in 1_i64..200,
        ) {
            let given: Vec<_> = hours.iter().copied().map(due).collect();
            let decision = decide(&given, at(now), TimeDelta::hours(grace));
            let passed = hours.iter().filter(|hour| **hour <= now).count();
            prop_assert_eq!(usize::from(decision.send.is_some()) + decision.missed.len(), passed);
            if let Some(sent) = decision.send {
                prop_assert!(sent.at <= at(now) && at(now) - sent.at <= TimeDelta::hours(grace));
                prop_assert!(decision.missed.iter().all(|(missed, _)| missed.at < sent.at));
            }
        }
    }
}
