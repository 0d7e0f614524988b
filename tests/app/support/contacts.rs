//! People for the tests, made as the product makes them: `app.contact().tag("golf").create()`.
#![allow(dead_code)] // a door for every area; not each uses all of it

use super::TestApp;
use fairway::accounts::Actor;
use fairway::audience::contacts::commands;
use fairway::domain::contact::{Consent, NewContact};
use fairway::domain::{Channel, ConsentStatus};
use fairway::entity::contacts;
use serde_json::Value;

/// A person about to be made.
#[must_use]
pub struct NewPerson<'a> {
    app: &'a TestApp,
    new: NewContact,
}

impl TestApp {
    /// A person; with no key and no address said, one with an e-mail address that nobody else has.
    pub fn contact(&self) -> NewPerson<'_> {
        NewPerson {
            app: self,
            new: NewContact::default(),
        }
    }
}

impl NewPerson<'_> {
    pub fn key(mut self, key: &str) -> Self {
        self.new.key = Some(key.to_owned());
        self
    }

    pub fn email(mut self, email: &str) -> Self {
        self.new.email = Some(email.to_owned());
        self
    }

    /// In E.164.
    pub fn phone(mut self, phone: &str) -> Self {
        self.new.phone = Some(phone.to_owned());
        self
    }

    pub fn name(mut self, first: &str, last: &str) -> Self {
        self.new.first_name = first.to_owned();
        self.new.last_name = last.to_owned();
        self
    }

    pub fn tag(mut self, tag: &str) -> Self {
        self.new.tags.get_or_insert_default().push(tag.to_owned());
        self
    }

    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.new.attributes.insert(name.to_owned(), value.into());
        self
    }

    pub fn subscribed(self, channel: Channel) -> Self {
        self.said(channel, ConsentStatus::Subscribed)
    }

    pub fn unsubscribed(self, channel: Channel) -> Self {
        self.said(channel, ConsentStatus::Unsubscribed)
    }

    fn said(mut self, channel: Channel, status: ConsentStatus) -> Self {
        self.new.consents.push(Consent {
            channel,
            status,
            source: String::new(),
        });
        self
    }

    pub async fn create(mut self) -> contacts::Model {
        let is_nobody = self.new.key.is_none() && self.new.email.is_none() && self.new.phone.is_none();
        if is_nobody {
            let email = format!("{}@club.example", uuid::Uuid::new_v4().simple());
            self.new.email = Some(email);
        }
        let cx = &self.app.cx;
        let tx = cx.db.begin().await.unwrap();
        let (contact, is_new) =
            commands::upsert(&tx, &self.new, "test", true, &Actor::fairway(), cx.clock.now())
                .await
                .unwrap();
        assert!(is_new, "this person is there already");
        tx.commit().await.unwrap();
        contact
    }
}
