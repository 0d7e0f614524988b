//! Ending runs of which nothing is still to go, and with them their campaigns; and sweeping up
//! after a cancellation what was on its way at that moment.

use crate::accounts::Actor;
use crate::campaigns::lifecycle;
use crate::context::Context;
use crate::domain::CampaignType;
use crate::domain::campaign::Command;
use crate::web::AppError;
use anyhow::Result;
use sea_orm::{ConnectionTrait as _, FromQueryResult, Statement};

/// Deliveries that are cancelled in one transaction.
const STRETCH: u64 = 10_000;

#[derive(Debug, FromQueryResult)]
struct Done {
    id: i64,
    campaign_id: i64,
    kind: CampaignType,
}

/// Ends every run that is sent. A paused campaign waits with its end until it is resumed.
pub async fn finish_runs(cx: &Context) -> Result<()> {
    let done = Done::find_by_statement(cx.db.sql(
        "SELECT r.id, r.campaign_id, c.kind FROM runs r JOIN campaigns c ON c.id = r.campaign_id \
         WHERE r.state = 'SENDING' AND c.status = 'ACTIVE' AND NOT EXISTS (\
           SELECT 1 FROM deliveries d WHERE d.run_id = r.id AND d.state IN ('QUEUED', 'SENDING'))",
        [],
    ))
    .all(&*cx.db)
    .await?;
    for run in done {
        if let Err(error) = finish_run(cx, &run).await {
            tracing::error!(run = run.id, error = format!("{error:#}"), "a run was not ended");
        }
    }
    Ok(())
}

async fn finish_run(cx: &Context, run: &Done) -> Result<()> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    // The campaign first, as whoever cancels does: two that lock in one order never block.
    if ends_with_its_run(run.kind) {
        match lifecycle::apply(&tx, run.campaign_id, Command::Complete, &Actor::fairway(), now).await {
            Ok(_) => {}
            // Paused or cancelled meanwhile.
            Err(AppError::Refused(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    let finished = tx
        .execute_raw(tx.sql(
            "UPDATE runs SET state = 'FINISHED', finished_at = $1, waiting = NULL \
             WHERE id = $2 AND state = 'SENDING'",
            [now.timestamp_millis().into(), run.id.into()],
        ))
        .await?;
    tx.commit().await?;
    if finished.rows_affected() == 1 {
        tracing::info!(run = run.id, campaign = run.campaign_id, "a run is finished");
    }
    Ok(())
}

/// Whether the campaign is completed when a run of it is.
const fn ends_with_its_run(kind: CampaignType) -> bool {
    matches!(kind, CampaignType::OneTime)
}

/// What waits in a run that is cancelled, or of a campaign that staff finished, is cancelled too: the
/// rest of a great run, and what a dispatcher gave back in that moment.
pub async fn sweep_cancelled(cx: &Context) -> Result<()> {
    let left = Done::find_by_statement(left(cx)).all(&*cx.db).await?;
    for run in left {
        loop {
            let tx = cx.db.begin().await?;
            let cancelled = lifecycle::cancel_waiting(&tx, run.id, STRETCH).await?;
            tx.commit().await?;
            if cancelled == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// Runs that are over and of which something waits. Found from what waits, a step in its index for
/// each run: of a club's years nearly all runs are over, and nothing of them waits.
pub(super) fn left(cx: &Context) -> Statement {
    cx.db.sql(
        "WITH RECURSIVE w(id) AS (\
           SELECT MIN(d.run_id) FROM deliveries d WHERE d.state = 'QUEUED' \
           UNION ALL SELECT (SELECT MIN(d.run_id) FROM deliveries d WHERE d.state = 'QUEUED' AND d.run_id > w.id) \
             FROM w WHERE w.id IS NOT NULL) \
         SELECT r.id, r.campaign_id, c.kind FROM w JOIN runs r ON r.id = w.id \
           JOIN campaigns c ON c.id = r.campaign_id \
         WHERE r.state = 'CANCELLED' OR (r.state = 'FINISHED' AND c.kind IN ('TRIGGERED', 'JOURNEY'))",
        [],
    )
}
