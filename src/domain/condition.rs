//! A condition on the properties of an event that a club system reported, as goals have it:
//! `{"field": "event.amount", "op": "gte", "value": 100}`, nested in `all` and `any`.

use serde_json::Value;

/// How deep conditions may be nested.
const DEEPEST: usize = 8;

/// What the event must be like.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Field { name: String, test: Test },
}

/// What is asked of one property.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Exists,
    Equal(Value),
    NotEqual(Value),
    Less(Value),
    LessOrEqual(Value),
    Greater(Value),
    GreaterOrEqual(Value),
}

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(json: &Value) -> Result<Self, String> {
        Self::nested(json, 0)
    }

    fn nested(json: &Value, depth: usize) -> Result<Self, String> {
        if depth > DEEPEST {
            return Err(format!("Conditions may be nested {DEEPEST} deep."));
        }
        let fields = json.as_object().ok_or("A condition is an object.")?;
        for (word, of) in [
            ("all", Self::All as fn(Vec<Self>) -> Self),
            ("any", Self::Any as fn(Vec<Self>) -> Self),
        ] {
            if let Some(parts) = fields.get(word) {
                let parts = parts
                    .as_array()
                    .filter(|parts| !parts.is_empty() && parts.len() <= 50 && fields.len() == 1)
                    .ok_or_else(|| format!("“{word}” is a list of 1 to 50 conditions, alone."))?;
                let parts = parts.iter().map(|part| Self::nested(part, depth + 1));
                return Ok(of(parts.collect::<Result<_, _>>()?));
            }
        }
        let name = fields
            .get("field")
            .and_then(Value::as_str)
            .and_then(|field| field.strip_prefix("event."))
            .filter(|name| !name.is_empty())
            .ok_or("A goal’s condition is on a property of the event, such as “event.amount”.")?;
        let value = fields.get("value").cloned().unwrap_or(Value::Null);
        let op = fields.get("op").and_then(Value::as_str).unwrap_or_default();
        let is_ordered = value.is_number() || value.is_string();
        let test = match op {
            "exists" => Test::Exists,
            "eq" => Test::Equal(value),
            "ne" => Test::NotEqual(value),
            "lt" if is_ordered => Test::Less(value),
            "lte" if is_ordered => Test::LessOrEqual(value),
            "gt" if is_ordered => Test::Greater(value),
            "gte" if is_ordered => Test::GreaterOrEqual(value),
            "lt" | "lte" | "gt" | "gte" => {
                return Err(format!("“{op}” compares with a number or a text."));
            }
            _ => return Err("A goal’s condition is one of eq, ne, lt, lte, gt, gte, exists.".into()),
        };
        Ok(Self::Field {
            name: name.to_owned(),
            test,
        })
    }

    /// Whether an event with these properties meets it.
    pub fn holds(&self, properties: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(properties)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(properties)),
            Self::Field { name, test } => {
                let found = name
                    .split('.')
                    .try_fold(properties, |at, part| at.get(part))
                    .unwrap_or(&Value::Null);
                test.holds(found)
            }
        }
    }
}

impl Test {
    fn holds(&self, found: &Value) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match self {
            Self::Exists => !found.is_null(),
            Self::Equal(value) => order(found, value) == Some(Equal) || found == value,
            Self::NotEqual(value) => order(found, value) != Some(Equal) && found != value,
            Self::Less(value) => order(found, value) == Some(Less),
            Self::LessOrEqual(value) => matches!(order(found, value), Some(Less | Equal)),
            Self::Greater(value) => order(found, value) == Some(Greater),
            Self::GreaterOrEqual(value) => matches!(order(found, value), Some(Greater | Equal)),
        }
    }
}

/// Numbers by size, texts by letters (so do dates written year first); others have no order.
fn order(one: &Value, other: &Value) -> Option<std::cmp::Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_condition_holds_of_the_properties_that_it_names() {
        #[rustfmt::skip]
        let cases = [
            (json!({"field": "event.amount", "op": "gte", "value": 100}), json!({"amount": 100}), true),
            (json!({"field": "event.amount", "op": "gt", "value": 100}), json!({"amount": 100.5}), true),
            (json!({"field": "event.amount", "op": "lt", "value": 100}), json!({"amount": 100}), false),
            (json!({"field": "event.amount", "op": "lt", "value": 100}), json!({}), false),
            (json!({"field": "event.kind", "op": "eq", "value": "cup"}), json!({"kind": "cup"}), true),
            (json!({"field": "event.kind", "op": "ne", "value": "cup"}), json!({}), true),
            (json!({"field": "event.amount", "op": "eq", "value": 5}), json!({"amount": 5.0}), true),
            (json!({"field": "event.kind", "op": "exists"}), json!({"kind": null}), false),
            (json!({"any": [{"field": "event.a", "op": "exists"}, {"field": "event.b.c", "op": "exists"}]}), json!({"b": {"c": 1}}), true),
            (json!({"all": [{"field": "event.a", "op": "exists"}, {"field": "event.b", "op": "exists"}]}), json!({"b": 1}), false),
        ];
        for (condition, properties, expected) in cases {
            let parsed = Condition::parse(&condition).unwrap();
            assert_eq!(parsed.holds(&properties), expected, "{condition} {properties}");
        }
    }

    #[test]
    fn a_condition_that_cannot_be_evaluated_is_refused() {
        for condition in [
            json!("amount"),
            json!({}),
            json!({"field": "contact.tag", "op": "eq", "value": 1}),
            json!({"field": "event.a", "op": "matches", "value": "b"}),
            json!({"field": "event.a", "op": "lt", "value": null}),
            json!({"all": []}),
            json!({"all": [{"field": "event.a", "op": "exists"}], "any": []}),
        ] {
            assert!(Condition::parse(&condition).is_err(), "{condition}");
        }
    }
}
