//! The JSON that `Journey::parse` reads.

use super::{Entry, Exit, Journey, Kind, Matching, Reentry, Step, Test};
use chrono::Weekday;
use serde_json::{Map, Value, json};

impl Journey {
    /// What `parse` reads.
    pub fn to_json(&self) -> Value {
        let Exit {
            on_goal,
            on_leaving_segment,
        } = self.exit;
        json!({
            "entry": self.entry.to_json(),
            "reentry": self.reentry.to_json(),
            "exit": { "onGoal": on_goal, "onLeavingSegment": on_leaving_segment },
            "steps": self.steps.iter().map(Step::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Entry {
    pub fn to_json(&self) -> Value {
        match self {
            Self::Staff => json!({ "by": "STAFF" }),
            Self::Segment { existing } => json!({ "by": "SEGMENT", "existing": existing }),
            Self::Event { event, condition } => {
                let mut fields = object(json!({ "by": "EVENT", "event": event }));
                put_condition(&mut fields, condition.as_ref());
                Value::Object(fields)
            }
            Self::Date(on) => json!({
                "by": "DATE",
                "attribute": on.attribute,
                "yearly": on.yearly,
                "days": on.days,
                "at": on.at.format("%H:%M").to_string(),
            }),
        }
    }
}

impl Reentry {
    pub fn to_json(self) -> Value {
        match self {
            Self::Never => json!("NEVER"),
            Self::Always => json!("ALWAYS"),
            Self::After(span) => json!({ "after": span.iso() }),
        }
    }
}

impl Step {
    pub fn to_json(&self) -> Value {
        let mut fields = object(json!({ "id": self.id, "kind": self.kind.word() }));
        if let Value::Object(own) = self.kind.to_json() {
            fields.extend(own);
        }
        if let Kind::Split(weights) = &self.kind {
            let ways = weights
                .iter()
                .zip(&self.to)
                .map(|(weight, to)| json!({ "weight": weight, "next": to }));
            fields.insert("ways".into(), ways.collect());
            return Value::Object(fields);
        }
        for (place, (way, to)) in self.kind.ways().into_iter().zip(&self.to).enumerate() {
            if to.is_some() || !self.kind.may_lack(place) {
                fields.insert(way.into(), json!(to));
            }
        }
        Value::Object(fields)
    }
}

impl Kind {
    /// What belongs to the kind alone.
    fn to_json(&self) -> Value {
        match self {
            Self::Message { channel, template } => json!({ "channel": channel, "template": template }),
            Self::Wait(span) => json!({ "for": span.iso() }),
            Self::Until { weekdays, at } => json!({
                "weekdays": weekdays.iter().map(|day| weekday_word(*day)).collect::<Vec<_>>(),
                "at": at.format("%H:%M").to_string(),
            }),
            Self::Await {
                event,
                condition,
                at_most,
            } => {
                let mut fields = object(json!({ "event": event, "atMost": at_most.iso() }));
                put_condition(&mut fields, condition.as_ref());
                Value::Object(fields)
            }
            Self::Branch(test) => json!({ "if": test.to_json() }),
            Self::Tag { add, remove } => json!({ "add": add, "remove": remove }),
            Self::Attribute { name, value } => json!({ "name": name, "value": value }),
            Self::Webhook { url } => json!({ "url": url }),
            Self::Split(_) | Self::End => json!({}),
        }
    }
}

impl Test {
    pub fn to_json(&self) -> Value {
        match self {
            Self::Segment(key) => json!({ "segment": key }),
            Self::Rule { json, .. } => json!({ "rule": json }),
            Self::Event(matching) => json!({ "event": matching.json }),
            Self::Message { step, did } => json!({ "message": step, "did": did }),
        }
    }
}

fn put_condition(fields: &mut Map<String, Value>, condition: Option<&Matching>) {
    if let Some(matching) = condition {
        fields.insert("where".into(), matching.json.clone());
    }
}

fn object(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// `MONDAY`.
pub(super) const fn weekday_word(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "MONDAY",
        Weekday::Tue => "TUESDAY",
        Weekday::Wed => "WEDNESDAY",
        Weekday::Thu => "THURSDAY",
        Weekday::Fri => "FRIDAY",
        Weekday::Sat => "SATURDAY",
        Weekday::Sun => "SUNDAY",
    }
}
