//! What a condition on time asks for, as a half-open span: the one reading that both evaluators
//! share.

use super::ago::at_wall;
use super::{Condition, Op, Operand};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

/// From an instant on, up to but not including another, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstantSpan {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// From a day on, up to but not including another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySpan {
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

impl InstantSpan {
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        let at = at.timestamp_millis();
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

impl DaySpan {
    /// Dates compare as their text, so this holds for any text in the shape of a date.
    pub fn contains(&self, date: &str) -> bool {
        self.from.is_none_or(|from| from.to_string().as_str() <= date)
            && self.to.is_none_or(|to| date < to.to_string().as_str())
    }
}

impl Condition {
    /// The instants that the condition asks for; `None` where it does not ask for any.
    pub fn instants(&self, now: DateTime<Utc>, zone: Tz) -> Option<InstantSpan> {
        let (from, to) = match self.value {
            Operand::Ago(ago) => (ago.before(now, zone), now + chrono::Duration::milliseconds(1)),
            Operand::Date(date) => {
                let midnight = |date: NaiveDate| at_wall(date.and_time(NaiveTime::MIN), zone);
                (midnight(date), midnight(date.succ_opt().unwrap_or(date)))
            }
            Operand::Instant(at) => (at, at + chrono::Duration::milliseconds(1)),
            _ => return None,
        };
        let (from, to) = (from.timestamp_millis(), to.timestamp_millis());
        let (from, to) = self.beside(from, to)?;
        Some(InstantSpan { from, to })
    }

    /// The days that the condition asks for; `None` where it does not ask for any.
    pub fn days(&self, now: DateTime<Utc>, zone: Tz) -> Option<DaySpan> {
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
        let (from, last) = match self.value {
            Operand::Ago(ago) => (day(ago.before(now, zone)), day(now)),
            Operand::Date(date) => (date, date),
            _ => return None,
        };
        let (from, to) = self.beside(from, last.succ_opt().unwrap_or(last))?;
        Some(DaySpan { from, to })
    }

    /// The span itself, or what lies before or after it, as the operation says.
    fn beside<T>(&self, from: T, to: T) -> Option<(Option<T>, Option<T>)> {
        Some(match self.op {
            Op::WithinLast | Op::Eq => (Some(from), Some(to)),
            Op::Before | Op::Lt => (None, Some(from)),
            Op::Lte => (None, Some(to)),
            Op::After | Op::Gt => (Some(to), None),
            Op::Gte => (Some(from), None),
            _ => return None,
        })
    }
}
