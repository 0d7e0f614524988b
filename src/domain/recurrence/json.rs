//! `{rule, start, exceptions, grace}`, as the JSON API takes it and the database keeps it.

use super::rule::Rule;
use super::{LONGEST_GRACE, MOST_EXCEPTIONS, Recurrence, USUAL_GRACE};
use crate::domain::goal::{parse_window, write_window};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A field, by its whole name, and what is wrong with it.
pub type Problem = (&'static str, String);

const FIELDS: [&str; 6] = ["rule", "start", "exceptions", "grace", "until", "count"];

impl Recurrence {
    /// Reads a recurrence. `until` (a day) and `count` may stand beside the rule instead of in it.
    ///
    /// # Errors
    /// Everything that is wrong, each under its field.
    pub fn parse(json: &Value) -> Result<Self, Vec<Problem>> {
        let Value::Object(fields) = json else {
            let text = "This is an object such as {\"rule\": \"FREQ=WEEKLY;BYDAY=TU,FR\", \"start\": \"2026-06-02T09:00\"}.";
            return Err(vec![("recurrence", text.into())]);
        };
        let mut problems = Vec::new();
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            problems.push((
                "recurrence",
                format!("A recurrence has rule, start, exceptions and grace, and no “{unknown}”."),
            ));
        }
        let rule = collect(&mut problems, rule(fields));
        let start = collect(&mut problems, start(fields)).flatten();
        let exceptions = collect(&mut problems, exceptions(fields));
        let grace = collect(&mut problems, grace(fields));
        match (rule, exceptions, grace) {
            (Some(rule), Some(exceptions), Some(grace)) if problems.is_empty() => Ok(Self {
                rule,
                start,
                exceptions,
                grace,
            }),
            _ => Err(problems),
        }
    }

    /// What `parse` reads.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("rule".into(), json!(self.rule.text()));
        if let Some(start) = self.start {
            fields.insert("start".into(), json!(write_start(start)));
        }
        let days: Vec<_> = self.exceptions.iter().map(NaiveDate::to_string).collect();
        fields.insert("exceptions".into(), json!(days));
        fields.insert("grace".into(), json!(write_window(self.grace)));
        Value::Object(fields)
    }
}

/// `2026-06-02T09:00`
pub fn write_start(start: NaiveDateTime) -> String {
    start.format("%Y-%m-%dT%H:%M").to_string()
}

fn collect<T>(problems: &mut Vec<Problem>, read: Result<T, Problem>) -> Option<T> {
    read.map_err(|problem| problems.push(problem)).ok()
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn rule(fields: &Map<String, Value>) -> Result<Rule, Problem> {
    let written = match text(fields, "rule") {
        Some(Value::String(rule)) => rule.trim().trim_end_matches(';').to_owned(),
        _ => {
            let text = "Write the rule as RFC 5545 has it, such as FREQ=WEEKLY;BYDAY=TU,FR.";
            return Err(("recurrence.rule", text.into()));
        }
    };
    let mut whole = written;
    if let Some(until) = text(fields, "until") {
        let day = until.as_str().and_then(parse_day);
        let day = day.ok_or((
            "recurrence.until",
            "Write the last day as year-month-day, such as 2026-12-31.".into(),
        ))?;
        whole += &format!(";UNTIL={}", day.format("%Y%m%d"));
    }
    if let Some(count) = text(fields, "count") {
        let count = count.as_u64().ok_or((
            "recurrence.count",
            "This is a number, how often it happens in all.".into(),
        ))?;
        whole += &format!(";COUNT={count}");
    }
    Rule::parse(&whole).map_err(|sentence| ("recurrence.rule", sentence))
}

fn start(fields: &Map<String, Value>) -> Result<Option<NaiveDateTime>, Problem> {
    let Some(start) = text(fields, "start") else {
        return Ok(None);
    };
    let read = start.as_str().and_then(parse_start);
    read.map(Some).ok_or((
        "recurrence.start",
        "Write the first day and time in the campaign’s zone, without an offset, such as 2026-06-02T09:00."
            .into(),
    ))
}

/// A day and time on the wall, to the minute.
fn parse_start(text: &str) -> Option<NaiveDateTime> {
    let (date, time) = text.trim().split_once('T')?;
    let start = crate::domain::schedule::parse_entry(date, time).ok()?;
    use chrono::Timelike as _;
    start.with_second(0)
}

/// `2026-12-16`
pub fn parse_day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let is_plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|_| is_plain)
}

fn exceptions(fields: &Map<String, Value>) -> Result<BTreeSet<NaiveDate>, Problem> {
    let field = "recurrence.exceptions";
    let list = match text(fields, "exceptions") {
        None => return Ok(BTreeSet::new()),
        Some(Value::Array(list)) if list.len() <= MOST_EXCEPTIONS => list,
        Some(Value::Array(_)) => return Err((field, format!("At most {MOST_EXCEPTIONS} days."))),
        Some(_) => return Err((field, "This is a list of days such as [\"2026-12-16\"].".into())),
    };
    list.iter()
        .map(|day| {
            day.as_str().and_then(parse_day).ok_or_else(|| {
                let shown = day.as_str().map_or_else(|| day.to_string(), str::to_owned);
                (
                    field,
                    format!("“{shown}” is no day. Write it as year-month-day, such as 2026-12-16."),
                )
            })
        })
        .collect()
}

fn grace(fields: &Map<String, Value>) -> Result<TimeDelta, Problem> {
    let read = match text(fields, "grace") {
        None => return Ok(USUAL_GRACE),
        Some(grace) => grace.as_str().and_then(|text| parse_window(text).ok()),
    };
    read.filter(|grace| *grace <= LONGEST_GRACE).ok_or((
        "recurrence.grace",
        "Write how late it may still be sent as days or hours, such as PT12H or P1D, at most P14D.".into(),
    ))
}
