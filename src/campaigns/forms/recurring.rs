//! Step 4 of a campaign that repeats: how often in words, the time, the end, and the days on which
//! it does not happen. A rule that the fields cannot say stays as it was written.

use super::zone_of;
use crate::campaigns::checklist::zone;
use crate::campaigns::draft::Changes;
use crate::campaigns::recurring;
use crate::domain::goal::{parse_window, write_window};
use crate::domain::recurrence::{
    End, Frequency, LONGEST_GRACE, MOST_EXCEPTIONS, Recurrence, Rule, USUAL_GRACE, Until, parse_day,
};
use crate::domain::schedule::{self, EntryError};
use crate::entity::campaigns;
use crate::web::FormErrors;
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;
use std::collections::BTreeSet;

/// How it repeats.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RecurringForm {
    /// `daily`, `weekly`, `monthly`, or `rule`.
    pub frequency: String,
    /// Every so many days, weeks or months.
    pub every: String,
    /// `TU`, `FR`: of a week.
    pub days: Vec<String>,
    /// `day` or `weekday`: of a month.
    pub by: String,
    /// `15`, or `-1` for the last.
    #[serde(rename = "monthDay")]
    pub month_day: String,
    /// `1`, or `-1` for the last.
    pub nth: String,
    #[serde(rename = "nthDay")]
    pub nth_day: String,
    /// RFC 5545.
    pub rule: String,
    pub time: String,
    pub timezone: String,
    /// The first day that may be one.
    pub date: String,
    /// `never`, `until` or `count`.
    pub end: String,
    pub until: String,
    pub count: String,
    /// A day a line.
    pub exceptions: String,
    /// An ISO 8601 duration.
    pub grace: String,
}

/// The weekdays as rules write them, and as people do.
pub const WEEKDAYS: [(&str, &str); 7] = [
    ("MO", "Monday"),
    ("TU", "Tuesday"),
    ("WE", "Wednesday"),
    ("TH", "Thursday"),
    ("FR", "Friday"),
    ("SA", "Saturday"),
    ("SU", "Sunday"),
];
const NTHS: [(&str, &str); 5] = [
    ("1", "first"),
    ("2", "second"),
    ("3", "third"),
    ("4", "fourth"),
    ("-1", "last"),
];

fn written(day: Weekday) -> &'static str {
    WEEKDAYS[day.num_days_from_monday() as usize].0
}

/// A repetition and its zone, as they were entered.
pub struct Entered {
    pub recurrence: Recurrence,
    pub zone: Tz,
}

impl RecurringForm {
    pub fn of(campaign: &campaigns::Model, now: DateTime<Utc>) -> Self {
        match recurring::of(campaign) {
            Some(recurrence) => Self::said(&recurrence, campaign),
            None => Self::blank(campaign, now),
        }
    }

    fn blank(campaign: &campaigns::Model, now: DateTime<Utc>) -> Self {
        let today = now.with_timezone(&zone(campaign)).date_naive();
        Self {
            frequency: "weekly".into(),
            every: "1".into(),
            by: "day".into(),
            month_day: "1".into(),
            nth: "1".into(),
            nth_day: "MO".into(),
            time: "09:00".into(),
            timezone: campaign.timezone.clone(),
            date: today.to_string(),
            end: "never".into(),
            grace: write_window(USUAL_GRACE),
            ..Self::default()
        }
    }

    fn said(recurrence: &Recurrence, campaign: &campaigns::Model) -> Self {
        let rule = &recurrence.rule;
        let start = recurrence.start;
        let days: Vec<_> = recurrence.exceptions.iter().map(NaiveDate::to_string).collect();
        let mut form = Self {
            every: rule.interval.to_string(),
            by: "day".into(),
            month_day: start.map_or(1, |start| start.day()).to_string(),
            nth: "1".into(),
            nth_day: "MO".into(),
            time: start.map(|at| at.format("%H:%M").to_string()).unwrap_or_default(),
            date: start.map(|at| at.date().to_string()).unwrap_or_default(),
            timezone: campaign.timezone.clone(),
            exceptions: days.join("\n"),
            grace: write_window(recurrence.grace),
            ..Self::default()
        };
        form.say_rule(rule, start);
        form.say_end(rule);
        form
    }

    /// The fields of a rule that they can say; else the rule itself.
    fn say_rule(&mut self, rule: &Rule, start: Option<NaiveDateTime>) {
        let starts_on_monday = rule.week_start == Weekday::Mon || rule.interval == 1;
        let is_plain = rule.positions.is_empty()
            && rule.months.is_empty()
            && rule.hours.is_empty()
            && rule.minutes.is_empty()
            && starts_on_monday;
        let word = match (rule.frequency, rule.days.as_slice(), rule.month_days.as_slice()) {
            _ if !is_plain => "rule",
            (Frequency::Daily, [], []) => "daily",
            (Frequency::Weekly, days, []) => {
                let mut days: Vec<_> = days.iter().map(|day| day.day).collect();
                if days.is_empty() {
                    days.extend(start.map(|start| start.weekday()));
                }
                self.days = days.into_iter().map(|day| written(day).to_owned()).collect();
                "weekly"
            }
            (Frequency::Monthly, [], []) => "monthly",
            (Frequency::Monthly, [], [day @ (-1 | 1..)]) => {
                self.month_day = day.to_string();
                "monthly"
            }
            (Frequency::Monthly, [day], []) if matches!(day.nth, -1 | 1..=4) => {
                self.by = "weekday".into();
                self.nth = day.nth.to_string();
                self.nth_day = written(day.day).to_owned();
                "monthly"
            }
            _ => "rule",
        };
        self.frequency = word.into();
        if word == "rule" {
            self.rule = rule.without_end();
        }
    }

    fn say_end(&mut self, rule: &Rule) {
        let word = match rule.end {
            End::Never => "never",
            End::Until(Until::Day(day)) => {
                self.until = day.to_string();
                "until"
            }
            End::Count(count) => {
                self.count = count.to_string();
                "count"
            }
            // An end at an instant has no field: the rule says it.
            End::Until(_) => {
                self.frequency = "rule".into();
                self.rule = rule.text().to_owned();
                "never"
            }
        };
        self.end = word.into();
    }

    pub fn is_frequency(&self, word: &str) -> bool {
        self.frequency == word
    }

    pub fn is_by(&self, word: &str) -> bool {
        self.by == word
    }

    pub fn is_end(&self, word: &str) -> bool {
        self.end == word
    }

    pub fn has_day(&self, day: &str) -> bool {
        self.days.iter().any(|chosen| chosen == day)
    }

    /// The days of a month that the form offers.
    pub fn month_days(&self) -> Vec<(String, String)> {
        let mut days: Vec<_> = (1..=31).map(|day| (day.to_string(), format!("{day}."))).collect();
        days.push(("-1".into(), "last day".into()));
        days
    }

    pub fn nths(&self) -> Vec<(&'static str, &'static str)> {
        NTHS.to_vec()
    }

    pub fn weekdays(&self) -> Vec<(&'static str, &'static str)> {
        WEEKDAYS.to_vec()
    }

    /// The graces that the form offers, and the one that is chosen.
    pub fn graces(&self) -> Vec<(String, String)> {
        let mut graces: Vec<_> = [
            ("PT1H", "an hour"),
            ("PT6H", "6 hours"),
            ("PT12H", "12 hours"),
            ("P1D", "a day"),
            ("P3D", "3 days"),
            ("P7D", "a week"),
        ]
        .into_iter()
        .map(|(value, label)| (value.to_owned(), label.to_owned()))
        .collect();
        if !self.grace.is_empty() && !graces.iter().any(|(value, _)| *value == self.grace) {
            graces.push((self.grace.clone(), self.grace.clone()));
        }
        graces
    }

    /// What was entered, where it can be understood.
    ///
    /// # Errors
    /// Everything that is wrong, under the fields of the form.
    pub fn entered(&self) -> Result<Entered, FormErrors> {
        let mut errors = FormErrors::default();
        let zone = zone_of(&self.timezone, &mut errors);
        let rule = self.read_rule(&mut errors);
        let start = self.read_start(&mut errors);
        let exceptions = self.read_exceptions(&mut errors);
        let grace = self.read_grace(&mut errors);
        match (zone, rule, start, grace) {
            (Some(zone), Some(rule), Some(start), Some(grace)) if errors.is_empty() => Ok(Entered {
                recurrence: Recurrence {
                    rule,
                    start: Some(start),
                    exceptions,
                    grace,
                },
                zone,
            }),
            _ => Err(errors),
        }
    }

    fn read_rule(&self, errors: &mut FormErrors) -> Option<Rule> {
        let text = match self.frequency.as_str() {
            "rule" => {
                let text = self.rule.trim().trim_end_matches(';').to_owned();
                if let Err(sentence) = Rule::parse(&text) {
                    errors.add("rule", sentence);
                    return None;
                }
                text
            }
            "daily" | "weekly" | "monthly" => self.made_rule(errors)?,
            _ => {
                errors.add("frequency", "Choose how often it is sent.");
                return None;
            }
        };
        let end = match self.end.as_str() {
            "until" => match parse_day(&self.until) {
                Some(day) => format!(";UNTIL={}", day.format("%Y%m%d")),
                None => {
                    errors.add("until", "Choose the last day.");
                    return None;
                }
            },
            "count" => format!(";COUNT={}", self.count.trim()),
            _ => String::new(),
        };
        let field = match (self.end.as_str(), self.frequency.as_str()) {
            ("count", _) => "count",
            (_, "rule") => "rule",
            _ => "every",
        };
        Rule::parse(&(text + &end))
            .map_err(|sentence| errors.add(field, sentence))
            .ok()
    }

    /// The rule that the fields say, without its end.
    fn made_rule(&self, errors: &mut FormErrors) -> Option<String> {
        let every = match self.every.trim().parse::<u32>() {
            Ok(1) => String::new(),
            Ok(every @ 2..=400) => format!(";INTERVAL={every}"),
            _ => {
                errors.add("every", "This is a number from 1 to 400.");
                return None;
            }
        };
        let is_weekday = |text: &str| WEEKDAYS.iter().any(|(word, _)| *word == text);
        Some(match (self.frequency.as_str(), self.by.as_str()) {
            ("daily", _) => format!("FREQ=DAILY{every}"),
            ("weekly", _) => {
                let days: Vec<_> = WEEKDAYS
                    .iter()
                    .map(|(word, _)| *word)
                    .filter(|word| self.has_day(word))
                    .collect();
                if days.is_empty() {
                    errors.add("days", "Choose the days of the week.");
                    return None;
                }
                format!("FREQ=WEEKLY{every};BYDAY={}", days.join(","))
            }
            (_, "weekday") => {
                let is_known = NTHS.iter().any(|(word, _)| *word == self.nth);
                if !is_known || !is_weekday(&self.nth_day) {
                    errors.add("nth", "Choose which weekday of the month.");
                    return None;
                }
                format!("FREQ=MONTHLY{every};BYDAY={}{}", self.nth, self.nth_day)
            }
            _ => match self.month_day.parse::<i32>() {
                Ok(day @ (-1 | 1..=31)) => format!("FREQ=MONTHLY{every};BYMONTHDAY={day}"),
                _ => {
                    errors.add("monthDay", "Choose the day of the month.");
                    return None;
                }
            },
        })
    }

    fn read_start(&self, errors: &mut FormErrors) -> Option<NaiveDateTime> {
        schedule::parse_entry(&self.date, &self.time)
            .map_err(|error| {
                let field = match error {
                    EntryError::Date => "date",
                    EntryError::Time => "time",
                };
                errors.add(field, error.sentence());
            })
            .ok()
    }

    fn read_exceptions(&self, errors: &mut FormErrors) -> BTreeSet<NaiveDate> {
        let mut days = BTreeSet::new();
        let words = self.exceptions.split([',', ';', '\n', '\r', ' ', '\t']);
        for word in words.filter(|word| !word.is_empty()) {
            match parse_day(word) {
                Some(day) => {
                    days.insert(day);
                }
                None => {
                    let text = format!("“{word}” is no day. Write it as year-month-day, such as 2026-12-16.");
                    errors.add("exceptions", text);
                    break;
                }
            }
        }
        if days.len() > MOST_EXCEPTIONS {
            errors.add("exceptions", format!("At most {MOST_EXCEPTIONS} days."));
        }
        days
    }

    fn read_grace(&self, errors: &mut FormErrors) -> Option<TimeDelta> {
        let grace = parse_window(&self.grace).ok();
        let grace = grace.filter(|grace| *grace <= LONGEST_GRACE);
        if grace.is_none() {
            errors.add("grace", "Choose how late it may still be sent.");
        }
        grace
    }

    /// What the form changes. Everything that is wrong goes into `errors`.
    pub fn parse(&self, now: DateTime<Utc>, errors: &mut FormErrors) -> Changes {
        match self.entered() {
            Ok(Entered { recurrence, zone }) => {
                if recurrence.next_after(now, zone).is_none() {
                    errors.add("recurrence.rule", NEVER);
                }
                Changes {
                    recurrence: Some(Some(recurrence)),
                    timezone: Some(zone),
                    ..Changes::default()
                }
            }
            Err(others) => {
                errors.0.extend(others.0);
                Changes::default()
            }
        }
    }
}

/// What is said of a repetition that never happens any more.
pub const NEVER: &str = "This never happens: every such time is past, excepted or not in the calendar.";
