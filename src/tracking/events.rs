//! Events that club systems report, such as a booking: kept once each, and counted as conversions.

use super::conversions::Conversions;
use crate::context::Context;
use crate::db::Tx;
use crate::domain::goal::check_event;
use crate::entity::contacts;
use crate::web::FormErrors;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, DbErr, EntityTrait as _, QueryFilter as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The most events of one call.
pub const MOST: usize = 1_000;
/// The largest properties of one event, in bytes of JSON.
const LARGEST: usize = 16 * 1024;
/// How far ahead of ours the clock of a club system may be.
const AHEAD: TimeDelta = TimeDelta::hours(24);

/// An event as it is posted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct EventInput {
    pub name: String,
    /// The person's key, e-mail address or id.
    pub contact: String,
    pub properties: Option<Map<String, Value>>,
    pub occurred_at: Option<DateTime<Utc>>,
    /// The club system's own id of it: the same id is the same event.
    pub id: Option<String>,
}

/// An event that may be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub name: String,
    pub contact: String,
    pub properties: Value,
    pub occurred_at: DateTime<Utc>,
    pub external_id: Option<String>,
}

impl EventInput {
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(self, now: DateTime<Utc>) -> Result<NewEvent, FormErrors> {
        let mut errors = FormErrors::default();
        if let Err(sentence) = check_event(&self.name) {
            errors.add("name", sentence);
        }
        let contact = errors.text("contact", &self.contact, 320);
        let id = self.id.map(|id| errors.text("id", &id, 200));
        let properties = Value::Object(self.properties.unwrap_or_default());
        let text = properties.to_string();
        if text.len() > LARGEST {
            errors.add("properties", "The properties are larger than 16 kB.");
        }
        // PostgreSQL keeps no such character, and nobody needs it.
        if text.contains("\\u0000") {
            errors.add("properties", "The properties hold a NUL character; remove it.");
        }
        let occurred_at = self.occurred_at.unwrap_or(now);
        if occurred_at > now + AHEAD {
            errors.add("occurredAt", "This is in the future.");
        }
        if occurred_at.timestamp_millis() < 0 {
            errors.add("occurredAt", "This is before 1970.");
        }
        errors.or(|| NewEvent {
            name: self.name,
            contact,
            properties,
            occurred_at,
            external_id: id,
        })
    }
}

/// What became of a call's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    pub accepted: usize,
    /// Known by their id from before, and not counted again.
    pub duplicates: usize,
    /// Kept, but about nobody whom we know.
    pub unknown_contacts: usize,
    /// People who reached a goal, once for each run.
    pub conversions: usize,
    /// Conversions that were known, and were moved to an earlier event that came in late.
    pub corrected: usize,
}

/// Keeps events, all or none, and marks the conversions that they are.
pub async fn record(cx: &Context, events: Vec<NewEvent>) -> Result<Accepted, DbErr> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let people = people(&tx, &events).await?;
    let mut answer = Accepted::default();
    let mut conversions = Conversions::default();
    for event in &events {
        let contact = people.get(&event.contact).copied();
        if !insert(&tx, event, contact, now).await? {
            answer.duplicates += 1;
            continue;
        }
        answer.accepted += 1;
        let Some(contact) = contact else {
            answer.unknown_contacts += 1;
            continue;
        };
        conversions.attribute(&tx, event, contact).await?;
    }
    (answer.conversions, answer.corrected) = conversions.write(&tx).await?;
    tx.commit().await?;
    if answer.accepted > 0 {
        cx.bell.ring_scheduler();
    }
    Ok(answer)
}

/// The people whom events name: by key, else by address, else by id.
async fn people(tx: &Tx, events: &[NewEvent]) -> Result<BTreeMap<String, i64>, DbErr> {
    let mut found = BTreeMap::new();
    let names: BTreeSet<&str> = events.iter().map(|event| event.contact.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    for chunk in names.chunks(300) {
        let ids = chunk.iter().filter_map(|name| name.parse::<i64>().ok());
        let rows = contacts::Entity::find()
            .filter(
                sea_orm::Condition::any()
                    .add(contacts::Column::Key.is_in(chunk.iter().copied()))
                    .add(contacts::Column::Email.is_in(chunk.iter().map(|name| name.to_lowercase())))
                    .add(contacts::Column::Id.is_in(ids)),
            )
            .all(&**tx)
            .await?;
        for name in chunk {
            let lower = name.to_lowercase();
            let person = rows
                .iter()
                .find(|row| row.key.as_deref() == Some(*name))
                .or_else(|| {
                    rows.iter()
                        .find(|row| row.email.as_deref() == Some(lower.as_str()))
                })
                .or_else(|| rows.iter().find(|row| row.id.to_string() == *name));
            if let Some(person) = person {
                found.insert((*name).to_owned(), person.id);
            }
        }
    }
    Ok(found)
}

/// Answers `false` where an event of that id is there already.
async fn insert(tx: &Tx, event: &NewEvent, contact: Option<i64>, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let done = tx
        .execute_raw(tx.sql(
            "INSERT INTO events (external_id, name, contact_id, contact_ref, properties, occurred_at, received_at, \
               pending) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, TRUE) ON CONFLICT (external_id) DO NOTHING",
            [
                event.external_id.clone().into(),
                event.name.clone().into(),
                contact.into(),
                event.contact.clone().into(),
                event.properties.clone().into(),
                event.occurred_at.timestamp_millis().into(),
                now.timestamp_millis().into(),
            ],
        ))
        .await?;
    Ok(done.rows_affected() > 0)
}
