//! A rule asked of one person in memory: for triggers, and for the test that holds the SQL to it.

use super::parse::is_date;
use super::{Condition, Engagement, Field, Op, Operand, Rule, TextField};
use crate::domain::{Channel, ConsentStatus};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// All that a rule can ask about a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub key: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub first_name: String,
    pub last_name: String,
    pub timezone: Option<String>,
    pub locale: Option<String>,
    pub tags: BTreeSet<String>,
    pub attributes: Map<String, Value>,
    /// A channel that is not here was never asked about.
    pub consents: BTreeMap<Channel, ConsentStatus>,
    /// The keys of the topics that the person opted out of.
    pub topic_opt_outs: BTreeSet<String>,
    /// When each message was first sent, opened and so on.
    pub engagement: BTreeMap<Engagement, Vec<DateTime<Utc>>>,
    /// The keys of the lists, made by hand, that the person is on.
    pub lists: BTreeSet<String>,
    /// The campaigns whose messages were sent to, opened by and so on.
    pub campaigns: BTreeMap<Engagement, BTreeSet<i64>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Rule {
    /// Whether the rule holds for a person now. A day is one of `zone`, the club's.
    pub fn matches(&self, person: &Person, now: DateTime<Utc>, zone: Tz) -> bool {
        let holds = |rule: &Self| rule.matches(person, now, zone);
        match self {
            Self::All(rules) => rules.iter().all(holds),
            Self::Any(rules) => rules.iter().any(holds),
            Self::None(rules) => !rules.iter().any(holds),
            Self::Condition(condition) => condition.matches(person, now, zone),
        }
    }
}

impl Condition {
    fn matches(&self, person: &Person, now: DateTime<Utc>, zone: Tz) -> bool {
        match &self.field {
            Field::Text(field) => self.of_text(person.text(*field)),
            Field::Tags => self.of_tags(&person.tags),
            Field::Attribute(name) => self.of_attribute(person.attributes.get(name), now, zone),
            Field::Consent(channel) => {
                let status = person
                    .consents
                    .get(channel)
                    .copied()
                    .unwrap_or(ConsentStatus::None);
                match (self.op, &self.value) {
                    (Op::Exists, Operand::Flag(flag)) => (status != ConsentStatus::None) == *flag,
                    _ => self.of_text(Some(status.as_str())),
                }
            }
            Field::Topic(key) => self.of_text(Some(match person.topic_opt_outs.contains(key) {
                true => ConsentStatus::Unsubscribed.as_str(),
                false => ConsentStatus::Subscribed.as_str(),
            })),
            Field::Engagement(what) => {
                let instants = person.engagement.get(what).map_or(&[][..], Vec::as_slice);
                self.of_engagement(instants, now, zone)
            }
            Field::Segment => self.of_any(|key| person.lists.contains(key)),
            Field::Campaign(what) => self.of_any(|id| {
                let campaigns = person.campaigns.get(what);
                campaigns.is_some_and(|ids| id.parse().is_ok_and(|id: i64| ids.contains(&id)))
            }),
            Field::CreatedAt => self.of_instant(person.created_at, now, zone),
            Field::UpdatedAt => self.of_instant(person.updated_at, now, zone),
        }
    }

    /// `In` holds where one of the named ones is there, `NotIn` where none is.
    fn of_any(&self, is_there: impl Fn(&str) -> bool) -> bool {
        let is_any = self.value.texts().into_iter().any(is_there);
        is_any == (self.op == Op::In)
    }

    fn of_text(&self, text: Option<&str>) -> bool {
        let text = text.filter(|text| !text.is_empty());
        match (self.op, &self.value) {
            (Op::Exists, Operand::Flag(flag)) => text.is_some() == *flag,
            (Op::Eq, Operand::Text(value)) => text.is_some_and(|text| text.eq_ignore_ascii_case(value)),
            (Op::Ne, Operand::Text(value)) => text.is_none_or(|text| !text.eq_ignore_ascii_case(value)),
            (Op::In, Operand::Texts(values)) => {
                text.is_some_and(|text| values.iter().any(|value| text.eq_ignore_ascii_case(value)))
            }
            (Op::Contains, Operand::Text(value)) => {
                text.is_some_and(|text| text.to_ascii_lowercase().contains(&value.to_ascii_lowercase()))
            }
            (Op::StartsWith, Operand::Text(value)) => {
                text.is_some_and(|text| text.to_ascii_lowercase().starts_with(&value.to_ascii_lowercase()))
            }
            _ => false,
        }
    }

    fn of_tags(&self, tags: &BTreeSet<String>) -> bool {
        match (self.op, &self.value) {
            (Op::Exists, Operand::Flag(flag)) => tags.is_empty() != *flag,
            (Op::Has, Operand::Text(tag)) => tags.contains(tag),
            (Op::Ne, Operand::Text(tag)) => !tags.contains(tag),
            (Op::In, Operand::Texts(any)) => any.iter().any(|tag| tags.contains(tag)),
            _ => false,
        }
    }

    fn of_attribute(&self, value: Option<&Value>, now: DateTime<Utc>, zone: Tz) -> bool {
        if let Some(days) = self.days(now, zone) {
            let date = value.and_then(Value::as_str).filter(|text| is_date(text));
            return date.is_some_and(|date| days.contains(date));
        }
        let number = value.filter(|value| value.is_number()).and_then(Value::as_f64);
        match (self.op, &self.value) {
            (Op::Exists, Operand::Flag(flag)) => {
                let is_there = value.is_some_and(|value| !value.is_null() && value.as_str() != Some(""));
                is_there == *flag
            }
            (Op::Eq, Operand::Flag(flag)) => value.and_then(Value::as_bool) == Some(*flag),
            (Op::Ne, Operand::Flag(flag)) => value.and_then(Value::as_bool) != Some(*flag),
            (Op::Eq, Operand::Number(other)) => number.is_some_and(|number| number == *other),
            (Op::Ne, Operand::Number(other)) => number.is_none_or(|number| number != *other),
            (Op::Lt, Operand::Number(other)) => number.is_some_and(|number| number < *other),
            (Op::Lte, Operand::Number(other)) => number.is_some_and(|number| number <= *other),
            (Op::Gt, Operand::Number(other)) => number.is_some_and(|number| number > *other),
            (Op::Gte, Operand::Number(other)) => number.is_some_and(|number| number >= *other),
            (Op::In, Operand::Numbers(any)) => number.is_some_and(|number| any.contains(&number)),
            _ => self.of_text(value.and_then(Value::as_str)),
        }
    }

    fn of_engagement(&self, instants: &[DateTime<Utc>], now: DateTime<Utc>, zone: Tz) -> bool {
        match (self.op, self.instants(now, zone)) {
            (Op::Before, Some(span)) => !instants.is_empty() && instants.iter().all(|at| span.contains(*at)),
            (_, Some(span)) => instants.iter().any(|at| span.contains(*at)),
            (_, None) => match self.value {
                Operand::Flag(flag) => instants.is_empty() != flag,
                _ => false,
            },
        }
    }

    fn of_instant(&self, at: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> bool {
        self.instants(now, zone).is_some_and(|span| span.contains(at))
    }
}

impl Person {
    fn text(&self, field: TextField) -> Option<&str> {
        match field {
            TextField::Key => self.key.as_deref(),
            TextField::Email => self.email.as_deref(),
            TextField::Phone => self.phone.as_deref(),
            TextField::FirstName => Some(&self.first_name),
            TextField::LastName => Some(&self.last_name),
            TextField::Timezone => self.timezone.as_deref(),
            TextField::Locale => self.locale.as_deref(),
        }
    }
}
