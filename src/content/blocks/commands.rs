//! What staff do to blocks. Each is called in a transaction that the caller commits; the templates
//! that take the block in get their new versions in the same one.

use super::store;
use super::{DEFAULTS, NewBlock};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::content::commands::renew_version;
use crate::content::render::blocks::named;
use crate::db::Tx;
use crate::domain::{BodyKind, slug};
use crate::entity::blocks;
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _};
use serde_json::json;

/// Makes a block; its key must be free. Templates that name it already take it in from now on.
pub async fn create(
    tx: &Tx,
    key: &str,
    new: NewBlock,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<blocks::Model> {
    slug::check(key).map_err(|message| FormErrors::one("key", message))?;
    if let Some(other) = store::by_key(&**tx, key).await? {
        let text = format!("The block “{}” has this key. Choose another.", other.name);
        return Err(FormErrors::one("key", text).into());
    }
    let block = blocks::ActiveModel {
        id: NotSet,
        key: Set(key.to_owned()),
        name: Set(new.name),
        kind: Set(new.kind),
        body: Set(new.body),
        created_by: Set(actor.user_id),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
    };
    let block = block.insert(&**tx).await?;
    note(tx, &block, "created", actor, now).await?;
    renew(tx, &block, actor, now).await?;
    Ok(block)
}

/// Changes a block, and says how many templates got a new version by it. What was sent stays.
pub async fn edit(
    tx: &Tx,
    old: blocks::Model,
    new: NewBlock,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<usize> {
    if old.name == new.name && old.body == new.body && old.kind == new.kind {
        return Ok(0);
    }
    let is_same = old.body == new.body && old.kind == new.kind;
    let mut row = old.into_active_model();
    row.name = Set(new.name);
    row.kind = Set(new.kind);
    row.body = Set(new.body);
    row.updated_at = Set(now.into());
    let block = row.update(&**tx).await?;
    note(tx, &block, "edited", actor, now).await?;
    match is_same {
        true => Ok(0),
        false => renew(tx, &block, actor, now).await,
    }
}

/// Deletes a block that no template takes in.
pub async fn delete(tx: &Tx, block: blocks::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let users = store::users(&**tx, &block.key).await?;
    if let Some(user) = users.first() {
        return Err(AppError::Conflict(format!(
            "The template “{}” takes this block in, so it cannot be deleted.",
            user.template.name
        )));
    }
    note(tx, &block, "deleted", actor, now).await?;
    blocks::Entity::delete_by_id(block.id).exec(&**tx).await?;
    Ok(())
}

/// Makes those of our own blocks that a text names and that are not there yet.
pub async fn make_ours(tx: &Tx, body: &str, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let wanted = named(body);
    for (key, name, body) in DEFAULTS {
        if wanted.contains(key) && store::by_key(&**tx, key).await?.is_none() {
            let new = NewBlock {
                name: name.to_owned(),
                kind: BodyKind::Mjml,
                body: body.to_owned(),
            };
            create(tx, key, new, actor, now).await?;
        }
    }
    Ok(())
}

async fn renew(tx: &Tx, block: &blocks::Model, actor: &Actor, now: DateTime<Utc>) -> Result<usize> {
    let users = store::users(&**tx, &block.key).await?;
    let blocks = store::all(&**tx).await?;
    let mut renewed = 0;
    for user in users {
        let why = format!("The block “{}” changed", block.name);
        if renew_version(tx, user, &blocks, why, actor, now).await? {
            renewed += 1;
        }
    }
    Ok(renewed)
}

async fn note(tx: &Tx, block: &blocks::Model, action: &str, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let subject = Subject("block", Some(block.id));
    Ok(audit::record(tx, now, actor, action, subject, json!({"name": block.name})).await?)
}
