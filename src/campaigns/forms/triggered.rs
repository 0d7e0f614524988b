//! Step 4 of a triggered campaign: the event, conditions in rows, when, what calls it off, and how
//! often. The form is read into the JSON that the API takes, so both have the same limits.

use super::conditions::Conditions;
use crate::campaigns::triggers;
use crate::domain::condition::Scope;
use crate::domain::trigger::{Delay, Repeat, Side, Trigger};
use crate::entity::campaigns;
use crate::web::forms::read;
use crate::web::{FormErrors, Result};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TriggeredForm {
    pub event: String,
    #[serde(skip)]
    conditions: Option<Conditions>,
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
    /// The button that was pressed: `test`, or `save`.
    #[serde(rename = "do")]
    pub button: String,
}

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
        let condition = trigger.condition.as_ref().map(|part| &part.json);
        form.conditions = Some(Conditions::of_json(condition, Scope::EventAndContact));
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

    /// As it comes in. A nested condition of the campaign's trigger, which came through the API,
    /// may stay.
    pub fn read(body: &[u8], campaign: &campaigns::Model) -> Result<Self> {
        let mut form: Self = read(body)?;
        let trigger = triggers::of(campaign);
        let before = trigger.as_ref().and_then(|trigger| trigger.condition.as_ref());
        let before = before.map(|part| &part.json);
        form.conditions = Some(Conditions::read(body, "where", before, Scope::EventAndContact)?);
        Ok(form)
    }

    /// The rows of its conditions.
    pub fn conditions(&self) -> Conditions {
        let none = || Conditions::none(Scope::EventAndContact);
        self.conditions.clone().unwrap_or_else(none)
    }

    /// The trigger. Everything that is wrong goes into `errors`, under the form's own names.
    pub fn trigger(&self, errors: &mut FormErrors) -> Option<Trigger> {
        let condition = self.conditions().parse();
        if let Err(sentence) = &condition {
            errors.add("where", sentence.clone());
        }
        match Trigger::parse(&self.json(condition.as_ref().ok())) {
            Ok(trigger) => condition.is_ok().then_some(trigger),
            Err(mistakes) => {
                for (field, sentence) in mistakes {
                    errors.add(&own_name(&field), sentence);
                }
                None
            }
        }
    }

    fn json(&self, condition: Option<&Option<Value>>) -> Value {
        let mut json = json!({ "event": self.event.trim() });
        if let Some(condition) = condition.and_then(Option::as_ref) {
            json["where"] = condition.clone();
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

/// The form's name of a field of the API.
fn own_name(field: &str) -> String {
    let name = field.strip_prefix("trigger.").unwrap_or(field);
    match name.split('.').next().unwrap_or_default() {
        part @ ("where" | "delay" | "repeat") => part.to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(fields: &[(&str, &str)]) -> (Option<Trigger>, FormErrors) {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut form: TriggeredForm = read(body.as_bytes()).unwrap();
        let conditions = Conditions::read(body.as_bytes(), "where", None, Scope::EventAndContact);
        form.conditions = Some(conditions.unwrap());
        let mut errors = FormErrors::default();
        (form.trigger(&mut errors), errors)
    }

    #[test]
    fn a_form_is_the_trigger_that_the_api_takes() {
        let (trigger, _) = parsed(&[
            ("event", "booking.confirmed"),
            ("where.match", "all"),
            ("where.field", "players"),
            ("where.op", "gte"),
            ("where.value", "2"),
            ("where.field", "contact.tags"),
            ("where.op", "has"),
            ("where.value", "member"),
            ("where.field", "event.course"),
            ("where.op", "in"),
            ("where.value", "North, South"),
            ("delay.kind", "before_of"),
            ("delay.number", "2"),
            ("delay.unit", "D"),
            ("delay.of", "tee_time"),
            ("cancel.event", "booking.cancelled"),
            ("cancel.match", "booking_id"),
            ("repeat", "PER"),
            ("repeat.days", "7"),
        ]);
        assert_eq!(
            trigger.unwrap().to_json(),
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
        let (trigger, errors) = parsed(&[
            ("event", "a b"),
            ("where.field", "players"),
            ("where.op", "eq"),
            ("where.value", "2"),
            ("where.field", "contact.nickname"),
            ("where.op", "eq"),
            ("where.value", "x"),
            ("delay.kind", "before_of"),
            ("repeat", "PER"),
        ]);
        assert!(trigger.is_none());
        for field in ["event", "where", "delay", "repeat"] {
            assert!(errors.of(field).is_some(), "{field}: {errors:?}");
        }
    }
}
