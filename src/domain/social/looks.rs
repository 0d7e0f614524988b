//! When a platform is asked what came of a post: often at first, once a day at last, for a week.

use chrono::{DateTime, TimeDelta, Utc};

/// After the post, in minutes.
const LOOKS: [i64; 11] = [
    10,
    60,
    3 * 60,
    8 * 60,
    24 * 60,
    2 * 24 * 60,
    3 * 24 * 60,
    4 * 24 * 60,
    5 * 24 * 60,
    6 * 24 * 60,
    7 * 24 * 60,
];

/// The next time after `now` for a post of `sent_at`; `None` once the week is over. What was missed
/// while nothing ran is not made up for.
pub fn next_look(sent_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    LOOKS
        .into_iter()
        .map(|minutes| sent_at + TimeDelta::minutes(minutes))
        .find(|at| *at > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_looked_at_for_a_week_in_growing_intervals() {
        let sent = DateTime::from_timestamp(1_772_438_400, 0).unwrap();
        let mut now = sent;
        let mut waits = Vec::new();
        while let Some(next) = next_look(sent, now) {
            waits.push((next - now).num_minutes());
            now = next;
        }
        assert_eq!(now - sent, TimeDelta::days(7));
        assert!(waits.is_sorted(), "{waits:?}");
        assert_eq!(
            next_look(sent, sent + TimeDelta::hours(30)),
            Some(sent + TimeDelta::days(2))
        );
        assert_eq!(next_look(sent, sent + TimeDelta::days(7)), None);
    }
}
