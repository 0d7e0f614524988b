//! How long ago: one number of one unit, such as 30 days. Days and longer are the calendar's, so
//! "the last month" reaches back to the same day of the month before.

use chrono::{
    DateTime, Datelike as _, Days, Duration, LocalResult, Months, NaiveDateTime, Offset as _, TimeZone as _,
    Utc,
};
use chrono_tz::Tz;

use super::super::UnknownTerm;

super::super::terms::term!(
    /// What a time back is counted in.
    Unit {
        Minute = "minute",
        Hour = "hour",
        Day = "day",
        Week = "week",
        Month = "month",
        Year = "year",
    }
);

impl Unit {
    /// The unit of a word in the singular or plural.
    pub fn of(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        word.strip_suffix('s').unwrap_or(&word).parse().ok()
    }
}

/// A time back from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ago {
    n: u32,
    unit: Unit,
}

const HOW: &str = "write a duration with one unit, such as P30D, P6M or PT12H";

impl Ago {
    /// Refuses none, and what reaches back further than a hundred years.
    pub fn new(n: u32, unit: Unit) -> Result<Self, String> {
        let most = match unit {
            Unit::Minute | Unit::Hour => 100_000,
            Unit::Day => 36_500,
            Unit::Week => 5_200,
            Unit::Month => 1_200,
            Unit::Year => 100,
        };
        match n {
            0 => Err("write a number from 1".into()),
            n if n > most => Err(format!("at most {most} {unit}s")),
            n => Ok(Self { n, unit }),
        }
    }

    pub const fn n(self) -> u32 {
        self.n
    }

    pub const fn unit(self) -> Unit {
        self.unit
    }

    /// Reads an ISO 8601 duration of one unit: `P30D`, `P2W`, `P6M`, `P1Y`, `PT12H`, `PT30M`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (rest, is_time) = match (text.strip_prefix("PT"), text.strip_prefix('P')) {
            (Some(rest), _) => (rest, true),
            (None, Some(rest)) => (rest, false),
            (None, None) => return Err(HOW.into()),
        };
        let Some((end, letter)) = rest.char_indices().next_back() else {
            return Err(HOW.into());
        };
        let unit = match (is_time, letter) {
            (true, 'M') => Unit::Minute,
            (true, 'H') => Unit::Hour,
            (false, 'D') => Unit::Day,
            (false, 'W') => Unit::Week,
            (false, 'M') => Unit::Month,
            (false, 'Y') => Unit::Year,
            _ => return Err(HOW.into()),
        };
        let digits = &rest[..end];
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(HOW.into());
        }
        // A number too long to read is too large in any unit.
        Self::new(digits.parse().unwrap_or(u32::MAX), unit)
    }

    /// The ISO 8601 form.
    pub fn iso(self) -> String {
        let n = self.n;
        match self.unit {
            Unit::Minute => format!("PT{n}M"),
            Unit::Hour => format!("PT{n}H"),
            Unit::Day => format!("P{n}D"),
            Unit::Week => format!("P{n}W"),
            Unit::Month => format!("P{n}M"),
            Unit::Year => format!("P{n}Y"),
        }
    }

    /// `30 days`, `month`.
    pub fn words(self) -> String {
        match self.n {
            1 => self.unit.to_string(),
            n => format!("{n} {}s", self.unit),
        }
    }

    /// The instant this long before `now`. Days and longer keep the time on the wall in `zone`.
    pub fn before(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let n = self.n;
        let wall = now.with_timezone(&zone).naive_local();
        let back = match self.unit {
            Unit::Minute => return now - Duration::minutes(i64::from(n)),
            Unit::Hour => return now - Duration::hours(i64::from(n)),
            Unit::Day => wall.checked_sub_days(Days::new(u64::from(n))),
            Unit::Week => wall.checked_sub_days(Days::new(u64::from(n) * 7)),
            Unit::Month => wall.checked_sub_months(Months::new(n)),
            Unit::Year => wall.checked_sub_months(Months::new(n * 12)),
        };
        // A hundred years back are always on the calendar that chrono knows.
        at_wall(back.filter(|at| at.year() > 0).unwrap_or(wall), zone)
    }
}

/// The instant at which the clocks of a zone show a time; the first of two. A time that they skip
/// is read by the clocks from before, so a day whose midnight is skipped begins where it begins.
pub(super) fn at_wall(wall: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => {
            let before = zone.offset_from_utc_datetime(&(wall - Duration::days(1)));
            wall.and_utc() - Duration::seconds(i64::from(before.fix().local_minus_utc()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{Asia, Europe, UTC};

    #[test]
    fn a_duration_of_one_unit_is_read_and_written() {
        for text in ["P30D", "P2W", "P6M", "P1Y", "PT12H", "PT30M"] {
            assert_eq!(Ago::parse(text).unwrap().iso(), text);
        }
        for text in [
            "",
            "P",
            "PT",
            "30D",
            "P-3D",
            "P0D",
            "P1Y6M",
            "P3H",
            "PT3D",
            "P+3D",
            "P101Y",
            "P99999999999999D",
            "PxD",
            "P3é",
        ] {
            assert!(Ago::parse(text).is_err(), "{text}");
        }
        assert_eq!(Unit::of("Days"), Some(Unit::Day));
        assert_eq!(Unit::of("fortnight"), None);
    }

    #[test]
    fn days_and_longer_follow_the_calendar_of_the_zone() {
        for (ago, now, zone, then) in [
            ("P30D", "2026-03-31T10:00:00Z", UTC, "2026-03-01T10:00:00Z"),
            ("P1M", "2026-03-31T10:00:00Z", UTC, "2026-02-28T10:00:00Z"),
            ("P1Y", "2024-02-29T10:00:00Z", UTC, "2023-02-28T10:00:00Z"),
            // 12:00 in Dublin is 11:00 UTC in April and 12:00 UTC in March.
            (
                "P30D",
                "2026-04-20T11:00:00Z",
                Europe::Dublin,
                "2026-03-21T12:00:00Z",
            ),
            (
                "PT2H",
                "2026-03-29T02:00:00Z",
                Europe::Dublin,
                "2026-03-29T00:00:00Z",
            ),
            // 01:30 was skipped on 29 March in Dublin.
            (
                "P1D",
                "2026-03-30T00:30:00Z",
                Europe::Dublin,
                "2026-03-29T01:30:00Z",
            ),
            // Beirut skipped its midnight on 29 March 2026: the day began at 01:00, 28 March 22:00 UTC.
            (
                "P1D",
                "2026-03-29T21:00:00Z",
                Asia::Beirut,
                "2026-03-28T22:00:00Z",
            ),
            ("P100Y", "2026-03-31T10:00:00Z", UTC, "1926-03-31T10:00:00Z"),
        ] {
            let back = Ago::parse(ago).unwrap().before(now.parse().unwrap(), zone);
            assert_eq!(back, then.parse::<DateTime<Utc>>().unwrap(), "{ago} before {now}");
        }
    }
}
