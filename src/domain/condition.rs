//! A condition on an event that a club system reported, and for triggers on the person that it is
//! about: `{"field": "event.amount", "op": "gte", "value": 100}`, nested in `all`, `any` and `none`.

use super::segment::{Field, Kind, Labels, Person, Rule};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

/// How deep conditions may be nested.
const DEEPEST: usize = 8;
/// How many a group may hold.
const MOST: usize = 50;

/// What the event, and the person, must be like.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    None(Vec<Condition>),
    Field {
        name: String,
        test: Test,
    },
    /// Asks about the person, as a segment does.
    Contact(Rule),
}

/// What is asked of one property.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Exists(bool),
    Equal(Value),
    NotEqual(Value),
    Less(Value),
    LessOrEqual(Value),
    Greater(Value),
    GreaterOrEqual(Value),
    In(Vec<Value>),
    Contains(String),
}

/// The comparisons, as they are written.
const OPS: &str = "eq, ne, lt, lte, gt, gte, in, contains, exists";

/// What a condition may ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Event,
    /// The event, and the fields, tags and attributes of the person it is about.
    EventAndContact,
}

/// The person that an event is about, for conditions that ask; `now` and `zone` are for dates.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub person: &'a Person,
    pub now: DateTime<Utc>,
    pub zone: Tz,
}

/// What is wrong at one place of a condition: `all[1]`, and a sentence.
pub type Mistake = (String, String);

impl Condition {
    /// Reads a condition on an event.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(json: &Value) -> Result<Self, String> {
        Self::read(json, Scope::Event).map_err(|mistakes| {
            let first = mistakes.into_iter().next();
            first.map(|(_, sentence)| sentence).unwrap_or_default()
        })
    }

    /// Reads a condition.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub fn read(json: &Value, scope: Scope) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let read = Self::nested(json, scope, 0, "", &mut mistakes);
        match read {
            Some(condition) if mistakes.is_empty() => Ok(condition),
            _ => Err(mistakes),
        }
    }

    fn nested(
        json: &Value,
        scope: Scope,
        depth: usize,
        at: &str,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Self> {
        let mut refuse = |sentence: String| {
            if mistakes.len() < MOST {
                mistakes.push((at.to_owned(), sentence));
            }
        };
        if depth > DEEPEST {
            refuse(format!("Conditions may be nested {DEEPEST} deep."));
            return None;
        }
        let Some(fields) = json.as_object() else {
            refuse("A condition is an object.".into());
            return None;
        };
        for (word, of) in [
            ("all", Self::All as fn(Vec<Self>) -> Self),
            ("any", Self::Any as fn(Vec<Self>) -> Self),
            ("none", Self::None as fn(Vec<Self>) -> Self),
        ] {
            let Some(parts) = fields.get(word) else { continue };
            let parts = parts
                .as_array()
                .filter(|parts| !parts.is_empty() && parts.len() <= MOST && fields.len() == 1);
            let Some(parts) = parts else {
                refuse(format!("“{word}” is a list of 1 to {MOST} conditions, alone."));
                return None;
            };
            let mut read = Vec::new();
            for (place, part) in parts.iter().enumerate() {
                let dot = if at.is_empty() { "" } else { "." };
                let at = format!("{at}{dot}{word}[{place}]");
                read.extend(Self::nested(part, scope, depth + 1, &at, mistakes));
            }
            return Some(of(read));
        }
        Self::one(json, scope).map_err(refuse).ok()
    }

    fn one(json: &Value, scope: Scope) -> Result<Self, String> {
        let field = json["field"].as_str().unwrap_or_default().trim();
        if let Some(name) = field.strip_prefix("event.").filter(|name| !name.is_empty()) {
            let op = json["op"].as_str().unwrap_or_default();
            return Ok(Self::Field {
                name: name.to_owned(),
                test: Test::parse(op, &json["value"])?,
            });
        }
        match scope {
            Scope::Event => Err("A condition is on a property of the event, such as “event.amount”.".into()),
            Scope::EventAndContact => Self::contact(json, field),
        }
    }

    fn contact(json: &Value, name: &str) -> Result<Self, String> {
        let name = name.strip_prefix("contact.").unwrap_or(name);
        let field = Field::parse(name).map_err(|_| {
            "A condition is on a property of the event, such as “event.players”, or on the person, such as \
             “contact.tags” or “contact.attributes.handicap”."
                .to_owned()
        })?;
        if matches!(
            field.kind(),
            Kind::Consent | Kind::Topic | Kind::Engagement | Kind::Segment | Kind::Campaign
        ) {
            return Err(format!(
                "“{name}” cannot be asked here; make a segment of it and choose that as the audience."
            ));
        }
        let mut rule = json.clone();
        rule["field"] = json!(name);
        let rule = Rule::parse(&rule).map_err(|errors| {
            let mut text = errors.to_string();
            text.push('.');
            text
        })?;
        Ok(Self::Contact(rule))
    }

    /// Whether an event with these properties meets it. What it asks about a person does not hold.
    pub fn holds(&self, properties: &Value) -> bool {
        self.holds_for(properties, None)
    }

    /// Whether an event with these properties, about this person, meets it.
    pub fn holds_for(&self, properties: &Value, about: Option<About>) -> bool {
        let holds = |part: &Self| part.holds_for(properties, about);
        match self {
            Self::All(parts) => parts.iter().all(holds),
            Self::Any(parts) => parts.iter().any(holds),
            Self::None(parts) => !parts.iter().any(holds),
            Self::Field { name, test } => test.holds(property(properties, name)),
            Self::Contact(rule) => {
                about.is_some_and(|about| rule.matches(about.person, about.now, about.zone))
            }
        }
    }

    /// Whether it asks about the person.
    pub fn asks_about_contact(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) | Self::None(parts) => {
                parts.iter().any(Self::asks_about_contact)
            }
            Self::Field { .. } => false,
            Self::Contact(_) => true,
        }
    }

    /// The condition as a sentence without its full stop: `players is at least 2 and is tagged
    /// “member”`.
    pub fn words(&self) -> String {
        let join = |parts: &[Self], word: &str| {
            let parts: Vec<_> = parts.iter().map(Self::inner_words).collect();
            parts.join(word)
        };
        match self {
            Self::All(parts) => join(parts, " and "),
            Self::Any(parts) => join(parts, " or "),
            Self::None(parts) => format!("not ({})", join(parts, " or ")),
            Self::Field { name, test } => format!("{name} {}", test.words()),
            Self::Contact(rule) => rule.describe(&Labels::default()),
        }
    }

    fn inner_words(&self) -> String {
        match self {
            Self::All(parts) | Self::Any(parts) if parts.len() > 1 => format!("({})", self.words()),
            _ => self.words(),
        }
    }
}

/// A property by its name; one within another has dots. Null where there is none.
pub fn property<'a>(properties: &'a Value, name: &str) -> &'a Value {
    properties
        .get(name)
        .or_else(|| name.split('.').try_fold(properties, |at, part| at.get(part)))
        .unwrap_or(&Value::Null)
}

impl Test {
    fn parse(op: &str, value: &Value) -> Result<Self, String> {
        let is_ordered = value.is_number() || value.is_string();
        let value = value.clone();
        Ok(match op {
            "exists" => Self::Exists(value.as_bool().unwrap_or(true)),
            "eq" => Self::Equal(value),
            "ne" => Self::NotEqual(value),
            "lt" if is_ordered => Self::Less(value),
            "lte" if is_ordered => Self::LessOrEqual(value),
            "gt" if is_ordered => Self::Greater(value),
            "gte" if is_ordered => Self::GreaterOrEqual(value),
            "lt" | "lte" | "gt" | "gte" => return Err(format!("“{op}” compares with a number or a text.")),
            "in" => match value {
                Value::Array(values) if !values.is_empty() && values.len() <= MOST => Self::In(values),
                _ => return Err(format!("“in” compares with a list of 1 to {MOST} values.")),
            },
            "contains" => match value {
                Value::String(text) if !text.is_empty() => Self::Contains(text),
                _ => return Err("“contains” compares with a text.".into()),
            },
            _ => return Err(format!("A condition’s op is one of {OPS}.")),
        })
    }

    fn holds(&self, found: &Value) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match self {
            Self::Exists(wanted) => found.is_null() != *wanted,
            Self::Equal(value) => is_equal(found, value),
            Self::NotEqual(value) => !is_equal(found, value),
            Self::Less(value) => order(found, value) == Some(Less),
            Self::LessOrEqual(value) => matches!(order(found, value), Some(Less | Equal)),
            Self::Greater(value) => order(found, value) == Some(Greater),
            Self::GreaterOrEqual(value) => matches!(order(found, value), Some(Greater | Equal)),
            Self::In(values) => values.iter().any(|value| is_equal(found, value)),
            Self::Contains(part) => match found {
                Value::String(text) => text.to_lowercase().contains(&part.to_lowercase()),
                Value::Array(items) => items.iter().any(|item| item.as_str() == Some(part)),
                _ => false,
            },
        }
    }

    fn words(&self) -> String {
        let said = |value: &Value| match value {
            Value::String(text) => format!("“{text}”"),
            Value::Null => "nothing".to_owned(),
            other => other.to_string(),
        };
        match self {
            Self::Exists(true) => "is there".into(),
            Self::Exists(false) => "is not there".into(),
            Self::Equal(value) => format!("is {}", said(value)),
            Self::NotEqual(value) => format!("is not {}", said(value)),
            Self::Less(value) => format!("is less than {}", said(value)),
            Self::LessOrEqual(value) => format!("is at most {}", said(value)),
            Self::Greater(value) => format!("is more than {}", said(value)),
            Self::GreaterOrEqual(value) => format!("is at least {}", said(value)),
            Self::In(values) => {
                let values: Vec<_> = values.iter().map(said).collect();
                format!("is one of {}", values.join(", "))
            }
            Self::Contains(part) => format!("contains “{part}”"),
        }
    }
}

/// Numbers by their size, whatever they are written as; others as they are.
pub fn is_equal(one: &Value, other: &Value) -> bool {
    order(one, other) == Some(std::cmp::Ordering::Equal) || one == other
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
            (json!({"none": [{"field": "event.a", "op": "exists"}, {"field": "event.b", "op": "exists"}]}), json!({"b": 1}), false),
            (json!({"none": [{"field": "event.a", "op": "exists"}]}), json!({"b": 1}), true),
            (json!({"field": "event.a", "op": "exists", "value": false}), json!({"b": 1}), true),
            (json!({"field": "event.course", "op": "in", "value": ["North", "South"]}), json!({"course": "South"}), true),
            (json!({"field": "event.holes", "op": "in", "value": [9, 18]}), json!({"holes": 18.0}), true),
            (json!({"field": "event.course", "op": "in", "value": ["North"]}), json!({}), false),
            (json!({"field": "event.course", "op": "contains", "value": "old"}), json!({"course": "The Old Links"}), true),
            (json!({"field": "event.guests", "op": "contains", "value": "Bo"}), json!({"guests": ["Al", "Bo"]}), true),
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
            json!({"field": "event.a", "op": "in", "value": []}),
            json!({"field": "event.a", "op": "contains", "value": 7}),
        ] {
            assert!(Condition::parse(&condition).is_err(), "{condition}");
        }
    }

    fn person() -> Person {
        Person {
            key: Some("1001".into()),
            email: Some("anna@example.org".into()),
            phone: None,
            first_name: "Anna".into(),
            last_name: "Botha".into(),
            timezone: None,
            locale: None,
            tags: ["member".to_owned()].into(),
            attributes: json!({"handicap": 12, "joined": "2026-03-01"})
                .as_object()
                .unwrap()
                .clone(),
            consents: Default::default(),
            topic_opt_outs: Default::default(),
            engagement: Default::default(),
            lists: Default::default(),
            campaigns: Default::default(),
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            updated_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_condition_may_ask_about_the_person_too() {
        let person = person();
        let about = About {
            person: &person,
            now: "2026-03-20T12:00:00Z".parse().unwrap(),
            zone: Tz::UTC,
        };
        for (condition, expected) in [
            (
                json!({"field": "contact.tags", "op": "has", "value": "member"}),
                true,
            ),
            (json!({"field": "tags", "op": "has", "value": "junior"}), false),
            (
                json!({"field": "contact.attributes.handicap", "op": "lt", "value": 18}),
                true,
            ),
            (
                json!({"field": "contact.attributes.joined", "op": "within_last", "value": "P30D"}),
                true,
            ),
            (
                json!({"field": "contact.first_name", "op": "eq", "value": "anna"}),
                true,
            ),
            (
                json!({"all": [
                    {"field": "event.players", "op": "gte", "value": 2},
                    {"none": [{"field": "contact.phone", "op": "exists"}]},
                ]}),
                true,
            ),
        ] {
            let parsed = Condition::read(&condition, Scope::EventAndContact).unwrap();
            let properties = json!({"players": 2});
            assert!(parsed.asks_about_contact());
            assert_eq!(
                parsed.holds_for(&properties, Some(about)),
                expected,
                "{condition}"
            );
            assert!(
                Condition::parse(&condition).is_err(),
                "not of a goal: {condition}"
            );
        }
    }

    #[test]
    fn every_mistake_is_said_with_its_place() {
        let condition = json!({"all": [
            {"field": "event.a", "op": "matches", "value": 1},
            {"any": [{"field": "contact.nickname", "op": "eq", "value": "x"}]},
            {"field": "contact.tags", "op": "lt", "value": 1},
            {"field": "engagement.opened", "op": "exists"},
            {"field": "event.b", "op": "exists"},
        ]});
        let mistakes = Condition::read(&condition, Scope::EventAndContact).unwrap_err();
        let places: Vec<_> = mistakes.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(places, ["all[0]", "all[1].any[0]", "all[2]", "all[3]"]);
    }

    #[test]
    fn a_condition_is_said_in_words() {
        let condition = json!({"all": [
            {"field": "event.players", "op": "gte", "value": 2},
            {"any": [
                {"field": "event.course", "op": "eq", "value": "North"},
                {"field": "contact.tags", "op": "has", "value": "member"},
            ]},
        ]});
        let parsed = Condition::read(&condition, Scope::EventAndContact).unwrap();
        assert_eq!(
            parsed.words(),
            "players is at least 2 and (course is “North” or is tagged “member”)"
        );
    }
}
