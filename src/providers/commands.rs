//! Writing providers. Each is called in a transaction that the caller commits, and leaves its line
//! in the audit trail there, without any secret.

use super::forms::NewProvider;
use super::kinds::{Kind, Part};
use super::sealed::{self, Owner, Secrets};
use super::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::db::Tx;
use crate::domain::slug;
use crate::entity::providers;
use crate::secret::Secret;
use crate::web::{AppError, Result};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, ModelTrait as _};
use serde_json::{Value, json};

/// The most providers of an instance.
pub const MOST: usize = 100;

/// Who changes a provider, and when.
pub struct By<'a> {
    pub actor: &'a Actor,
    pub now: DateTime<Utc>,
}

async fn record(tx: &Tx, by: &By<'_>, action: &str, row: &providers::Model, detail: Value) -> Result<()> {
    let subject = Subject("provider", Some(row.id));
    audit::record(tx, by.now, by.actor, action, subject, detail).await?;
    Ok(())
}

/// A key of the name that nobody has yet.
async fn free_key(tx: &Tx, kind: &Kind, name: &str) -> Result<String> {
    let base = match slug::of(name) {
        slug if slug.is_empty() || slug::check(&slug).is_err() => kind.word.to_owned(),
        slug => slug
            .chars()
            .take(60)
            .collect::<String>()
            .trim_matches('-')
            .to_owned(),
    };
    let mut key = base.clone();
    let mut number = 1;
    while store::is_taken(&**tx, &key).await? {
        number += 1;
        key = format!("{base}-{number}");
    }
    Ok(key)
}

/// Keeps a new provider, which is not active yet.
pub async fn create(
    tx: &Tx,
    secret: &Secret,
    kind: &Kind,
    new: NewProvider,
    by: &By<'_>,
) -> Result<providers::Model> {
    if store::all(&**tx).await?.len() >= MOST {
        return Err(AppError::invalid(
            "name",
            format!("There are {MOST} already. Delete one that is not used."),
        ));
    }
    let row = providers::ActiveModel {
        id: NotSet,
        key: Set(free_key(tx, kind, &new.name).await?),
        kind: Set(kind.word.to_owned()),
        channel: Set(kind.channel),
        name: Set(new.name.clone()),
        settings: Set(json!(new.settings)),
        sealed: Set(String::new()),
        is_active: Set(false),
        has_receipts: Set(new.adapter.has_receipts()),
        created_at: Set(by.now.into()),
        updated_at: Set(by.now.into()),
        tested_at: Set(None),
        test_result: Set(None),
        revision: Set(1),
    }
    .insert(&**tx)
    .await?;
    // What is sealed is bound to the id, which is known only now.
    let sealed = seal(secret, &row, &new.secrets)?;
    let mut change = row.into_active_model();
    change.sealed = Set(sealed);
    let row = change.update(&**tx).await?;
    let detail = json!({"name": row.name, "kind": kind.label});
    record(tx, by, "created", &row, detail).await?;
    Ok(row)
}

fn seal(secret: &Secret, row: &providers::Model, secrets: &Secrets) -> Result<String> {
    let owner = Owner {
        kind: &row.kind,
        id: row.id,
    };
    Ok(sealed::seal(secret, owner, secrets)?)
}

/// Changes a provider's settings. What was tested is not known of what it is now.
pub async fn edit(
    tx: &Tx,
    secret: &Secret,
    row: providers::Model,
    new: NewProvider,
    before: Option<&Secrets>,
    by: &By<'_>,
) -> Result<providers::Model> {
    let settings = json!(new.settings);
    let is_changed = |name: &&String| row.settings.get(name.as_str()) != settings.get(name.as_str());
    let changed: Vec<_> = new.settings.keys().filter(is_changed).cloned().collect();
    let is_new = |name: &&String| before.is_none_or(|before| before.get(*name) != new.secrets.get(*name));
    let replaced: Vec<_> = new.secrets.keys().filter(is_new).cloned().collect();
    let detail = json!({
        "name": new.name,
        "changed": changed.join(", "),
        "secrets entered anew": replaced.join(", "),
    });
    let sealed = seal(secret, &row, &new.secrets)?;
    let revision = row.revision + 1;
    let mut change = row.into_active_model();
    change.name = Set(new.name);
    change.settings = Set(settings);
    change.sealed = Set(sealed);
    change.has_receipts = Set(new.adapter.has_receipts());
    change.updated_at = Set(by.now.into());
    change.tested_at = Set(None);
    change.test_result = Set(None);
    change.revision = Set(revision);
    let row = change.update(&**tx).await?;
    record(tx, by, "edited", &row, detail).await?;
    Ok(row)
}

/// Puts a provider to work. Of those that carry a channel it takes the place of the one before,
/// which is answered.
pub async fn activate(
    tx: &Tx,
    row: providers::Model,
    kind: &Kind,
    by: &By<'_>,
) -> Result<Option<providers::Model>> {
    let mut before = None;
    if kind.part == Part::Carrier {
        for other in store::active(&**tx, kind.channel).await? {
            let carries = super::kinds::find(&other.kind).is_none_or(|kind| kind.part == Part::Carrier);
            if other.id != row.id && carries {
                before = Some(switch(tx, other, false, by).await?);
            }
        }
    }
    if !row.is_active {
        switch(tx, row, true, by).await?;
    }
    Ok(before)
}

/// Takes a provider out of work.
pub async fn deactivate(tx: &Tx, row: providers::Model, by: &By<'_>) -> Result<()> {
    if row.is_active {
        switch(tx, row, false, by).await?;
    }
    Ok(())
}

async fn switch(tx: &Tx, row: providers::Model, is_active: bool, by: &By<'_>) -> Result<providers::Model> {
    let revision = row.revision + 1;
    let mut change = row.into_active_model();
    change.is_active = Set(is_active);
    change.updated_at = Set(by.now.into());
    change.revision = Set(revision);
    let row = change.update(&**tx).await?;
    let action = match is_active {
        true => "activated",
        false => "deactivated",
    };
    record(tx, by, action, &row, json!({"name": row.name})).await?;
    Ok(row)
}

/// Deletes a provider with its secrets.
pub async fn delete(tx: &Tx, row: providers::Model, by: &By<'_>) -> Result<()> {
    record(tx, by, "deleted", &row, json!({"name": row.name, "key": row.key})).await?;
    row.delete(&**tx).await?;
    Ok(())
}

/// Keeps what a test came to: a sentence, or nothing where nothing is wrong.
pub async fn note_test(tx: &Tx, id: i64, problem: Option<&str>, now: DateTime<Utc>) -> Result<()> {
    let row = providers::ActiveModel {
        id: Set(id),
        tested_at: Set(Some(now.into())),
        test_result: Set(Some(problem.unwrap_or_default().to_owned())),
        ..Default::default()
    };
    providers::Entity::update(row).exec(&**tx).await?;
    Ok(())
}
