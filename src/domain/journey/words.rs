//! A journey in sentences, for staff.

use super::json::weekday_word;
use super::{Did, Entry, Journey, Kind, OnDate, Reentry, Step, Test};
use crate::domain::segment::Labels;
use chrono::Weekday;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the keys in a journey are called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub templates: BTreeMap<String, String>,
    pub segments: BTreeMap<String, String>,
    pub labels: Labels,
}

impl Names {
    fn template<'a>(&'a self, key: &'a str) -> &'a str {
        self.templates.get(key).map_or(key, String::as_str)
    }

    fn segment<'a>(&'a self, key: &'a str) -> &'a str {
        self.segments.get(key).map_or(key, String::as_str)
    }
}

impl Step {
    /// What it does, in one line. `journey` names other steps.
    pub fn words(&self, journey: &Journey, names: &Names) -> String {
        match &self.kind {
            Kind::Message { template, .. } if template.is_empty() => "Nothing chosen yet".into(),
            Kind::Message { template, .. } => format!("“{}”", names.template(template)),
            Kind::Wait(span) => span.words(),
            Kind::Until { weekdays, at } => {
                format!("{}, {}", days(weekdays), at.format("%H:%M"))
            }
            Kind::Await {
                event,
                condition,
                at_most,
            } => {
                let is_like = condition.as_ref().map_or_else(String::new, |matching| {
                    format!(" where {}", matching.condition.words())
                });
                format!("{event}{is_like}, at most {}", at_most.words())
            }
            Kind::Branch(test) => test.words(journey, names),
            Kind::Split(weights) => {
                let parts: Vec<_> = weights.iter().map(u32::to_string).collect();
                format!("{} per cent", parts.join(" / "))
            }
            Kind::Tag { add, remove } => {
                let mut parts = Vec::new();
                if !add.is_empty() {
                    parts.push(format!("add {}", add.join(", ")));
                }
                if !remove.is_empty() {
                    parts.push(format!("remove {}", remove.join(", ")));
                }
                parts.join("; ")
            }
            Kind::Attribute {
                name,
                value: Value::Null,
            } => format!("empty {name}"),
            Kind::Attribute { name, value } => format!("{name} = {}", plain(value)),
            Kind::Webhook { url } => host(url),
            Kind::End => "The journey is over".into(),
        }
    }
}

impl Kind {
    /// What staff read.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Message { channel, .. } => match channel.label() {
                "E-mail" => "Send an e-mail",
                _ => "Send a message",
            },
            Self::Wait(_) => "Wait",
            Self::Until { .. } => "Wait until",
            Self::Await { .. } => "Wait for an event",
            Self::Branch(_) => "Branch",
            Self::Split(_) => "Split at random",
            Self::Tag { .. } => "Change tags",
            Self::Attribute { .. } => "Set an attribute",
            Self::Webhook { .. } => "Call a webhook",
            Self::End => "End",
        }
    }
}

impl Test {
    fn words(&self, journey: &Journey, names: &Names) -> String {
        match self {
            Self::Segment(key) if key.is_empty() => "Nothing chosen yet".into(),
            Self::Segment(key) => format!("In “{}”?", names.segment(key)),
            Self::Rule { rule, .. } => format!("{}?", rule.describe(&names.labels)),
            Self::Event(matching) => format!("The event: {}?", matching.condition.words()),
            Self::Message { step, did } => {
                let message = match journey.step(step).map(|step| &step.kind) {
                    Some(Kind::Message { template, .. }) => names.template(template),
                    _ => step,
                };
                let did = match did {
                    Did::Sent => "Was sent",
                    Did::Opened => "Opened",
                    Did::Clicked => "Clicked in",
                };
                format!("{did} “{message}”?")
            }
        }
    }
}

impl Entry {
    /// How people come in.
    pub fn words(&self, segment: Option<&str>) -> String {
        let segment = segment.unwrap_or("the segment that is to be chosen");
        match self {
            Self::Staff => "People whom staff put in".into(),
            Self::Segment { existing: true } => format!("Everyone in “{segment}”, and who joins it"),
            Self::Segment { existing: false } => format!("Who joins “{segment}” from the start on"),
            Self::Event {
                event,
                condition: None,
            } => format!("People with the event {event}"),
            Self::Event {
                event,
                condition: Some(matching),
            } => {
                format!(
                    "People with the event {event} where {}",
                    matching.condition.words()
                )
            }
            Self::Date(on) => on.words(),
        }
    }
}

impl OnDate {
    fn words(&self) -> String {
        let when = match self.days {
            0 => "on".to_owned(),
            1 => "the day after".to_owned(),
            -1 => "the day before".to_owned(),
            days @ 2.. => format!("{days} days after"),
            days => format!("{} days before", days.unsigned_abs()),
        };
        let every = if self.yearly { ", year by year" } else { "" };
        format!(
            "People {when} their {}{every}, at {}",
            self.attribute,
            self.at.format("%H:%M")
        )
    }
}

impl Reentry {
    /// How often.
    pub fn words(self) -> String {
        match self {
            Self::Never => "Once in a lifetime".into(),
            Self::Always => "Again each time, but never twice at once".into(),
            Self::After(span) => format!("Again after {}", span.words()),
        }
    }
}

/// `Tuesday or Friday`; without any, `the next day`.
fn days(weekdays: &[Weekday]) -> String {
    let name = |day: &Weekday| {
        let word = weekday_word(*day);
        let (first, rest) = word.split_at(1);
        format!("{first}{}", rest.to_lowercase())
    };
    let names: Vec<_> = weekdays.iter().map(name).collect();
    match names.as_slice() {
        [] => "the next day’s".into(),
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        names => names.concat(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        value => value.to_string(),
    }
}

/// The address without what may be a secret in it.
fn host(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(parsed) => parsed.host_str().unwrap_or(url).to_owned(),
        Err(_) if url.is_empty() => "Nothing chosen yet".into(),
        Err(_) => url.to_owned(),
    }
}
