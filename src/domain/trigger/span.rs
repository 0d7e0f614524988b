//! A length of time as people mean it: days are the calendar's, so "two days before 09:00" is 09:00
//! also where the clocks change in between; hours and minutes are exact.

use crate::domain::schedule::resolve;
use chrono::{DateTime, Days, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// The longest, in days.
pub const LONGEST_DAYS: u32 = 366;

/// Days and minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub days: u32,
    pub minutes: u32,
}

/// How a span is written.
pub const HOW: &str =
    "Write how long as weeks, days, hours or minutes, such as P2D or PT30M, at most a year.";

impl Span {
    pub const ZERO: Self = Self { days: 0, minutes: 0 };

    pub const fn days(days: u32) -> Self {
        Self { days, minutes: 0 }
    }

    pub const fn minutes(minutes: u32) -> Self {
        Self { days: 0, minutes }
    }

    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// Reads an ISO 8601 duration of weeks, days, hours and minutes: `P2D`, `P1W`, `PT30M`,
    /// `P1DT6H`.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || HOW.to_owned();
        let rest = text.trim().strip_prefix('P').ok_or_else(refuse)?;
        let (date, time) = match rest.split_once('T') {
            Some((_, "")) => return Err(refuse()),
            Some(parts) => parts,
            None if rest.is_empty() => return Err(refuse()),
            None => (rest, ""),
        };
        let days = sum(date, &[('W', 7), ('D', 1)]).ok_or_else(refuse)?;
        let minutes = sum(time, &[('H', 60), ('M', 1)]).ok_or_else(refuse)?;
        match days.saturating_add(minutes / 1440) <= LONGEST_DAYS {
            true => Ok(Self { days, minutes }),
            false => Err(refuse()),
        }
    }

    /// The ISO 8601 form.
    pub fn iso(self) -> String {
        let time = match (self.minutes / 60, self.minutes % 60) {
            (0, 0) => String::new(),
            (hours, 0) => format!("T{hours}H"),
            (0, minutes) => format!("T{minutes}M"),
            (hours, minutes) => format!("T{hours}H{minutes}M"),
        };
        match (self.days, time.is_empty()) {
            (0, true) => "PT0M".into(),
            (0, false) => format!("P{time}"),
            (days, _) => format!("P{days}D{time}"),
        }
    }

    /// `2 days`, `a day and 6 hours`, `30 minutes`.
    pub fn words(self) -> String {
        let part = |number: u32, one: &str, many: &str| match number {
            0 => None,
            1 => Some(one.to_owned()),
            number => Some(format!("{number} {many}")),
        };
        let days = match (self.days % 7, self.days / 7) {
            (0, weeks @ 1..) => part(weeks, "a week", "weeks"),
            _ => part(self.days, "a day", "days"),
        };
        let parts: Vec<_> = [
            days,
            part(self.minutes / 60, "an hour", "hours"),
            part(self.minutes % 60, "a minute", "minutes"),
        ]
        .into_iter()
        .flatten()
        .collect();
        match parts.is_empty() {
            true => "no time".into(),
            false => parts.join(" and "),
        }
    }

    /// The instant this long after another, by the clocks of a zone.
    pub fn after(self, at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        self.shifted(at, zone, NaiveDateTime::checked_add_days) + self.rest()
    }

    /// The instant this long before another, by the clocks of a zone.
    pub fn before(self, at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        self.shifted(at, zone, NaiveDateTime::checked_sub_days) - self.rest()
    }

    fn rest(self) -> TimeDelta {
        TimeDelta::minutes(i64::from(self.minutes))
    }

    fn shifted(
        self,
        at: DateTime<Utc>,
        zone: Tz,
        shift: fn(NaiveDateTime, Days) -> Option<NaiveDateTime>,
    ) -> DateTime<Utc> {
        if self.days == 0 {
            return at;
        }
        let wall = at.with_timezone(&zone).naive_local();
        match shift(wall, Days::new(self.days.into())) {
            Some(wall) => resolve(wall, zone).instant(),
            // Beyond what a calendar holds.
            None => at,
        }
    }
}

/// The sum of whole numbers with their units, each unit at most once and in this order.
fn sum(mut text: &str, units: &[(char, u32)]) -> Option<u32> {
    let mut total = 0_u32;
    for (unit, worth) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            total = total.checked_add(number.parse::<u32>().ok()?.checked_mul(*worth)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_span_is_an_iso_8601_duration() {
        for (text, days, minutes, iso, words) in [
            ("P2D", 2, 0, "P2D", "2 days"),
            ("P1W", 7, 0, "P7D", "a week"),
            ("PT30M", 0, 30, "PT30M", "30 minutes"),
            ("PT36H", 0, 2160, "PT36H", "36 hours"),
            (
                "P1DT1H30M",
                1,
                90,
                "P1DT1H30M",
                "a day and an hour and 30 minutes",
            ),
            ("P0D", 0, 0, "PT0M", "no time"),
            ("P14D", 14, 0, "P14D", "2 weeks"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!(span, Span { days, minutes }, "{text}");
            assert_eq!(
                (span.iso().as_str(), span.words().as_str()),
                (iso, words),
                "{text}"
            );
        }
        for text in [
            "",
            "P",
            "PT",
            "2D",
            "P-2D",
            "P2",
            "P2DD",
            "P1D2W",
            "P367D",
            "PT1S",
            "P1M",
            "P2DT",
            "P4294967296D",
        ] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn days_keep_the_time_on_the_wall_and_hours_do_not() {
        let dublin = chrono_tz::Europe::Dublin;
        // The clocks go forward on 29 March 2026.
        let after: DateTime<Utc> = "2026-03-30T08:00:00Z".parse().unwrap(); // 09:00
        for (span, before) in [
            (Span::days(2), "2026-03-28T09:00:00Z"),
            (Span::minutes(48 * 60), "2026-03-28T08:00:00Z"),
            (Span { days: 1, minutes: 30 }, "2026-03-29T07:30:00Z"),
        ] {
            assert_eq!(
                span.before(after, dublin),
                before.parse::<DateTime<Utc>>().unwrap(),
                "{span:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(days in 0..LONGEST_DAYS - 2, minutes in 0_u32..2880) {
            let span = Span { days, minutes };
            prop_assert_eq!(Span::parse(&span.iso()), Ok(span));
        }
    }
}
