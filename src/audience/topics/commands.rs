//! What staff do to topics. Each is called in a transaction that the caller commits, and leaves its
//! line in the audit trail there.

use super::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::db::Tx;
use crate::domain::campaign::is_final;
use crate::domain::slug;
use crate::entity::topics;
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, IntoActiveModel as _};
use serde_json::json;

/// A topic as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    pub name: String,
    /// Shown to recipients where they choose.
    pub description: String,
    /// Its place among the others; the end where it is not said.
    pub position: Option<i32>,
}

impl NewTopic {
    /// Reads the form's fields; what is wrong goes to `errors`.
    pub fn parse(errors: &mut FormErrors, name: &str, description: &str, position: &str) -> Self {
        Self {
            name: errors.text("name", name, 100),
            description: errors.optional("description", description, 300),
            position: match position.trim() {
                "" => None,
                text => match text.parse::<i32>() {
                    Ok(place) if (0..=9999).contains(&place) => Some(place),
                    _ => {
                        errors.add("position", "Enter a whole number from 0 to 9999.");
                        None
                    }
                },
            },
        }
    }
}

/// Adds a topic; its key must be free.
pub async fn add(
    tx: &Tx,
    key: &str,
    new: NewTopic,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<topics::Model> {
    slug::check(key).map_err(|message| FormErrors::one("key", message))?;
    if let Some(other) = store::by_key_or_id(&**tx, key).await? {
        let message = format!("The topic “{}” has this key. Choose another.", other.name);
        return Err(FormErrors::one("key", message).into());
    }
    let all = store::all(&**tx).await?;
    let in_use = all.iter().filter(|topic| topic.archived_at.is_none()).count();
    if in_use as u64 >= store::MOST {
        let message = format!("There are {} topics already. Archive one first.", store::MOST);
        return Err(FormErrors::one("name", message).into());
    }
    let last = all.iter().map(|topic| topic.position).max().unwrap_or(0);
    let topic = topics::ActiveModel {
        id: NotSet,
        key: Set(key.to_owned()),
        name: Set(new.name),
        description: Set(new.description),
        position: Set(new.position.unwrap_or_else(|| last.saturating_add(1))),
        created_at: Set(now.into()),
        archived_at: Set(None),
    }
    .insert(&**tx)
    .await
    .map_err(|error| match error.sql_err() {
        // Somebody made it between our look and our write.
        Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => {
            FormErrors::one("key", "Another topic has this key. Choose another.").into()
        }
        _ => AppError::from(error),
    })?;
    record(tx, &topic, "created", actor, now).await?;
    Ok(topic)
}

/// Changes a topic. Its key stays.
pub async fn edit(
    tx: &Tx,
    old: topics::Model,
    new: NewTopic,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let position = new.position.unwrap_or(old.position);
    let mut row = old.into_active_model();
    row.name = Set(new.name);
    row.description = Set(new.description);
    row.position = Set(position);
    let topic = row.update(&**tx).await?;
    record(tx, &topic, "edited", actor, now).await
}

/// Takes a topic out of every choice, and keeps who opted out of it. Refused while a campaign that
/// can still send is on it.
pub async fn archive(tx: &Tx, topic: topics::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let users = store::campaigns_of(&**tx, topic.id, 1000).await?;
    if let Some(campaign) = users.iter().find(|campaign| !is_final(campaign.status)) {
        return Err(AppError::Conflict(format!(
            "The campaign “{}” ({}) is on this topic. Give it another one, or cancel it, first.",
            campaign.name,
            campaign.status.label().to_lowercase()
        )));
    }
    set_archived(tx, topic, Some(now), "archived", actor, now).await
}

/// Brings an archived topic back, with those who opted out of it.
pub async fn restore(tx: &Tx, topic: topics::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    set_archived(tx, topic, None, "restored", actor, now).await
}

async fn set_archived(
    tx: &Tx,
    topic: topics::Model,
    at: Option<DateTime<Utc>>,
    action: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut row = topic.clone().into_active_model();
    row.archived_at = Set(at.map(Into::into));
    row.update(&**tx).await?;
    record(tx, &topic, action, actor, now).await
}

async fn record(
    tx: &Tx,
    topic: &topics::Model,
    action: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let detail = json!({"name": topic.name, "key": topic.key});
    Ok(audit::record(tx, now, actor, action, Subject("topic", Some(topic.id)), detail).await?)
}
