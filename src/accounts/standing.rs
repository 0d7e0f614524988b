//! Who may sign in, and in which role. One rule stands above all: there is always an administrator
//! who can sign in.

use super::audit::{self, Actor, Subject};
use super::links::{self, Opens};
use super::passwords::NONE_YET;
use super::sessions;
use crate::db::Tx;
use crate::domain::Role;
use crate::entity::users;
use crate::web::{AppError, Result};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde_json::json;

/// How a member of staff stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Has not chosen a password yet.
    Invited,
    Active,
    Disabled,
}

impl Standing {
    pub fn of(user: &users::Model) -> Self {
        match (user.disabled_at, user.password_hash.as_str()) {
            (Some(_), _) => Self::Disabled,
            (None, NONE_YET) => Self::Invited,
            (None, _) => Self::Active,
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Invited => "Invited",
            Self::Active => "Active",
            Self::Disabled => "Disabled",
        }
    }
}

/// Everyone who is or was staff, by name.
pub async fn everyone(db: &impl ConnectionTrait) -> Result<Vec<users::Model>, DbErr> {
    users::Entity::find()
        .order_by_asc(users::Column::Name)
        .order_by_asc(users::Column::Id)
        .all(db)
        .await
}

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<users::Model> {
    users::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or(AppError::NotFound)
}

/// Gives a member of staff another role. Refused for the last administrator.
pub async fn change_role(
    tx: &Tx,
    id: i64,
    role: Role,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<users::Model> {
    let user = find(&**tx, id).await?;
    if role < Role::Admin {
        keep_an_administrator(tx, &user).await?;
    }
    let before = user.role;
    let changed = users::ActiveModel {
        id: Unchanged(id),
        role: Set(role),
        ..Default::default()
    }
    .update(&**tx)
    .await?;
    let detail = json!({"name": changed.name, "from": before, "to": role});
    let subject = Subject("user", Some(id));
    audit::record(tx, now, actor, "changed the role of", subject, detail).await?;
    Ok(changed)
}

/// Keeps a member of staff from signing in: their sessions and links end. Refused for the last
/// administrator.
pub async fn disable(tx: &Tx, id: i64, actor: &Actor, now: DateTime<Utc>) -> Result<users::Model> {
    let user = find(&**tx, id).await?;
    keep_an_administrator(tx, &user).await?;
    sessions::end(tx, id, now, |_| true).await?;
    links::void(tx, Opens::Password(id)).await?;
    set_disabled(tx, id, Some(now), "disabled", actor, now).await
}

/// Lets a member of staff sign in again, with the password they had.
pub async fn enable(tx: &Tx, id: i64, actor: &Actor, now: DateTime<Utc>) -> Result<users::Model> {
    find(&**tx, id).await?;
    set_disabled(tx, id, None, "enabled", actor, now).await
}

async fn set_disabled(
    tx: &Tx,
    id: i64,
    disabled_at: Option<DateTime<Utc>>,
    action: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<users::Model> {
    let changed = users::ActiveModel {
        id: Unchanged(id),
        disabled_at: Set(disabled_at.map(Into::into)),
        ..Default::default()
    }
    .update(&**tx)
    .await?;
    let subject = Subject("user", Some(id));
    audit::record(tx, now, actor, action, subject, json!({"name": changed.name})).await?;
    Ok(changed)
}

/// Refuses what would leave nobody who can sign in as an administrator. The rows stay locked until
/// the transaction ends, so that two administrators cannot take each other's role at once.
async fn keep_an_administrator(tx: &Tx, leaving: &users::Model) -> Result<()> {
    let admins = users::Entity::find()
        .filter(users::Column::Role.eq(Role::Admin))
        .filter(users::Column::DisabledAt.is_null())
        .filter(users::Column::PasswordHash.ne(NONE_YET))
        .order_by_asc(users::Column::Id)
        .lock_exclusive()
        .all(&**tx)
        .await?;
    let is_one = admins.iter().any(|admin| admin.id == leaving.id);
    match is_one && admins.len() == 1 {
        true => Err(AppError::Conflict(format!(
            "{} is the only administrator who can sign in. Make someone else an administrator first.",
            leaving.name
        ))),
        false => Ok(()),
    }
}
