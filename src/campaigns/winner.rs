//! Choosing the winner of an experiment: by the scheduler when it is time, or by staff before. The
//! rest of the run is sent it.

use super::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::experiment::{Cell, Experiment, choose, letter, number};
use crate::domain::{Channel, RunState, Status};
use crate::entity::{campaigns, run_counts, runs};
use crate::web::{AppError, Result};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde_json::json;

/// The channel that experiments are made on.
pub const TRIED: Channel = Channel::Email;

/// A campaign's experiment. One that cannot be read any more is none.
pub fn experiment(campaign: &campaigns::Model) -> Option<Experiment> {
    Experiment::parse(campaign.experiment.as_ref()?).ok()
}

/// What came of each variant of a run, in their order.
pub async fn cells(db: &impl ConnectionTrait, run: i64, experiment: &Experiment) -> Result<Vec<Cell>, DbErr> {
    let rows = run_counts::Entity::find()
        .filter(run_counts::Column::RunId.eq(run))
        .filter(run_counts::Column::Channel.eq(TRIED))
        .filter(run_counts::Column::Step.eq(""))
        .all(db)
        .await?;
    let numbers = (1..).take(experiment.variants.len());
    let cell = |number: i32| {
        let row = rows.iter().find(|row| row.variant == number);
        row.map(|row| Cell::of(&row.into(), experiment.metric))
    };
    Ok(numbers.map(|number| cell(number).unwrap_or_default()).collect())
}

/// Chooses by what the experiment says. Nothing happens where another was quicker, or where the
/// campaign does not send just now.
pub async fn choose_by_rate(cx: &Context, run: &runs::Model) -> Result<bool> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let Some(campaign) = store::find(&*tx, run.campaign_id).await? else {
        return Ok(false);
    };
    let Some(experiment) = experiment(&campaign).filter(|_| campaign.status == Status::Active) else {
        return Ok(false);
    };
    let choice = choose(experiment.metric, &cells(&*tx, run.id, &experiment).await?);
    let is_chosen = write(&tx, run, choice.variant, &choice.why, &Actor::fairway(), now).await?;
    tx.commit().await?;
    Ok(is_chosen)
}

/// Chooses by hand, by the letter.
///
/// # Errors
/// `Invalid` where there is no such variant; `Conflict` where nobody waits for a choice.
pub async fn choose_by_hand(
    cx: &Context,
    campaign: i64,
    text: &str,
    actor: &Actor,
) -> Result<campaigns::Model> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let campaign = store::find(&*tx, campaign).await?.ok_or(AppError::NotFound)?;
    let experiment = experiment(&campaign)
        .ok_or_else(|| AppError::Conflict("This campaign tries nothing, so there is no winner.".into()))?;
    let Some(variant) = number(text, experiment.variants.len()) else {
        let last = letter(i32::try_from(experiment.variants.len()).unwrap_or_default());
        return Err(AppError::invalid(
            "variant",
            format!("Name a variant, from A to {last}."),
        ));
    };
    let Some(run) = undecided(&*tx, campaign.id).await? else {
        return Err(AppError::Conflict(
            "Nobody waits for the winner: it is chosen already, or the test has not begun.".into(),
        ));
    };
    let why = format!("{} chose {}.", actor.name, letter(variant));
    if !write(&tx, &run, variant, &why, actor, now).await? {
        return Err(AppError::Conflict("The winner was chosen just now.".into()));
    }
    tx.commit().await?;
    cx.bell.ring();
    Ok(campaign)
}

/// The newest run of a campaign whose rest waits for a winner.
pub async fn undecided(db: &impl ConnectionTrait, campaign: i64) -> Result<Option<runs::Model>, DbErr> {
    let run = runs::Entity::find()
        .filter(runs::Column::CampaignId.eq(campaign))
        .filter(runs::Column::State.eq(RunState::Sending))
        .filter(runs::Column::DecidedAt.is_null())
        .order_by_desc(runs::Column::Id)
        .one(db)
        .await?;
    let Some(run) = run else { return Ok(None) };
    // Only a run with a rest has counts of the rest beside those of the variants.
    let counts = run_counts::Entity::find()
        .filter(run_counts::Column::RunId.eq(run.id))
        .filter(run_counts::Column::Channel.eq(TRIED))
        .filter(run_counts::Column::Variant.lte(1))
        .all(db)
        .await?;
    Ok((counts.len() == 2).then_some(run))
}

/// Writes the choice down and gives the rest its content. `false` where it was chosen already.
async fn write(
    tx: &Tx,
    run: &runs::Model,
    variant: i32,
    why: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<bool> {
    let chosen = tx
        .execute_raw(tx.sql(
            "UPDATE runs SET decided_at = $1, winner = $2, decision = $3 \
             WHERE id = $4 AND decided_at IS NULL AND state = 'SENDING'",
            [
                now.timestamp_millis().into(),
                variant.into(),
                why.into(),
                run.id.into(),
            ],
        ))
        .await?;
    if chosen.rows_affected() == 0 {
        return Ok(false);
    }
    tx.execute_raw(tx.sql(
        "INSERT INTO run_contents (run_id, channel, step, variant, template_version_id, said) \
         SELECT w.run_id, w.channel, w.step, 0, w.template_version_id, w.said FROM run_contents w \
         WHERE w.run_id = $1 AND w.channel = $2 AND w.step = '' AND w.variant = $3 \
         ON CONFLICT DO NOTHING",
        [run.id.into(), TRIED.into(), variant.into()],
    ))
    .await?;
    audit::record(
        tx,
        now,
        actor,
        "chose the winner",
        Subject("campaign", Some(run.campaign_id)),
        json!({ "variant": letter(variant), "why": why }),
    )
    .await?;
    Ok(true)
}
