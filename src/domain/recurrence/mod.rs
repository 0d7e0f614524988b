//! When a recurring campaign goes out: an RFC 5545 rule, a first day and time on the wall clocks of
//! the campaign's zone, and days on which it does not. 09:00 stays 09:00 across daylight saving: a
//! time that the clocks skip moves to when they have jumped, one that they show twice happens
//! once, at the first.

mod days;
mod due;
mod json;
mod rule;
#[cfg(test)]
mod tests;
mod words;

pub use due::{Decision, Due, Missed, decide};
pub use json::{parse_day, write_start};
pub use rule::{End, Frequency, Nth, Rule, Until};

use super::schedule;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::collections::BTreeSet;

/// How late an occurrence is still sent after downtime, where nothing else is said.
pub const USUAL_GRACE: TimeDelta = TimeDelta::hours(12);
/// The longest grace: later than this nobody wants last week's news.
pub const LONGEST_GRACE: TimeDelta = TimeDelta::days(14);
/// Days on which it does not happen, at most.
pub const MOST_EXCEPTIONS: usize = 400;

/// A repetition, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrence {
    pub rule: Rule,
    /// The first day and time that may be one, on the wall; without it nothing ever happens.
    pub start: Option<NaiveDateTime>,
    /// Days on the wall on which nothing happens. They count towards a count all the same, as
    /// RFC 5545 §3.8.5.1 has it.
    pub exceptions: BTreeSet<NaiveDate>,
    /// How late an occurrence is still sent after downtime or a pause.
    pub grace: TimeDelta,
}

/// One time at which it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    pub at: DateTime<Utc>,
    /// What was asked for; the clocks show something else only where they skip it.
    pub local: NaiveDateTime,
}

impl Recurrence {
    /// The first occurrence after an instant. Costs the same however long ago the start is, but
    /// for a rule that ends after a count, whose occurrences have to be counted.
    pub fn next_after(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        self.after(after, zone).next().map(|found| found.at)
    }

    /// The occurrences after an instant, each later than the one before.
    pub fn after(&self, after: DateTime<Utc>, zone: Tz) -> impl Iterator<Item = Occurrence> {
        let wall = after.with_timezone(&zone).naive_local();
        let mut last = after;
        self.start
            .into_iter()
            .flat_map(move |start| self.rule.times(start, wall))
            .map(move |local| Occurrence {
                at: schedule::resolve(local, zone).instant(),
                local,
            })
            .take_while(|found| self.rule.is_before_end(found.local, found.at))
            .filter(|found| !self.exceptions.contains(&found.local.date()))
            // Two times that the clocks skip are one when they have jumped.
            .filter(move |found| {
                let is_later = found.at > last;
                last = last.max(found.at);
                is_later
            })
    }

    /// Whether it happens at an instant, exactly.
    pub fn is_at(&self, at: DateTime<Utc>, zone: Tz) -> bool {
        self.next_after(at - TimeDelta::milliseconds(1), zone) == Some(at)
    }
}
