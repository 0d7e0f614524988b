//! The feeds of campaigns that repeat. When an occurrence is due its feed is wanted; a loop of its
//! own reads it, with no transaction open and no tick waiting, again and again within the grace
//! time. What was read is kept, so a crash reads again or finds it; the tick then opens the run.

use crate::campaigns::feed::{self, store};
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::feed::{Edition, Feed, Source, again};
use crate::domain::recurrence::Due;
use crate::entity::{Timestamp, campaigns, feed_readings};
use crate::feeds::{self, Answer, Validators};
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Feeds that are taken at a time, and read at once.
const BATCH: usize = 50;
const AT_ONCE: usize = 10;
/// After so long a reading that a crash cut off is done again.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// From the first look-up to the last byte, redirects and all.
const LONGEST: Duration = Duration::from_secs(30);
/// It looks so often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where the feed of an occurrence stands.
pub(super) enum Stands {
    /// It has none.
    None,
    /// It is to be read first.
    Unread(Source),
    Read(Box<Taken>),
}

/// What an occurrence takes of a feed, and all that was in it.
pub(super) struct Taken {
    pub source: Source,
    pub edition: Edition,
    pub feed: Feed,
}

/// Where the feed stands of an occurrence that is to be sent.
pub(super) async fn stands(
    cx: &Context,
    campaign: &campaigns::Model,
    due: &Due,
    now: DateTime<Utc>,
) -> Result<Stands> {
    let Some(source) = feed::of(campaign) else {
        return Ok(Stands::None);
    };
    let reading = store::reading(&*cx.db, campaign.id).await?;
    let body = reading
        .filter(|row| row.url == source.url && row.read_for.is_some_and(|at| at.0 == due.original))
        .and_then(|row| row.body);
    let Some(body) = body else {
        return Ok(Stands::Unread(source));
    };
    // It was read once already when it came in.
    let Ok(feed) = feeds::read(body, feed::asked(campaign, &source, now)).await else {
        return Ok(Stands::Unread(source));
    };
    let seen = store::seen(&*cx.db, campaign.id, &feed).await?;
    let edition = feed.edition(&source, &seen);
    Ok(Stands::Read(Box::new(Taken {
        source,
        edition,
        feed,
    })))
}

/// Why an occurrence was missed whose feed could not be read; `None` where that is not why.
pub(super) async fn problem(tx: &Tx, campaign: i64, due: &Due) -> Result<Option<String>, DbErr> {
    let reading = store::reading(&**tx, campaign).await?;
    let problem = reading
        .filter(|row| row.wanted_for.0 == due.original)
        .and_then(|row| row.problem);
    Ok(problem.map(|problem| format!("The feed could not be read in time. {problem}")))
}

/// Reads whatever feed is wanted, until `stop`.
pub async fn run(cx: Context, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match read_wanted(&cx).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(error = format!("{error:#}"), "feeds were not read"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Reads the feeds of a batch; whether there are more.
pub async fn read_wanted(cx: &Context) -> Result<bool> {
    let wanted = take(cx, cx.clock.now()).await?;
    if wanted.is_empty() {
        return Ok(false);
    }
    let is_more = wanted.len() == BATCH;
    let mut read = futures_util::stream::iter(wanted)
        .map(|row| async {
            let found = read_one(cx, &row).await;
            (row, found)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((row, found)) = read.next().await {
        let settled = match found {
            Ok(found) => settle(cx, &row, found).await,
            Err(error) => Err(error),
        };
        if let Err(error) = settled {
            // Its lease ends, and it is tried again.
            tracing::error!(
                campaign = row.campaign_id,
                error = format!("{error:#}"),
                "a feed was not read"
            );
        }
    }
    cx.bell.ring_scheduler();
    Ok(is_more)
}

/// Takes feeds that are to be read, of campaigns that are active.
async fn take(cx: &Context, now: DateTime<Utc>) -> Result<Vec<feed_readings::Model>, DbErr> {
    let tx = cx.db.begin().await?;
    let mut sql = Sql::new(tx.get_database_backend());
    let (now, until) = (
        sql.bind(Timestamp::from(now)),
        sql.bind(Timestamp::from(now + LEASE)),
    );
    let locking = match sql.is_postgres() {
        true => "FOR UPDATE OF f SKIP LOCKED",
        false => "",
    };
    let text = format!(
        "UPDATE feed_readings SET next_try_at = {until}, attempts = attempts + 1 WHERE campaign_id IN (\
           SELECT f.campaign_id FROM feed_readings f JOIN campaigns c ON c.id = f.campaign_id \
           WHERE f.next_try_at <= {now} AND c.status = 'ACTIVE' ORDER BY f.next_try_at LIMIT {BATCH} {locking}) \
         RETURNING *"
    );
    let rows = feed_readings::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(&*tx)
        .await?;
    tx.commit().await?;
    Ok(rows)
}

/// What reading one came to: its body and by what its server knows it, or a sentence.
type Found = Result<(Vec<u8>, Validators), String>;

async fn read_one(cx: &Context, row: &feed_readings::Model) -> Result<Option<(Source, Found)>> {
    let campaign = campaigns::Entity::find_by_id(row.campaign_id)
        .one(&*cx.db)
        .await?;
    let Some((campaign, source)) = campaign.and_then(|campaign| {
        let source = feed::of(&campaign)?;
        Some((campaign, source))
    }) else {
        return Ok(None);
    };
    let read = tokio::time::timeout(LONGEST, body(cx, row, &campaign, &source)).await;
    let late = || Err("Its server did not answer in time.".to_owned());
    Ok(Some((source, read.unwrap_or_else(|_| late()))))
}

async fn body(
    cx: &Context,
    row: &feed_readings::Model,
    campaign: &campaigns::Model,
    source: &Source,
) -> Found {
    let kept = row.body.as_ref().filter(|_| row.url == source.url);
    let validators = Validators {
        etag: row.etag.clone(),
        last_modified: row.last_modified.clone(),
    };
    let answer = feeds::fetch(&cx.outbound, &source.url, kept.map(|_| &validators)).await?;
    let (body, validators) = match (answer, kept) {
        (Answer::New(body, validators), _) => (body, validators),
        (Answer::Unchanged, Some(kept)) => (kept.clone(), validators),
        (Answer::Unchanged, None) => return Err("Its server sent nothing.".into()),
    };
    // A page of errors or a sign-in is no feed, and perhaps it is one again later.
    feeds::read(body.clone(), feed::asked(campaign, source, cx.clock.now())).await?;
    Ok((body, validators))
}

/// Keeps what was read, and lets the scheduler look at the campaign; or puts the next attempt off.
async fn settle(cx: &Context, row: &feed_readings::Model, found: Option<(Source, Found)>) -> Result<()> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let (id, wanted) = (row.campaign_id, row.wanted_for);
    match found {
        None => store::unwant(&tx, id).await?,
        Some((source, Ok((body, validators)))) => {
            tx.execute_raw(tx.sql(
                "UPDATE feed_readings SET url = $1, etag = $2, last_modified = $3, body = $4, read_for = $5, \
                   next_try_at = NULL, problem = NULL WHERE campaign_id = $6 AND wanted_for = $5",
                [
                    source.url.into(),
                    validators.etag.into(),
                    validators.last_modified.into(),
                    body.into(),
                    wanted.into(),
                    id.into(),
                ],
            ))
            .await?;
            tx.execute_raw(tx.sql(
                "UPDATE repetitions SET next_at = $1 WHERE campaign_id = $2 AND next_at > $1",
                [now.timestamp_millis().into(), id.into()],
            ))
            .await?;
        }
        Some((_, Err(problem))) => {
            tracing::warn!(
                campaign = id,
                problem,
                attempts = row.attempts,
                "a feed cannot be read"
            );
            let next = now + again(u32::try_from(row.attempts).unwrap_or(1));
            tx.execute_raw(tx.sql(
                "UPDATE feed_readings SET problem = $1, next_try_at = $2 WHERE campaign_id = $3 AND wanted_for = $4",
                [
                    problem.into(),
                    next.timestamp_millis().into(),
                    id.into(),
                    wanted.into(),
                ],
            ))
            .await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
