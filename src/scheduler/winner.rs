//! Experiments whose time has come: the winner is chosen, and the rest of the run is let go, a
//! stretch at a time. Killed in between, the next tick goes on with what still waits.

use super::parts::TRIED;
use super::timing::{Asked, From, NEVER, Timing};
use crate::campaigns::winner;
use crate::context::Context;
use crate::db::Sql;
use crate::entity::{campaigns, runs};
use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, EntityTrait as _, FromQueryResult};

/// Deliveries that are let go in one transaction.
const STRETCH: u64 = 10_000;

/// Chooses what is due to be chosen. While a campaign is paused nothing is: it is chosen when it
/// goes on, by what is known then. So it is after Fairway was down.
pub async fn choose_due(cx: &Context) -> Result<()> {
    let now = cx.clock.now();
    let due = runs::Entity::find()
        .from_raw_sql(cx.db.sql(
            "SELECT r.* FROM runs r JOIN campaigns c ON c.id = r.campaign_id \
             WHERE r.state = 'SENDING' AND r.decided_at IS NULL AND r.decide_at <= $1 AND c.status = 'ACTIVE' \
             ORDER BY r.id",
            [now.timestamp_millis().into()],
        ))
        .all(&*cx.db)
        .await?;
    for run in due {
        match winner::choose_by_rate(cx, &run).await {
            Ok(true) => tracing::info!(run = run.id, "the winner is chosen"),
            Ok(false) => {}
            Err(error) => tracing::error!(run = run.id, %error, "the winner was not chosen"),
        }
    }
    Ok(())
}

/// When the next winner is due to be chosen.
pub async fn next_due(cx: &Context) -> Result<Option<DateTime<Utc>>> {
    #[derive(FromQueryResult)]
    struct Next {
        at: Option<i64>,
    }
    let next = Next::find_by_statement(cx.db.sql(
        "SELECT MIN(r.decide_at) AS at FROM runs r JOIN campaigns c ON c.id = r.campaign_id \
         WHERE r.state = 'SENDING' AND r.decided_at IS NULL AND c.status = 'ACTIVE'",
        [],
    ))
    .one(&*cx.db)
    .await?;
    Ok(next
        .and_then(|next| next.at)
        .and_then(DateTime::from_timestamp_millis))
}

/// Lets the rest of every run go whose winner is chosen; it is due as the campaign says, reckoned
/// from the choice.
pub async fn release_rests(cx: &Context) -> Result<()> {
    let chosen = runs::Entity::find()
        .from_raw_sql(cx.db.sql(
            "SELECT r.* FROM runs r JOIN campaigns c ON c.id = r.campaign_id \
             WHERE r.state = 'SENDING' AND r.winner IS NOT NULL AND c.status = 'ACTIVE' AND EXISTS (\
               SELECT 1 FROM deliveries d WHERE d.run_id = r.id AND d.channel = $1 AND d.lane = 0 \
               AND d.state = 'QUEUED' AND d.due_at = $2) ORDER BY r.id",
            [TRIED.into(), NEVER.into()],
        ))
        .all(&*cx.db)
        .await?;
    for run in chosen {
        release(cx, &run).await?;
        cx.bell.ring_dispatch();
    }
    Ok(())
}

async fn release(cx: &Context, run: &runs::Model) -> Result<()> {
    let campaign = campaigns::Entity::find_by_id(run.campaign_id)
        .one(&*cx.db)
        .await?
        .context("a run without its campaign")?;
    let chosen_at = run.decided_at.map_or_else(|| cx.clock.now(), |at| at.0);
    let timing = Timing::of(
        &*cx.db,
        &Asked {
            campaign: &campaign,
            run,
            channel: TRIED,
            from: From::Decision(chosen_at),
            delay: TimeDelta::zero(),
        },
    )
    .await?;
    loop {
        let tx = cx.db.begin().await?;
        let mut sql = Sql::new(tx.get_database_backend());
        let due = timing.due(&mut sql);
        let later = timing.offset();
        let [id, channel, never, at] = [
            sql.bind(run.id),
            sql.bind(TRIED),
            sql.bind(NEVER),
            sql.bind(chosen_at.timestamp_millis()),
        ];
        // Somebody erased since has no zone any more; leave to send is refused in any case.
        let text = format!(
            "UPDATE deliveries SET due_at = COALESCE((SELECT {due} FROM (\
               SELECT c.timezone AS zone, {later} AS later FROM contacts c \
               WHERE c.id = deliveries.contact_id) x), {at}) \
             WHERE state = 'QUEUED' AND id IN (SELECT d.id FROM deliveries d \
               WHERE d.run_id = {id} AND d.channel = {channel} AND d.lane = 0 AND d.state = 'QUEUED' \
               AND d.due_at = {never} LIMIT {STRETCH})"
        );
        let released = tx.execute_raw(sql.statement(text)).await?.rows_affected();
        tx.commit().await?;
        if released == 0 {
            return Ok(());
        }
    }
}
