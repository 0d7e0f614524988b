//! Events that club systems report, such as a booking: kept once each, and counted as the
//! conversion of the campaign whose link the person followed last.

use super::ledger::Ledger;
use crate::context::Context;
use crate::db::Tx;
use crate::domain::ActivityKind;
use crate::domain::goal::{Goal, LONGEST_WINDOW, check_event};
use crate::entity::{Timestamp, activities, contacts};
use crate::web::FormErrors;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
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
    pub conversions: usize,
}

/// Keeps events, all or none, and marks the conversions that they are.
pub async fn record(cx: &Context, events: Vec<NewEvent>) -> Result<Accepted, DbErr> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let people = people(&tx, &events).await?;
    let mut answer = Accepted::default();
    let mut conversions = BTreeMap::<i64, &NewEvent>::new();
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
        let taken: BTreeSet<i64> = conversions.keys().copied().collect();
        if let Some(delivery) = converted(&tx, event, contact, &taken).await? {
            conversions.insert(delivery, event);
        }
    }
    answer.conversions = convert(&tx, &conversions).await?;
    tx.commit().await?;
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
            "INSERT INTO events (external_id, name, contact_id, contact_ref, properties, occurred_at, received_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (external_id) DO NOTHING",
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

/// A message that the person followed before the event.
#[derive(FromQueryResult)]
struct Candidate {
    id: i64,
    clicked_at: Timestamp,
    goal: Value,
}

/// The delivery that an event is the conversion of: of all whose goal it meets within its window,
/// the one that was followed last.
async fn converted(
    tx: &Tx,
    event: &NewEvent,
    contact: i64,
    taken: &BTreeSet<i64>,
) -> Result<Option<i64>, DbErr> {
    let earliest = event.occurred_at - LONGEST_WINDOW;
    let candidates = Candidate::find_by_statement(tx.sql(
        "SELECT d.id, d.clicked_at, c.goal FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id \
         WHERE d.contact_id = $1 AND d.clicked_at <= $2 AND d.clicked_at >= $3 AND d.converted_at IS NULL \
         AND c.goal IS NOT NULL ORDER BY d.clicked_at DESC, d.id DESC LIMIT 200",
        [
            contact.into(),
            event.occurred_at.timestamp_millis().into(),
            earliest.timestamp_millis().into(),
        ],
    ))
    .all(&**tx)
    .await?;
    let found = candidates.into_iter().find(|candidate| {
        !taken.contains(&candidate.id)
            && Goal::parse(&candidate.goal).is_ok_and(|goal| {
                event.occurred_at - candidate.clicked_at.0 <= goal.window
                    && goal.is_met(&event.name, &event.properties)
            })
    });
    Ok(found.map(|candidate| candidate.id))
}

async fn convert(tx: &Tx, conversions: &BTreeMap<i64, &NewEvent>) -> Result<usize, DbErr> {
    let mut ledger = Ledger::lock(tx, conversions.keys().copied()).await?;
    let mut seen = Vec::new();
    for (&delivery, event) in conversions {
        let contact = ledger.get(delivery).and_then(|row| row.contact_id);
        if ledger.convert(delivery, event.occurred_at) {
            seen.push(activities::ActiveModel {
                id: NotSet,
                delivery_id: Set(delivery),
                contact_id: Set(contact),
                kind: Set(ActivityKind::Conversion),
                link_id: Set(None),
                at: Set(event.occurred_at.into()),
                detail: Set(json!({"event": event.name})),
            });
        }
    }
    let count = seen.len();
    if count > 0 {
        activities::Entity::insert_many(seen)
            .exec_without_returning(&**tx)
            .await?;
    }
    ledger.write(tx).await?;
    Ok(count)
}
