//! What staff and the JSON API do to campaigns: load, decide in `domain`, write, in one
//! transaction each. What takes long, counting and compiling, is done before it.

use super::channels::Words;
use super::checklist;
use super::draft::{Changes, NewCampaign, When};
use super::edit::{changed_meanwhile, write_contents};
use super::{lifecycle, recurring, store};

pub use super::edit::{edit, set_content};

use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::campaign::Command;
use crate::domain::{Channel, InDoubt, Purpose, Status};
use crate::entity::campaigns;
use crate::web::{AppError, Result};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::NotSet;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _,
};
use serde_json::json;

/// Makes a draft.
///
/// # Errors
/// `Invalid` with what means nothing to a campaign of its type.
pub async fn create(cx: &Context, new: NewCampaign, actor: &Actor) -> Result<campaigns::Model> {
    new.rest.suit(new.kind)?;
    let now = cx.clock.now();
    let blank = campaigns::Model {
        id: 0,
        name: new.name,
        kind: new.kind,
        status: Status::Draft,
        purpose: Purpose::Marketing,
        topic_id: None,
        segment_id: None,
        channels: Words::default().with(Channel::Email, true).to_json(),
        timezone: new.timezone.name().to_owned(),
        send_now: false,
        scheduled_at: None,
        recurrence: None,
        trigger: None,
        journey: None,
        goal: None,
        sender_name: None,
        sender_email: None,
        reply_to: None,
        in_doubt: InDoubt::Retry,
        pause_reason: None,
        revision: 1,
        created_by: actor.user_id,
        created_at: now.into(),
        updated_at: now.into(),
        started_at: None,
        finished_at: None,
        only_new: false,
        feed: None,
        held_until: None,
        local_time: false,
        spread_minutes: 0,
        ignores_cap: false,
        experiment: None,
    };
    let tx = cx.db.begin().await?;
    let campaign = insert(&tx, new.rest.apply(&blank, now)).await?;
    write_contents(&tx, campaign.id, &new.rest.contents).await?;
    let detail = json!({ "name": campaign.name });
    audit::record(
        &tx,
        now,
        actor,
        "created",
        Subject("campaign", Some(campaign.id)),
        detail,
    )
    .await?;
    tx.commit().await?;
    Ok(campaign)
}

async fn insert(tx: &Tx, campaign: campaigns::Model) -> Result<campaigns::Model> {
    let mut row = campaign.into_active_model().reset_all();
    row.id = NotSet;
    Ok(row.insert(&**tx).await?)
}

/// Schedules a draft, after the whole checklist.
///
/// # Errors
/// `Refused` where it is no draft; `Invalid` with everything that would go wrong.
pub async fn schedule(cx: &Context, id: i64, actor: &Actor) -> Result<campaigns::Model> {
    schedule_held(cx, id, TimeDelta::zero(), actor).await
}

/// Schedules a draft so that it can be taken back for a while, where it starts at once.
///
/// # Errors
/// As `schedule`.
pub async fn schedule_held(
    cx: &Context,
    id: i64,
    hold: TimeDelta,
    actor: &Actor,
) -> Result<campaigns::Model> {
    loop {
        let seen = store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)?;
        // Whether it may be scheduled at all comes first, and names both states.
        crate::domain::campaign::transition(seen.status, Command::Schedule)?;
        let now = cx.clock.now();
        let contents = store::contents(&*cx.db, id).await?;
        let mut report = checklist::report(&*cx.db, &seen, &contents, now).await?;
        checklist::feed::look(&mut report, cx, &seen).await?;
        report.errors().or(|| ())?;
        let tx = cx.db.begin().await?;
        let now_there = store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
        if now_there.revision != seen.revision {
            // Edited since it was looked at: look again.
            drop(tx);
            continue;
        }
        let mut campaign = lifecycle::apply(&tx, id, Command::Schedule, actor, now).await?;
        campaign.held_until = (campaign.send_now && hold > TimeDelta::zero()).then(|| (now + hold).into());
        tx.execute_raw(tx.sql(
            "UPDATE campaigns SET held_until = $1 WHERE id = $2",
            [campaign.held_until.into(), id.into()],
        ))
        .await?;
        recurring::commands::begin(&tx, &campaign, now).await?;
        let campaign = store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
        tx.commit().await?;
        cx.bell.ring();
        return Ok(campaign);
    }
}

/// Does what staff may ask of a campaign: schedules it, pauses it (nothing more is sent within a
/// second), resumes it with the rest, or cancels it (who was not sent to yet will not be).
///
/// # Errors
/// `Refused` where its status does not allow it; `NotFound` for what only the scheduler does.
pub async fn act(cx: &Context, id: i64, command: Command, actor: &Actor) -> Result<campaigns::Model> {
    match command {
        Command::Schedule => schedule(cx, id, actor).await,
        Command::Pause | Command::Resume | Command::Cancel => apply(cx, id, command, actor).await,
        Command::Start | Command::Complete => Err(AppError::NotFound),
    }
}

async fn apply(cx: &Context, id: i64, command: Command, actor: &Actor) -> Result<campaigns::Model> {
    let tx = cx.db.begin().await?;
    let campaign = lifecycle::apply(&tx, id, command, actor, cx.clock.now()).await?;
    tx.commit().await?;
    cx.bell.ring();
    Ok(campaign)
}

/// Stops a campaign that is sending: pauses and cancels in one step, and its history shows both.
/// One that is not sending is cancelled where that is possible.
pub async fn stop(cx: &Context, id: i64, actor: &Actor) -> Result<campaigns::Model> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let seen = store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
    if seen.status == Status::Active {
        lifecycle::apply(&tx, id, Command::Pause, actor, now).await?;
    }
    let campaign = lifecycle::apply(&tx, id, Command::Cancel, actor, now).await?;
    tx.commit().await?;
    cx.bell.ring();
    Ok(campaign)
}

/// Ends a campaign that would go on for ever: what waits is not sent any more.
///
/// # Errors
/// `Conflict` for a type that ends by itself; `Refused` where it is not active.
pub async fn finish(cx: &Context, id: i64, actor: &Actor) -> Result<campaigns::Model> {
    let seen = store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)?;
    if !seen.kind.is_open_ended() {
        return Err(AppError::Conflict(format!(
            "{} campaigns end by themselves. Stop it instead.",
            seen.kind.label()
        )));
    }
    apply(cx, id, Command::Complete, actor).await
}

/// Whether a campaign may be deleted: a draft only. What ran stays, because its numbers do.
pub fn check_deletable(status: Status) -> Result<()> {
    match status {
        Status::Draft => Ok(()),
        status => Err(AppError::Conflict(format!(
            "This campaign is {status}; only a DRAFT can be deleted."
        ))),
    }
}

/// Deletes a draft.
///
/// # Errors
/// `Conflict` where it is no draft.
pub async fn delete(cx: &Context, id: i64, actor: &Actor) -> Result<()> {
    let tx = cx.db.begin().await?;
    let campaign = store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
    check_deletable(campaign.status)?;
    let deleted = campaigns::Entity::delete_many()
        .filter(campaigns::Column::Id.eq(id))
        .filter(campaigns::Column::Status.eq(Status::Draft))
        .exec(&*tx)
        .await?;
    if deleted.rows_affected == 0 {
        return Err(changed_meanwhile());
    }
    let detail = json!({ "name": campaign.name });
    audit::record(
        &tx,
        cx.clock.now(),
        actor,
        "deleted",
        Subject("campaign", Some(id)),
        detail,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Makes a draft that says the same to the same people. When it is sent is to be chosen anew.
pub async fn duplicate(cx: &Context, id: i64, actor: &Actor) -> Result<campaigns::Model> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let original = store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
    let anew = Changes {
        name: Some(name_of_copy(&original.name)),
        when: Some(When::Unset),
        ..Changes::default()
    };
    let campaign = copy(&tx, &original, &anew, actor, now).await?;
    tx.commit().await?;
    Ok(campaign)
}

/// Takes a campaign back that staff sent and that waits out its hold: it is cancelled, nobody was
/// sent anything, and a draft is what it was. Answers with the draft.
///
/// # Errors
/// `Conflict` where it is not held, or not any more.
pub async fn take_back(cx: &Context, id: i64, actor: &Actor) -> Result<campaigns::Model> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let original = store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
    if original.held_until.is_none() || original.status != Status::Scheduled {
        return Err(AppError::Conflict(format!(
            "It is too late to take this campaign back: it is {}. What has not gone out yet can still be stopped on its page.",
            original.status
        )));
    }
    lifecycle::apply(&tx, id, Command::Cancel, actor, now).await?;
    let campaign = copy(&tx, &original, &Changes::default(), actor, now).await?;
    tx.commit().await?;
    cx.bell.ring();
    Ok(campaign)
}

/// A draft that says what another campaign says, but for some changes.
async fn copy(
    tx: &Tx,
    original: &campaigns::Model,
    changes: &Changes,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<campaigns::Model> {
    let campaign = insert(
        tx,
        campaigns::Model {
            status: Status::Draft,
            pause_reason: None,
            revision: 1,
            created_by: actor.user_id,
            created_at: now.into(),
            updated_at: now.into(),
            started_at: None,
            finished_at: None,
            held_until: None,
            ..changes.apply(original, now)
        },
    )
    .await?;
    let contents = store::contents(&**tx, original.id).await?;
    let contents = contents
        .into_iter()
        .map(|(channel, content)| (channel, Some(content)))
        .collect();
    write_contents(tx, campaign.id, &contents).await?;
    let detail = json!({ "name": campaign.name, "copy_of": original.name });
    audit::record(
        tx,
        now,
        actor,
        "created",
        Subject("campaign", Some(campaign.id)),
        detail,
    )
    .await?;
    Ok(campaign)
}

fn name_of_copy(name: &str) -> String {
    let copy = format!("Copy of {name}");
    copy.chars().take(super::draft::LONGEST_NAME).collect()
}
