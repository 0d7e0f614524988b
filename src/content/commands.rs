//! What staff and programs do to templates. Each is called in a transaction that the caller
//! commits, and leaves its line in the audit trail there.

use super::blocks::store::{self as blocks, User};
use super::draft::NewTemplate;
use super::render::blocks::{Blocks, expand, named};
use super::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::db::Tx;
use crate::domain::slug;
use crate::entity::{template_versions, templates};
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _};
use serde_json::json;

/// Makes the template of this key, or changes it to this. Says whether it was made. A new version
/// is kept only where something changed.
pub async fn put(
    tx: &Tx,
    key: &str,
    new: NewTemplate,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<(templates::Model, bool)> {
    let old = store::by_key_or_id(&**tx, key)
        .await?
        .filter(|old| old.key == key);
    match old {
        Some(old) => Ok((edit(tx, old, new, actor, now).await?, false)),
        None => Ok((create(tx, key, new, actor, now).await?, true)),
    }
}

/// Makes a template; its key must be free.
pub async fn create(
    tx: &Tx,
    key: &str,
    new: NewTemplate,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<templates::Model> {
    slug::check(key).map_err(|message| FormErrors::one("key", message))?;
    if let Some(other) = store::by_key_or_id(&**tx, key).await? {
        let text = format!("The template “{}” has this key. Choose another.", other.name);
        return Err(FormErrors::one("key", text).into());
    }
    let row = templates::ActiveModel {
        id: NotSet,
        key: Set(key.to_owned()),
        channel: Set(new.channel),
        name: Set(new.name.clone()),
        version_id: Set(None),
        created_at: Set(now.into()),
        updated_at: Set(now.into()),
        archived_at: Set(None),
    };
    let template = row.insert(&**tx).await?;
    let template = keep_version(tx, template, &new, actor, now).await?;
    note(tx, &template, "created", actor, now).await?;
    Ok(template)
}

/// Changes a template. Past campaigns keep the version that they sent.
pub async fn edit(
    tx: &Tx,
    old: templates::Model,
    new: NewTemplate,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<templates::Model> {
    if old.channel != new.channel {
        let text = format!(
            "This template is for {}; make another for another channel.",
            old.channel.label()
        );
        return Err(FormErrors::one("channel", text).into());
    }
    let current = match old.version_id {
        Some(id) => store::version(&**tx, id).await?,
        None => None,
    };
    let is_same = current.is_some_and(|version| is_version(&version, &new));
    if is_same && old.name == new.name && old.archived_at.is_none() {
        return Ok(old);
    }
    let mut row = old.clone().into_active_model();
    row.name = Set(new.name.clone());
    row.updated_at = Set(now.into());
    row.archived_at = Set(None);
    let mut template = row.update(&**tx).await?;
    if !is_same {
        template = keep_version(tx, template, &new, actor, now).await?;
    }
    note(tx, &template, "edited", actor, now).await?;
    Ok(template)
}

fn is_version(version: &template_versions::Model, new: &NewTemplate) -> bool {
    version.subject == new.subject
        && version.preheader == new.preheader
        && version.body_kind == new.kind
        && version.body == new.body
        && version.text == new.text
}

/// Whether two versions were written alike, whatever their blocks said.
pub fn says_the_same(one: &template_versions::Model, other: &template_versions::Model) -> bool {
    one.subject == other.subject
        && one.preheader == other.preheader
        && one.body_kind == other.body_kind
        && one.body == other.body
        && one.text == other.text
        && one.attachments == other.attachments
}

/// Keeps the version in force once more with its blocks as they are now, where they make another
/// text of it. Says whether they do.
pub async fn renew_version(
    tx: &Tx,
    user: User,
    blocks: &Blocks,
    why: String,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<bool> {
    let User { template, version } = user;
    let whole = expand(version.body_kind, &version.body, blocks);
    if whole == version.whole {
        return Ok(false);
    }
    let next = template_versions::ActiveModel {
        id: NotSet,
        number: Set(version.number + 1),
        whole: Set(whole),
        note: Set(Some(why)),
        created_by: Set(actor.user_id),
        created_at: Set(now.into()),
        ..version.into_active_model().reset_all()
    };
    let next = next.insert(&**tx).await?;
    let mut row = template.into_active_model();
    row.version_id = Set(Some(next.id));
    row.update(&**tx).await?;
    Ok(true)
}

async fn keep_version(
    tx: &Tx,
    template: templates::Model,
    new: &NewTemplate,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<templates::Model> {
    let newest = store::versions(&**tx, template.id).await?;
    let number = newest.first().map_or(1, |version| version.number + 1);
    let version = template_versions::ActiveModel {
        id: NotSet,
        template_id: Set(template.id),
        number: Set(number),
        subject: Set(new.subject.clone()),
        preheader: Set(new.preheader.clone()),
        body_kind: Set(new.kind),
        body: Set(new.body.clone()),
        text: Set(new.text.clone()),
        whole: Set(match named(&new.body).is_empty() {
            true => None,
            false => expand(new.kind, &new.body, &blocks::all(&**tx).await?),
        }),
        note: Set(None),
        attachments: Set(None),
        created_by: Set(actor.user_id),
        created_at: Set(now.into()),
    }
    .insert(&**tx)
    .await?;
    let mut row = template.into_active_model();
    row.version_id = Set(Some(version.id));
    Ok(row.update(&**tx).await?)
}

/// Takes a template out of the lists; campaigns that name it go on.
pub async fn set_archived(
    tx: &Tx,
    template: templates::Model,
    is_archived: bool,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut row = template.into_active_model();
    row.archived_at = Set(is_archived.then(|| now.into()));
    let template = row.update(&**tx).await?;
    let action = if is_archived { "archived" } else { "restored" };
    note(tx, &template, action, actor, now).await
}

/// Deletes a template that no campaign names.
pub async fn delete(tx: &Tx, template: templates::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    if let Some(campaign) = store::used_by(&**tx, template.id).await?.first() {
        return Err(AppError::Conflict(format!(
            "The campaign “{}” uses this template, so it cannot be deleted. Archive it instead.",
            campaign.name
        )));
    }
    note(tx, &template, "deleted", actor, now).await?;
    templates::Entity::delete_by_id(template.id).exec(&**tx).await?;
    Ok(())
}

async fn note(
    tx: &Tx,
    template: &templates::Model,
    action: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let subject = Subject("template", Some(template.id));
    Ok(audit::record(tx, now, actor, action, subject, json!({"name": template.name})).await?)
}
