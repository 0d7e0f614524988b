//! What staff and visitors enter, read at the door.

use crate::domain::contact;
use crate::domain::{Channel, slug};
use crate::entity::{signup_forms, topics};
use crate::web::FormErrors;
use serde::Deserialize;

/// A sign-up form as staff wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewForm {
    pub key: String,
    pub name: String,
    pub heading: String,
    pub intro: String,
    pub statement: String,
    pub thanks: String,
    pub asks_name: bool,
    pub asks_phone: bool,
    pub topics: Vec<i64>,
    pub tag: String,
}

/// The fields of the editor.
#[derive(Clone, Debug, Default)]
pub struct FormFields {
    pub name: String,
    pub key: String,
    pub heading: String,
    pub intro: String,
    pub statement: String,
    pub thanks: String,
    pub asks_name: bool,
    pub asks_phone: bool,
    pub topics: Vec<i64>,
    pub tag: String,
}

impl FormFields {
    /// What a new form begins with, in the club's name.
    pub fn suggested(club: &str) -> Self {
        Self {
            name: "Newsletter".into(),
            heading: "Stay in touch".into(),
            intro: "News, tournaments and offers from the club.".into(),
            statement: format!(
                "I would like to hear from {club}. I can say no at any time, by the link in every message."
            ),
            thanks: "One more step: follow the link in the message that we have just sent you.".into(),
            asks_name: true,
            ..Self::default()
        }
    }

    pub fn of(form: &signup_forms::Model) -> Self {
        Self {
            name: form.name.clone(),
            key: form.key.clone(),
            heading: form.heading.clone(),
            intro: form.intro.clone(),
            statement: form.statement.clone(),
            thanks: form.thanks.clone(),
            asks_name: form.asks_name,
            asks_phone: form.asks_phone,
            topics: super::store::topics_of(form),
            tag: form.tag.clone(),
        }
    }

    pub fn read(body: &[u8]) -> Self {
        let mut fields = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            let text = value.into_owned();
            match &*name {
                "name" => fields.name = text,
                "key" => fields.key = text,
                "heading" => fields.heading = text,
                "intro" => fields.intro = text,
                "statement" => fields.statement = text,
                "thanks" => fields.thanks = text,
                "asks_name" => fields.asks_name = true,
                "asks_phone" => fields.asks_phone = true,
                "topic" => fields.topics.extend(text.parse::<i64>()),
                "tag" => fields.tag = text,
                _ => {}
            }
        }
        fields
    }

    /// # Errors
    /// Everything that is wrong with it. `known` are the topics in use.
    pub fn parse(&self, known: &[topics::Model]) -> Result<NewForm, FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.text("name", &self.name, 100);
        let key = match self.key.trim() {
            "" => slug::of(&name),
            key => key.to_owned(),
        };
        if !name.is_empty()
            && let Err(message) = slug::check(&key)
        {
            errors.add("key", message);
        }
        let tag = match self.tag.trim() {
            "" => String::new(),
            tag => contact::tag(tag).unwrap_or_else(|message| {
                errors.add("tag", message);
                String::new()
            }),
        };
        let mut topics = self.topics.clone();
        topics.retain(|id| known.iter().any(|topic| topic.id == *id));
        topics.dedup();
        let lines = |errors: &mut FormErrors, field: &str, text: &str, what: &str| {
            let text = errors.lines(field, text.trim(), 2_000);
            if text.is_empty() && errors.of(field).is_none() {
                errors.add(field, what);
            }
            text
        };
        let form = NewForm {
            heading: errors.text("heading", &self.heading, 100),
            intro: errors.lines("intro", self.intro.trim(), 2_000),
            statement: lines(
                &mut errors,
                "statement",
                &self.statement,
                "Say what people agree to. It is kept with their consent.",
            ),
            thanks: lines(
                &mut errors,
                "thanks",
                &self.thanks,
                "Say that a message comes in which they confirm.",
            ),
            asks_name: self.asks_name,
            asks_phone: self.asks_phone,
            topics,
            tag,
            key,
            name,
        };
        errors.or(|| form)
    }
}

/// What a visitor entered.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Entered {
    pub email: String,
    pub phone: String,
    pub first_name: String,
    pub last_name: String,
    pub agrees: bool,
    /// The topics that were ticked.
    pub topics: Vec<i64>,
    /// Whether it came from a page that showed the topics, so that one without a tick is a no.
    pub has_topics: bool,
    /// The field that people do not see.
    pub website: String,
    /// When our page was shown, and our signature of it.
    pub shown: String,
}

impl Entered {
    pub fn read(body: &[u8]) -> Self {
        let mut entered = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            let text = value.into_owned();
            match &*name {
                "email" => entered.email = text,
                "phone" => entered.phone = text,
                "first_name" => entered.first_name = text,
                "last_name" => entered.last_name = text,
                "agrees" => entered.agrees = true,
                "topic" => entered.topics.extend(text.parse::<i64>()),
                "topics" => entered.has_topics = true,
                "website" => entered.website = text,
                "_shown" => entered.shown = text,
                _ => {}
            }
        }
        entered
    }

    /// The addresses to confirm, and the name.
    ///
    /// # Errors
    /// Everything that is wrong, in sentences for the visitor.
    pub fn parse(&self, form: &signup_forms::Model, country: Option<&str>) -> Result<Signup, FormErrors> {
        let mut errors = FormErrors::default();
        let mut addresses = Vec::new();
        let mut take =
            |field: &str, channel, text: &str, read: &dyn Fn(&str) -> Result<String, &'static str>| {
                if text.trim().is_empty() {
                    return None;
                }
                match read(text.trim()) {
                    Ok(address) => addresses.push((channel, address)),
                    Err(message) => return Some((field.to_owned(), message)),
                }
                None
            };
        let wrong = [
            take("email", Channel::Email, &self.email, &contact::email),
            match form.asks_phone {
                true => take("phone", Channel::Sms, &self.phone, &|text| {
                    contact::phone(text, country)
                }),
                false => None,
            },
        ];
        let is_wrong = wrong.iter().any(Option::is_some);
        for (field, message) in wrong.into_iter().flatten() {
            errors.add(&field, message);
        }
        if addresses.is_empty() && !is_wrong {
            errors.add(
                "email",
                match form.asks_phone {
                    true => "Enter your e-mail address or your telephone number.",
                    false => "Enter your e-mail address.",
                },
            );
        }
        let (first_name, last_name) = match form.asks_name {
            true => (
                errors.optional("first_name", &self.first_name, contact::LONGEST_NAME),
                errors.optional("last_name", &self.last_name, contact::LONGEST_NAME),
            ),
            false => Default::default(),
        };
        if self.has_topics && self.topics.is_empty() {
            errors.add("topic", "Tick at least one.");
        }
        if !self.agrees {
            errors.add("agrees", "Tick the box, or we may not write to you.");
        }
        errors.or(|| Signup {
            addresses,
            first_name,
            last_name,
        })
    }
}

/// A sign-up that may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signup {
    pub addresses: Vec<(Channel, String)>,
    pub first_name: String,
    pub last_name: String,
}
