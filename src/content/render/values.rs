//! What the variables of a template stand for, for one person.
//!
//! A known field without a value is empty text, so that it prints nothing and `default` fills it;
//! an unknown name is an error.

use super::feed::FeedValues;
use super::variables::Vocabulary;
use crate::accounts::Club;
use crate::domain::colour::mixed;
use crate::domain::{AttributeKind, Purpose};
use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The person that a mail is rendered for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recipient {
    pub key: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub first_name: String,
    pub last_name: String,
    pub timezone: Option<String>,
    pub locale: Option<String>,
    pub tags: Vec<String>,
    pub attributes: serde_json::Map<String, Json>,
}

/// The URLs that are this person's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderUrls {
    pub unsubscribe: String,
    pub preferences: String,
    /// The mail in the browser.
    pub view: String,
    /// The picture that tells of an open; none in a preview.
    pub pixel: Option<String>,
}

/// Everything a rendering takes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Values {
    scope: Value,
    urls: RenderUrls,
}

/// What a club system reported, for messages that an event caused.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    pub properties: Json,
    /// The campaign's zone: a tee time is read by the club's clocks, wherever the reader lives.
    pub zone: String,
}

impl Values {
    /// Without an event, a template that names one cannot be rendered.
    pub fn new(
        recipient: Recipient,
        club: &Club,
        purpose: Purpose,
        campaign: &str,
        urls: RenderUrls,
        event: Option<Happened>,
    ) -> Self {
        let attributes = Attributes::Known(recipient.attributes.clone());
        Self::with(recipient, attributes, club, purpose, campaign, urls, event)
    }

    fn with(
        recipient: Recipient,
        attributes: Attributes,
        club: &Club,
        purpose: Purpose,
        campaign: &str,
        urls: RenderUrls,
        event: Option<Happened>,
    ) -> Self {
        let zone = match &event {
            Some(event) => event.zone.clone(),
            None => recipient
                .timezone
                .clone()
                .unwrap_or_else(|| club.timezone.name().to_owned()),
        };
        let scope = Scope {
            contact: Value::from_object(Contact {
                attributes: Value::from_object(attributes),
                recipient,
            }),
            club: Value::from_object(ClubValues {
                name: club.name.clone(),
                postal_address: club.postal_address.clone(),
                website: club.website.clone(),
                accent: club.accent.clone(),
                logo: club.logo.clone(),
            }),
            campaign: Value::from_object(Campaign(campaign.to_owned())),
            event: event.map(|event| strict(&event.properties)),
            is_marketing: purpose == Purpose::Marketing,
            feed: None,
            is_brief: false,
            zone,
            urls: urls.clone(),
        };
        Self {
            scope: Value::from_object(scope),
            urls,
        }
    }

    /// A person of whom everything is known, for trying a template out.
    pub fn example(event: &Json) -> Self {
        Self::sample_of(&Vocabulary::default(), event)
    }

    /// The same, with attributes of the kinds that the club defined.
    pub fn sample_of(vocabulary: &Vocabulary, event: &Json) -> Self {
        let club = Club {
            postal_address: "1 Fairway\nGreenside".into(),
            website: "https://example.org".into(),
            logo: "https://example.org/logo.png".into(),
            ..Club::default()
        };
        Self::made_up(&club, vocabulary, event)
    }

    /// The same, written by this club.
    pub fn made_up(club: &Club, vocabulary: &Vocabulary, event: &Json) -> Self {
        let recipient = Recipient {
            key: Some("1001".into()),
            email: Some("anna@example.org".into()),
            phone: Some("+27821234567".into()),
            first_name: "Anna".into(),
            last_name: "Sample".into(),
            timezone: Some("Africa/Johannesburg".into()),
            locale: Some("en-ZA".into()),
            tags: vec!["member".into()],
            ..Recipient::default()
        };
        Self::with(
            recipient,
            Attributes::Sample(vocabulary.clone()),
            club,
            Purpose::Marketing,
            "Sample",
            example_urls(),
            Some(Happened::sample(event)),
        )
        .with_feed(&FeedValues::sample())
    }

    /// A person of whom nothing is known but that they are there.
    pub(super) fn bare(event: &Json) -> Self {
        Self::new(
            Recipient::default(),
            &Club::default(),
            Purpose::Marketing,
            "",
            example_urls(),
            Some(Happened::sample(event)),
        )
        .with_feed(&FeedValues::bare())
    }

    /// The same for a message whose every character is paid for: its footer is the shortest way
    /// out and nothing else.
    pub fn brief(self) -> Self {
        let Some(scope) = self.scope.downcast_object::<Scope>() else {
            return self;
        };
        let scope = Scope {
            is_brief: true,
            ..(*scope).clone()
        };
        Self {
            scope: Value::from_object(scope),
            urls: self.urls,
        }
    }

    /// The same with what a run took of a feed. Instants are written in its zone.
    pub fn with_feed(self, feed: &FeedValues) -> Self {
        let Some(scope) = self.scope.downcast_object::<Scope>() else {
            return self;
        };
        let scope = Scope {
            feed: Some(feed.value.clone()),
            zone: feed.zone.clone(),
            ..(*scope).clone()
        };
        Self {
            scope: Value::from_object(scope),
            urls: self.urls,
        }
    }

    /// The same with other addresses.
    pub fn with_urls(self, urls: RenderUrls) -> Self {
        let Some(scope) = self.scope.downcast_object::<Scope>() else {
            return self;
        };
        let scope = Scope {
            urls: urls.clone(),
            ..(*scope).clone()
        };
        Self {
            scope: Value::from_object(scope),
            urls,
        }
    }

    pub(super) fn scope(&self) -> Value {
        self.scope.clone()
    }

    pub fn urls(&self) -> &RenderUrls {
        &self.urls
    }
}

impl Happened {
    /// Made up, for trying a template out.
    fn sample(properties: &Json) -> Self {
        Self {
            properties: properties.clone(),
            zone: "Africa/Johannesburg".into(),
        }
    }
}

fn example_urls() -> RenderUrls {
    RenderUrls {
        unsubscribe: "https://example.org/u".into(),
        preferences: "https://example.org/preferences".into(),
        view: "https://example.org/v".into(),
        pixel: None,
    }
}

#[derive(Clone, Debug)]
struct Scope {
    contact: Value,
    club: Value,
    campaign: Value,
    event: Option<Value>,
    feed: Option<Value>,
    is_marketing: bool,
    is_brief: bool,
    zone: String,
    urls: RenderUrls,
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "contact" => self.contact.clone(),
            "club" => self.club.clone(),
            "campaign" => self.campaign.clone(),
            "event" => self.event.clone()?,
            "feed" => self.feed.clone()?,
            "unsubscribe_url" => text(&self.urls.unsubscribe),
            "preferences_url" => text(&self.urls.preferences),
            "view_url" => text(&self.urls.view),
            // The footer's and the filters' own; not offered to authors.
            "is_marketing" => Value::from(self.is_marketing),
            "is_brief" => Value::from(self.is_brief),
            "zone" => text(&self.zone),
            _ => return None,
        })
    }
}

#[derive(Debug)]
struct Contact {
    recipient: Recipient,
    attributes: Value,
}

impl Object for Contact {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let person = &self.recipient;
        let optional = |field: &Option<String>| text(field.as_deref().unwrap_or_default());
        Some(match key {
            "key" => optional(&person.key),
            "email" => optional(&person.email),
            "phone" => optional(&person.phone),
            "first_name" => text(&person.first_name),
            "last_name" => text(&person.last_name),
            "timezone" => optional(&person.timezone),
            "locale" => optional(&person.locale),
            "tags" => person.tags.iter().map(|tag| text(tag)).collect(),
            "attributes" => self.attributes.clone(),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

#[derive(Debug)]
struct ClubValues {
    name: String,
    postal_address: String,
    website: String,
    accent: String,
    logo: String,
}

impl Object for ClubValues {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match key {
            "name" => text(&self.name),
            "postal_address" => text(&self.postal_address),
            "website" => text(&self.website),
            "logo" => text(&self.logo),
            "accent" => text(&self.accent),
            // A surface, and what is read on a dark one.
            "accent_pale" => Value::from(mixed(&self.accent, "#ffffff", 91)),
            "accent_light" => Value::from(mixed(&self.accent, "#ffffff", 58)),
            "accent_dark" => Value::from(mixed(&self.accent, "#000000", 32)),
            "address_line" => {
                let lines = self.postal_address.lines().map(str::trim);
                let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
                text(&lines.join(", "))
            }
            "address_lines" => self
                .postal_address
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(text)
                .collect(),
            _ => return None,
        })
    }
}

#[derive(Debug)]
struct Campaign(String);

impl Object for Campaign {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str()? == "name").then(|| text(&self.0))
    }
}

/// Free fields: any name may be asked for, and one without a value is empty.
#[derive(Debug)]
enum Attributes {
    Known(serde_json::Map<String, Json>),
    Sample(Vocabulary),
}

impl Object for Attributes {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(match &**self {
            Self::Known(fields) => fields.get(key).map_or_else(|| Value::from(""), of_json),
            Self::Sample(vocabulary) => match vocabulary.kind(key) {
                Some(AttributeKind::Text) => Value::from("sample"),
                Some(AttributeKind::Date) => Value::from("2026-01-31"),
                Some(AttributeKind::Boolean) => Value::from(true),
                Some(AttributeKind::Number) | None => Value::from(7),
            },
        })
    }
}

/// An event's properties: one that it does not have has no value, also within another.
fn strict(json: &Json) -> Value {
    match json {
        Json::Array(items) => items.iter().map(strict).collect(),
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, json)| (name.as_str(), strict(json)));
            Value::from_object(Properties::of(fields))
        }
        other => of_json(other),
    }
}

/// Fields of which one that is not there has no value.
#[derive(Debug)]
pub(super) struct Properties(BTreeMap<String, Value>);

impl Properties {
    pub(super) fn of<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self(fields.collect())
    }
}

impl Object for Properties {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.0.get(key).cloned()
    }
}

pub(super) fn of_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(""),
        Json::String(value) => text(value),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64().unwrap_or_default()),
        },
        Json::Array(items) => items.iter().map(of_json).collect(),
        Json::Object(fields) => Value::from_object(Attributes::Known(fields.clone())),
    }
}

/// Text without control characters but line breaks and tabs: a name must not end a header or a
/// line of a plain-text mail.
fn text(value: &str) -> Value {
    match value.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        true => Value::from(
            value
                .chars()
                .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
                .collect::<String>(),
        ),
        false => Value::from(value),
    }
}
