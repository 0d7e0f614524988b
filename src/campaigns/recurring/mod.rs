//! Recurring campaigns: which occurrences are to come, what was decided of single ones, and where
//! the repetition stands. The scheduler opens their runs.

pub mod commands;
pub mod single;
pub mod store;

use super::checklist::zone;
use crate::domain::OccurrenceState;
use crate::domain::recurrence::{Due, Occurrence, Recurrence};
use crate::entity::{campaigns, occurrences};
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// Occurrences that are looked at together. More than these are due only after a long downtime.
const AT_ONCE: usize = 500;

/// A campaign's repetition, where it has one that can be read.
pub fn of(campaign: &campaigns::Model) -> Option<Recurrence> {
    Recurrence::parse(campaign.recurrence.as_ref()?).ok()
}

/// A repetition with what was decided of its single occurrences.
pub struct Plan {
    pub recurrence: Recurrence,
    pub zone: Tz,
    /// By their original instants.
    decided: BTreeMap<DateTime<Utc>, occurrences::Model>,
}

/// An occurrence to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    pub original: DateTime<Utc>,
    /// When it is sent.
    pub at: DateTime<Utc>,
    /// What the rule has on the wall.
    pub local: NaiveDateTime,
    pub state: OccurrenceState,
    pub subject: Option<String>,
    pub template_id: Option<i64>,
}

impl Upcoming {
    pub fn is_moved(&self) -> bool {
        self.at != self.original
    }

    pub fn is_skipped(&self) -> bool {
        self.state == OccurrenceState::Skipped
    }
}

impl Plan {
    /// `rows` are those of occurrences that are not all past.
    pub fn new(
        campaign: &campaigns::Model,
        recurrence: Recurrence,
        rows: impl IntoIterator<Item = occurrences::Model>,
    ) -> Self {
        Self {
            recurrence,
            zone: zone(campaign),
            decided: rows.into_iter().map(|row| (row.original.0, row)).collect(),
        }
    }

    /// What was decided of one.
    pub fn row(&self, original: DateTime<Utc>) -> Option<&occurrences::Model> {
        self.decided.get(&original)
    }

    /// Those that were moved and are to come.
    fn moved(&self) -> impl Iterator<Item = Due> {
        self.decided.values().filter_map(|row| {
            let at = row.moved_to.filter(|_| row.state == OccurrenceState::Planned)?;
            Some(Due {
                original: row.original.0,
                at: at.0,
            })
        })
    }

    /// Whether one is to happen at the time that the rule has.
    fn is_on_time(&self, original: DateTime<Utc>) -> bool {
        self.row(original)
            .is_none_or(|row| row.state == OccurrenceState::Planned && row.moved_to.is_none())
    }

    fn by_rule(&self, after: DateTime<Utc>) -> impl Iterator<Item = Occurrence> {
        self.recurrence.after(after, self.zone)
    }

    /// Those that are due at `now`, and how far the rule was read for them: where very many are,
    /// not to the end.
    pub fn due(&self, reached: DateTime<Utc>, now: DateTime<Utc>) -> (Vec<Due>, DateTime<Utc>) {
        let passed: Vec<_> = self
            .by_rule(reached)
            .map(|found| found.at)
            .take_while(|at| *at <= now)
            .take(AT_ONCE)
            .collect();
        let read = match passed.last() {
            Some(last) if passed.len() == AT_ONCE => *last,
            _ => now.max(reached),
        };
        let on_time = passed
            .into_iter()
            .filter(|at| self.is_on_time(*at))
            .map(|at| Due { original: at, at });
        let moved = self.moved().filter(|due| due.at <= now);
        (on_time.chain(moved).collect(), read)
    }

    /// When the next one is to be sent, of those after `reached` and those that were moved.
    pub fn next_at(&self, reached: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let by_rule = self
            .by_rule(reached)
            .map(|found| found.at)
            .find(|at| self.is_on_time(*at));
        let moved = self.moved().map(|due| due.at).min();
        [by_rule, moved].into_iter().flatten().min()
    }

    /// When the next one after `now` is to be sent, whatever is due already.
    pub fn next_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let by_rule = self
            .by_rule(now)
            .map(|found| found.at)
            .find(|at| self.is_on_time(*at));
        let moved = self.moved().map(|due| due.at).filter(|at| *at > now).min();
        [by_rule, moved].into_iter().flatten().min()
    }

    /// The next so many, in the order in which they are sent, with those that are skipped.
    pub fn upcoming(&self, now: DateTime<Utc>, number: usize) -> Vec<Upcoming> {
        let is_to_come = |found: &Occurrence| match self.row(found.at) {
            Some(row) => matches!(row.state, OccurrenceState::Planned | OccurrenceState::Skipped),
            None => true,
        };
        let mut list: Vec<_> = self
            .by_rule(now)
            .filter(is_to_come)
            .take(number)
            .map(|found| self.said(found.at, found.local))
            .collect();
        // One that was put off may be of a time that is past.
        let put_off = self.moved().filter(|due| due.original <= now).map(|due| {
            let local = due.original.with_timezone(&self.zone).naive_local();
            self.said(due.original, local)
        });
        list.extend(put_off);
        list.sort_by_key(|one| (one.at, one.original));
        list.truncate(number);
        list
    }

    fn said(&self, original: DateTime<Utc>, local: NaiveDateTime) -> Upcoming {
        let row = self.row(original);
        Upcoming {
            original,
            at: row.and_then(|row| row.moved_to).map_or(original, |at| at.0),
            local,
            state: row.map_or(OccurrenceState::Planned, |row| row.state),
            subject: row.and_then(|row| row.subject.clone()),
            template_id: row.and_then(|row| row.template_id),
        }
    }
}
