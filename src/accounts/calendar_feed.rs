//! A secret address for each member of staff, by which calendar programs read what is sent when.
//! Shown once; renewed or revoked at will.

use crate::db::Tx;
use crate::entity::{calendar_feeds, users};
use crate::secret::{random_token, token_hash};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};

/// When the address was made; `None` where there is none.
pub async fn since(db: &impl ConnectionTrait, user: i64) -> Result<Option<DateTime<Utc>>, DbErr> {
    let found = calendar_feeds::Entity::find_by_id(user).one(db).await?;
    Ok(found.map(|feed| feed.created_at.0))
}

/// Makes an address and answers its secret. One that was there before opens nothing any more.
pub async fn renew(tx: &Tx, user: i64, now: DateTime<Utc>) -> Result<String, DbErr> {
    revoke(tx, user).await?;
    let token = random_token();
    calendar_feeds::Entity::insert(calendar_feeds::ActiveModel {
        user_id: sea_orm::ActiveValue::Set(user),
        token_hash: sea_orm::ActiveValue::Set(token_hash(&token)),
        created_at: sea_orm::ActiveValue::Set(now.into()),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(token)
}

/// Takes the address away. Answers whether there was one.
pub async fn revoke(tx: &Tx, user: i64) -> Result<bool, DbErr> {
    let gone = calendar_feeds::Entity::delete_by_id(user).exec(&**tx).await?;
    Ok(gone.rows_affected > 0)
}

/// Whether a secret opens the calendar: that of somebody who may still sign in.
pub async fn opens(db: &impl ConnectionTrait, token: &str) -> Result<bool, DbErr> {
    let feed = calendar_feeds::Entity::find()
        .filter(calendar_feeds::Column::TokenHash.eq(token_hash(token)))
        .one(db)
        .await?;
    let Some(feed) = feed else { return Ok(false) };
    let user = users::Entity::find_by_id(feed.user_id).one(db).await?;
    Ok(user.is_some_and(|user| user.disabled_at.is_none()))
}
