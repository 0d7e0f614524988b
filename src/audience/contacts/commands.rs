//! What staff and programs do to contacts. Each is called in a transaction that the caller commits.

use super::batch::{Batch, Manner};
use super::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::db::Tx;
use crate::domain::contact::NewContact;
use crate::entity::contacts;
use crate::web::{AppError, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _, SqlErr};
use serde_json::json;

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
    let manner = Manner {
        source,
        may_resubscribe,
        now,
    };
    let mut batch = Batch::open(&**tx).await?;
    batch.look_up(&**tx, &[new]).await?;
    let put = batch.put(new, &manner)?;
    batch.write(tx, actor, now).await?;
    Ok((batch.contact(put).clone(), put.is_new))
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
    let mut batch = Batch::open(&**tx).await?;
    let put = batch.replace(&**tx, old, new, now).await?;
    batch.write(tx, actor, now).await?;
    audit::record(tx, now, actor, "edited", Subject("contact", Some(id)), json!({})).await?;
    Ok(batch.contact(put).clone())
}

/// Whether somebody else took the key or the address between our look and our write, as on
/// PostgreSQL they can.
pub fn is_taken(error: &AppError) -> bool {
    let AppError::Internal(cause) = error else {
        return false;
    };
    let cause = cause.downcast_ref::<DbErr>().and_then(DbErr::sql_err);
    matches!(cause, Some(SqlErr::UniqueConstraintViolation(_)))
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
        "DELETE FROM inbound_messages WHERE contact_id = $1",
    ] {
        tx.execute_raw(tx.sql(text, [id.into()])).await?;
    }
    // A test send has no delivery, but says whom it went to.
    for address in [&contact.email, &contact.phone].into_iter().flatten() {
        for text in [
            "DELETE FROM captured_messages WHERE LOWER(recipient) = $1",
            "DELETE FROM inbound_messages WHERE address = $1",
            "DELETE FROM signups WHERE address = $1",
        ] {
            tx.execute_raw(tx.sql(text, [address.as_str().into()])).await?;
        }
    }
    contacts::Entity::delete_by_id(id).exec(&**tx).await?;
    audit::record(tx, now, actor, "erased", Subject("contact", Some(id)), json!({})).await?;
    Ok(())
}
