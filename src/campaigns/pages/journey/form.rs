//! A step's form: text as it is typed, and the step that it parses into.

use crate::campaigns::forms::Conditions;
use crate::domain::condition::Scope;
use crate::domain::journey::{Did, Kind, Matching, Span, Step, Test};
use crate::domain::segment::Rule;
use crate::domain::{AttributeKind, Channel};
use crate::entity::attribute_definitions;
use crate::web::forms::read;
use crate::web::{FormErrors, Result};
use chrono::{NaiveTime, Weekday};
use serde::Deserialize;
use serde_json::{Value, json};

/// Every field of every kind of step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct StepForm {
    pub revision: i64,
    /// Where it goes: after this step, on this way; or before that one; else at the beginning.
    pub after: String,
    pub way: usize,
    pub before: String,
    /// The place on the page where the form stands.
    pub slot: String,
    pub kind: String,
    pub template: String,
    pub number: String,
    pub unit: String,
    pub weekdays: Vec<String>,
    pub at: String,
    pub event: String,
    #[serde(skip)]
    pub condition: EventRows,
    /// `segment`, `message`, `event` or `rule`.
    pub test: String,
    pub segment: String,
    pub message: String,
    pub did: String,
    pub rule: String,
    pub weights: Vec<String>,
    pub add: String,
    pub remove: String,
    pub name: String,
    pub to_value: String,
    pub url: String,
    /// Where each way leads; empty leaves it.
    pub to: Vec<String>,
}

/// The rows of a condition on an event's properties, as a page shows them and a form posts them.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRows(Conditions);

impl Default for EventRows {
    fn default() -> Self {
        Self::of(None)
    }
}

impl EventRows {
    pub fn of(matching: Option<&Matching>) -> Self {
        Self(Conditions::of_json(
            matching.map(|matching| &matching.json),
            Scope::Event,
        ))
    }

    /// As they come in; `before` may stay where rows cannot show it.
    pub fn read(body: &[u8], before: Option<&Matching>) -> Result<Self> {
        let before = before.map(|matching| &matching.json);
        Ok(Self(Conditions::read(body, "where", before, Scope::Event)?))
    }

    pub const fn rows(&self) -> &Conditions {
        &self.0
    }

    /// `None` where nothing is asked.
    pub fn parse(&self, errors: &mut FormErrors) -> Option<Matching> {
        let json = self.0.parse().map_err(|sentence| errors.add("where", sentence));
        Matching::parse(&json.ok()??)
            .map_err(|sentence| errors.add("where", sentence))
            .ok()
    }
}

/// What was typed as the value that it looks like.
fn typed(text: &str) -> Value {
    match text {
        "true" => json!(true),
        "false" => json!(false),
        text => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => serde_json::from_str(text).unwrap_or(json!(number)),
            _ => json!(text),
        },
    }
}

fn as_typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

/// The days of a week, as a form names them.
pub const WEEKDAYS: [(Weekday, &str, &str); 7] = [
    (Weekday::Mon, "mon", "Monday"),
    (Weekday::Tue, "tue", "Tuesday"),
    (Weekday::Wed, "wed", "Wednesday"),
    (Weekday::Thu, "thu", "Thursday"),
    (Weekday::Fri, "fri", "Friday"),
    (Weekday::Sat, "sat", "Saturday"),
    (Weekday::Sun, "sun", "Sunday"),
];

impl StepForm {
    /// As it comes in. `before` is the step as it is, of which a nested condition may stay.
    pub fn read(body: &[u8], before: Option<&Step>) -> Result<Self> {
        let matching = match before.map(|step| &step.kind) {
            Some(Kind::Await { condition, .. }) => condition.as_ref(),
            Some(Kind::Branch(Test::Event(matching))) => Some(matching),
            _ => None,
        };
        Ok(Self {
            condition: EventRows::read(body, matching)?,
            ..read(body)?
        })
    }

    /// A step as its form shows it.
    pub fn of(step: &Step) -> Self {
        let mut form = Self {
            kind: step.kind.word().to_owned(),
            to: step.to.iter().map(|to| to.clone().unwrap_or_default()).collect(),
            ..Self::usual()
        };
        let span = |form: &mut Self, span: Span| {
            let (number, unit) = span.parts();
            (form.number, form.unit) = (number.to_string(), unit.to_owned());
        };
        match &step.kind {
            Kind::Message { template, .. } => form.template.clone_from(template),
            Kind::Wait(wait) => span(&mut form, *wait),
            Kind::Until { weekdays, at } => {
                form.weekdays = WEEKDAYS
                    .iter()
                    .filter(|(day, _, _)| weekdays.contains(day))
                    .map(|(_, word, _)| (*word).to_owned())
                    .collect();
                form.at = at.format("%H:%M").to_string();
            }
            Kind::Await {
                event,
                condition,
                at_most,
            } => {
                form.event.clone_from(event);
                form.condition = EventRows::of(condition.as_ref());
                span(&mut form, *at_most);
            }
            Kind::Branch(test) => form.show_test(test),
            Kind::Split(weights) => form.weights = weights.iter().map(u32::to_string).collect(),
            Kind::Tag { add, remove } => (form.add, form.remove) = (add.join(", "), remove.join(", ")),
            Kind::Attribute { name, value } => {
                form.name.clone_from(name);
                form.to_value = as_typed(value);
            }
            Kind::Webhook { url } => form.url.clone_from(url),
            Kind::End => {}
        }
        form
    }

    /// What stands in an empty form.
    pub fn usual() -> Self {
        Self {
            number: "3".into(),
            unit: "day".into(),
            at: "09:00".into(),
            test: "segment".into(),
            did: Did::Opened.as_str().into(),
            weights: vec!["50".into(), "50".into()],
            ..Self::default()
        }
    }

    fn show_test(&mut self, test: &Test) {
        match test {
            Test::Segment(key) => {
                self.test = "segment".into();
                self.segment.clone_from(key);
            }
            Test::Rule { json, .. } => {
                self.test = "rule".into();
                self.rule = serde_json::to_string_pretty(json).unwrap_or_default();
            }
            Test::Event(matching) => {
                self.test = "event".into();
                self.condition = EventRows::of(Some(matching));
            }
            Test::Message { step, did } => {
                self.test = "message".into();
                self.message.clone_from(step);
                did.as_str().clone_into(&mut self.did);
            }
        }
    }

    /// The step that was typed.
    pub fn parse(
        &self,
        attributes: &[attribute_definitions::Model],
    ) -> std::result::Result<Kind, FormErrors> {
        let mut errors = FormErrors::default();
        let kind = self.kind(&mut errors, attributes);
        match kind {
            Some(kind) if errors.is_empty() => Ok(kind),
            _ => Err(errors),
        }
    }

    fn kind(&self, errors: &mut FormErrors, attributes: &[attribute_definitions::Model]) -> Option<Kind> {
        Some(match self.kind.as_str() {
            "message" => Kind::Message {
                channel: Channel::Email,
                template: self.template.clone(),
            },
            "wait" => Kind::Wait(self.span(errors)?),
            "until" => Kind::Until {
                weekdays: WEEKDAYS
                    .iter()
                    .filter(|(_, word, _)| self.weekdays.iter().any(|day| day == word))
                    .map(|(day, _, _)| *day)
                    .collect(),
                at: self.time(errors)?,
            },
            "await" => Kind::Await {
                event: errors.text("event", &self.event, 100),
                condition: self.condition.parse(errors),
                at_most: self.span(errors)?,
            },
            "branch" => Kind::Branch(self.asked(errors)?),
            "split" => Kind::Split(self.shares(errors)?),
            "tag" => Kind::Tag {
                add: tags(&self.add),
                remove: tags(&self.remove),
            },
            "attribute" => Kind::Attribute {
                name: self.name.clone(),
                value: self.attribute(attributes),
            },
            "webhook" => Kind::Webhook {
                url: errors.text("url", &self.url, 2_000),
            },
            "end" => Kind::End,
            _ => {
                errors.add("kind", "Choose what happens.");
                return None;
            }
        })
    }

    fn span(&self, errors: &mut FormErrors) -> Option<Span> {
        Span::of(&self.number, &self.unit)
            .map_err(|sentence| errors.add("number", sentence))
            .ok()
    }

    fn time(&self, errors: &mut FormErrors) -> Option<NaiveTime> {
        let time = NaiveTime::parse_from_str(self.at.get(..5).unwrap_or(&self.at), "%H:%M");
        time.map_err(|_| errors.add("at", "Write the time as hours and minutes, such as 09:00."))
            .ok()
    }

    fn asked(&self, errors: &mut FormErrors) -> Option<Test> {
        Some(match self.test.as_str() {
            "message" => Test::Message {
                step: self.message.clone(),
                did: self.did.parse().unwrap_or(Did::Opened),
            },
            "event" => match self.condition.parse(errors) {
                Some(matching) => Test::Event(matching),
                None => {
                    errors.add("where", "Name the property of the event that is asked about.");
                    return None;
                }
            },
            "rule" => {
                let json: Value = serde_json::from_str(&self.rule)
                    .map_err(|error| errors.add("rule", format!("This is no JSON: {error}.")))
                    .ok()?;
                let rule = Rule::parse(&json)
                    .map_err(|problems| errors.add("rule", problems.to_string()))
                    .ok()?;
                Test::Rule { rule, json }
            }
            _ => Test::Segment(self.segment.clone()),
        })
    }

    fn shares(&self, errors: &mut FormErrors) -> Option<Vec<u32>> {
        let typed = self
            .weights
            .iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty());
        let weights: std::result::Result<Vec<u32>, _> = typed.map(str::parse).collect();
        let weights = weights
            .map_err(|_| errors.add("weights", "A share is a whole number of per cent."))
            .ok()?;
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        match (weights.len(), sum, weights.contains(&0)) {
            (2.., 100, false) => Some(weights),
            (0 | 1, _, _) => {
                errors.add("weights", "Fill in at least two shares.");
                None
            }
            (_, 100, true) => {
                errors.add(
                    "weights",
                    "Each share is at least 1 per cent; leave a way empty to drop it.",
                );
                None
            }
            _ => {
                errors.add(
                    "weights",
                    format!("The shares add up to {sum} per cent; make it 100."),
                );
                None
            }
        }
    }

    /// The value as the attribute's kind has it.
    fn attribute(&self, attributes: &[attribute_definitions::Model]) -> Value {
        let text = self.to_value.trim();
        let kind = attributes
            .iter()
            .find(|row| row.name == self.name)
            .map(|row| row.kind);
        match kind {
            _ if text.is_empty() => Value::Null,
            Some(AttributeKind::Text | AttributeKind::Date) => json!(text),
            _ => typed(text),
        }
    }
}

/// `vip, new member`: each once.
fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}
