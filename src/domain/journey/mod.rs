//! Journeys: a graph of steps that people walk one by one, with waits between. A definition is
//! parsed once from JSON, checked as a whole by `validate`, and walked by `next`, which is pure:
//! the same position and facts give the same action on every day and every machine.
//!
//! What a journey means:
//! - The first step of the list is where everybody begins.
//! - A person is in a journey once at a time.
//! - A wait begins when the person arrives at it, so after a pause nobody is hurried through what
//!   was missed: the wait that ended goes on at once, and the next one is as long as it says.
//! - "Until Tuesday, 09:00" is the next one after the arrival, never the moment of it.
//! - Days are the calendar's in the campaign's zone: three days after 10:00 is 10:00.

pub mod call;
mod edit;
mod entry;
mod json;
mod parse;
mod span;
#[cfg(test)]
mod tests;
mod tree;
mod validate;
mod walk;
mod words;

pub use entry::{Entry, Exit, MOST_DAYS, OnDate, Past, Reason, Reentry, anniversary};
pub use span::Span;
pub use tree::{Line, Node, Tail};
pub use validate::Known;
pub use walk::{Action, Did, Facts, Outcome, Position};
pub use words::Names;

use super::Channel;
use super::condition::Condition;
use super::segment::Rule;
use chrono::{NaiveTime, Weekday};
use serde_json::Value;

/// How many steps a journey has at most.
pub const MOST_STEPS: usize = 100;
/// How many ways a split has at most.
pub const MOST_WAYS: usize = 5;
/// The longest id of a step, in characters.
pub const LONGEST_ID: usize = 40;
/// The longest address of a webhook, in bytes.
pub const LONGEST_URL: usize = 2_000;

/// A series of steps, and who walks it.
#[derive(Clone, Debug, PartialEq)]
pub struct Journey {
    pub entry: Entry,
    pub reentry: Reentry,
    pub exit: Exit,
    pub steps: Vec<Step>,
}

/// One step. Where it leads is in `to`, in the order of `Kind::ways`.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name in the journey, in the ledger and in the counts: `welcome`.
    pub id: String,
    pub kind: Kind,
    /// The step that each way leads to; `None` where nobody said yet.
    pub to: Vec<Option<String>>,
}

/// What happens at a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Sends a template, by its key.
    Message {
        channel: Channel,
        template: String,
    },
    Wait(Span),
    /// Until the next such weekday and hour in the campaign's zone; without weekdays on any day.
    Until {
        weekdays: Vec<Weekday>,
        at: NaiveTime,
    },
    /// Until an event of the person, or at most so long.
    Await {
        event: String,
        condition: Option<Matching>,
        at_most: Span,
    },
    Branch(Test),
    /// At random, by weights that sum to 100.
    Split(Vec<u32>),
    Tag {
        add: Vec<String>,
        remove: Vec<String>,
    },
    /// Sets an attribute; null takes it away.
    Attribute {
        name: String,
        value: Value,
    },
    Webhook {
        url: String,
    },
    End,
}

/// What a branch asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Whether the person is in a segment, by its key.
    Segment(String),
    /// Whether a rule holds for the person.
    Rule { rule: Rule, json: Value },
    /// Of the event that the person came in by, or that was waited for last.
    Event(Matching),
    /// What the person did with the message of an earlier step.
    Message { step: String, did: Did },
}

/// A condition on an event's properties, with the JSON it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Matching {
    pub condition: Condition,
    pub json: Value,
}

impl Matching {
    /// Reads a condition.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(json: &Value) -> Result<Self, String> {
        Ok(Self {
            condition: Condition::parse(json)?,
            json: json.clone(),
        })
    }
}

/// Something that is wrong with a journey, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The step's id; `None` for the journey as a whole.
    pub step: Option<String>,
    /// The part of the step, or of the journey.
    pub field: &'static str,
    /// A sentence.
    pub text: String,
}

impl Problem {
    pub fn of(step: &str, field: &'static str, text: impl Into<String>) -> Self {
        Self {
            step: Some(step.to_owned()),
            field,
            text: text.into(),
        }
    }

    pub fn whole(field: &'static str, text: impl Into<String>) -> Self {
        Self {
            step: None,
            field,
            text: text.into(),
        }
    }

    /// Its field in the JSON API: `journey.steps.welcome.template`.
    pub fn path(&self) -> String {
        let mut path = "journey".to_owned();
        if let Some(step) = &self.step {
            path.push_str(".steps.");
            path.push_str(step);
        }
        if !self.field.is_empty() {
            path.push('.');
            path.push_str(self.field);
        }
        path
    }
}

impl Kind {
    /// The ways out, by the names they have in JSON. Those of a split are counted.
    pub fn ways(&self) -> Vec<&'static str> {
        match self {
            Self::Branch(_) => vec!["yes", "no"],
            Self::Await { .. } => vec!["next", "otherwise"],
            Self::Webhook { .. } => vec!["next", "failed"],
            Self::Split(weights) => vec!["next"; weights.len()],
            Self::End => Vec::new(),
            _ => vec!["next"],
        }
    }

    /// The word for it in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Wait(_) => "wait",
            Self::Until { .. } => "until",
            Self::Await { .. } => "await",
            Self::Branch(_) => "branch",
            Self::Split(_) => "split",
            Self::Tag { .. } => "tag",
            Self::Attribute { .. } => "attribute",
            Self::Webhook { .. } => "webhook",
            Self::End => "end",
        }
    }

    /// Whether people stay here for a while.
    pub const fn is_wait(&self) -> bool {
        matches!(self, Self::Wait(_) | Self::Until { .. } | Self::Await { .. })
    }

    /// Whether it may stay without a way: a webhook's failure then goes on as its success does.
    pub fn may_lack(&self, way: usize) -> bool {
        matches!(self, Self::Webhook { .. }) && way == 1
    }
}

impl Journey {
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// Where everybody begins.
    pub fn first(&self) -> Option<&Step> {
        self.steps.first()
    }

    /// The steps that send something, with channel and template.
    pub fn messages(&self) -> impl Iterator<Item = (&str, Channel, &str)> {
        self.steps.iter().filter_map(|step| match &step.kind {
            Kind::Message { channel, template } => Some((step.id.as_str(), *channel, template.as_str())),
            _ => None,
        })
    }

    /// A journey to begin with: it ends at once.
    pub fn blank(entry: Entry) -> Self {
        Self {
            reentry: entry.usual_reentry(),
            entry,
            exit: Exit::default(),
            steps: vec![Step {
                id: "end".into(),
                kind: Kind::End,
                to: Vec::new(),
            }],
        }
    }
}

/// Whether a text may be the id of a step.
pub fn is_id(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    !text.is_empty() && text.len() <= LONGEST_ID && text.bytes().all(is_plain)
}
