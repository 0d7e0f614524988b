//! Asking platforms what came of posts: likes, comments, shares, for a week. A loop of its own,
//! with no transaction open while it asks; a look that a crash cut off is made again.

use crate::context::Context;
use crate::db::Sql;
use crate::domain::social::next_look;
use crate::domain::{Channel, DeliveryState};
use crate::entity::{Timestamp, deliveries, posts};
use crate::messaging::{Adapter, Channels, Engagement};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Posts that are taken at a time.
const BATCH: usize = 20;
/// It looks so often whether any is due.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// After so long a look that a crash cut off is made again; and so soon again at one that is not
/// out yet.
const LEASE: TimeDelta = TimeDelta::minutes(5);

/// Asks about whatever is due, until `stop`.
pub async fn run(cx: Context, channels: Channels, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match look_at_due(&cx, &channels).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(error = format!("{error:#}"), "posts were not looked at"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Asks about a batch; whether there are more.
pub async fn look_at_due(cx: &Context, channels: &Channels) -> Result<bool> {
    let Some(adapter) = channels.get(Channel::Social) else {
        return Ok(false);
    };
    let now = cx.clock.now();
    let rows = take(cx, now).await?;
    for row in &rows {
        look(cx, adapter, row, now).await?;
    }
    Ok(rows.len() == BATCH)
}

async fn take(cx: &Context, now: DateTime<Utc>) -> Result<Vec<posts::Model>, DbErr> {
    let tx = cx.db.begin().await?;
    let mut sql = Sql::new(tx.get_database_backend());
    let (now, until) = (
        sql.bind(Timestamp::from(now)),
        sql.bind(Timestamp::from(now + LEASE)),
    );
    let locking = match sql.is_postgres() {
        true => "FOR UPDATE OF p SKIP LOCKED",
        false => "",
    };
    let text = format!(
        "UPDATE posts SET look_at = {until} WHERE delivery_id IN (\
           SELECT p.delivery_id FROM posts p WHERE p.look_at IS NOT NULL AND p.look_at <= {now} \
           ORDER BY p.look_at LIMIT {BATCH} {locking}) RETURNING *"
    );
    let rows = posts::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(&*tx)
        .await?;
    tx.commit().await?;
    Ok(rows)
}

async fn look(
    cx: &Context,
    adapter: &Arc<dyn Adapter>,
    row: &posts::Model,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let delivery = deliveries::Entity::find_by_id(row.delivery_id)
        .one(&*cx.db)
        .await?;
    let Some(delivery) = delivery else { return Ok(()) };
    let (sent_at, id) = match (delivery.state, delivery.sent_at, delivery.provider_id) {
        (DeliveryState::Queued | DeliveryState::Sending, ..) => return Ok(()), // the lease's end is the next look
        (_, Some(sent_at), Some(id)) => (sent_at.0, id),
        // It never went out.
        _ => return settle(cx, row, Err(String::new()), None, now).await,
    };
    let next = next_look(sent_at, now);
    let is_first = row.looks == 0 && now < sent_at + TimeDelta::minutes(10);
    if is_first {
        // Nobody can have seen it yet.
        return wait(cx, row, next).await;
    }
    match adapter.engagement(&row.account, &id).await {
        Ok(Some(engagement)) => settle(cx, row, Ok(engagement), next, now).await,
        Ok(None) => {
            settle(
                cx,
                row,
                Err("Its account is not in use any more.".into()),
                None,
                now,
            )
            .await
        }
        Err(error) => settle(cx, row, Err(error.to_string()), next, now).await,
    }
}

async fn wait(cx: &Context, row: &posts::Model, next: Option<DateTime<Utc>>) -> Result<(), DbErr> {
    let tx = cx.db.begin().await?;
    tx.execute_raw(tx.sql(
        "UPDATE posts SET look_at = $1 WHERE delivery_id = $2",
        [
            next.map(|at| at.timestamp_millis()).into(),
            row.delivery_id.into(),
        ],
    ))
    .await?;
    tx.commit().await
}

/// Keeps what was said, or why nothing was.
async fn settle(
    cx: &Context,
    row: &posts::Model,
    said: Result<Engagement, String>,
    next: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let tx = cx.db.begin().await?;
    let next = next.map(|at| at.timestamp_millis());
    match said {
        Ok(engagement) => {
            tx.execute_raw(tx.sql(
                "UPDATE posts SET likes = COALESCE($1, likes), comments = COALESCE($2, comments), \
                 shares = COALESCE($3, shares), looks = looks + 1, looked_at = $4, look_at = $5, trouble = NULL \
                 WHERE delivery_id = $6",
                [
                    engagement.likes.into(),
                    engagement.comments.into(),
                    engagement.shares.into(),
                    now.timestamp_millis().into(),
                    next.into(),
                    row.delivery_id.into(),
                ],
            ))
            .await?;
        }
        Err(why) => {
            tx.execute_raw(tx.sql(
                "UPDATE posts SET looks = looks + 1, look_at = $1, trouble = $2 WHERE delivery_id = $3",
                [
                    next.into(),
                    Some(why.replace('\0', "")).filter(|why| !why.is_empty()).into(),
                    row.delivery_id.into(),
                ],
            ))
            .await?;
        }
    }
    tx.commit().await
}
