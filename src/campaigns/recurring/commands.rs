//! Writing where a repetition stands, in the caller's transaction.

use super::{Plan, store};
use crate::db::Tx;
use crate::domain::{CampaignType, OccurrenceState};
use crate::entity::{campaigns, occurrences};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, ModelTrait as _};

/// Begins a repetition when its campaign is scheduled, and begins it anew when a scheduled one is
/// changed: what is past at `now` is no part of it.
pub async fn begin(tx: &Tx, campaign: &campaigns::Model, now: DateTime<Utc>) -> Result<(), DbErr> {
    if campaign.kind != CampaignType::Recurring {
        return forget(tx, campaign.id).await;
    }
    let Some(plan) = store::plan(&**tx, campaign, now).await? else {
        return forget(tx, campaign.id).await;
    };
    let plan = keep_what_is_planned(tx, campaign, plan).await?;
    let next = plan.next_at(now);
    tx.execute_raw(tx.sql(
        "INSERT INTO repetitions (campaign_id, reached, next_at) VALUES ($1, $2, $3) \
         ON CONFLICT (campaign_id) DO UPDATE SET reached = excluded.reached, next_at = excluded.next_at",
        [campaign.id.into(), now.timestamp_millis().into(), millis(next)],
    ))
    .await?;
    // The campaign starts with its first occurrence.
    tx.execute_raw(tx.sql(
        "UPDATE campaigns SET scheduled_at = $1, send_now = $2 WHERE id = $3",
        [millis(next), false.into(), campaign.id.into()],
    ))
    .await?;
    Ok(())
}

/// Decisions on occurrences that the changed rule does not have any more go.
async fn keep_what_is_planned(tx: &Tx, campaign: &campaigns::Model, plan: Plan) -> Result<Plan, DbErr> {
    let mut kept = Vec::new();
    for (original, row) in plan.decided {
        let is_open = matches!(row.state, OccurrenceState::Planned | OccurrenceState::Skipped);
        match is_open && !plan.recurrence.is_at(original, plan.zone) {
            true => {
                row.delete(&**tx).await?;
            }
            false => kept.push(row),
        }
    }
    Ok(Plan::new(campaign, plan.recurrence, kept))
}

/// A campaign that is over, or repeats no more, is not looked at again.
pub async fn forget(tx: &Tx, campaign: i64) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "DELETE FROM repetitions WHERE campaign_id = $1",
        [campaign.into()],
    ))
    .await?;
    Ok(())
}

/// Moves a repetition on, where it is still where it was seen; `false` where another was quicker.
pub async fn advance(
    tx: &Tx,
    campaign: i64,
    seen: DateTime<Utc>,
    reached: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
) -> Result<bool, DbErr> {
    let moved = tx
        .execute_raw(tx.sql(
            "UPDATE repetitions SET reached = $1, next_at = $2 WHERE campaign_id = $3 AND reached = $4",
            [
                reached.timestamp_millis().into(),
                millis(next),
                campaign.into(),
                seen.timestamp_millis().into(),
            ],
        ))
        .await?;
    Ok(moved.rows_affected() == 1)
}

/// What becomes of an occurrence in the end.
pub struct Fate<'a> {
    pub state: OccurrenceState,
    pub reason: Option<&'a str>,
    pub run: Option<i64>,
}

/// Writes what became of an occurrence.
pub async fn settle(
    tx: &Tx,
    campaign: i64,
    original: DateTime<Utc>,
    fate: Fate<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "INSERT INTO occurrences (campaign_id, original, state, reason, run_id, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (campaign_id, original) DO UPDATE SET state = excluded.state, reason = excluded.reason, \
           run_id = excluded.run_id, updated_at = excluded.updated_at",
        [
            campaign.into(),
            original.timestamp_millis().into(),
            fate.state.into(),
            fate.reason.map(str::to_owned).into(),
            fate.run.into(),
            now.timestamp_millis().into(),
        ],
    ))
    .await?;
    Ok(())
}

/// Writes what was decided of an occurrence to come.
pub async fn write(tx: &Tx, row: &occurrences::Model) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "INSERT INTO occurrences (campaign_id, original, state, moved_to, subject, template_id, reason, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (campaign_id, original) DO UPDATE SET state = excluded.state, moved_to = excluded.moved_to, \
           subject = excluded.subject, template_id = excluded.template_id, reason = excluded.reason, \
           updated_at = excluded.updated_at",
        [
            row.campaign_id.into(),
            row.original.into(),
            row.state.into(),
            row.moved_to.into(),
            row.subject.clone().into(),
            row.template_id.into(),
            row.reason.clone().into(),
            row.updated_at.into(),
        ],
    ))
    .await?;
    Ok(())
}

fn millis(at: Option<DateTime<Utc>>) -> sea_orm::Value {
    at.map(|at| at.timestamp_millis()).into()
}
