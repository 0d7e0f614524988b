//! Links that work once: to make the first administrator, to choose a password. Only the hash of
//! a link's token is kept, so that a copy of the table opens nothing.

use super::staff_commands::is_nobody_there;
use crate::config::Settings;
use crate::context::Context;
use crate::db::Tx;
use crate::entity::one_time_links as links;
use crate::secret::{random_token, token_hash};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};

/// What a link opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// The making of the first administrator. In force while nobody is staff.
    Setup,
    /// The choice of a password by this member of staff: an invitation, or after a forgotten one.
    Password(i64),
}

impl Opens {
    /// For how long the link works.
    pub const fn lifetime(self) -> TimeDelta {
        match self {
            Self::Setup => TimeDelta::hours(24),
            Self::Password(_) => TimeDelta::days(7),
        }
    }

    const fn purpose(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Password(_) => "password",
        }
    }

    const fn user_id(self) -> Option<i64> {
        match self {
            Self::Setup => None,
            Self::Password(id) => Some(id),
        }
    }
}

/// Makes a link's token. Older ones for the same thing stop working.
pub async fn issue(tx: &Tx, opens: Opens, now: DateTime<Utc>) -> Result<String, DbErr> {
    void(tx, opens).await?;
    let token = random_token();
    links::Entity::insert(links::ActiveModel {
        id: NotSet,
        purpose: Set(opens.purpose().into()),
        token_hash: Set(token_hash(&token)),
        user_id: Set(opens.user_id()),
        created_at: Set(now.into()),
        expires_at: Set((now + opens.lifetime()).into()),
        used_at: Set(None),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(token)
}

/// Ends every link to the same thing.
pub async fn void(tx: &Tx, opens: Opens) -> Result<(), DbErr> {
    let of_whom = match opens.user_id() {
        Some(id) => links::Column::UserId.eq(id),
        None => links::Column::UserId.is_null(),
    };
    links::Entity::delete_many()
        .filter(links::Column::Purpose.eq(opens.purpose()))
        .filter(of_whom)
        .exec(&**tx)
        .await?;
    Ok(())
}

/// What a token opens now; `None` for one that is unknown, used or too old.
pub async fn find(
    db: &impl ConnectionTrait,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<Opens>, DbErr> {
    let link = links::Entity::find()
        .filter(links::Column::TokenHash.eq(token_hash(token)))
        .filter(links::Column::UsedAt.is_null())
        .filter(links::Column::ExpiresAt.gt(now.timestamp_millis()))
        .one(db)
        .await?;
    Ok(link.and_then(|link| match (link.purpose.as_str(), link.user_id) {
        ("setup", None) => Some(Opens::Setup),
        ("password", Some(id)) => Some(Opens::Password(id)),
        _ => None,
    }))
}

/// Uses a link up. `false` where another request was first.
pub async fn take(tx: &Tx, token: &str, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let taken = links::Entity::update_many()
        .col_expr(links::Column::UsedAt, now.timestamp_millis().into())
        .filter(links::Column::TokenHash.eq(token_hash(token)))
        .filter(links::Column::UsedAt.is_null())
        .filter(links::Column::ExpiresAt.gt(now.timestamp_millis()))
        .exec(&**tx)
        .await?;
    Ok(taken.rows_affected == 1)
}

/// The link that makes the first administrator, `None` once somebody is staff. A new one at each
/// start; those printed before stop working.
pub async fn setup_link(cx: &Context) -> Result<Option<String>, DbErr> {
    if !is_nobody_there(&*cx.db).await? {
        return Ok(None);
    }
    let tx = cx.db.begin().await?;
    let token = issue(&tx, Opens::Setup, cx.clock.now()).await?;
    tx.commit().await?;
    Ok(Some(format!("{}/setup/{token}", cx.settings.base())))
}

/// The address of a link by which a person chooses a password.
pub fn join_url(settings: &Settings, token: &str) -> String {
    format!("{}/join/{token}", settings.base())
}
