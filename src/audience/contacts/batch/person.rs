//! One person of a batch: as the database has them, and what is to be written.

use super::{Heard, Manner};
use crate::domain::contact::{Consent, NewContact};
use crate::domain::{Channel, ConsentStatus};
use crate::entity::contacts;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Key and e-mail address as the database has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    pub key: Option<String>,
    pub email: Option<String>,
}

pub(super) struct Person {
    /// Its id is 0 until it is written.
    pub row: contacts::Model,
    /// `None` until it is written.
    pub stored: Option<Stored>,
    pub is_changed: bool,
    pub tags: BTreeSet<String>,
    pub has_other_tags: bool,
    pub consents: BTreeMap<Channel, ConsentStatus>,
    /// Changes of consent in their order, each with its source.
    pub said: Vec<Consent>,
}

impl Person {
    pub fn known(row: contacts::Model) -> Self {
        Self {
            stored: Some(Stored {
                key: row.key.clone(),
                email: row.email.clone(),
            }),
            row,
            is_changed: false,
            tags: BTreeSet::new(),
            has_other_tags: false,
            consents: BTreeMap::new(),
            said: Vec::new(),
        }
    }

    pub fn unknown(now: DateTime<Utc>) -> Self {
        let row = contacts::Model {
            id: 0,
            key: None,
            email: None,
            phone: None,
            first_name: String::new(),
            last_name: String::new(),
            timezone: None,
            locale: None,
            attributes: Value::Object(Map::new()),
            search: String::new(),
            created_at: now.into(),
            updated_at: now.into(),
        };
        Self {
            stored: None,
            ..Self::known(row)
        }
    }

    /// By what those who share a number are ordered: who is not written yet comes last.
    pub const fn rank(&self) -> i64 {
        match self.row.id {
            0 => i64::MAX,
            id => id,
        }
    }

    /// Takes away what an input that leaves a field empty means to be empty.
    pub fn empty(&mut self) {
        self.row.key = None;
        self.row.email = None;
        self.row.phone = None;
        self.row.timezone = None;
        self.row.locale = None;
        self.row.first_name = String::new();
        self.row.last_name = String::new();
    }

    /// Changes what the input names.
    pub fn merge(&mut self, new: &NewContact, now: DateTime<Utc>) {
        let row = &mut self.row;
        for (field, given) in [
            (&mut row.key, &new.key),
            (&mut row.email, &new.email),
            (&mut row.phone, &new.phone),
            (&mut row.timezone, &new.timezone),
            (&mut row.locale, &new.locale),
        ] {
            if given.is_some() {
                field.clone_from(given);
            }
        }
        for (field, given) in [
            (&mut row.first_name, &new.first_name),
            (&mut row.last_name, &new.last_name),
        ] {
            if !given.is_empty() {
                field.clone_from(given);
            }
        }
        merge_attributes(&mut row.attributes, &new.attributes);
        row.search = search(row);
        row.updated_at = now.into();
        self.is_changed = true;
        let tags = self.tags_after(new);
        if tags != self.tags {
            self.tags = tags;
            self.has_other_tags = true;
        }
    }

    /// The tags that the person has after an input.
    pub fn tags_after(&self, new: &NewContact) -> BTreeSet<String> {
        let mut tags = match &new.tags {
            Some(tags) => tags.iter().cloned().collect(),
            None => self.tags.clone(),
        };
        tags.extend(new.added_tags.iter().cloned());
        tags
    }

    /// Keeps what the person said about channels, where it is something else than before. An
    /// opt-out is taken back only where the manner allows it.
    pub fn hear(&mut self, consents: &[Consent], manner: &Manner<'_>) -> Heard {
        let mut heard = Heard::default();
        for given in consents {
            let before = self.consents.get(&given.channel).copied();
            match (before.unwrap_or(ConsentStatus::None), given.status) {
                (before, said) if before == said => continue,
                (ConsentStatus::Unsubscribed, _) if !manner.may_resubscribe => {
                    heard.kept_out += 1;
                    continue;
                }
                (_, ConsentStatus::Subscribed) => heard.opted_in += 1,
                (_, ConsentStatus::Unsubscribed) => heard.opted_out += 1,
                (_, ConsentStatus::None) => {}
            }
            self.consents.insert(given.channel, given.status);
            let mut said = given.clone();
            if said.source.is_empty() {
                manner.source.clone_into(&mut said.source);
            }
            self.said.push(said);
        }
        heard
    }

    /// Forgets what does not decide about later inputs.
    pub fn slim(&mut self) {
        self.row.attributes = Value::Null;
        self.row.search = String::new();
        self.row.first_name = String::new();
        self.row.last_name = String::new();
        self.said = Vec::new();
    }
}

fn merge_attributes(kept: &mut Value, given: &Map<String, Value>) {
    if !kept.is_object() {
        *kept = Value::Object(Map::new());
    }
    let Value::Object(kept) = kept else {
        return;
    };
    for (name, value) in given {
        match value.is_null() {
            true => kept.remove(name),
            false => kept.insert(name.clone(), value.clone()),
        };
    }
}

/// What the search box looks in.
fn search(row: &contacts::Model) -> String {
    let parts = [
        row.key.as_deref(),
        Some(&*row.first_name),
        Some(&*row.last_name),
        row.email.as_deref(),
        row.phone.as_deref(),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ").to_lowercase()
}
