//! JSON to a trigger, or everything that is wrong with it at once, each under its field; and back.

use super::{CancelOn, Delay, MOST_MATCHES, Repeat, Side, Span, Trigger, Where};
use crate::domain::condition::{Condition, Scope};
use crate::domain::goal::check_event;
use serde_json::{Map, Value, json};

/// What is wrong with one field below `trigger`, such as `trigger.delay.of`.
pub type Mistake = (String, String);

/// The longest name of a property, in characters.
const LONGEST_PROPERTY: usize = 100;

#[derive(Default)]
struct Reader(Vec<Mistake>);

impl Trigger {
    /// Reads a trigger: `{event, where?, delay?, cancelOn?, repeat?}`. `delay` is `"PT30M"` or
    /// `{"after": "PT30M"}`, or `{"before": "P2D", "of": "event.tee_time"}`; `cancelOn` is
    /// `{"event": "booking.cancelled", "match": ["booking_id"]}`; `repeat` is `"EVERY_EVENT"`,
    /// `"ONCE"` or `{"oncePer": "P7D"}`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(json: &Value) -> Result<Self, Vec<Mistake>> {
        let mut reader = Reader::default();
        let Value::Object(fields) = json else {
            let text = "A trigger is an object such as {\"event\": \"booking.confirmed\"}.";
            return Err(vec![("trigger".into(), text.into())]);
        };
        for name in fields.keys() {
            match name.as_str() {
                "event" | "where" | "condition" | "delay" | "cancelOn" | "repeat" => {}
                "goal" => reader.refuse("", "The goal is the campaign’s own: write it beside the trigger."),
                other => {
                    let other: String = other.chars().take(60).collect();
                    reader.refuse(
                        "",
                        format!("A trigger has event, where, delay, cancelOn and repeat, and no “{other}”."),
                    );
                }
            }
        }
        let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let event = reader.event("event", given("event"), "booking.confirmed");
        let condition = reader.condition(given("where").or(given("condition")));
        let delay = reader.delay(given("delay"));
        let cancel_on = given("cancelOn").and_then(|json| reader.cancel_on(json, event.as_deref()));
        let repeat = reader.repeat(given("repeat"));
        match (event, delay, repeat, reader.0.is_empty()) {
            (Some(event), Some(delay), Some(repeat), true) => Ok(Self {
                event,
                condition,
                delay,
                cancel_on,
                repeat,
            }),
            _ => Err(reader.0),
        }
    }

    /// What `parse` reads.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("event".into(), json!(self.event));
        if let Some(part) = &self.condition {
            fields.insert("where".into(), part.json.clone());
        }
        match &self.delay {
            Delay::AfterEvent(span) if span.is_zero() => {}
            Delay::AfterEvent(span) => {
                fields.insert("delay".into(), json!({ "after": span.iso() }));
            }
            Delay::Around { side, span, property } => {
                let delay = json!({ side.as_str(): span.iso(), "of": format!("event.{property}") });
                fields.insert("delay".into(), delay);
            }
        }
        if let Some(cancel) = &self.cancel_on {
            let cancel = json!({ "event": cancel.event, "match": cancel.matching });
            fields.insert("cancelOn".into(), cancel);
        }
        let repeat = match self.repeat {
            Repeat::EveryEvent => json!("EVERY_EVENT"),
            Repeat::Once => json!("ONCE"),
            Repeat::OncePer(span) => json!({ "oncePer": span.iso() }),
        };
        fields.insert("repeat".into(), repeat);
        Value::Object(fields)
    }
}

impl Reader {
    fn refuse(&mut self, field: &str, sentence: impl Into<String>) {
        let field = match field.is_empty() {
            true => "trigger".to_owned(),
            false => format!("trigger.{field}"),
        };
        self.0.push((field, sentence.into()));
    }

    fn event(&mut self, field: &str, json: Option<&Value>, example: &str) -> Option<String> {
        let event = match json {
            Some(Value::String(event)) if !event.trim().is_empty() => event.trim().to_owned(),
            _ => {
                self.refuse(field, format!("Name the event, such as {example}."));
                return None;
            }
        };
        check_event(&event)
            .map_err(|sentence| self.refuse(field, sentence))
            .ok()?;
        Some(event)
    }

    fn condition(&mut self, json: Option<&Value>) -> Option<Where> {
        let json = json?;
        match Condition::read(json, Scope::EventAndContact) {
            Ok(condition) => Some(Where {
                json: json.clone(),
                condition,
            }),
            Err(mistakes) => {
                for (at, sentence) in mistakes {
                    let dot = if at.is_empty() { "" } else { "." };
                    self.refuse(&format!("where{dot}{at}"), sentence);
                }
                None
            }
        }
    }

    fn span(&mut self, field: &str, json: &Value) -> Option<Span> {
        let text = json.as_str().unwrap_or_default();
        Span::parse(text)
            .map_err(|sentence| self.refuse(field, sentence))
            .ok()
    }

    fn delay(&mut self, json: Option<&Value>) -> Option<Delay> {
        let fields = match json {
            None => return Some(Delay::AfterEvent(Span::ZERO)),
            Some(text @ Value::String(_)) => return self.span("delay", text).map(Delay::AfterEvent),
            Some(Value::Object(fields)) => fields,
            Some(_) => {
                self.refuse(
                    "delay",
                    "A delay is {\"after\": \"PT30M\"} or {\"before\": \"P2D\", \"of\": \"event.tee_time\"}.",
                );
                return None;
            }
        };
        if fields
            .keys()
            .any(|name| !matches!(name.as_str(), "before" | "after" | "of"))
        {
            self.refuse("delay", "A delay has before or after, and of.");
        }
        let (side, span) = match (fields.get("before"), fields.get("after")) {
            (Some(span), None) => (Side::Before, self.span("delay.before", span)),
            (None, Some(span)) => (Side::After, self.span("delay.after", span)),
            _ => {
                self.refuse("delay", "Say either before or after.");
                return None;
            }
        };
        match fields.get("of").filter(|of| !of.is_null()) {
            None if side == Side::Before => {
                self.refuse(
                    "delay.of",
                    "Say before what: a property that holds a time, such as event.tee_time.",
                );
                None
            }
            None => span.map(Delay::AfterEvent),
            Some(of) => {
                let text = of.as_str().unwrap_or_default();
                let property = match text.strip_prefix("event.") {
                    Some(name) => self.property("delay.of", name),
                    None => {
                        self.refuse(
                            "delay.of",
                            "Name a property of the event, such as event.tee_time.",
                        );
                        None
                    }
                };
                Some(Delay::Around {
                    side,
                    span: span?,
                    property: property?,
                })
            }
        }
    }

    fn property(&mut self, field: &str, name: &str) -> Option<String> {
        let name = name.trim();
        let is_plain = name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        match !name.is_empty() && is_plain && name.chars().count() <= LONGEST_PROPERTY {
            true => Some(name.to_owned()),
            false => {
                self.refuse(
                    field,
                    "A property’s name is letters, digits, hyphens and underscores, such as booking_id.",
                );
                None
            }
        }
    }

    fn cancel_on(&mut self, json: &Value, event: Option<&str>) -> Option<CancelOn> {
        let (name, matching) = match json {
            Value::String(_) => (Some(json), None),
            Value::Object(fields) => {
                if fields
                    .keys()
                    .any(|name| !matches!(name.as_str(), "event" | "match"))
                {
                    self.refuse("cancelOn", "What cancels has event and match.");
                }
                (
                    fields.get("event"),
                    fields.get("match").filter(|list| !list.is_null()),
                )
            }
            _ => {
                self.refuse(
                    "cancelOn",
                    "Write {\"event\": \"booking.cancelled\", \"match\": [\"booking_id\"]}.",
                );
                return None;
            }
        };
        let name = self.event("cancelOn.event", name, "booking.cancelled");
        if name.is_some() && name.as_deref() == event {
            self.refuse(
                "cancelOn.event",
                "The event that sets it off cannot call it off as well.",
            );
        }
        let list = match matching {
            None => &[][..],
            Some(Value::Array(list)) if list.len() <= MOST_MATCHES => list,
            Some(_) => {
                self.refuse(
                    "cancelOn.match",
                    format!("This is a list of at most {MOST_MATCHES} properties."),
                );
                return None;
            }
        };
        let mut matching = Vec::new();
        for item in list {
            let text = item.as_str().unwrap_or_default();
            let text = text.strip_prefix("event.").unwrap_or(text);
            matching.extend(self.property("cancelOn.match", text));
        }
        matching.dedup();
        Some(CancelOn {
            event: name?,
            matching,
        })
    }

    fn repeat(&mut self, json: Option<&Value>) -> Option<Repeat> {
        match json {
            None => return Some(Repeat::EveryEvent),
            Some(Value::String(word)) if word == "EVERY_EVENT" => return Some(Repeat::EveryEvent),
            Some(Value::String(word)) if word == "ONCE" => return Some(Repeat::Once),
            Some(Value::Object(fields)) if fields.len() == 1 => {
                if let Some(span) = fields.get("oncePer") {
                    let span = self.span("repeat.oncePer", span)?;
                    if span.is_zero() {
                        self.refuse("repeat.oncePer", "Say a length of time, such as P7D.");
                    }
                    return Some(Repeat::OncePer(span));
                }
            }
            Some(_) => {}
        }
        self.refuse("repeat", "This is EVERY_EVENT, ONCE or {\"oncePer\": \"P7D\"}.");
        None
    }
}
