//! The scheduler: starts what is due, turns its audience into deliveries, ends what is sent. Knows
//! no page.
//!
//! A tick does a bounded amount of work, each piece in a transaction of its own; killed at any
//! line, the next tick goes on where it was.

pub mod events;
mod expand;
pub mod feeds;
mod finish;
pub mod journeys;
mod lease;
mod parts;
mod posts;
mod recurring;
mod start;
mod timing;
mod winner;

use crate::campaigns::lifecycle;
use crate::context::Context;
use anyhow::Result;
use chrono::{DateTime, Utc};
use expand::{ExpandError, Expanded};
use sea_orm::{FromQueryResult, Statement};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// It looks by itself at least so often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The lease lasts three times as long.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// What a tick leaves to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickOutcome {
    /// When there is something to do again: now, where more is due already.
    pub next_due: Option<DateTime<Utc>>,
}

/// One round: starts the campaigns that are due, acts on the events that wait, expands a stretch of
/// each run, ends the runs that are sent. What fails for one campaign is logged, and keeps no other.
pub async fn tick(cx: &Context) -> Result<TickOutcome> {
    start::start_due(cx).await?;
    let is_more = recurring::open_due(cx).await?
        | events::handle_pending(cx).await?
        | expand_runs(cx).await?
        | journeys::work(cx).await?;
    winner::choose_due(cx).await?;
    winner::release_rests(cx).await?;
    finish::sweep_cancelled(cx).await?;
    finish::finish_runs(cx).await?;
    recurring::complete_ended(cx).await?;
    let next_due = match is_more {
        true => Some(cx.clock.now()),
        false => soonest([
            start::next_due(cx).await?,
            recurring::next_due(cx).await?,
            winner::next_due(cx).await?,
        ]),
    };
    Ok(TickOutcome { next_due })
}

/// The statements by which a tick looks among all campaigns and runs, for tests that read how the
/// database goes about them.
pub fn looks(cx: &Context) -> [Statement; 3] {
    [start::due(cx), start::next(cx), finish::left(cx)]
}

fn soonest<const N: usize>(times: [Option<DateTime<Utc>>; N]) -> Option<DateTime<Utc>> {
    times.into_iter().flatten().min()
}

#[derive(FromQueryResult)]
struct Expanding {
    id: i64,
    campaign_id: i64,
}

/// Expands a stretch of each run; whether there is more.
async fn expand_runs(cx: &Context) -> Result<bool> {
    let runs = Expanding::find_by_statement(cx.db.sql(
        "SELECT r.id, r.campaign_id FROM runs r JOIN campaigns c ON c.id = r.campaign_id \
         WHERE r.state = 'EXPANDING' AND c.status = 'ACTIVE' ORDER BY r.id",
        [],
    ))
    .all(&*cx.db)
    .await?;
    let mut is_more = false;
    for run in runs {
        match expand::expand_run(cx, run.id).await {
            Ok(Expanded::More) => is_more = true,
            Ok(Expanded::Whole | Expanded::Nothing) => {}
            Err(ExpandError::Content(problem)) => {
                let tx = cx.db.begin().await?;
                lifecycle::pause_because(&tx, run.campaign_id, &problem, cx.clock.now()).await?;
                tx.commit().await?;
            }
            Err(ExpandError::Passing(error)) => {
                tracing::error!(
                    run = run.id,
                    error = format!("{error:#}"),
                    "a run was not expanded"
                );
            }
        }
        cx.bell.ring_dispatch();
    }
    Ok(is_more)
}

/// Ticks whenever the bell rings or something is due, until `stop`; on several nodes, one at a time.
pub async fn run(cx: Context, stop: CancellationToken) {
    let holder = uuid::Uuid::new_v4().to_string();
    let mut taken_at: Option<Instant> = None;
    while !stop.is_cancelled() {
        if taken_at.is_none_or(|at| at.elapsed() >= RENEW_EVERY) {
            taken_at = match lease::take(&cx, &holder).await {
                Ok(is_taken) => is_taken.then(Instant::now),
                Err(error) => {
                    tracing::warn!(%error, "the scheduler's lease was not taken");
                    None
                }
            };
        }
        let wait = match taken_at {
            Some(_) => until_next(&cx, tick(&cx).await),
            None => {
                // Whoever took an event in acts on it, so that it waits for nobody's next look.
                if let Err(error) = events::handle_pending(&cx).await {
                    tracing::warn!(error = format!("{error:#}"), "events wait");
                }
                LOOK_EVERY
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = cx.bell.scheduler() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
    if let Err(error) = lease::give_back(&cx, &holder).await {
        tracing::warn!(%error, "the scheduler's lease was not given back");
    }
}

fn until_next(cx: &Context, outcome: Result<TickOutcome>) -> Duration {
    match outcome {
        Ok(TickOutcome { next_due: Some(at) }) => {
            let wait = (at - cx.clock.now()).to_std().unwrap_or_default();
            wait.min(LOOK_EVERY)
        }
        Ok(TickOutcome { next_due: None }) => LOOK_EVERY,
        Err(error) => {
            tracing::error!(
                error = format!("{error:#}"),
                "the scheduler failed; it tries again"
            );
            LOOK_EVERY
        }
    }
}
