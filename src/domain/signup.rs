//! Sign-ups from the public web: who is taken for a person, how often an address may be written to,
//! and how long a request to confirm is good.

use chrono::{DateTime, TimeDelta, Utc};

/// How long the link that confirms is good.
pub const VALID: TimeDelta = TimeDelta::days(7);
/// A form that was shown longer ago is shown again.
const OLDEST: TimeDelta = TimeDelta::hours(24);
/// Nobody fills a form in faster.
const QUICKEST: TimeDelta = TimeDelta::seconds(2);
/// So often in a day an address is asked to confirm, whoever enters it.
const OF_AN_ADDRESS: i64 = 3;
/// So many sign-ups in an hour come from one network address: a club house has one for everybody.
const OF_A_NETWORK: i64 = 30;
/// The waits between tries to send the request to confirm.
const TRIES: [TimeDelta; 5] = [
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(8),
];

/// Who sent a form, as far as it can be told without asking a third party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor {
    Person,
    /// Filled in what people do not see.
    Robot,
    /// Nothing says when, or whether, the form was shown: to be shown it, filled in as it is.
    Unknown,
}

/// Looks at a form that was sent. `trap` is the field that people do not see; `shown_at` is when
/// our own page says that it was shown.
pub fn look(trap: &str, shown_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Visitor {
    if !trap.is_empty() {
        return Visitor::Robot;
    }
    match shown_at {
        Some(at) if (QUICKEST..=OLDEST).contains(&(now - at)) => Visitor::Person,
        _ => Visitor::Unknown,
    }
}

/// Whether one more is too many, after so many of an address in a day and of a network in an hour.
pub const fn is_too_many(of_address: i64, of_network: i64) -> bool {
    of_address >= OF_AN_ADDRESS || of_network >= OF_A_NETWORK
}

/// How long to wait after the `attempt`-th try to send, counted from 1; `None` to give up.
pub fn wait(attempt: i32) -> Option<TimeDelta> {
    let before = usize::try_from(attempt).ok()?.checked_sub(1)?;
    TRIES.get(before).copied()
}

/// Whether a request to confirm of that time is still good.
pub fn is_valid(created_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - created_at < VALID
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_take_their_time_and_see_what_is_shown() {
        let now = DateTime::from_timestamp(1_772_438_400, 0).unwrap();
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));
        for (trap, shown_at, expected) in [
            ("", ago(2), Visitor::Person),
            ("", ago(86_400), Visitor::Person),
            ("", ago(1), Visitor::Unknown),
            ("", ago(-5), Visitor::Unknown),
            ("", ago(86_401), Visitor::Unknown),
            ("", None, Visitor::Unknown),
            ("http://spam.example", ago(60), Visitor::Robot),
            ("x", None, Visitor::Robot),
        ] {
            assert_eq!(look(trap, shown_at, now), expected, "{trap} {shown_at:?}");
        }
    }

    #[test]
    fn an_address_and_a_network_have_their_share() {
        assert!(!is_too_many(2, 29));
        assert!(is_too_many(3, 0));
        assert!(is_too_many(0, 30));
    }

    #[test]
    fn sending_is_given_up_after_some_hours() {
        let waits: Vec<i64> = (1..=6).map_while(wait).map(|wait| wait.num_minutes()).collect();
        assert_eq!(waits, [1, 5, 30, 120, 480]);
        assert_eq!(wait(0), None);
    }

    #[test]
    fn a_link_is_good_for_a_week() {
        let at = DateTime::UNIX_EPOCH;
        assert!(is_valid(at, at + VALID - TimeDelta::seconds(1)));
        assert!(!is_valid(at, at + VALID));
    }
}
