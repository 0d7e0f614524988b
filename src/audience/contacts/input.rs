//! A contact as it is written outside: by the API, a file or a form.

use crate::domain::contact::{self, Consent, NewContact};
use crate::domain::{Channel, ConsentStatus};
use crate::web::FormErrors;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The contact of the JSON API, and a line of an NDJSON file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ContactInput {
    pub key: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub timezone: Option<String>,
    pub locale: Option<String>,
    pub tags: Option<Vec<String>>,
    pub attributes: Map<String, Value>,
    pub consents: BTreeMap<String, ConsentInput>,
    /// For numbers without a country: an ISO 3166 code. Not part of the JSON.
    #[serde(skip)]
    pub country: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConsentInput {
    pub status: String,
    #[serde(default)]
    pub source: String,
}

impl ContactInput {
    /// The contact, or everything that is wrong with it.
    pub fn parse(&self) -> Result<NewContact, FormErrors> {
        let mut errors = FormErrors::default();
        let given = |text: &Option<String>| {
            text.as_deref()
                .map(str::trim)
                .filter(|t| !t.is_empty())
                .map(str::to_owned)
        };
        let mut checked =
            |field: &str, text: &Option<String>, check: &dyn Fn(&str) -> Result<String, &'static str>| {
                given(text).and_then(|text| match check(&text) {
                    Ok(value) => Some(value),
                    Err(message) => {
                        errors.add(field, message);
                        None
                    }
                })
            };
        let email = checked("email", &self.email, &contact::email);
        let phone = checked("phone", &self.phone, &|text| {
            contact::phone(text, self.country.as_deref())
        });
        let timezone = checked("timezone", &self.timezone, &contact::timezone);
        let locale = checked("locale", &self.locale, &contact::locale);
        let key = given(&self.key).map(|key| errors.optional("key", &key, contact::LONGEST_NAME));
        let name = |errors: &mut FormErrors, field: &str, text: &Option<String>| {
            errors.optional(field, text.as_deref().unwrap_or_default(), contact::LONGEST_NAME)
        };
        let first_name = name(&mut errors, "firstName", &self.first_name);
        let last_name = name(&mut errors, "lastName", &self.last_name);
        if key.is_none() && given(&self.email).is_none() && given(&self.phone).is_none() {
            errors.add(
                "",
                "A contact needs a key, an e-mail address or a telephone number.",
            );
        }
        let tags = self.tags.as_ref().map(|tags| tags_of(&mut errors, tags));
        check_attributes(&mut errors, &self.attributes);
        let consents = consents_of(&mut errors, &self.consents);
        errors.or(|| NewContact {
            key,
            email,
            phone,
            first_name,
            last_name,
            timezone,
            locale,
            tags,
            added_tags: Vec::new(),
            attributes: self.attributes.clone(),
            consents,
        })
    }
}

fn tags_of(errors: &mut FormErrors, given: &[String]) -> Vec<String> {
    let mut tags = Vec::new();
    for text in given.iter().filter(|text| !text.trim().is_empty()) {
        match contact::tag(text) {
            Ok(tag) => tags.push(tag),
            Err(message) => errors.add("tags", message),
        }
    }
    tags.sort();
    tags.dedup();
    if tags.len() > contact::MOST_TAGS {
        errors.add("tags", format!("At most {} tags.", contact::MOST_TAGS));
    }
    tags
}

fn check_attributes(errors: &mut FormErrors, attributes: &Map<String, Value>) {
    if attributes.len() > contact::MOST_ATTRIBUTES {
        errors.add(
            "attributes",
            format!("At most {} attributes.", contact::MOST_ATTRIBUTES),
        );
    }
    for (name, value) in attributes {
        let field = format!("attributes.{name}");
        if let Err(message) = contact::attribute_name(name) {
            errors.add(&field, message);
        } else if !value.is_null() && contact::kind_of(value).is_none() {
            errors.add(
                &field,
                "An attribute is a text, a number, a date or true or false.",
            );
        } else if let Err(message) = contact::text(value.as_str().unwrap_or_default()) {
            errors.add(&field, message);
        }
    }
}

fn consents_of(errors: &mut FormErrors, given: &BTreeMap<String, ConsentInput>) -> Vec<Consent> {
    let mut consents = Vec::new();
    for (name, consent) in given {
        let field = format!("consents.{name}");
        let Ok(channel) = name.parse::<Channel>() else {
            errors.add(&field, "Name a channel: EMAIL, SMS, PUSH or WHATSAPP.");
            continue;
        };
        let Ok(status) = consent.status.parse::<ConsentStatus>() else {
            errors.add(&field, "A status is SUBSCRIBED, UNSUBSCRIBED or NONE.");
            continue;
        };
        consents.push(Consent {
            channel,
            status,
            source: errors.optional(&field, &consent.source, 200),
        });
    }
    consents
}
