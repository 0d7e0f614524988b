//! Days and weeks, with what is sent on them; and segments that get very much in one week.

use super::entries::Entry;
use crate::domain::schedule;
use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// From how many mails of one segment in a week on it is said.
pub const MANY: usize = 3;

/// What the calendar shows: a month in whole weeks, or one week. Weeks begin on Monday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// By its first day.
    Month(NaiveDate),
    /// By its Monday.
    Week(NaiveDate),
}

impl View {
    /// What an address asks for, `month=2026-03` or `week=2026-03-04`; else the month of `today`.
    pub fn parse(month: &str, week: &str, today: NaiveDate) -> Self {
        let is_near = |day: &NaiveDate| (1970..=2200).contains(&day.year());
        let day = NaiveDate::parse_from_str(week, "%Y-%m-%d").ok().filter(is_near);
        if let Some(day) = day {
            return Self::Week(monday(day));
        }
        let first = NaiveDate::parse_from_str(&format!("{month}-01"), "%Y-%m-%d")
            .ok()
            .filter(is_near);
        Self::Month(first.unwrap_or_else(|| today.with_day(1).unwrap_or(today)))
    }

    /// The days that are shown: whole weeks, `to` is the Monday behind them.
    pub fn days(self) -> (NaiveDate, NaiveDate) {
        match self {
            Self::Week(monday) => (monday, monday + Days::new(7)),
            Self::Month(first) => {
                let next = first + Months::new(1);
                let from = monday(first);
                let to = monday(next - Days::new(1)) + Days::new(7);
                (from, to)
            }
        }
    }

    pub fn before(self) -> Self {
        match self {
            Self::Week(monday) => Self::Week(monday - Days::new(7)),
            Self::Month(first) => Self::Month(first - Months::new(1)),
        }
    }

    pub fn after(self) -> Self {
        match self {
            Self::Week(monday) => Self::Week(monday + Days::new(7)),
            Self::Month(first) => Self::Month(first + Months::new(1)),
        }
    }

    pub fn title(self) -> String {
        match self {
            Self::Month(first) => first.format("%B %Y").to_string(),
            Self::Week(monday) => {
                let sunday = monday + Days::new(6);
                format!("{} – {}", monday.format("%-d %b"), sunday.format("%-d %b %Y"))
            }
        }
    }

    pub fn url(self) -> String {
        match self {
            Self::Month(first) => format!("/calendar?month={}", first.format("%Y-%m")),
            Self::Week(monday) => format!("/calendar?week={monday}"),
        }
    }

    /// The same days seen the other way.
    pub fn month(self) -> Self {
        match self {
            Self::Week(monday) => {
                let thursday = monday + Days::new(3);
                Self::Month(thursday.with_day(1).unwrap_or(thursday))
            }
            month => month,
        }
    }

    pub fn week(self, today: NaiveDate) -> Self {
        match self {
            Self::Month(first) if (first.year(), first.month()) == (today.year(), today.month()) => {
                Self::Week(monday(today))
            }
            Self::Month(first) => Self::Week(monday(first)),
            week => week,
        }
    }

    pub fn is_week(self) -> bool {
        matches!(self, Self::Week(_))
    }
}

pub fn monday(day: NaiveDate) -> NaiveDate {
    day - Days::new(day.weekday().num_days_from_monday().into())
}

/// The instant at which a day begins in a zone.
pub fn begins(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    schedule::resolve(day.and_time(NaiveTime::MIN), zone).instant()
}

/// A day with what is sent on it.
pub struct Day {
    pub date: NaiveDate,
    /// Whether it is one of the month that is shown.
    pub is_inside: bool,
    pub is_today: bool,
    pub entries: Vec<Entry>,
}

/// The weeks of a view, seven days each.
pub fn weeks(view: View, entries: Vec<Entry>, zone: Tz, today: NaiveDate) -> Vec<Vec<Day>> {
    let (from, to) = view.days();
    let mut by_day: BTreeMap<NaiveDate, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        by_day
            .entry(entry.at.with_timezone(&zone).date_naive())
            .or_default()
            .push(entry);
    }
    let is_inside = |day: NaiveDate| match view {
        View::Week(_) => true,
        View::Month(first) => (day.year(), day.month()) == (first.year(), first.month()),
    };
    let days: Vec<NaiveDate> = from.iter_days().take_while(|day| *day < to).collect();
    let day = |date: NaiveDate, entries: Vec<Entry>| Day {
        date,
        is_inside: is_inside(date),
        is_today: date == today,
        entries,
    };
    days.chunks(7)
        .map(|week| {
            week.iter()
                .map(|date| day(*date, by_day.remove(date).unwrap_or_default()))
                .collect()
        })
        .collect()
}

/// A segment that gets many mails in a week.
#[derive(Debug, PartialEq, Eq)]
pub struct Crowd {
    pub segment: String,
    pub monday: NaiveDate,
    /// The campaigns' names, in the order of time.
    pub campaigns: Vec<String>,
}

/// Segments that get `MANY` or more in a week that is not over. Exactly the same segment is
/// compared: people who are in several are not known without asking for everyone.
pub fn crowds(weeks: &[Vec<Day>], today: NaiveDate) -> Vec<Crowd> {
    let mut crowds = Vec::new();
    for week in weeks {
        let (Some(first), Some(last)) = (week.first(), week.last()) else {
            continue;
        };
        if last.date < today {
            continue;
        }
        let mut by_segment: BTreeMap<i64, Vec<&Entry>> = BTreeMap::new();
        for entry in week
            .iter()
            .flat_map(|day| &day.entries)
            .filter(|entry| entry.is_marketing())
        {
            if let Some(segment) = entry.campaign.segment_id {
                by_segment.entry(segment).or_default().push(entry);
            }
        }
        for entries in by_segment.into_values().filter(|entries| entries.len() >= MANY) {
            crowds.push(Crowd {
                segment: entries[0].segment.clone().unwrap_or_else(|| "A segment".into()),
                monday: first.date,
                campaigns: entries.iter().map(|entry| entry.campaign.name.clone()).collect(),
            });
        }
    }
    crowds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_view_shows_whole_weeks() {
        let today = day("2026-03-04");
        for (month, week, from, to, title) in [
            ("2026-03", "", "2026-02-23", "2026-04-06", "March 2026"),
            ("2027-02", "", "2027-02-01", "2027-03-01", "February 2027"),
            ("", "", "2026-02-23", "2026-04-06", "March 2026"),
            ("x", "y", "2026-02-23", "2026-04-06", "March 2026"),
            ("0001-01", "", "2026-02-23", "2026-04-06", "March 2026"),
            (
                "2026-03",
                "2026-03-04",
                "2026-03-02",
                "2026-03-09",
                "2 Mar – 8 Mar 2026",
            ),
        ] {
            let view = View::parse(month, week, today);
            assert_eq!(view.days(), (day(from), day(to)), "{month} {week}");
            assert_eq!(view.title(), title);
            assert_eq!(view.before().after(), view);
        }
        assert_eq!(
            View::parse("2026-12", "", today).after().url(),
            "/calendar?month=2027-01"
        );
        assert_eq!(
            View::parse("", "2026-03-04", today).month().url(),
            "/calendar?month=2026-03"
        );
        assert_eq!(
            View::parse("", "", today).week(today).url(),
            "/calendar?week=2026-03-02"
        );
    }

    #[test]
    fn a_day_begins_when_its_clocks_do() {
        assert_eq!(
            begins(day("2026-03-04"), chrono_tz::Africa::Johannesburg).to_rfc3339(),
            "2026-03-03T22:00:00+00:00"
        );
        // Cairo skips midnight when summer time begins.
        assert_eq!(
            begins(day("2026-04-24"), chrono_tz::Africa::Cairo).to_rfc3339(),
            "2026-04-23T22:00:00+00:00"
        );
    }
}
