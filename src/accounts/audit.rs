//! Who did what. Written in the transaction of the deed, so that neither is there without the
//! other.

use crate::db::Tx;
use crate::entity::{audit_log, users};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::Value;

/// Who acts: a member of staff, an API key, or the scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub user_id: Option<i64>,
    /// As it is shown: a person's name, `API key “website”`, or `Fairway`.
    pub name: String,
}

impl Actor {
    /// A member of staff.
    pub fn person(user: &users::Model) -> Self {
        Self {
            user_id: Some(user.id),
            name: user.name.clone(),
        }
    }

    /// What the product does by itself.
    pub fn fairway() -> Self {
        Self {
            user_id: None,
            name: "Fairway".into(),
        }
    }
}

/// What was acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject(pub &'static str, pub Option<i64>);

/// Adds a line to the trail. `action` is a past participle: `scheduled`, `paused`, `edited`.
pub async fn record(
    tx: &Tx,
    at: DateTime<Utc>,
    actor: &Actor,
    action: &str,
    subject: Subject,
    detail: Value,
) -> Result<(), DbErr> {
    audit_log::Entity::insert(audit_log::ActiveModel {
        id: NotSet,
        at: Set(at.into()),
        user_id: Set(actor.user_id),
        actor: Set(actor.name.clone()),
        action: Set(action.into()),
        subject_kind: Set(subject.0.into()),
        subject_id: Set(subject.1),
        detail: Set(detail),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}

/// The trail of one thing, newest first, at most `limit` lines.
pub async fn of(
    db: &impl ConnectionTrait,
    subject: Subject,
    limit: u64,
) -> Result<Vec<audit_log::Model>, DbErr> {
    audit_log::Entity::find()
        .filter(audit_log::Column::SubjectKind.eq(subject.0))
        .filter(audit_log::Column::SubjectId.eq(subject.1))
        .order_by_desc(audit_log::Column::Id)
        .limit(limit)
        .all(db)
        .await
}
