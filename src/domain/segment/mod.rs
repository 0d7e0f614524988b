//! Segments: a tree of rules about a person. A rule is parsed once from JSON into what cannot be
//! wrong, evaluated in memory here, and compiled to SQL by `audience::segments`; both answer alike
//! for every person, which a property test holds.
//!
//! What a rule means:
//! - Every condition is true or false, never unknown. A value is missing where it was never given
//!   or is empty text; then `ne` holds and every other comparison does not.
//! - Text compares without regard to the case of the letters A to Z; tags compare exactly.
//! - An attribute compares as the kind that the condition's value has: a text never equals a
//!   number. Dates are attributes written `YYYY-MM-DD`.
//! - `segment` asks whether the person is in another segment; what that one asks takes its place
//!   before the rule is asked (`refer`), so only lists made by hand are left. `campaign.opened` asks
//!   about the messages of one campaign; who was not sent it has not opened it.
//! - `engagement.opened` is every first open of a message, and alike for the others:
//!   `within_last` and `after` ask for one of them, `before` asks that the last was before.
//! - A day is the club's day: an instant is `after` 2026-03-01 from the next midnight on.
//! - An empty `all` holds for everyone, an empty `any` for nobody, an empty `none` for everyone.

mod ago;
mod evaluate;
mod field;
mod json;
mod parse;
mod refer;
mod span;
#[cfg(test)]
mod tests;
mod words;

pub use ago::{Ago, Unit};
pub use evaluate::Person;
pub use field::{Engagement, Field, Kind, Op, TextField};
pub use parse::{RuleError, RuleErrors};
pub use refer::{LONGEST_CHAIN, MOST_RESOLVED, Named, Reference, resolve};
pub use span::{DaySpan, InstantSpan};
pub use words::Labels;

use chrono::{DateTime, NaiveDate, Utc};

/// How deep groups may stand in one another.
pub const DEEPEST: usize = 6;
/// How many conditions a rule may have in all.
pub const MOST_CONDITIONS: usize = 100;
/// How many values a list may have.
pub const LONGEST_LIST: usize = 1000;
/// How many values a rule may have in all its lists: each becomes a parameter of one statement.
pub const MOST_VALUES: usize = 10_000;
/// The longest text, in characters.
pub const LONGEST_TEXT: usize = 500;
/// The longest name of an attribute, in characters.
pub const LONGEST_NAME: usize = 100;

/// A rule about a person.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    All(Vec<Rule>),
    Any(Vec<Rule>),
    None(Vec<Rule>),
    Condition(Condition),
}

/// A comparison. Made only by parsing, so its operation and value fit its field.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub field: Field,
    pub op: Op,
    pub value: Operand,
}

/// What a condition compares with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Flag(bool),
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
    Texts(Vec<String>),
    Date(NaiveDate),
    Instant(DateTime<Utc>),
    Ago(Ago),
}

impl Operand {
    /// The texts that it names: one or several.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::Texts(texts) => texts.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

impl Rule {
    /// The rule that holds for everyone.
    pub const fn everyone() -> Self {
        Self::All(Vec::new())
    }

    /// How many conditions it has in all.
    pub fn conditions(&self) -> usize {
        match self {
            Self::All(rules) | Self::Any(rules) | Self::None(rules) => {
                rules.iter().map(Self::conditions).sum()
            }
            Self::Condition(_) => 1,
        }
    }

    /// Whether a condition of it is about a field.
    pub fn asks_about(&self, field: &Field) -> bool {
        match self {
            Self::All(rules) | Self::Any(rules) | Self::None(rules) => {
                rules.iter().any(|rule| rule.asks_about(field))
            }
            Self::Condition(condition) => condition.field == *field,
        }
    }
}
