//! From a clock on the wall to an instant. A campaign's zone is part of its time: what daylight
//! saving skips or doubles is explained, and nothing is ever sent before the time that was asked.

use chrono::{
    DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc,
};
use chrono_tz::Tz;

/// How far ahead a campaign may be scheduled. A later year is a slip of the finger.
pub const LONGEST_AHEAD: Days = Days::new(5 * 366);

/// What a wall-clock time is in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    Once(DateTime<Utc>),
    /// The clocks jump over it, from `before` to `after`, at the instant `moved_to`.
    Skipped {
        before: NaiveDateTime,
        after: NaiveDateTime,
        moved_to: DateTime<Utc>,
    },
    /// The clocks are set back and show it twice.
    Doubled {
        first: DateTime<Utc>,
        second: DateTime<Utc>,
    },
}

/// Finds the instant of a wall-clock time in a zone, to the second.
pub fn resolve(local: NaiveDateTime, zone: Tz) -> Resolved {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Resolved::Once(at.to_utc()),
        LocalResult::Ambiguous(one, other) => Resolved::Doubled {
            first: one.to_utc().min(other.to_utc()),
            second: one.to_utc().max(other.to_utc()),
        },
        LocalResult::None => {
            let moved_to = first_at_or_after(local, zone);
            let just_before = moved_to - TimeDelta::seconds(1);
            Resolved::Skipped {
                before: wall(just_before, zone) + TimeDelta::seconds(1),
                after: wall(moved_to, zone),
                moved_to,
            }
        }
    }
}

/// The first instant at which the clocks show `local` or later, where they never show `local`.
fn first_at_or_after(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    // No zone is further from UTC than this, so the jump lies between.
    let reach = TimeDelta::hours(26);
    let (mut early, mut late) = (local.and_utc() - reach, local.and_utc() + reach);
    while late - early > TimeDelta::seconds(1) {
        let middle = early + TimeDelta::seconds((late - early).num_seconds() / 2);
        match wall(middle, zone) < local {
            true => early = middle,
            false => late = middle,
        }
    }
    late
}

fn wall(at: DateTime<Utc>, zone: Tz) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

impl Resolved {
    /// When it is sent: at a doubled time the first, at a skipped one when the clocks have jumped.
    pub const fn instant(self) -> DateTime<Utc> {
        match self {
            Self::Once(at) | Self::Doubled { first: at, .. } | Self::Skipped { moved_to: at, .. } => at,
        }
    }

    /// What daylight saving does to the time that was asked, where it does anything.
    pub fn explanation(self, local: NaiveDateTime, zone: Tz) -> Option<String> {
        let asked = local.format("%-d %B %Y %H:%M");
        let name = zone.name();
        match self {
            Self::Once(_) => None,
            Self::Skipped { before, after, .. } if before.date() == after.date() => Some(format!(
                "{asked} does not exist in {name}: clocks go from {} to {}. It will be sent at {}.",
                before.format("%H:%M"),
                after.format("%H:%M"),
                after.format("%H:%M"),
            )),
            Self::Skipped { before, after, .. } => Some(format!(
                "{asked} does not exist in {name}: clocks go from {} to {}. It will be sent then.",
                before.format("%-d %B %H:%M"),
                after.format("%-d %B %H:%M"),
            )),
            Self::Doubled { first, second } => Some(format!(
                "{asked} happens twice in {name}, because clocks go back: at {} and at {} UTC. The first is used.",
                first.format("%H:%M"),
                second.format("%H:%M"),
            )),
        }
    }
}

/// What is wrong with the day or the time as it was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryError {
    Date,
    Time,
}

impl EntryError {
    /// What to write instead.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Date => "Write the day as year-month-day, such as 2026-06-01.",
            Self::Time => "Write the time as hours and minutes, such as 09:00.",
        }
    }
}

/// A day and a time as browsers post them, `2026-06-01` and `09:00`.
pub fn parse_entry(date: &str, time: &str) -> Result<NaiveDateTime, EntryError> {
    let date = date.trim();
    // A year of five digits is a slip that browsers let pass.
    let is_plain = date.len() == 10 && date.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = match is_plain {
        true => NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(|_| EntryError::Date)?,
        false => return Err(EntryError::Date),
    };
    let time = time.trim();
    let time = NaiveTime::parse_from_str(time, "%H:%M")
        .or_else(|_| NaiveTime::parse_from_str(time, "%H:%M:%S"))
        .map_err(|_| EntryError::Time)?;
    Ok(day.and_time(time))
}

/// Why an instant cannot be scheduled, in a sentence; `None` where it can.
pub fn refusal(at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> Option<String> {
    let said = |at: DateTime<Utc>| at.with_timezone(&zone).format("%-d %B %Y, %H:%M").to_string();
    let name = zone.name();
    if at <= now {
        return Some(format!(
            "This time is past: in {name} it is {} now. Choose a later one, or send now.",
            said(now)
        ));
    }
    let is_far = now
        .checked_add_days(LONGEST_AHEAD)
        .is_none_or(|latest| at > latest);
    is_far.then(|| "This is more than five years away. Check the year.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn local(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    #[test]
    fn a_wall_clock_time_is_found_in_its_zone() {
        for (zone, asked, instant) in [
            ("Africa/Johannesburg", "2026-06-01 09:00", "2026-06-01T07:00:00Z"),
            ("Europe/London", "2026-06-01 09:00", "2026-06-01T08:00:00Z"),
            ("Europe/London", "2026-12-01 09:00", "2026-12-01T09:00:00Z"),
            ("America/New_York", "2026-07-04 23:59", "2026-07-05T03:59:00Z"),
            ("Asia/Kolkata", "2026-03-29 02:30", "2026-03-28T21:00:00Z"),
            ("Pacific/Chatham", "2026-07-01 12:00", "2026-06-30T23:15:00Z"),
            ("UTC", "2028-02-29 00:00", "2028-02-29T00:00:00Z"),
        ] {
            let resolved = resolve(local(asked), zone.parse().unwrap());
            assert_eq!(
                resolved,
                Resolved::Once(instant.parse().unwrap()),
                "{zone} {asked}"
            );
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_moves_to_when_they_have_jumped_and_says_so() {
        for (zone, asked, instant, words) in [
            (
                "Europe/Berlin",
                "2026-03-29 02:30",
                "2026-03-29T01:00:00Z",
                "29 March 2026 02:30 does not exist in Europe/Berlin: clocks go from 02:00 to 03:00. It will be sent at 03:00.",
            ),
            (
                "America/New_York",
                "2026-03-08 02:00",
                "2026-03-08T07:00:00Z",
                "8 March 2026 02:00 does not exist in America/New_York: clocks go from 02:00 to 03:00. It will be sent at 03:00.",
            ),
            (
                // Half an hour, the smallest jump in use.
                "Australia/Lord_Howe",
                "2026-10-04 02:15",
                "2026-10-03T15:30:00Z",
                "4 October 2026 02:15 does not exist in Australia/Lord_Howe: clocks go from 02:00 to 02:30. It will be sent at 02:30.",
            ),
            (
                // A whole day, when Samoa changed sides of the date line.
                "Pacific/Apia",
                "2011-12-30 09:00",
                "2011-12-30T10:00:00Z",
                "30 December 2011 09:00 does not exist in Pacific/Apia: clocks go from 30 December 00:00 to 31 December 00:00. It will be sent then.",
            ),
        ] {
            let (asked, zone): (_, Tz) = (local(asked), zone.parse().unwrap());
            let resolved = resolve(asked, zone);
            assert!(matches!(resolved, Resolved::Skipped { .. }), "{resolved:?}");
            assert_eq!(resolved.instant(), instant.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(resolved.explanation(asked, zone).as_deref(), Some(words));
        }
    }

    #[test]
    fn a_time_that_happens_twice_is_the_first_and_says_so() {
        for (zone, asked, instant, words) in [
            (
                "Europe/Berlin",
                "2026-10-25 02:30",
                "2026-10-25T00:30:00Z",
                "25 October 2026 02:30 happens twice in Europe/Berlin, because clocks go back: at 00:30 and at 01:30 UTC. The first is used.",
            ),
            (
                "America/New_York",
                "2026-11-01 01:00",
                "2026-11-01T05:00:00Z",
                "1 November 2026 01:00 happens twice in America/New_York, because clocks go back: at 05:00 and at 06:00 UTC. The first is used.",
            ),
        ] {
            let (asked, zone): (_, Tz) = (local(asked), zone.parse().unwrap());
            let resolved = resolve(asked, zone);
            assert!(matches!(resolved, Resolved::Doubled { .. }), "{resolved:?}");
            assert_eq!(resolved.instant(), instant.parse::<DateTime<Utc>>().unwrap());
            assert_eq!(resolved.explanation(asked, zone).as_deref(), Some(words));
        }
    }

    #[test]
    fn what_a_browser_posts_is_read_and_slips_are_refused() {
        assert_eq!(parse_entry("2026-06-01", "09:00"), Ok(local("2026-06-01 09:00")));
        assert_eq!(
            parse_entry(" 2026-06-01", "09:00:00 "),
            Ok(local("2026-06-01 09:00"))
        );
        for date in [
            "",
            "1.6.2026",
            "2026-02-30",
            "20266-06-01",
            "+026-06-01",
            "2026-6-1",
        ] {
            assert_eq!(parse_entry(date, "09:00"), Err(EntryError::Date), "{date}");
        }
        for time in ["", "9", "24:00", "09:60", "9 am"] {
            assert_eq!(parse_entry("2026-06-01", time), Err(EntryError::Time), "{time}");
        }
    }

    #[test]
    fn the_past_and_the_far_future_are_refused() {
        let now: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().unwrap();
        let berlin = chrono_tz::Europe::Berlin;
        let past = refusal(now - TimeDelta::seconds(1), now, berlin).unwrap();
        assert!(
            past.contains("in Europe/Berlin it is 2 March 2026, 09:00 now"),
            "{past}"
        );
        assert!(refusal(now, now, berlin).is_some());
        assert_eq!(refusal(now + TimeDelta::seconds(1), now, berlin), None);
        assert_eq!(refusal(now + TimeDelta::days(365), now, berlin), None);
        let far = refusal(now + TimeDelta::days(40 * 365), now, berlin).unwrap();
        assert!(far.contains("Check the year"), "{far}");
    }

    fn zones() -> impl Strategy<Value = Tz> {
        (0..chrono_tz::TZ_VARIANTS.len()).prop_map(|index| chrono_tz::TZ_VARIANTS[index])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn nothing_is_sent_before_the_clocks_show_what_was_asked_nor_later_than_it_must(
            zone in zones(),
            minute in 0_i64..60 * 24 * 366 * 30,
        ) {
            let asked = local("2010-01-01 00:00") + TimeDelta::minutes(minute);
            let resolved = resolve(asked, zone);
            let shown = wall(resolved.instant(), zone);
            match resolved {
                Resolved::Once(_) => prop_assert_eq!(shown, asked),
                Resolved::Doubled { first, second } => {
                    prop_assert!(first < second);
                    prop_assert_eq!(wall(first, zone), asked);
                    prop_assert_eq!(wall(second, zone), asked);
                }
                Resolved::Skipped { before, after, moved_to } => {
                    prop_assert!(before <= asked && asked < after);
                    prop_assert_eq!(shown, after);
                    prop_assert!(wall(moved_to - TimeDelta::seconds(1), zone) < asked);
                }
            }
            prop_assert_eq!(resolved.explanation(asked, zone).is_none(), matches!(resolved, Resolved::Once(_)));
        }

        #[test]
        fn an_instant_shown_in_a_zone_is_found_again(zone in zones(), second in 1_300_000_000_i64..2_200_000_000) {
            let at = DateTime::from_timestamp(second, 0).unwrap();
            let found = match resolve(wall(at, zone), zone) {
                Resolved::Once(found) => found == at,
                Resolved::Doubled { first, second } => first == at || second == at,
                Resolved::Skipped { .. } => false,
            };
            prop_assert!(found);
        }
    }
}
