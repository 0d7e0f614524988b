//! How long a step waits: days of the calendar and minutes of the clock.

use super::super::schedule::resolve;
use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;

/// The longest wait, in days.
const LONGEST: u32 = 730;

/// Some days, and some minutes after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub days: u32,
    pub minutes: u32,
}

const HOW: &str = "Write how long as days, hours or minutes, such as P3D, PT12H or PT30M, at most two years.";

impl Span {
    /// Reads an ISO 8601 duration of weeks, days, hours and minutes.
    ///
    /// # Errors
    /// A sentence about how it is written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || HOW.to_owned();
        let rest = text.trim().strip_prefix('P').ok_or_else(refuse)?;
        let (days, minutes) = match rest.split_once('T') {
            Some((_, "")) => return Err(refuse()),
            Some(parts) => parts,
            None => (rest, ""),
        };
        let days = sum(days, &[('W', 7), ('D', 1)]).ok_or_else(refuse)?;
        let minutes = sum(minutes, &[('H', 60), ('M', 1)]).ok_or_else(refuse)?;
        Self { days, minutes }.checked().ok_or_else(refuse)
    }

    /// A number of a unit: `minute`, `hour`, `day` or `week`.
    ///
    /// # Errors
    /// A sentence about how it is written.
    pub fn of(number: &str, unit: &str) -> Result<Self, String> {
        let refuse = || "Write how many, from 1; two years are the longest.".to_owned();
        let number: u32 = number.trim().parse().map_err(|_| refuse())?;
        let (days, minutes) = match unit {
            "minute" => (0, number),
            "hour" => (0, number.checked_mul(60).ok_or_else(refuse)?),
            "week" => (number.checked_mul(7).ok_or_else(refuse)?, 0),
            _ => (number, 0),
        };
        Self { days, minutes }.checked().ok_or_else(refuse)
    }

    fn checked(self) -> Option<Self> {
        let days = self.days.checked_add(self.minutes.div_ceil(24 * 60))?;
        (days <= LONGEST && (self.days, self.minutes) != (0, 0)).then_some(self)
    }

    /// The ISO 8601 form.
    pub fn iso(self) -> String {
        let clock = match (self.minutes / 60, self.minutes % 60) {
            (0, 0) => String::new(),
            (hours, 0) => format!("T{hours}H"),
            (0, minutes) => format!("T{minutes}M"),
            (hours, minutes) => format!("T{hours}H{minutes}M"),
        };
        match self.days {
            0 => format!("P{clock}"),
            days => format!("P{days}D{clock}"),
        }
    }

    /// One number and its unit, for a form: the greatest unit that holds it whole.
    pub const fn parts(self) -> (u32, &'static str) {
        match (self.days, self.minutes) {
            (days, 0) if days % 7 == 0 => (days / 7, "week"),
            (days, 0) => (days, "day"),
            (0, minutes) if minutes % 60 == 0 => (minutes / 60, "hour"),
            (days, minutes) => (days * 24 * 60 + minutes, "minute"),
        }
    }

    /// `3 days`, `1 hour`, `1 day and 6 hours`.
    pub fn words(self) -> String {
        let count = |number: u32, unit: &str| match number {
            1 => format!("1 {unit}"),
            number => format!("{number} {unit}s"),
        };
        let mut parts = Vec::new();
        for (number, unit) in [
            (self.days, "day"),
            (self.minutes / 60, "hour"),
            (self.minutes % 60, "minute"),
        ] {
            if number > 0 {
                parts.push(count(number, unit));
            }
        }
        match parts.as_slice() {
            [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => parts.concat(),
        }
    }

    /// The instant this long after another: the days by the calendar of the zone, so that the time
    /// on the wall stays, then the minutes by the clock. Never before `at`.
    pub fn after(self, at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let shifted = match self.days {
            0 => at,
            days => {
                let wall = at.with_timezone(&zone).naive_local();
                wall.checked_add_days(Days::new(u64::from(days)))
                    .map_or(at, |wall| resolve(wall, zone).instant())
            }
        };
        shifted.max(at) + TimeDelta::minutes(i64::from(self.minutes))
    }
}

/// The sum of numbers with their units, each unit at most once and in this order.
fn sum(mut text: &str, units: &[(char, u32)]) -> Option<u32> {
    let mut total = 0_u32;
    for (unit, factor) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            total = total.checked_add(number.parse::<u32>().ok()?.checked_mul(*factor)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}
