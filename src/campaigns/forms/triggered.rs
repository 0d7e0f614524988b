//! Step 4 of a triggered campaign: the event, conditions in rows, when, what calls it off, and how
//! often. The form is read into the JSON that the API takes, so both have the same limits.

use crate::campaigns::draft::{Changes, When};
use crate::campaigns::triggers;
use crate::domain::trigger::{Delay, Repeat, Side, Trigger};
use crate::entity::campaigns;
use crate::web::FormErrors;
use serde::Deserialize;
use serde_json::{Value, json};

/// How many conditions the form shows at most.
const MOST_ROWS: usize = 20;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TriggeredForm {
    pub event: String,
    #[serde(rename = "where.field")]
    pub fields: Vec<String>,
    #[serde(rename = "where.op")]
    pub ops: Vec<String>,
    #[serde(rename = "where.value")]
    pub values: Vec<String>,
    /// A condition that the rows cannot show, as JSON: it came through the API and stays.
    #[serde(rename = "where.kept")]
    pub kept: String,
    /// `none`, `after`, `before_of` or `after_of`.
    #[serde(rename = "delay.kind")]
    pub delay: String,
    #[serde(rename = "delay.number")]
    pub number: String,
    /// `D`, `H` or `M`.
    #[serde(rename = "delay.unit")]
    pub unit: String,
    #[serde(rename = "delay.of")]
    pub of: String,
    #[serde(rename = "cancel.event")]
    pub cancel: String,
    #[serde(rename = "cancel.match")]
    pub matching: String,
    pub repeat: String,
    #[serde(rename = "repeat.days")]
    pub days: String,
    /// An event to try it with, as JSON; or the id of one that was reported.
    #[serde(rename = "test.event")]
    pub test: String,
    #[serde(rename = "test.recent")]
    pub recent: String,
    /// The button that was pressed: `add`, `remove.2`, `test`; empty to save.
    #[serde(rename = "do")]
    pub button: String,
}

/// A row of the conditions.
pub struct Row {
    pub number: usize,
    pub field: String,
    pub op: String,
    pub value: String,
    pub error: Option<String>,
}

/// The comparisons that rows offer.
pub const OPS: &[(&str, &str)] = &[
    ("eq", "is"),
    ("ne", "is not"),
    ("gte", "is at least"),
    ("lte", "is at most"),
    ("gt", "is more than"),
    ("lt", "is less than"),
    ("in", "is one of"),
    ("contains", "contains"),
    ("has", "has the tag"),
    ("exists", "is there"),
];

impl TriggeredForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        let mut form = Self {
            delay: "none".into(),
            unit: "D".into(),
            repeat: "EVERY_EVENT".into(),
            days: "7".into(),
            ..Self::default()
        };
        let Some(trigger) = triggers::of(campaign) else {
            return form;
        };
        form.event = trigger.event;
        if let Some(part) = &trigger.condition
            && !form.show(&part.json)
        {
            form.kept = part.json.to_string();
        }
        let (kind, span, of) = match &trigger.delay {
            Delay::AfterEvent(span) if span.is_zero() => ("none", *span, String::new()),
            Delay::AfterEvent(span) => ("after", *span, String::new()),
            Delay::Around { side, span, property } => match side {
                Side::Before => ("before_of", *span, property.clone()),
                Side::After => ("after_of", *span, property.clone()),
            },
        };
        form.delay = kind.into();
        form.of = of;
        if kind != "none" {
            let (number, unit) = match (span.days, span.minutes) {
                (days, 0) => (days, "D"),
                (days, minutes) if minutes % 60 == 0 => (days * 24 + minutes / 60, "H"),
                (days, minutes) => (days * 1440 + minutes, "M"),
            };
            (form.number, form.unit) = (number.to_string(), unit.into());
        }
        if let Some(cancel) = trigger.cancel_on {
            form.cancel = cancel.event;
            form.matching = cancel.matching.join(", ");
        }
        match trigger.repeat {
            Repeat::EveryEvent => {}
            Repeat::Once => form.repeat = "ONCE".into(),
            Repeat::OncePer(span) => {
                form.repeat = "PER".into();
                form.days = span.days.max(1).to_string();
            }
        }
        form
    }

    /// Reads a condition into rows, where it is one or a flat “all”.
    fn show(&mut self, json: &Value) -> bool {
        let rows = match json.get("all").and_then(Value::as_array) {
            Some(rows) => rows.clone(),
            None => vec![json.clone()],
        };
        let is_flat = rows.len() <= MOST_ROWS
            && rows.iter().all(|row| {
                let op = row["op"].as_str().unwrap_or_default();
                row["field"].is_string() && OPS.iter().any(|(known, _)| *known == op)
            });
        if !is_flat {
            return false;
        }
        for row in rows {
            self.fields
                .push(row["field"].as_str().unwrap_or_default().to_owned());
            self.ops.push(row["op"].as_str().unwrap_or_default().to_owned());
            self.values.push(match &row["value"] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                Value::Array(items) => {
                    let items: Vec<_> = items
                        .iter()
                        .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                        .collect();
                    items.join(", ")
                }
                other => other.to_string(),
            });
        }
        true
    }

    /// The rows as the page shows them, with what is wrong with each.
    pub fn rows(&self, errors: &FormErrors) -> Vec<Row> {
        let text = |list: &[String], place: usize| list.get(place).cloned().unwrap_or_default();
        (0..self.fields.len().min(MOST_ROWS))
            .map(|place| Row {
                number: place,
                field: text(&self.fields, place),
                op: text(&self.ops, place),
                value: text(&self.values, place),
                error: errors.of(&format!("where.{place}")).map(str::to_owned),
            })
            .collect()
    }

    /// Does what a button asks for that keeps nothing; whether there was one.
    pub fn press(&mut self) -> bool {
        match self.button.as_str() {
            "" | "save" => return false,
            "add" if self.fields.len() < MOST_ROWS => {
                for list in [&mut self.fields, &mut self.values] {
                    list.push(String::new());
                }
                self.ops.push("eq".into());
            }
            other => {
                let place = other
                    .strip_prefix("remove.")
                    .and_then(|place| place.parse::<usize>().ok());
                for list in [&mut self.fields, &mut self.ops, &mut self.values] {
                    if let Some(place) = place.filter(|place| *place < list.len()) {
                        list.remove(place);
                    }
                }
            }
        }
        true
    }

    /// The trigger. Everything that is wrong goes into `errors`, under the form's own names.
    pub fn trigger(&self, errors: &mut FormErrors) -> Option<Trigger> {
        match Trigger::parse(&self.json()) {
            Ok(trigger) => Some(trigger),
            Err(mistakes) => {
                for (field, sentence) in mistakes {
                    errors.add(&own_name(&field), sentence);
                }
                None
            }
        }
    }

    /// What the form changes.
    pub fn parse(&self, errors: &mut FormErrors) -> Changes {
        Changes {
            trigger: self.trigger(errors).map(Some),
            when: Some(When::Now),
            ..Changes::default()
        }
    }

    fn json(&self) -> Value {
        let mut json = json!({ "event": self.event.trim() });
        let rows: Vec<Value> = self
            .fields
            .iter()
            .zip(&self.ops)
            .zip(&self.values)
            .map(|((field, op), value)| condition(field.trim(), op, value.trim()))
            .collect();
        if !self.kept.is_empty() {
            json["where"] = serde_json::from_str(&self.kept).unwrap_or(Value::Null);
        } else if !rows.is_empty() {
            json["where"] = json!({ "all": rows });
        }
        let number = self.number.trim();
        let span = match self.unit.as_str() {
            "D" => format!("P{number}D"),
            unit => format!("PT{number}{unit}"),
        };
        let of = self.of.trim();
        let of = format!("event.{}", of.strip_prefix("event.").unwrap_or(of));
        match self.delay.as_str() {
            "after" => json["delay"] = json!({ "after": span }),
            "before_of" => json["delay"] = json!({ "before": span, "of": of }),
            "after_of" => json["delay"] = json!({ "after": span, "of": of }),
            _ => {}
        }
        if !self.cancel.trim().is_empty() {
            let matching = self
                .matching
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty());
            let matching: Vec<_> = matching.collect();
            json["cancelOn"] = json!({ "event": self.cancel.trim(), "match": matching });
        }
        json["repeat"] = match self.repeat.as_str() {
            "PER" => json!({ "oncePer": format!("P{}D", self.days.trim()) }),
            "ONCE" => json!("ONCE"),
            _ => json!("EVERY_EVENT"),
        };
        json
    }

    pub fn is_delay(&self, kind: &str) -> bool {
        self.delay == kind
    }

    pub fn is_repeat(&self, word: &str) -> bool {
        self.repeat == word
    }
}

/// A row as JSON: what reads as a number or a truth is one.
fn condition(field: &str, op: &str, value: &str) -> Value {
    let read = |text: &str| match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
        _ => json!(text),
    };
    // A name alone is a property of the event.
    let field = match field.contains('.') {
        true => field.to_owned(),
        false => format!("event.{field}"),
    };
    let is_text = field == "contact.tags" || op == "has" || op == "contains";
    let value = match op {
        "exists" => json!(true),
        "in" => value.split(',').map(|part| read(part.trim())).collect(),
        _ if is_text => json!(value),
        _ => read(value),
    };
    json!({ "field": field, "op": op, "value": value })
}

/// The form's name of a field of the API.
fn own_name(field: &str) -> String {
    let name = field.strip_prefix("trigger.").unwrap_or(field);
    let row = name
        .strip_prefix("where.all[")
        .and_then(|rest| rest.split(']').next());
    match (row, name.split('.').next().unwrap_or_default()) {
        (Some(row), _) => format!("where.{row}"),
        (None, "delay") => "delay".into(),
        (None, "repeat") => "repeat".into(),
        (None, _) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> TriggeredForm {
        TriggeredForm {
            event: "booking.confirmed".into(),
            delay: "none".into(),
            repeat: "EVERY_EVENT".into(),
            ..TriggeredForm::default()
        }
    }

    #[test]
    fn a_form_is_the_trigger_that_the_api_takes() {
        let form = TriggeredForm {
            fields: vec!["players".into(), "contact.tags".into(), "event.course".into()],
            ops: vec!["gte".into(), "has".into(), "in".into()],
            values: vec!["2".into(), "member".into(), "North, South".into()],
            delay: "before_of".into(),
            number: "2".into(),
            unit: "D".into(),
            of: "tee_time".into(),
            cancel: "booking.cancelled".into(),
            matching: "booking_id".into(),
            repeat: "PER".into(),
            days: "7".into(),
            ..form()
        };
        let mut errors = FormErrors::default();
        let trigger = form.trigger(&mut errors).unwrap();
        assert_eq!(
            trigger.to_json(),
            json!({
                "event": "booking.confirmed",
                "where": {"all": [
                    {"field": "event.players", "op": "gte", "value": 2},
                    {"field": "contact.tags", "op": "has", "value": "member"},
                    {"field": "event.course", "op": "in", "value": ["North", "South"]},
                ]},
                "delay": {"before": "P2D", "of": "event.tee_time"},
                "cancelOn": {"event": "booking.cancelled", "match": ["booking_id"]},
                "repeat": {"oncePer": "P7D"},
            })
        );
    }

    #[test]
    fn what_is_wrong_is_said_beside_its_field() {
        let form = TriggeredForm {
            event: "a b".into(),
            fields: vec!["players".into(), "contact.nickname".into()],
            ops: vec!["eq".into(), "eq".into()],
            values: vec!["2".into(), "x".into()],
            delay: "before_of".into(),
            repeat: "PER".into(),
            ..form()
        };
        let mut errors = FormErrors::default();
        assert!(form.trigger(&mut errors).is_none());
        for field in ["event", "where.1", "delay", "repeat"] {
            assert!(errors.of(field).is_some(), "{field}: {errors:?}");
        }
    }
}
