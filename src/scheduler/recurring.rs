//! The runs of recurring campaigns: one for each occurrence, opened when it is due. What becomes of
//! those whose time passed while nothing could be sent is decided in `domain::recurrence`, and
//! written together with the run and the place that the repetition has reached, in one
//! transaction: killed at any line, the next tick finds all of it or nothing.

use super::feeds::{self, Stands, Taken};
use super::start::{self, Content, Opening, Own};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::campaigns::feed::store as readings;
use crate::campaigns::recurring::commands::{self, Fate};
use crate::campaigns::recurring::{Plan, store};
use crate::campaigns::{lifecycle, store as campaign_store};
use crate::content::{editions, links};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::campaign::Command;
use crate::domain::feed::{NOTHING_NEW, Source};
use crate::domain::recurrence::{Decision, Due, decide};
use crate::domain::{OccurrenceState, RunState, Status};
use crate::entity::campaigns;
use crate::web::AppError;
use crate::web::filters::local;
use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, FromQueryResult};
use serde_json::json;

/// Campaigns that are dealt with in one tick.
const AT_ONCE: i64 = 200;

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

/// Opens the runs of the occurrences that are due; whether to look again at once.
pub async fn open_due(cx: &Context) -> Result<bool> {
    let now = cx.clock.now();
    let due = Id::find_by_statement(cx.db.sql(
        "SELECT p.campaign_id AS id FROM repetitions p JOIN campaigns c ON c.id = p.campaign_id \
         WHERE p.next_at <= $1 AND c.status = 'ACTIVE' ORDER BY p.next_at LIMIT $2",
        [now.timestamp_millis().into(), AT_ONCE.into()],
    ))
    .all(&*cx.db)
    .await?;
    let mut is_more = false;
    for Id { id } in due {
        match open(cx, id, now).await {
            Ok(()) => is_more = true,
            Err(error) => tracing::error!(
                campaign = id,
                error = format!("{error:#}"),
                "an occurrence was not started"
            ),
        }
    }
    Ok(is_more)
}

/// When the next occurrence is due. One that could not be started is tried again with the next
/// look, not at once.
pub async fn next_due(cx: &Context) -> Result<Option<DateTime<Utc>>> {
    #[derive(FromQueryResult)]
    struct Next {
        at: i64,
    }
    let next = Next::find_by_statement(cx.db.sql(
        "SELECT p.next_at AS at FROM repetitions p JOIN campaigns c ON c.id = p.campaign_id \
         WHERE p.next_at > $1 AND c.status = 'ACTIVE' ORDER BY p.next_at LIMIT 1",
        [cx.clock.now().timestamp_millis().into()],
    ))
    .one(&*cx.db)
    .await?;
    Ok(next.and_then(|next| DateTime::from_timestamp_millis(next.at)))
}

async fn open(cx: &Context, id: i64, now: DateTime<Utc>) -> Result<()> {
    let seen = campaign_store::find(&*cx.db, id)
        .await?
        .context("the campaign is gone")?;
    let repetition = store::repetition(&*cx.db, id).await?;
    let reached = repetition.context("the repetition is gone")?.reached.0;
    let Some(plan) = store::plan(&*cx.db, &seen, reached).await? else {
        return pause(
            cx,
            id,
            "Its repetition cannot be read. Duplicate it and say it anew.",
        )
        .await;
    };
    let (due, read) = plan.due(reached, now);
    let decision = decide(&due, now, plan.recurrence.grace);
    let taken = match &decision.send {
        Some(due) => match feeds::stands(cx, &seen, due, now).await? {
            Stands::Unread(source) => return wait_for_feed(cx, &seen, &plan, due, &source, reached).await,
            Stands::Read(taken) => Some(taken),
            Stands::None => None,
        },
        None => None,
    };
    let is_empty = |taken: &Taken| taken.source.skip_when_empty && taken.edition.items.is_empty();
    let says = match &decision.send {
        Some(_) if taken.as_deref().is_some_and(is_empty) => None,
        // Compiling takes a while, so it is done before the transaction.
        Some(due) => Some(start::contents(cx, &seen, &own(&plan, due)).await?),
        None => None,
    };
    let contents = match says.transpose() {
        Ok(contents) => contents,
        // It stays due: put right and resumed within its grace, it is sent late.
        Err(problem) => return pause(cx, id, &problem).await,
    };
    let tx = cx.db.begin().await?;
    if !lock(&tx, &seen).await? {
        // Paused, cancelled or changed meanwhile: the next tick sees it as it is now.
        return Ok(());
    }
    miss(&tx, &seen, &decision, now).await?;
    match (decision.send, contents) {
        (Some(due), Some(contents)) => send(&tx, &seen, &due, contents, taken.as_deref(), now).await?,
        (Some(due), None) => skip(&tx, &seen, &due, now).await?,
        (None, _) => {}
    }
    readings::unwant(&tx, id).await?;
    let plan = store::plan(&*tx, &seen, reached).await?;
    let next = plan.and_then(|plan| plan.next_at(read));
    if commands::advance(&tx, id, reached, read, next).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// Opens the run of an occurrence, with what it takes of a feed.
async fn send(
    tx: &Tx,
    campaign: &campaigns::Model,
    due: &Due,
    contents: Vec<Content>,
    taken: Option<&Taken>,
    now: DateTime<Utc>,
) -> Result<()> {
    let opening = Opening {
        number: next_number(tx, campaign.id).await?,
        scheduled_for: due.original,
        state: RunState::Expanding,
    };
    let addresses = taken.map(|taken| {
        let of_each = contents.iter().filter_map(Content::compiled);
        let of_each = of_each.map(|compiled| editions::links(compiled, &taken.edition));
        of_each.flatten().collect()
    });
    let run = start::open_run(tx, campaign, opening, contents, now).await?;
    if let (Some(taken), Some(addresses)) = (taken, addresses) {
        readings::keep(tx, campaign.id, run, &taken.edition, &taken.feed).await?;
        links::register_whole(tx, run, addresses).await?;
    }
    let fate = Fate {
        state: OccurrenceState::Sent,
        reason: None,
        run: Some(run),
    };
    commands::settle(tx, campaign.id, due.original, fate, now).await?;
    tracing::info!(campaign = campaign.id, run, "an occurrence starts");
    Ok(())
}

/// Leaves an occurrence out of which the feed has nothing, and says so.
async fn skip(tx: &Tx, campaign: &campaigns::Model, due: &Due, now: DateTime<Utc>) -> Result<()> {
    let fate = Fate {
        state: OccurrenceState::Skipped,
        reason: Some(NOTHING_NEW),
        run: None,
    };
    commands::settle(tx, campaign.id, due.original, fate, now).await?;
    let zone = crate::campaigns::checklist::zone(campaign);
    let detail = json!({ "of": local(due.original, zone), "why": NOTHING_NEW });
    let subject = Subject("campaign", Some(campaign.id));
    audit::record(
        tx,
        now,
        &Actor::fairway(),
        "skipped an occurrence",
        subject,
        detail,
    )
    .await?;
    Ok(())
}

/// Has the feed of an occurrence read, and looks at the campaign again when that is done, when its
/// grace time is over, or when the next is due, whichever comes first.
async fn wait_for_feed(
    cx: &Context,
    campaign: &campaigns::Model,
    plan: &Plan,
    due: &Due,
    source: &Source,
    reached: DateTime<Utc>,
) -> Result<()> {
    let now = cx.clock.now();
    let over = due.at + plan.recurrence.grace + TimeDelta::milliseconds(1);
    let next = plan.next_after(now).map_or(over, |next| next.min(over));
    let tx = cx.db.begin().await?;
    if lock(&tx, campaign).await? {
        readings::want(&tx, campaign.id, &source.url, due.original, now).await?;
        tx.execute_raw(tx.sql(
            "UPDATE repetitions SET next_at = $1 WHERE campaign_id = $2 AND reached = $3",
            [
                next.timestamp_millis().into(),
                campaign.id.into(),
                reached.timestamp_millis().into(),
            ],
        ))
        .await?;
        tx.commit().await?;
    }
    Ok(())
}

fn own(plan: &Plan, due: &Due) -> Own {
    let row = plan.row(due.original);
    Own {
        subject: row.and_then(|row| row.subject.clone()),
        template: row.and_then(|row| row.template_id),
    }
}

/// Locks the campaign by an update that changes nothing, where it is as it was seen: who cancels it
/// now waits, and then finds the run.
async fn lock(tx: &Tx, seen: &campaigns::Model) -> Result<bool> {
    let locked = tx
        .execute_raw(tx.sql(
            "UPDATE campaigns SET revision = revision WHERE id = $1 AND status = $2 AND revision = $3",
            [seen.id.into(), Status::Active.into(), seen.revision.into()],
        ))
        .await?;
    Ok(locked.rows_affected() == 1)
}

async fn pause(cx: &Context, id: i64, why: &str) -> Result<()> {
    let tx = cx.db.begin().await?;
    lifecycle::pause_because(&tx, id, why, cx.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Keeps what was missed, and says it in the history.
async fn miss(tx: &Tx, campaign: &campaigns::Model, decision: &Decision, now: DateTime<Utc>) -> Result<()> {
    for (due, why) in &decision.missed {
        let problem = feeds::problem(tx, campaign.id, due).await?;
        let fate = Fate {
            state: OccurrenceState::Missed,
            reason: Some(problem.as_deref().unwrap_or(why.sentence())),
            run: None,
        };
        commands::settle(tx, campaign.id, due.original, fate, now).await?;
    }
    let zone = crate::campaigns::checklist::zone(campaign);
    let detail = match decision.missed.as_slice() {
        [] => return Ok(()),
        [(due, _)] => json!({ "occurrence": local(due.original, zone) }),
        [(first, _), .., (last, _)] => json!({
            "occurrences": decision.missed.len(),
            "first": local(first.original, zone),
            "last": local(last.original, zone),
        }),
    };
    let subject = Subject("campaign", Some(campaign.id));
    audit::record(tx, now, &Actor::fairway(), "missed", subject, detail).await?;
    Ok(())
}

async fn next_number(tx: &Tx, campaign: i64) -> Result<i32> {
    #[derive(FromQueryResult)]
    struct Last {
        number: Option<i32>,
    }
    let last = Last::find_by_statement(tx.sql(
        "SELECT MAX(r.number) AS number FROM runs r WHERE r.campaign_id = $1",
        [campaign.into()],
    ))
    .one(&**tx)
    .await?;
    Ok(last.and_then(|last| last.number).unwrap_or(0) + 1)
}

/// Completes the campaigns of which no occurrence is to come and no run is still to be sent.
pub async fn complete_ended(cx: &Context) -> Result<()> {
    let ended = Id::find_by_statement(cx.db.sql(
        "SELECT p.campaign_id AS id FROM repetitions p JOIN campaigns c ON c.id = p.campaign_id \
         WHERE p.next_at IS NULL AND c.status = 'ACTIVE' AND NOT EXISTS (\
           SELECT 1 FROM runs r WHERE r.campaign_id = p.campaign_id AND r.state IN ('EXPANDING', 'SENDING'))",
        [],
    ))
    .all(&*cx.db)
    .await?;
    for Id { id } in ended {
        let now = cx.clock.now();
        let tx = cx.db.begin().await?;
        match lifecycle::apply(&tx, id, Command::Complete, &Actor::fairway(), now).await {
            Ok(_) => tx.commit().await?,
            // Paused or cancelled meanwhile.
            Err(AppError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
