//! JSON to a rule, or everything that is wrong with it at once, each with its path:
//! `all[1].value: …`.

use super::ago::{Ago, Unit};
use super::{
    Condition, DEEPEST, Field, Kind, LONGEST_CHAIN, LONGEST_LIST, LONGEST_TEXT, MOST_CONDITIONS,
    MOST_RESOLVED, MOST_VALUES, Op, Operand, Rule,
};
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use serde_json::{Map, Value};

/// What is wrong at one place of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The group's word and the place in it, from the root on.
    pub at: Vec<(&'static str, usize)>,
    /// `field`, `op` or `value`; empty for a rule as a whole.
    pub part: &'static str,
    pub message: String,
}

impl RuleError {
    /// `all[1].value`; empty for the rule as a whole.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for (word, place) in &self.at {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&format!("{word}[{place}]"));
        }
        if !path.is_empty() && !self.part.is_empty() {
            path.push('.');
        }
        path + self.part
    }
}

impl std::fmt::Display for RuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path() {
            path if path.is_empty() => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

/// Everything that is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleErrors(pub Vec<RuleError>);

impl std::fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("; ")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}

impl Rule {
    /// Reads a rule.
    pub fn parse(json: &Value) -> Result<Self, RuleErrors> {
        Self::read(json, Reader::default())
    }

    /// Reads a rule in which others stand in the place of their names: deeper and longer than one
    /// that somebody writes.
    pub fn parse_resolved(json: &Value) -> Result<Self, RuleErrors> {
        let reader = Reader {
            is_resolved: true,
            ..Reader::default()
        };
        Self::read(json, reader)
    }

    fn read(json: &Value, mut reader: Reader) -> Result<Self, RuleErrors> {
        let rule = reader.rule(json, 1);
        if reader.values > MOST_VALUES {
            reader.at.clear();
            reader.refuse(
                "",
                format!("A rule has at most {MOST_VALUES} values in all its lists."),
            );
        }
        match rule {
            Some(rule) if reader.errors.is_empty() => Ok(rule),
            _ => Err(RuleErrors(reader.errors)),
        }
    }
}

/// No more errors than a person reads.
const MOST_ERRORS: usize = 50;

#[derive(Default)]
struct Reader {
    at: Vec<(&'static str, usize)>,
    errors: Vec<RuleError>,
    groups: usize,
    conditions: usize,
    values: usize,
    is_resolved: bool,
}

impl Reader {
    /// How many conditions, and how many groups, there may be.
    fn most(&self) -> usize {
        match self.is_resolved {
            true => 2 * MOST_RESOLVED,
            false => MOST_CONDITIONS,
        }
    }

    fn deepest(&self) -> usize {
        match self.is_resolved {
            true => (DEEPEST + 1) * (LONGEST_CHAIN + 1),
            false => DEEPEST,
        }
    }

    fn refuse(&mut self, part: &'static str, message: impl Into<String>) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(RuleError {
                at: self.at.clone(),
                part,
                message: message.into(),
            });
        }
    }

    fn rule(&mut self, json: &Value, depth: usize) -> Option<Rule> {
        let Value::Object(object) = json else {
            self.refuse(
                "",
                "A rule is an object: {\"all\": […]}, {\"any\": […]}, {\"none\": […]} or {\"field\", \"op\", \"value\"}.",
            );
            return None;
        };
        type Make = fn(Vec<Rule>) -> Rule;
        let groups: [(&'static str, Make); 3] =
            [("all", Rule::All), ("any", Rule::Any), ("none", Rule::None)];
        match groups.into_iter().find(|(word, _)| object.contains_key(*word)) {
            Some((word, make)) => self.group(object, word, depth).map(make),
            None => self.condition(object).map(Rule::Condition),
        }
    }

    fn group(&mut self, object: &Map<String, Value>, word: &'static str, depth: usize) -> Option<Vec<Rule>> {
        self.groups += 1;
        let most = self.most();
        if self.groups > most {
            if self.groups == most + 1 {
                self.refuse("", format!("A rule has at most {most} groups."));
            }
            return None;
        }
        if object.len() > 1 {
            self.refuse("", format!("A group has “{word}” and nothing beside it."));
            return None;
        }
        let Some(Value::Array(items)) = object.get(word) else {
            self.refuse("", format!("“{word}” is a list of rules."));
            return None;
        };
        if depth > self.deepest() {
            self.refuse(
                "",
                format!("Groups stand at most {} deep in one another.", self.deepest()),
            );
            return None;
        }
        let mut rules = Vec::with_capacity(items.len().min(MOST_CONDITIONS));
        for (place, item) in items.iter().enumerate() {
            self.at.push((word, place));
            rules.extend(self.rule(item, depth + 1));
            self.at.pop();
        }
        Some(rules)
    }

    fn condition(&mut self, object: &Map<String, Value>) -> Option<Condition> {
        self.conditions += 1;
        let most = self.most();
        if self.conditions > most {
            if self.conditions == most + 1 {
                self.refuse("", format!("A rule has at most {most} conditions."));
            }
            return None;
        }
        if let Some(other) = object
            .keys()
            .find(|key| !matches!(key.as_str(), "field" | "op" | "value"))
        {
            let other: String = other.chars().take(60).collect();
            self.refuse(
                "",
                format!("“{other}” is not known here; a condition has field, op and value."),
            );
            return None;
        }
        let field = self.part(object, "field", Field::parse);
        let op = self.part(object, "op", |word| {
            word.parse::<Op>().map_err(|_| {
                let all: Vec<_> = Op::ALL.iter().map(|op| op.as_str()).collect();
                let word: String = word.chars().take(60).collect();
                format!("“{word}” is no comparison; write one of {}", all.join(", "))
            })
        });
        let (field, op) = (field?, meant(op?, field_kind(object)));
        if !field.kind().ops().contains(&op) {
            let ops: Vec<_> = field.kind().ops().iter().map(|op| op.as_str()).collect();
            self.refuse(
                "op",
                format!(
                    "{} does not take “{op}”; write one of {}",
                    field.name(),
                    ops.join(", ")
                ),
            );
            return None;
        }
        match operand(field.kind(), op, object.get("value").unwrap_or(&Value::Null)) {
            Ok(value) => {
                self.values += match &value {
                    Operand::Texts(list) => list.len(),
                    Operand::Numbers(list) => list.len(),
                    _ => 1,
                };
                Some(Condition { field, op, value })
            }
            Err(message) => {
                self.refuse("value", message);
                None
            }
        }
    }

    fn part<T>(
        &mut self,
        object: &Map<String, Value>,
        part: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = match object.get(part) {
            Some(Value::String(text)) => read(text),
            Some(_) => Err("this is text".to_owned()),
            None => Err("this is missing".to_owned()),
        };
        read.map_err(|message| self.refuse(part, message)).ok()
    }
}

fn field_kind(object: &Map<String, Value>) -> Option<Kind> {
    let name = object.get("field")?.as_str()?;
    Some(Field::parse(name).ok()?.kind())
}

/// A tag is one of many, so equal to it, or containing it, is having it; alike a segment, and a
/// campaign.
const fn meant(op: Op, kind: Option<Kind>) -> Op {
    match (kind, op) {
        (Some(Kind::Tags), Op::Eq | Op::Contains) => Op::Has,
        (Some(Kind::Segment | Kind::Campaign), Op::Eq) => Op::In,
        (Some(Kind::Segment | Kind::Campaign), Op::Ne) => Op::NotIn,
        _ => op,
    }
}

fn operand(kind: Kind, op: Op, json: &Value) -> Result<Operand, String> {
    match (kind, op) {
        (_, Op::Exists) => match json {
            Value::Null => Ok(Operand::Flag(true)),
            Value::Bool(flag) => Ok(Operand::Flag(*flag)),
            _ => Err("write true or false".into()),
        },
        (_, Op::WithinLast) => ago(json).map(Operand::Ago),
        (Kind::Text, Op::In) => list(json, text_or_number).map(Operand::Texts),
        (Kind::Text, _) => text_or_number(json).map(Operand::Text),
        (Kind::Tags, Op::In) => list(json, text).map(Operand::Texts),
        (Kind::Tags, _) => text(json).map(Operand::Text),
        (Kind::Consent, Op::In) => list(json, consent).map(Operand::Texts),
        (Kind::Consent, _) => consent(json).map(Operand::Text),
        (Kind::Topic, Op::In) => list(json, topic).map(Operand::Texts),
        (Kind::Topic, _) => topic(json).map(Operand::Text),
        (Kind::Segment, _) => one_or_more(json, text),
        (Kind::Campaign, _) => one_or_more(json, campaign),
        (Kind::Engagement | Kind::Instant, _) => match date(json) {
            Ok(date) => Ok(Operand::Date(date)),
            Err(_) => instant(json).map(Operand::Instant),
        },
        (Kind::Attribute, Op::Eq | Op::Ne) => match json {
            Value::Bool(flag) => Ok(Operand::Flag(*flag)),
            Value::Number(_) => number(json).map(Operand::Number),
            _ => text(json).map(Operand::Text),
        },
        (Kind::Attribute, Op::Lt | Op::Lte | Op::Gt | Op::Gte) => match json {
            Value::Number(_) => number(json).map(Operand::Number),
            _ => date(json).map(Operand::Date).map_err(|_| {
                "write a number (without quotation marks) or a date such as 2026-03-01".to_owned()
            }),
        },
        (Kind::Attribute, Op::Before | Op::After) => date(json).map(Operand::Date),
        (Kind::Attribute, Op::In) => match json {
            Value::Array(items) if items.iter().any(Value::is_number) => {
                list(json, number).map(Operand::Numbers)
            }
            _ => list(json, text).map(Operand::Texts),
        },
        (Kind::Attribute, _) => text(json).map(Operand::Text),
    }
}

fn one_or_more(json: &Value, read: fn(&Value) -> Result<String, String>) -> Result<Operand, String> {
    match json {
        Value::Array(_) => list(json, read).map(Operand::Texts),
        one => read(one).map(Operand::Text),
    }
}

/// A campaign's id, which is a number under the hood.
fn campaign(json: &Value) -> Result<String, String> {
    let text = text_or_number(json)?;
    match text.parse::<i64>() {
        Ok(id) if id > 0 => Ok(id.to_string()),
        _ => Err("write the campaign’s id".into()),
    }
}

fn list<T>(json: &Value, read: fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    let Value::Array(items) = json else {
        return Err("write a list of values".into());
    };
    match items.len() {
        0 => Err("the list is empty".into()),
        n if n > LONGEST_LIST => Err(format!("a list has at most {LONGEST_LIST} values; this has {n}")),
        _ => items
            .iter()
            .enumerate()
            .map(|(place, item)| read(item).map_err(|message| format!("value {}: {message}", place + 1)))
            .collect(),
    }
}

fn text(json: &Value) -> Result<String, String> {
    let Value::String(text) = json else {
        return Err("write text in quotation marks".into());
    };
    let length = text.chars().count();
    if text.is_empty() {
        Err("this is empty; “exists” asks whether there is a value".into())
    } else if length > LONGEST_TEXT {
        Err(format!(
            "text has at most {LONGEST_TEXT} characters; this has {length}"
        ))
    } else if text.chars().any(char::is_control) {
        Err("this holds a line break or another control character".into())
    } else {
        Ok(text.clone())
    }
}

fn text_or_number(json: &Value) -> Result<String, String> {
    match json {
        Value::Number(number) => Ok(number.to_string()),
        _ => text(json),
    }
}

fn number(json: &Value) -> Result<f64, String> {
    json.as_f64()
        .filter(|number| number.is_finite())
        .ok_or_else(|| "write a number without quotation marks".to_owned())
}

fn consent(json: &Value) -> Result<String, String> {
    match json {
        Value::String(text) if text.eq_ignore_ascii_case("none") => Ok("NONE".into()),
        _ => topic(json).map_err(|_| "write SUBSCRIBED, UNSUBSCRIBED or NONE".to_owned()),
    }
}

fn topic(json: &Value) -> Result<String, String> {
    match json {
        Value::Bool(true) => Ok("SUBSCRIBED".into()),
        Value::Bool(false) => Ok("UNSUBSCRIBED".into()),
        Value::String(text) => match text.to_ascii_uppercase() {
            word if matches!(word.as_str(), "SUBSCRIBED" | "UNSUBSCRIBED") => Ok(word),
            _ => Err("write SUBSCRIBED or UNSUBSCRIBED".into()),
        },
        _ => Err("write SUBSCRIBED or UNSUBSCRIBED".into()),
    }
}

fn date(json: &Value) -> Result<NaiveDate, String> {
    json.as_str()
        .filter(|text| is_date(text))
        .and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .filter(|date| date.year() > 0)
        .ok_or_else(|| "write a date such as 2026-03-01".to_owned())
}

/// Whether a text has the shape of a date, the one shape in which attributes compare as dates.
pub(super) fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(place, b)| match place {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        })
}

fn instant(json: &Value) -> Result<DateTime<Utc>, String> {
    json.as_str()
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
        .map(|at| at.to_utc())
        .ok_or_else(|| {
            "write a date such as 2026-03-01, or an instant such as 2026-03-01T09:00:00Z".to_owned()
        })
}

fn ago(json: &Value) -> Result<Ago, String> {
    match json {
        Value::String(text) => Ago::parse(text),
        Value::Object(object) => {
            let n = object.get("n").and_then(Value::as_u64);
            let unit = object.get("unit").and_then(Value::as_str).and_then(Unit::of);
            match (n, unit, object.len()) {
                (Some(n), Some(unit), 2) => Ago::new(u32::try_from(n).unwrap_or(u32::MAX), unit),
                _ => Err("write {\"n\": 30, \"unit\": \"day\"}".into()),
            }
        }
        _ => Err("write a duration such as P30D, P6M or PT12H".into()),
    }
}
