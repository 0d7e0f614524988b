//! The one place that writes a campaign's status. What may follow on what is decided in `domain`;
//! here it is written, with the audit trail and what it does to the ledger, in the caller's
//! transaction.

use super::recurring;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::campaigns::journey::leave::{Who, leave};
use crate::counts::{Moves, Part};
use crate::db::Tx;
use crate::domain::campaign::{Command, transition};
use crate::domain::journey::Reason;
use crate::domain::stats::Counts;
use crate::domain::{Channel, RunState, Status};
use crate::entity::campaigns;
use crate::web::{AppError, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult};
use serde_json::json;

/// Deliveries that a cancellation cancels at once. Of a greater run the scheduler cancels the rest
/// in the background, so that nobody waits for the button.
const AT_ONCE: u64 = 50_000;

/// Applies a command and answers with the campaign as it is then.
///
/// # Errors
/// `Refused` where the status at this moment does not allow it, which names both.
pub async fn apply(
    tx: &Tx,
    id: i64,
    command: Command,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<campaigns::Model> {
    let mut from = find(tx, id).await?.status;
    loop {
        let to = transition(from, command)?;
        if write_status(tx, id, from, to, now).await? {
            break;
        }
        // Another was quicker: what it made of the campaign decides.
        from = find(tx, id).await?.status;
    }
    match command {
        Command::Start => set(tx, id, "started_at = $1", now).await?,
        Command::Complete => {
            set(tx, id, "finished_at = $1", now).await?;
            lock_journey(tx, id).await?;
            close_runs(tx, id, now).await?;
            leave(tx, &Who::Everyone(id, AT_ONCE), Reason::Completed, now).await?;
            recurring::commands::forget(tx, id).await?;
        }
        Command::Resume => set(tx, id, "pause_reason = NULL, updated_at = $1", now).await?,
        Command::Cancel => {
            set(tx, id, "finished_at = $1, pause_reason = NULL", now).await?;
            lock_journey(tx, id).await?;
            cancel_runs(tx, id, now).await?;
            leave(tx, &Who::Everyone(id, AT_ONCE), Reason::Cancelled, now).await?;
            recurring::commands::forget(tx, id).await?;
        }
        Command::Pause => quiet_runs(tx, id).await?,
        Command::Schedule => {}
    }
    let campaign = find(tx, id).await?;
    let detail = json!({ "from": from, "to": campaign.status });
    audit::record(
        tx,
        now,
        actor,
        past(command),
        Subject("campaign", Some(id)),
        detail,
    )
    .await?;
    Ok(campaign)
}

/// Pauses a campaign that cannot go on, and says why on its page. One that somebody paused or
/// cancelled meanwhile stays as it is.
pub async fn pause_because(tx: &Tx, id: i64, why: &str, now: DateTime<Utc>) -> Result<()> {
    match apply(tx, id, Command::Pause, &Actor::fairway(), now).await {
        Ok(_) => {}
        Err(AppError::Refused(_)) => return Ok(()),
        Err(error) => return Err(error),
    }
    tx.execute_raw(tx.sql(
        "UPDATE campaigns SET pause_reason = $1 WHERE id = $2",
        [why.into(), id.into()],
    ))
    .await?;
    tracing::warn!(campaign = id, why, "a campaign was paused");
    Ok(())
}

async fn find(tx: &Tx, id: i64) -> Result<campaigns::Model> {
    let found = campaigns::Entity::find_by_id(id).one(&**tx).await?;
    found.ok_or(AppError::NotFound)
}

async fn write_status(tx: &Tx, id: i64, from: Status, to: Status, now: DateTime<Utc>) -> Result<bool, DbErr> {
    let written = tx
        .execute_raw(tx.sql(
            "UPDATE campaigns SET status = $1, updated_at = $2, revision = revision + 1 \
             WHERE id = $3 AND status = $4",
            [to.into(), now.timestamp_millis().into(), id.into(), from.into()],
        ))
        .await?;
    Ok(written.rows_affected() == 1)
}

async fn set(tx: &Tx, id: i64, assignments: &str, now: DateTime<Utc>) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        &format!("UPDATE campaigns SET {assignments} WHERE id = $2"),
        [now.timestamp_millis().into(), id.into()],
    ))
    .await?;
    Ok(())
}

const fn past(command: Command) -> &'static str {
    match command {
        Command::Schedule => "scheduled",
        Command::Start => "started",
        Command::Pause => "paused",
        Command::Resume => "resumed",
        Command::Cancel => "cancelled",
        Command::Complete => "completed",
    }
}

#[derive(FromQueryResult)]
struct Run {
    id: i64,
}

/// While it is paused, its runs wait for nothing else.
async fn quiet_runs(tx: &Tx, campaign: i64) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "UPDATE runs SET waiting = NULL WHERE campaign_id = $1 AND waiting IS NOT NULL",
        [campaign.into()],
    ))
    .await?;
    Ok(())
}

/// Waits until nobody is being moved on in the journey: who moves people locks it first, too.
async fn lock_journey(tx: &Tx, campaign: i64) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "UPDATE journeys SET members_cursor = members_cursor WHERE campaign_id = $1",
        [campaign.into()],
    ))
    .await?;
    Ok(())
}

/// Ends the campaign's runs, and cancels what waits in them.
async fn cancel_runs(tx: &Tx, campaign: i64, now: DateTime<Utc>) -> Result<(), DbErr> {
    let open = "'EXPANDING', 'SENDING', 'OPEN'";
    end_runs(tx, campaign, open, RunState::Cancelled, now).await
}

/// Ends the run of a campaign that follows on events, and cancels what waits in it.
async fn close_runs(tx: &Tx, campaign: i64, now: DateTime<Utc>) -> Result<(), DbErr> {
    end_runs(tx, campaign, "'OPEN'", RunState::Finished, now).await
}

async fn end_runs(tx: &Tx, campaign: i64, from: &str, to: RunState, now: DateTime<Utc>) -> Result<(), DbErr> {
    let text = format!(
        "UPDATE runs SET state = $1, finished_at = $2, waiting = NULL \
         WHERE campaign_id = $3 AND state IN ({from}) RETURNING id"
    );
    let runs =
        Run::find_by_statement(tx.sql(&text, [to.into(), now.timestamp_millis().into(), campaign.into()]))
            .all(&**tx)
            .await?;
    for run in runs {
        cancel_waiting(tx, run.id, AT_ONCE).await?;
    }
    Ok(())
}

/// Cancels at most `limit` deliveries of a run that wait, moves its counts, and answers how many
/// there were. What a dispatcher holds at this moment it cancels itself, unless it was handed over
/// already.
pub async fn cancel_waiting(tx: &Tx, run: i64, limit: u64) -> Result<i64, DbErr> {
    #[derive(FromQueryResult)]
    struct Cancelled {
        channel: Channel,
        step: String,
        variant: i32,
    }
    let cancelled = Cancelled::find_by_statement(tx.sql(
        &format!(
            "UPDATE deliveries SET state = 'CANCELLED' WHERE state = 'QUEUED' AND id IN (\
               SELECT d.id FROM deliveries d WHERE d.run_id = $1 AND d.state = 'QUEUED' LIMIT {limit}) \
             RETURNING channel, step, variant"
        ),
        [run.into()],
    ))
    .all(&**tx)
    .await?;
    let mut moves = Moves::default();
    let one = Counts {
        queued: -1,
        cancelled: 1,
        ..Counts::default()
    };
    let sum = i64::try_from(cancelled.len()).unwrap_or(i64::MAX);
    for Cancelled {
        channel,
        step,
        variant,
    } in cancelled
    {
        let part = Part {
            run,
            channel,
            step,
            variant,
        };
        moves.add(&part, one);
    }
    moves.write(tx).await?;
    Ok(sum)
}
