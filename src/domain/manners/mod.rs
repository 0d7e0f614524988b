//! Good manners: when a club does not write to people, how often it does at most, and how long a
//! send can be taken back. All of it concerns marketing; transactional messages go out at once.

mod hours;
pub mod pacing;
mod plan;

pub use hours::Hours;
pub use pacing::Pacing;
pub use plan::{Pause, Plan};

use super::{Channel, schedule};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// The longest hold, in seconds: whoever waits longer wants to schedule.
pub const LONGEST_HOLD: u32 = 300;
/// How many holidays are kept.
pub const MOST_HOLIDAYS: usize = 200;
/// The longest name of a holiday, in characters.
pub const LONGEST_HOLIDAY: usize = 100;
/// The most messages that a cap may allow, and the most days that it may look back.
pub const LARGEST_CAP: Cap = Cap {
    most: 1_000,
    days: 365,
};

/// The club's manners: a part of its settings, and `sending` in the JSON API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Manners {
    /// How long a campaign that staff send at once can be taken back. What a program schedules
    /// is not held.
    pub hold_seconds: u32,
    /// When nothing marketing goes out on a channel, by the clocks where each person is.
    #[serde(deserialize_with = "without_nulls")]
    pub quiet_hours: BTreeMap<Channel, Hours>,
    pub holidays: Vec<Holiday>,
    /// Whether nothing marketing goes out on the holidays.
    pub rest_on_holidays: bool,
    /// How much marketing a person gets at most, on each channel by itself.
    #[serde(deserialize_with = "without_nulls")]
    pub frequency_caps: BTreeMap<Channel, Cap>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            hold_seconds: 10,
            quiet_hours: BTreeMap::new(),
            holidays: Vec::new(),
            rest_on_holidays: true,
            frequency_caps: BTreeMap::new(),
        }
    }
}

/// A day on which the club rests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    pub date: NaiveDate,
    #[serde(default)]
    pub name: String,
}

/// At most `most` messages in `days` days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    pub most: u32,
    pub days: u32,
}

impl Cap {
    /// What was sent since then counts.
    pub fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let span = TimeDelta::days(i64::from(self.days));
        now.checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// `at most 3 messages in 7 days`
    pub fn words(self) -> String {
        let messages = match self.most {
            1 => "1 message".to_owned(),
            most => format!("{most} messages"),
        };
        match self.days {
            1 => format!("at most {messages} a day"),
            days => format!("at most {messages} in {days} days"),
        }
    }
}

/// `null` in the JSON API takes an entry away, as a merge patch does.
fn without_nulls<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    field: D,
) -> Result<BTreeMap<Channel, T>, D::Error> {
    let entries = Option::<BTreeMap<Channel, Option<T>>>::deserialize(field)?.unwrap_or_default();
    Ok(entries
        .into_iter()
        .filter_map(|(channel, entry)| Some((channel, entry?)))
        .collect())
}

impl Manners {
    /// The manners in order, or what is wrong with them: the field's name below `sending`, and a
    /// sentence.
    pub fn checked(mut self) -> Result<Self, Vec<(String, String)>> {
        let mut wrong = Vec::new();
        if self.hold_seconds > LONGEST_HOLD {
            wrong.push((
                "holdSeconds".to_owned(),
                format!("At most {LONGEST_HOLD} seconds. To send later, schedule the campaign."),
            ));
        }
        for (channel, cap) in &self.frequency_caps {
            let field = format!("frequencyCaps.{channel}");
            if !(1..=LARGEST_CAP.most).contains(&cap.most) {
                wrong.push((field.clone(), "Between 1 and 1,000 messages.".to_owned()));
            }
            if !(1..=LARGEST_CAP.days).contains(&cap.days) {
                wrong.push((field, "Between 1 and 365 days.".to_owned()));
            }
        }
        for holiday in &mut self.holidays {
            holiday.name = holiday.name.trim().to_owned();
            let is_plain = !holiday.name.chars().any(char::is_control);
            if holiday.name.chars().count() > LONGEST_HOLIDAY || !is_plain {
                wrong.push((
                    "holidays".to_owned(),
                    format!("A holiday’s name is a line of at most {LONGEST_HOLIDAY} characters."),
                ));
            }
        }
        self.holidays.sort();
        self.holidays.dedup_by_key(|holiday| holiday.date);
        if self.holidays.len() > MOST_HOLIDAYS {
            wrong.push((
                "holidays".to_owned(),
                format!("At most {MOST_HOLIDAYS} holidays are kept; take past ones away."),
            ));
        }
        match wrong.is_empty() {
            true => Ok(self),
            false => Err(wrong),
        }
    }

    /// Whether anything keeps marketing back on a channel at some time.
    pub fn has_pauses(&self, channel: Channel) -> bool {
        self.quiet_hours.contains_key(&channel) || (self.rest_on_holidays && !self.holidays.is_empty())
    }

    /// The club's cap on a channel.
    pub fn cap(&self, channel: Channel) -> Option<Cap> {
        self.frequency_caps.get(&channel).copied()
    }

    /// The holiday that a day is, where the club rests on it.
    pub fn holiday(&self, day: NaiveDate) -> Option<&Holiday> {
        let found = self.holidays.iter().find(|holiday| holiday.date == day);
        found.filter(|_| self.rest_on_holidays)
    }

    /// Until when nothing marketing goes out on a channel to somebody in a zone; `None` where it
    /// may go out at `at`.
    pub fn quiet_until(&self, channel: Channel, zone: Tz, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.next_open(channel, zone, at);
        (next > at).then_some(next)
    }

    /// The first instant, not before `at`, at which the clocks where the person is show neither
    /// quiet hours nor a holiday.
    pub fn next_open(&self, channel: Channel, zone: Tz, at: DateTime<Utc>) -> DateTime<Utc> {
        let mut at = at;
        // Each step leaves a night or a holiday behind; there are no more than these in a row.
        for _ in 0..2 * self.holidays.len() + 4 {
            match self.step(channel, zone, at) {
                Some(later) if later > at => at = later,
                _ => break,
            }
        }
        at
    }

    /// When the quiet hours or the holiday that it is at `at` end.
    fn step(&self, channel: Channel, zone: Tz, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let wall = at.with_timezone(&zone).naive_local();
        if self.holiday(wall.date()).is_some() {
            let next_day = wall.date().checked_add_days(Days::new(1))?;
            return Some(first_after(next_day.and_time(NaiveTime::MIN), zone, at));
        }
        let hours = self.quiet_hours.get(&channel)?;
        let end = hours.end(wall)?;
        Some(first_after(end, zone, at))
    }
}

/// The first instant after `at` at which the clocks show `wall`. When they are set back and show
/// it twice, quiet hours that ended may begin again, so it may be the second.
fn first_after(wall: chrono::NaiveDateTime, zone: Tz, at: DateTime<Utc>) -> DateTime<Utc> {
    match schedule::resolve(wall, zone) {
        schedule::Resolved::Doubled { first, second } if first <= at => second,
        resolved => resolved.instant(),
    }
}

#[cfg(test)]
mod tests;
