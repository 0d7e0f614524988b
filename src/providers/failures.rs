//! Webhooks that were signed and not understood, kept for the administrator to see.

use crate::context::Context;
use crate::db::Tx;
use crate::entity::hook_failures;
use chrono::TimeDelta;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

/// How many are kept of a provider.
const KEPT: u64 = 50;
/// How long at most: they hold people's addresses.
const DAYS: i64 = 30;
/// How much of a body is kept, in bytes.
const LONGEST: usize = 4000;

/// Keeps one, and lets the oldest go.
pub async fn keep(cx: &Context, provider: i64, reason: &str, body: &[u8]) -> Result<(), DbErr> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let beginning = &body[..body.len().min(LONGEST)];
    hook_failures::Entity::insert(hook_failures::ActiveModel {
        id: NotSet,
        provider_id: Set(provider),
        at: Set(now.into()),
        reason: Set(reason.replace('\0', "")),
        body: Set(String::from_utf8_lossy(beginning).replace('\0', "")),
    })
    .exec_without_returning(&*tx)
    .await?;
    make_room(&tx, provider).await?;
    hook_failures::Entity::delete_many()
        .filter(hook_failures::Column::At.lt((now - TimeDelta::days(DAYS)).timestamp_millis()))
        .exec(&*tx)
        .await?;
    tx.commit().await
}

async fn make_room(tx: &Tx, provider: i64) -> Result<(), DbErr> {
    let last = hook_failures::Entity::find()
        .filter(hook_failures::Column::ProviderId.eq(provider))
        .order_by_desc(hook_failures::Column::Id)
        .offset(KEPT)
        .one(&**tx)
        .await?;
    if let Some(last) = last {
        hook_failures::Entity::delete_many()
            .filter(hook_failures::Column::ProviderId.eq(provider))
            .filter(hook_failures::Column::Id.lte(last.id))
            .exec(&**tx)
            .await?;
    }
    Ok(())
}

/// Those of a provider, newest first.
pub async fn of(db: &impl ConnectionTrait, provider: i64) -> Result<Vec<hook_failures::Model>, DbErr> {
    hook_failures::Entity::find()
        .filter(hook_failures::Column::ProviderId.eq(provider))
        .order_by_desc(hook_failures::Column::Id)
        .limit(KEPT)
        .all(db)
        .await
}
