//! Reading forms and who signed up.

use crate::entity::{signup_forms, signups};
use crate::secret::token_hash;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::collections::HashMap;

/// How many forms a club may have.
pub const MOST: u64 = 50;

/// All forms, those in use first.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<signup_forms::Model>, DbErr> {
    signup_forms::Entity::find()
        .order_by_asc(signup_forms::Column::Name)
        .order_by_asc(signup_forms::Column::Id)
        .limit(10 * MOST)
        .all(db)
        .await
}

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<signup_forms::Model>, DbErr> {
    signup_forms::Entity::find_by_id(id).one(db).await
}

/// The form at an address.
pub async fn by_key(db: &impl ConnectionTrait, key: &str) -> Result<Option<signup_forms::Model>, DbErr> {
    signup_forms::Entity::find()
        .filter(signup_forms::Column::Key.eq(key))
        .one(db)
        .await
}

/// What came of a form so far, in addresses. What waited too long is cleared, so `waiting` is of
/// the last days.
#[derive(Clone, Copy, Debug, Default, FromQueryResult)]
pub struct Came {
    pub form_id: i64,
    pub confirmed: i64,
    pub waiting: i64,
    /// Of those that wait: the request to confirm could not be sent.
    pub unsent: i64,
}

/// What came of each form.
pub async fn came(db: &impl ConnectionTrait) -> Result<HashMap<i64, Came>, DbErr> {
    let sql = crate::db::Sql::new(db.get_database_backend());
    let text = "SELECT form_id, \
         CAST(SUM(CASE WHEN confirmed_at IS NULL THEN 0 ELSE 1 END) AS BIGINT) AS confirmed, \
         CAST(SUM(CASE WHEN confirmed_at IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS waiting, \
         CAST(SUM(CASE WHEN confirmed_at IS NULL AND problem IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS unsent \
         FROM signups GROUP BY form_id";
    let rows = Came::find_by_statement(sql.statement(text)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.form_id, row)).collect())
}

/// The newest sign-ups of a form, at most `limit`.
pub async fn latest(db: &impl ConnectionTrait, form: i64, limit: u64) -> Result<Vec<signups::Model>, DbErr> {
    signups::Entity::find()
        .filter(signups::Column::FormId.eq(form))
        .order_by_desc(signups::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// The sign-up behind a link.
pub async fn by_token(db: &impl ConnectionTrait, token: &str) -> Result<Option<signups::Model>, DbErr> {
    signups::Entity::find()
        .filter(signups::Column::TokenHash.eq(token_hash(token)))
        .one(db)
        .await
}

/// How often an address was entered in the last day.
pub async fn of_address(db: &impl ConnectionTrait, address: &str, now: DateTime<Utc>) -> Result<i64, DbErr> {
    let count = signups::Entity::find()
        .filter(signups::Column::Address.eq(address))
        .filter(signups::Column::CreatedAt.gt((now - TimeDelta::days(1)).timestamp_millis()))
        .count(db)
        .await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// How many addresses came from a network address in the last hour.
pub async fn of_network(db: &impl ConnectionTrait, network: &str, now: DateTime<Utc>) -> Result<i64, DbErr> {
    let count = signups::Entity::find()
        .filter(signups::Column::Network.eq(network))
        .filter(signups::Column::CreatedAt.gt((now - TimeDelta::hours(1)).timestamp_millis()))
        .count(db)
        .await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The ids of the topics that a form offers.
pub fn topics_of(form: &signup_forms::Model) -> Vec<i64> {
    serde_json::from_value(form.topics.clone()).unwrap_or_default()
}
