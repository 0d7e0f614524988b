//! What staff and programs do to contacts. Each is called in a transaction that the caller commits.

use super::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::audience::consent::commands::{self as consent, Ground};
use crate::db::Tx;
use crate::domain::contact::{NewContact, fits, kind_of};
use crate::domain::{ConsentStatus, contact as rules};
use crate::entity::{attribute_definitions, contact_tags, contacts};
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

/// Makes a contact, or changes the one that has this key, else this e-mail address, else this
/// telephone number. Says whether it was made. What the input does not name stays as it is.
/// Someone who unsubscribed is not subscribed again unless `may_resubscribe`.
///
/// # Errors
/// Before anything is written: where key and address are two people's, or an attribute is of
/// another kind than the club defined.
pub async fn upsert(
    tx: &Tx,
    new: &NewContact,
    source: &str,
    may_resubscribe: bool,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<(contacts::Model, bool)> {
    let old = same_person(&**tx, new).await?;
    let is_new = old.is_none();
    let contact = save(tx, old, new, now).await?;
    for given in &new.consents {
        let said = match given.source.is_empty() {
            true => source,
            false => &given.source,
        };
        let before = store::consents(&**tx, contact.id).await?;
        let is_out = before
            .iter()
            .any(|row| row.channel == given.channel && row.status == ConsentStatus::Unsubscribed);
        if is_out && given.status != ConsentStatus::Unsubscribed && !may_resubscribe {
            continue;
        }
        let ground = Ground {
            source: said,
            evidence: "",
            actor: &actor.name,
        };
        consent::set(tx, contact.id, given.channel, given.status, &ground, now).await?;
    }
    Ok((contact, is_new))
}

/// Changes one contact to this: what is empty becomes empty.
pub async fn edit(
    tx: &Tx,
    old: contacts::Model,
    new: &NewContact,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<contacts::Model> {
    let id = old.id;
    for (field, other) in [
        (
            "key",
            match &new.key {
                Some(key) => store::by_key(&**tx, key).await?,
                None => None,
            },
        ),
        (
            "email",
            match &new.email {
                Some(email) => store::by_email(&**tx, email).await?,
                None => None,
            },
        ),
    ] {
        if let Some(other) = other.filter(|other| other.id != id) {
            return Err(AppError::invalid(
                field,
                format!("{} has this already.", store::name(&other)),
            ));
        }
    }
    let mut emptied = old;
    emptied.key = new.key.clone();
    emptied.email = new.email.clone();
    emptied.phone = new.phone.clone();
    emptied.timezone = new.timezone.clone();
    emptied.locale = new.locale.clone();
    emptied.first_name = String::new();
    emptied.last_name = String::new();
    let contact = save(tx, Some(emptied), new, now).await?;
    audit::record(tx, now, actor, "edited", Subject("contact", Some(id)), json!({})).await?;
    Ok(contact)
}

/// Whom an input means, if the club knows them.
///
/// # Errors
/// Where key and address are two people's.
pub async fn same_person(db: &impl ConnectionTrait, new: &NewContact) -> Result<Option<contacts::Model>> {
    let by_key = match &new.key {
        Some(key) => store::by_key(db, key).await?,
        None => None,
    };
    let by_email = match &new.email {
        Some(email) => store::by_email(db, email).await?,
        None => None,
    };
    match (by_key, by_email) {
        (Some(one), Some(other)) if one.id != other.id => Err(AppError::invalid(
            "email",
            "The key is one contact’s and the e-mail address another’s.",
        )),
        // The same key is the same person, made by another request between the two look-ups.
        (None, Some(other)) if new.key.is_some() && other.key.is_some() && other.key != new.key => Err(
            AppError::invalid("email", "A contact with another key has this e-mail address."),
        ),
        (Some(one), _) | (None, Some(one)) => Ok(Some(one)),
        (None, None) => match &new.phone {
            Some(phone) if new.key.is_none() && new.email.is_none() => Ok(store::by_phone(db, phone).await?),
            _ => Ok(None),
        },
    }
}

async fn save(
    tx: &Tx,
    old: Option<contacts::Model>,
    new: &NewContact,
    now: DateTime<Utc>,
) -> Result<contacts::Model> {
    define_attributes(tx, new, now).await?;
    let is_new = old.is_none();
    let old = old.unwrap_or_else(|| contacts::Model {
        id: 0,
        key: None,
        email: None,
        phone: None,
        first_name: String::new(),
        last_name: String::new(),
        timezone: None,
        locale: None,
        attributes: json!({}),
        search: String::new(),
        created_at: now.into(),
        updated_at: now.into(),
    });
    let kept = |new: &Option<String>, old: Option<String>| new.clone().or(old);
    let named = |new: &str, old: String| if new.is_empty() { old } else { new.to_owned() };
    let key = kept(&new.key, old.key);
    let email = kept(&new.email, old.email);
    let phone = kept(&new.phone, old.phone);
    let first_name = named(&new.first_name, old.first_name);
    let last_name = named(&new.last_name, old.last_name);
    let mut attributes = match old.attributes {
        Value::Object(attributes) => attributes,
        _ => serde_json::Map::new(),
    };
    for (name, value) in &new.attributes {
        match value.is_null() {
            true => attributes.remove(name),
            false => attributes.insert(name.clone(), value.clone()),
        };
    }
    let parts = [
        key.as_deref(),
        Some(&*first_name),
        Some(&*last_name),
        email.as_deref(),
        phone.as_deref(),
    ];
    let search = parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    let row = contacts::ActiveModel {
        id: if is_new { NotSet } else { Set(old.id) },
        key: Set(key),
        email: Set(email),
        phone: Set(phone),
        first_name: Set(first_name),
        last_name: Set(last_name),
        timezone: Set(kept(&new.timezone, old.timezone)),
        locale: Set(kept(&new.locale, old.locale)),
        attributes: Set(Value::Object(attributes)),
        search: Set(search),
        created_at: Set(old.created_at),
        updated_at: Set(now.into()),
    };
    let contact = match is_new {
        true => row.insert(&**tx).await?,
        false => row.update(&**tx).await?,
    };
    if let Some(tags) = &new.tags {
        set_tags(tx, contact.id, tags).await?;
    }
    Ok(contact)
}

/// A name that is new gets the kind of its first value; a value of another kind is refused.
async fn define_attributes(tx: &Tx, new: &NewContact, now: DateTime<Utc>) -> Result<()> {
    if new.attributes.is_empty() {
        return Ok(());
    }
    let known = store::attributes(&**tx).await?;
    let mut errors = FormErrors::default();
    let mut fresh = Vec::new();
    for (name, value) in &new.attributes {
        match (known.iter().find(|row| row.name == *name), kind_of(value)) {
            (Some(row), _) if !fits(row.kind, value) => errors.add(
                &format!("attributes.{name}"),
                format!("The attribute {name} is a {}; {value} is not.", row.kind),
            ),
            (None, Some(kind)) => fresh.push(attribute_definitions::ActiveModel {
                name: Set(name.clone()),
                kind: Set(kind),
                label: Set(name.replace('_', " ")),
                created_at: Set(now.into()),
            }),
            _ => {}
        }
    }
    if known.len() + fresh.len() > rules::MOST_ATTRIBUTES {
        errors.add(
            "attributes",
            format!(
                "The club has {} attributes already; that is the most.",
                known.len()
            ),
        );
    }
    errors.or(|| ())?;
    if !fresh.is_empty() {
        attribute_definitions::Entity::insert_many(fresh)
            .exec_without_returning(&**tx)
            .await?;
    }
    Ok(())
}

async fn set_tags(tx: &Tx, contact: i64, tags: &[String]) -> Result<()> {
    if store::tags(&**tx, contact).await? == tags {
        return Ok(());
    }
    contact_tags::Entity::delete_many()
        .filter(contact_tags::Column::ContactId.eq(contact))
        .exec(&**tx)
        .await?;
    let rows: Vec<_> = tags
        .iter()
        .map(|tag| contact_tags::ActiveModel {
            contact_id: Set(contact),
            tag: Set(tag.clone()),
        })
        .collect();
    if !rows.is_empty() {
        contact_tags::Entity::insert_many(rows)
            .exec_without_returning(&**tx)
            .await?;
    }
    Ok(())
}

/// Erases a person (GDPR article 17): the contact, consent and captured mail go; the ledger keeps
/// its rows without contact and address, so that the counts of campaigns stay true.
pub async fn erase(tx: &Tx, contact: contacts::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let id = contact.id;
    for text in [
        "DELETE FROM captured_messages WHERE delivery_id IN (SELECT d.id FROM deliveries d WHERE d.contact_id = $1)",
        "UPDATE deliveries SET address = '' WHERE contact_id = $1",
        "UPDATE activities SET contact_id = NULL, detail = '{}' WHERE contact_id = $1",
        "UPDATE events SET contact_ref = '' WHERE contact_id = $1",
    ] {
        tx.execute_raw(tx.sql(text, [id.into()])).await?;
    }
    contacts::Entity::delete_by_id(id).exec(&**tx).await?;
    audit::record(tx, now, actor, "erased", Subject("contact", Some(id)), json!({})).await?;
    Ok(())
}

/// For `edit` of a contact by form: the form holds every attribute, so what is missing goes.
pub fn with_removed(old: &contacts::Model, new: &mut NewContact) {
    if let Value::Object(attributes) = &old.attributes {
        for name in attributes.keys() {
            new.attributes.entry(name.clone()).or_insert(Value::Null);
        }
    }
}
