//! Clears what has had its time: sessions that expired, links that can no longer be used, failed
//! sign-ins that no longer count.

use crate::context::Context;
use crate::entity::{one_time_links, sessions, sign_in_attempts};
use chrono::TimeDelta;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};

/// How often it is done.
const EVERY: std::time::Duration = std::time::Duration::from_secs(3600);

/// Clears once.
pub async fn clear(cx: &Context) -> Result<(), DbErr> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    sessions::Entity::delete_many()
        .filter(sessions::Column::ExpiresAt.lte(now.timestamp_millis()))
        .exec(&*tx)
        .await?;
    one_time_links::Entity::delete_many()
        .filter(one_time_links::Column::ExpiresAt.lte(now.timestamp_millis()))
        .exec(&*tx)
        .await?;
    sign_in_attempts::Entity::delete_many()
        .filter(sign_in_attempts::Column::At.lte((now - TimeDelta::days(1)).timestamp_millis()))
        .exec(&*tx)
        .await?;
    tx.commit().await
}

/// Clears now and every hour, until it is dropped. A failure is logged; the next round tries again.
pub async fn run(cx: Context) {
    loop {
        if let Err(error) = clear(&cx).await {
            tracing::warn!(%error, "expired sessions were not cleared");
        }
        tokio::time::sleep(EVERY).await;
    }
}
