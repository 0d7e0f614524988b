//! Any number of people at once: looked up together, decided one after another in memory, written
//! together. One alone goes the same way, so that a file and a program leave the same rows.
//!
//! Call `look_up` with everybody who will be `put`, then `put` each in order, then `write`. What was
//! put before counts for what is put next, as if it were written already.

mod person;
mod write;

use super::store;
use crate::domain::AttributeKind;
use crate::domain::contact::{MOST_ATTRIBUTES, MOST_TAGS, NewContact, fits, kind_of};
use crate::entity::{consents, contact_tags, contacts};
use crate::web::FormErrors;
use chrono::{DateTime, Utc};
use person::Person;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many are looked up and written together.
pub const SIZE: usize = 1000;

/// How people are put.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// Where consent comes from that does not say so itself.
    pub source: &'a str,
    /// Whether someone who unsubscribed may be subscribed again.
    pub may_resubscribe: bool,
    pub now: DateTime<Utc>,
}

/// Someone who was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    place: usize,
    pub is_new: bool,
    pub heard: Heard,
}

/// How many consents of a person an input changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    pub opted_in: u32,
    pub opted_out: u32,
    /// Left alone, because the person unsubscribed before.
    pub kept_out: u32,
}

/// People being made and changed, as they stand so far.
pub struct Batch {
    people: Vec<Person>,
    by_id: HashMap<i64, usize>,
    by_key: HashMap<String, usize>,
    by_email: HashMap<String, usize>,
    /// The people with a number, the one who has been there longest first.
    by_phone: HashMap<String, BTreeSet<(i64, usize)>>,
    attributes: BTreeMap<String, AttributeKind>,
    /// The attributes that are not written yet.
    new_attributes: Vec<String>,
}

impl Batch {
    /// An empty one, which knows the club's attributes.
    pub async fn open(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let attributes = store::attributes(db).await?;
        Ok(Self {
            people: Vec::new(),
            by_id: HashMap::new(),
            by_key: HashMap::new(),
            by_email: HashMap::new(),
            by_phone: HashMap::new(),
            attributes: attributes.into_iter().map(|row| (row.name, row.kind)).collect(),
            new_attributes: Vec::new(),
        })
    }

    /// Forgets the people, all of whom are written, and keeps the attributes.
    pub fn clear(&mut self) {
        self.people.clear();
        self.by_id.clear();
        self.by_key.clear();
        self.by_email.clear();
        self.by_phone.clear();
    }

    /// For who never writes: forgets of the people what does not decide who is meant, or what is
    /// heard of them.
    pub fn slim(&mut self) {
        for person in &mut self.people {
            person.slim();
        }
    }

    /// Reads whoever may be meant by these. Someone who is here already stays as they stand here.
    pub async fn look_up(&mut self, db: &impl ConnectionTrait, news: &[&NewContact]) -> Result<(), DbErr> {
        let keys: Vec<_> = news.iter().filter_map(|new| new.key.as_deref()).collect();
        let emails: Vec<_> = news.iter().filter_map(|new| new.email.as_deref()).collect();
        let phones: Vec<_> = news
            .iter()
            .filter(|new| new.key.is_none() && new.email.is_none())
            .filter_map(|new| new.phone.as_deref())
            .collect();
        let mut found = Vec::new();
        for (column, texts) in [
            (contacts::Column::Key, keys),
            (contacts::Column::Email, emails),
            (contacts::Column::Phone, phones),
        ] {
            for texts in texts.chunks(SIZE) {
                let rows = contacts::Entity::find().filter(column.is_in(texts.iter().copied()));
                found.extend(rows.all(db).await?);
            }
        }
        found.retain(|row| !self.by_id.contains_key(&row.id));
        found.sort_by_key(|row| row.id);
        found.dedup_by_key(|row| row.id);
        self.adopt(db, found).await?;
        Ok(())
    }

    /// Takes in people as the database has them; answers the place of the first.
    async fn adopt(&mut self, db: &impl ConnectionTrait, rows: Vec<contacts::Model>) -> Result<usize, DbErr> {
        let first = self.people.len();
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        for row in rows {
            self.add(Person::known(row));
        }
        for ids in ids.chunks(SIZE) {
            let tags = contact_tags::Entity::find()
                .filter(contact_tags::Column::ContactId.is_in(ids.iter().copied()))
                .all(db)
                .await?;
            for row in tags {
                self.people[self.by_id[&row.contact_id]].tags.insert(row.tag);
            }
            let consents = consents::Entity::find()
                .filter(consents::Column::ContactId.is_in(ids.iter().copied()))
                .all(db)
                .await?;
            for row in consents {
                let person = &mut self.people[self.by_id[&row.contact_id]];
                person.consents.insert(row.channel, row.status);
            }
        }
        Ok(first)
    }

    /// Makes a contact, or changes the one that has this key, else this e-mail address, else this
    /// telephone number. What the input does not name stays as it is. Someone who unsubscribed is
    /// not subscribed again unless the manner allows it.
    ///
    /// # Errors
    /// Where key and address are two people's, or an attribute is of another kind than the club
    /// defined; then nothing is changed.
    pub fn put(&mut self, new: &NewContact, manner: &Manner<'_>) -> Result<Put, FormErrors> {
        let known = self.whom(new)?;
        let new_attributes = self.check_attributes(new)?;
        if let Some(place) = known {
            check_tags(&self.people[place], new)?;
        }
        let place = known.unwrap_or_else(|| self.add(Person::unknown(manner.now)));
        self.define(new_attributes);
        self.change(place, manner.now, |person, now| person.merge(new, now));
        Ok(Put {
            place,
            is_new: known.is_none(),
            heard: self.people[place].hear(&new.consents, manner),
        })
    }

    /// Makes one contact to be this: what is empty becomes empty, and attributes that are not named
    /// stay.
    pub async fn replace(
        &mut self,
        db: &impl ConnectionTrait,
        old: contacts::Model,
        new: &NewContact,
        now: DateTime<Utc>,
    ) -> crate::web::Result<Put> {
        let new_attributes = self.check_attributes(new)?;
        let place = self.adopt(db, vec![old]).await?;
        self.define(new_attributes);
        self.change(place, now, |person, now| {
            person.empty();
            person.merge(new, now);
        });
        Ok(Put {
            place,
            is_new: false,
            heard: Heard::default(),
        })
    }

    /// Someone as they stand now; their id is known once they are written.
    pub fn contact(&self, put: Put) -> &contacts::Model {
        &self.people[put.place].row
    }

    /// The place of whoever an input means.
    fn whom(&self, new: &NewContact) -> Result<Option<usize>, FormErrors> {
        let by_key = new.key.as_ref().and_then(|key| self.by_key.get(key)).copied();
        let by_email = new
            .email
            .as_ref()
            .and_then(|email| self.by_email.get(email))
            .copied();
        match (by_key, by_email) {
            (Some(one), Some(other)) if one != other => Err(FormErrors::one(
                "email",
                "The key is one contact’s and the e-mail address another’s.",
            )),
            (None, Some(other)) if new.key.is_some() && self.people[other].row.key.is_some() => Err(
                FormErrors::one("email", "A contact with another key has this e-mail address."),
            ),
            (Some(one), _) | (None, Some(one)) => Ok(Some(one)),
            (None, None) if new.key.is_none() && new.email.is_none() => {
                let same = new.phone.as_ref().and_then(|phone| self.by_phone.get(phone));
                Ok(same.and_then(BTreeSet::first).map(|(_, place)| *place))
            }
            (None, None) => Ok(None),
        }
    }

    /// The attributes that nobody had before. A name that is new gets the kind of its first value;
    /// a value of another kind is refused.
    fn check_attributes(&self, new: &NewContact) -> Result<Vec<(String, AttributeKind)>, FormErrors> {
        let mut errors = FormErrors::default();
        let mut fresh = Vec::new();
        for (name, value) in &new.attributes {
            match (self.attributes.get(name), kind_of(value)) {
                (Some(kind), _) if !fits(*kind, value) => errors.add(
                    &format!("attributes.{name}"),
                    format!("The attribute {name} is a {kind}; {value} is not."),
                ),
                (None, Some(kind)) => fresh.push((name.clone(), kind)),
                _ => {}
            }
        }
        if !fresh.is_empty() && self.attributes.len() + fresh.len() > MOST_ATTRIBUTES {
            errors.add(
                "attributes",
                format!(
                    "The club has {} attributes already; {MOST_ATTRIBUTES} are the most.",
                    self.attributes.len()
                ),
            );
        }
        errors.or(|| fresh)
    }

    fn define(&mut self, attributes: Vec<(String, AttributeKind)>) {
        for (name, kind) in attributes {
            self.new_attributes.push(name.clone());
            self.attributes.insert(name, kind);
        }
    }

    fn add(&mut self, person: Person) -> usize {
        let place = self.people.len();
        if person.row.id != 0 {
            self.by_id.insert(person.row.id, place);
        }
        self.people.push(person);
        self.index(place);
        place
    }

    /// Changes someone who may have another name afterwards.
    fn change(&mut self, place: usize, now: DateTime<Utc>, how: impl FnOnce(&mut Person, DateTime<Utc>)) {
        let person = &self.people[place];
        let rank = (person.rank(), place);
        if let Some(key) = &person.row.key {
            self.by_key.remove(key);
        }
        if let Some(email) = &person.row.email {
            self.by_email.remove(email);
        }
        if let Some(same) = person
            .row
            .phone
            .as_ref()
            .and_then(|phone| self.by_phone.get_mut(phone))
        {
            same.remove(&rank);
        }
        how(&mut self.people[place], now);
        self.index(place);
    }

    fn index(&mut self, place: usize) {
        let person = &self.people[place];
        if let Some(key) = &person.row.key {
            self.by_key.insert(key.clone(), place);
        }
        if let Some(email) = &person.row.email {
            self.by_email.insert(email.clone(), place);
        }
        if let Some(phone) = &person.row.phone {
            let rank = (person.rank(), place);
            self.by_phone.entry(phone.clone()).or_default().insert(rank);
        }
    }
}

fn check_tags(person: &Person, new: &NewContact) -> Result<(), FormErrors> {
    match person.tags_after(new).len() {
        number if number > MOST_TAGS && !new.added_tags.is_empty() => Err(FormErrors::one(
            "tags",
            format!("This person would have {number} tags; {MOST_TAGS} are the most."),
        )),
        _ => Ok(()),
    }
}
