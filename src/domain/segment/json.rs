//! A rule as the JSON that is stored and that the API shows. Reading it again gives the same rule.

use super::{Condition, Operand, Rule};
use chrono::SecondsFormat;
use serde_json::{Value, json};

impl Rule {
    pub fn to_json(&self) -> Value {
        let list = |rules: &[Self]| Value::Array(rules.iter().map(Self::to_json).collect());
        match self {
            Self::All(rules) => json!({"all": list(rules)}),
            Self::Any(rules) => json!({"any": list(rules)}),
            Self::None(rules) => json!({"none": list(rules)}),
            Self::Condition(Condition { field, op, value }) => {
                json!({"field": field.name(), "op": op, "value": value.to_json()})
            }
        }
    }
}

impl Operand {
    pub fn to_json(&self) -> Value {
        match self {
            Self::Flag(flag) => json!(flag),
            Self::Number(number) => plain(*number),
            Self::Text(text) => json!(text),
            Self::Numbers(list) => list.iter().copied().map(plain).collect(),
            Self::Texts(list) => json!(list),
            Self::Date(date) => json!(date.format("%Y-%m-%d").to_string()),
            Self::Instant(at) => json!(at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Ago(ago) => json!(ago.iso()),
        }
    }
}

/// A whole number without the `.0` of a fraction.
pub(super) fn plain(number: f64) -> Value {
    // Whole numbers up to 2^53 are exact in both forms.
    match number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        true => json!(number as i64),
        false => json!(number),
    }
}
