//! What staff and programs do to segments. Each is called in a transaction that the caller
//! commits, and leaves its line in the audit trail there.

use super::{references, store};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::db::{Sql, Tx};
use crate::domain::campaign::is_final;
use crate::domain::segment::Rule;
use crate::domain::{SegmentKind, slug};
use crate::entity::{contacts, segment_members, segments};
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait as _, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _,
};
use serde_json::json;
use std::collections::HashMap;

/// The longest name of a segment, in characters.
pub const LONGEST_NAME: usize = 100;
/// How many lines can be added to a list at once.
pub const MOST_LINES: usize = 10_000;

/// A segment as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSegment {
    pub name: String,
    pub members: Members,
}

/// Who is in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Members {
    Rule(Rule),
    /// A list, by the contacts' keys or e-mail addresses.
    Contacts(Vec<String>),
}

/// Makes the segment of this key, or changes it to this. Says whether it was made. A contact that
/// is not known refuses the whole.
pub async fn put(
    tx: &Tx,
    key: &str,
    new: NewSegment,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<(segments::Model, bool)> {
    let old = store::by_key_or_id(&**tx, key)
        .await?
        .filter(|old| old.key == key);
    let is_new = old.is_none();
    let segment = save(tx, key, old, &new, actor, now).await?;
    if let Members::Contacts(contacts) = &new.members {
        let found = resolve(tx, contacts).await?;
        if let Some((place, text)) = found.unknown.first() {
            return Err(FormErrors::one(
                &format!("contacts[{place}]"),
                format!("No contact has the key or e-mail address “{text}”."),
            )
            .into());
        }
        clear(tx, segment.id).await?;
        insert_members(tx, segment.id, &found.ids).await?;
    }
    Ok((segment, is_new))
}

/// Makes a segment; its key must be free.
pub async fn create(
    tx: &Tx,
    key: &str,
    new: NewSegment,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<segments::Model> {
    if let Some(other) = store::by_key_or_id(&**tx, key).await? {
        return Err(FormErrors::one("key", taken(&other)).into());
    }
    Ok(put(tx, key, new, actor, now).await?.0)
}

/// Changes the name and rule of a segment. What a list has in it is changed by its own commands.
pub async fn edit(
    tx: &Tx,
    old: segments::Model,
    new: NewSegment,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<segments::Model> {
    let key = old.key.clone();
    save(tx, &key, Some(old), &new, actor, now).await
}

fn taken(other: &segments::Model) -> String {
    let archived = if other.archived_at.is_some() {
        "archived "
    } else {
        ""
    };
    format!(
        "The {archived}segment “{}” has this key. Choose another.",
        other.name
    )
}

async fn save(
    tx: &Tx,
    key: &str,
    old: Option<segments::Model>,
    new: &NewSegment,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<segments::Model> {
    let (kind, rule) = match &new.members {
        Members::Rule(rule) => (SegmentKind::Rule, rule.to_json()),
        Members::Contacts(_) => (SegmentKind::Static, Rule::everyone().to_json()),
    };
    let resolved = match &new.members {
        Members::Rule(rule) => references::resolved(tx, (key, &new.name), rule).await?,
        Members::Contacts(_) => None,
    };
    let (action, segment) = match old {
        None => {
            slug::check(key).map_err(|message| FormErrors::one("key", message))?;
            let row = segments::ActiveModel {
                id: NotSet,
                key: Set(key.to_owned()),
                name: Set(new.name.clone()),
                kind: Set(kind),
                rule: Set(rule.clone()),
                created_at: Set(now.into()),
                updated_at: Set(now.into()),
                archived_at: Set(None),
                resolved: Set(resolved),
            };
            let inserted = row.insert(&**tx).await.map_err(|error| match error.sql_err() {
                // Somebody made it between our look and our write.
                Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => {
                    FormErrors::one("key", "Another segment has this key. Choose another.").into()
                }
                _ => AppError::from(error),
            })?;
            ("created", inserted)
        }
        Some(old) => {
            if old.kind == SegmentKind::Static && kind == SegmentKind::Rule {
                clear(tx, old.id).await?;
            }
            let mut row = old.into_active_model();
            row.name = Set(new.name.clone());
            row.kind = Set(kind);
            row.rule = Set(rule.clone());
            row.updated_at = Set(now.into());
            row.archived_at = Set(None);
            row.resolved = Set(resolved);
            ("edited", row.update(&**tx).await?)
        }
    };
    let detail = match kind {
        SegmentKind::Rule => json!({"name": segment.name, "rule": rule}),
        SegmentKind::Static => json!({"name": segment.name}),
    };
    record(tx, &segment, action, detail, actor, now).await?;
    references::refresh(tx, key).await?;
    Ok(segment)
}

async fn record(
    tx: &Tx,
    segment: &segments::Model,
    action: &str,
    detail: serde_json::Value,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let subject = Subject("segment", Some(segment.id));
    Ok(audit::record(tx, now, actor, action, subject, detail).await?)
}

/// Takes a segment out of every choice, and keeps it. Refused while a campaign that can still send
/// names it.
pub async fn archive(tx: &Tx, segment: segments::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let users = store::campaigns_of(&**tx, segment.id, 1000).await?;
    if let Some(campaign) = users.iter().find(|campaign| !is_final(campaign.status)) {
        return Err(AppError::Conflict(format!(
            "The campaign “{}” ({}) uses this segment. Give it another one, or cancel it, first.",
            campaign.name,
            campaign.status.label().to_lowercase()
        )));
    }
    set_archived(tx, segment, Some(now), "archived", actor, now).await
}

/// Brings an archived segment back into the choices.
pub async fn restore(tx: &Tx, segment: segments::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    set_archived(tx, segment, None, "restored", actor, now).await
}

async fn set_archived(
    tx: &Tx,
    segment: segments::Model,
    at: Option<DateTime<Utc>>,
    action: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let detail = json!({"name": segment.name});
    let mut row = segment.clone().into_active_model();
    row.archived_at = Set(at.map(Into::into));
    row.update(&**tx).await?;
    record(tx, &segment, action, detail, actor, now).await
}

/// Deletes a segment. Refused where a campaign names it, past ones too: their reports say whom
/// they were for; and where another segment is made of it.
pub async fn delete(tx: &Tx, segment: segments::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    if let Some(campaign) = store::campaigns_of(&**tx, segment.id, 1).await?.first() {
        return Err(AppError::Conflict(format!(
            "The campaign “{}” names this segment, so it is kept. Archive it instead.",
            campaign.name
        )));
    }
    if let Some(user) = references::users(&**tx, &segment.key).await?.first() {
        return Err(AppError::Conflict(format!(
            "The segment “{}” is made of this one, so it is kept. Change that one first.",
            user.name
        )));
    }
    record(tx, &segment, "deleted", json!({"name": segment.name}), actor, now).await?;
    segments::Entity::delete_by_id(segment.id).exec(&**tx).await?;
    Ok(())
}

/// What became of lines that were to be added to a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    pub added: u64,
    /// Those who were in it before.
    pub already: u64,
    /// The place of each line that names nobody, from 0, and its text.
    pub unknown: Vec<(usize, String)>,
}

/// Adds contacts to a list by key or e-mail address. Those who are known are added whatever the
/// others are.
pub async fn add_members(
    tx: &Tx,
    segment: &segments::Model,
    contacts: &[String],
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<Added> {
    let found = resolve(tx, contacts).await?;
    let added = insert_members(tx, segment.id, &found.ids).await?;
    if added > 0 {
        let detail = json!({"name": segment.name, "people": added});
        record(tx, segment, "added to", detail, actor, now).await?;
    }
    Ok(Added {
        added,
        already: found.ids.len() as u64 - added,
        unknown: found.unknown,
    })
}

/// Takes one contact off a list. Says whether it was on it.
pub async fn remove_member(
    tx: &Tx,
    segment: &segments::Model,
    contact_id: i64,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<bool> {
    let gone = segment_members::Entity::delete_by_id((segment.id, contact_id))
        .exec(&**tx)
        .await?;
    if gone.rows_affected == 0 {
        return Ok(false);
    }
    let detail = json!({"name": segment.name, "contact": contact_id});
    record(tx, segment, "removed from", detail, actor, now).await?;
    Ok(true)
}

async fn clear(tx: &Tx, segment_id: i64) -> Result<()> {
    segment_members::Entity::delete_many()
        .filter(segment_members::Column::SegmentId.eq(segment_id))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Texts as contacts.
struct Resolved {
    /// Each once, in the order of the texts.
    ids: Vec<i64>,
    unknown: Vec<(usize, String)>,
}

/// Finds contacts by key or, else, by e-mail address.
async fn resolve(tx: &Tx, texts: &[String]) -> Result<Resolved> {
    let mut by_key: HashMap<String, i64> = HashMap::new();
    let mut by_email: HashMap<String, i64> = HashMap::new();
    for chunk in texts.chunks(500) {
        let emails: Vec<_> = chunk.iter().map(|text| text.to_lowercase()).collect();
        let rows = contacts::Entity::find()
            .filter(
                Condition::any()
                    .add(contacts::Column::Key.is_in(chunk.iter().map(String::as_str)))
                    .add(contacts::Column::Email.is_in(emails)),
            )
            .all(&**tx)
            .await?;
        for row in rows {
            by_key.extend(row.key.map(|key| (key, row.id)));
            by_email.extend(row.email.map(|email| (email, row.id)));
        }
    }
    let mut found = Resolved {
        ids: Vec::new(),
        unknown: Vec::new(),
    };
    let mut seen = std::collections::HashSet::new();
    for (place, text) in texts.iter().enumerate() {
        let id = by_key.get(text).or_else(|| by_email.get(&text.to_lowercase()));
        match id {
            Some(id) if seen.insert(*id) => found.ids.push(*id),
            Some(_) => {}
            None => found.unknown.push((place, text.clone())),
        }
    }
    Ok(found)
}

/// Adds those who are not in the list yet. Answers how many these were.
async fn insert_members(tx: &Tx, segment_id: i64, ids: &[i64]) -> Result<u64> {
    let mut added = 0;
    for chunk in ids.chunks(500) {
        let mut sql = Sql::new(tx.get_database_backend());
        let segment = sql.bind(segment_id);
        let rows: Vec<_> = chunk
            .iter()
            .map(|id| format!("({segment}, {})", sql.bind(*id)))
            .collect();
        let text = format!(
            "INSERT INTO segment_members (segment_id, contact_id) VALUES {} ON CONFLICT DO NOTHING",
            rows.join(", ")
        );
        added += tx.execute_raw(sql.statement(text)).await?.rows_affected();
    }
    Ok(added)
}
