//! Turning a run's audience into deliveries, a stretch of contacts at a time. Each stretch is one
//! transaction with the run's cursor in it: wherever it is killed, the next tick goes on behind the
//! last stretch, and nobody is left out or written to twice.

use super::parts::{self, Parts};
use crate::audience::{eligibility, segments};
use crate::campaigns::channels::Words;
use crate::context::Context;
use crate::counts::{Moves, Part};
use crate::db::{Sql, Tx};
use crate::domain::stats::Counts;
use crate::domain::{Channel, DeliveryState};
use crate::entity::{Timestamp, campaigns, runs, segments as segment};
use anyhow::{Context as _, Result};
use chrono_tz::Tz;
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult};
use std::collections::BTreeMap;

/// Contacts of one stretch: a transaction of some tens of milliseconds.
const STRETCH: i64 = 5_000;

/// What a stretch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expanded {
    More,
    Whole,
    /// Cancelled, paused or done by another meanwhile.
    Nothing,
}

/// Why a run cannot be expanded.
#[derive(Debug, thiserror::Error)]
pub enum ExpandError {
    /// Trying again gives the same. A sentence for staff.
    #[error("{0}")]
    Content(String),
    #[error(transparent)]
    Passing(#[from] anyhow::Error),
}

impl From<DbErr> for ExpandError {
    fn from(error: DbErr) -> Self {
        Self::Passing(error.into())
    }
}

/// Expands the next stretch of a run. Relative dates in the segment are those of the run's start,
/// and whoever was added to the club later is not in it.
pub async fn expand_run(cx: &Context, run_id: i64) -> Result<Expanded, ExpandError> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let Some(run) = lock_run(&tx, run_id).await? else {
        return Ok(Expanded::Nothing);
    };
    let campaign = campaigns::Entity::find_by_id(run.campaign_id)
        .one(&*tx)
        .await?
        .context("a run without its campaign")?;
    // Posts are in the ledger since the run was opened; who only posts writes to nobody.
    let channels = Words::of(&campaign).personal();
    let end = match channels.is_empty() {
        true => None,
        false => end_of_stretch(&tx, &run).await?,
    };
    if let Some(end) = end {
        let segment = audience(&tx, &campaign).await?;
        for channel in channels {
            let parts = Parts::of(&tx, &campaign, &run, channel).await?;
            let stretch = Stretch {
                parts: &parts,
                run: &run,
                campaign: &campaign,
                segment: &segment,
                channel,
                end,
                now: now.into(),
            };
            let found = stretch.insert(&tx).await?;
            stretch.count(&tx, found).await?;
        }
    }
    let state = match end {
        Some(_) => "EXPANDING",
        None => "SENDING",
    };
    tx.execute_raw(tx.sql(
        "UPDATE runs SET cursor = $1, state = $2, expanded_at = $3 WHERE id = $4",
        [
            end.unwrap_or(run.cursor).into(),
            state.into(),
            end.is_none().then(|| now.timestamp_millis()).into(),
            run.id.into(),
        ],
    ))
    .await?;
    if end.is_none() {
        parts::plan_decision(&tx, &campaign, &run).await?;
    }
    tx.commit().await?;
    Ok(match end {
        Some(_) => Expanded::More,
        None => Expanded::Whole,
    })
}

/// Locks the run by an update that changes nothing, so that of two schedulers one waits and then
/// reads the other's cursor.
async fn lock_run(tx: &Tx, run_id: i64) -> Result<Option<runs::Model>, DbErr> {
    let locked = tx
        .execute_raw(tx.sql(
            "UPDATE runs SET cursor = cursor WHERE id = $1 AND state = 'EXPANDING' \
             AND EXISTS (SELECT 1 FROM campaigns c WHERE c.id = runs.campaign_id AND c.status = 'ACTIVE')",
            [run_id.into()],
        ))
        .await?;
    match locked.rows_affected() {
        0 => Ok(None),
        _ => runs::Entity::find_by_id(run_id).one(&**tx).await,
    }
}

async fn audience(tx: &Tx, campaign: &campaigns::Model) -> Result<segment::Model, ExpandError> {
    let found = match campaign.segment_id {
        Some(id) => segment::Entity::find_by_id(id).one(&**tx).await?,
        None => None,
    };
    found.ok_or_else(|| ExpandError::Content("The campaign has no segment to send to.".into()))
}

/// The last contact of the next stretch; `None` when there is none left.
async fn end_of_stretch(tx: &Tx, run: &runs::Model) -> Result<Option<i64>, DbErr> {
    #[derive(FromQueryResult)]
    struct End {
        id: Option<i64>,
    }
    let statement = tx.sql(
        "SELECT MAX(s.id) AS id FROM (SELECT c.id FROM contacts c WHERE c.id > $1 ORDER BY c.id LIMIT $2) s",
        [run.cursor.into(), STRETCH.into()],
    );
    Ok(End::find_by_statement(statement)
        .one(&**tx)
        .await?
        .and_then(|end| end.id))
}

/// How many came to which state, by variant.
type Found = BTreeMap<i32, BTreeMap<DeliveryState, i64>>;

struct Stretch<'a> {
    run: &'a runs::Model,
    campaign: &'a campaigns::Model,
    segment: &'a segment::Model,
    channel: Channel,
    parts: &'a Parts,
    end: i64,
    now: Timestamp,
}

impl Stretch<'_> {
    /// Writes its deliveries, in the order of the contacts, and answers how many came to what. A row that is there already stays as it is.
    async fn insert(&self, tx: &Tx) -> Result<Found, ExpandError> {
        #[derive(FromQueryResult)]
        struct Inserted {
            state: DeliveryState,
            variant: i32,
        }
        let mut sql = Sql::new(tx.get_database_backend());
        let started = self.run.started_at.0;
        let zone: Tz = self.campaign.timezone.parse().unwrap_or(Tz::UTC);
        let condition = segments::condition(&mut sql, self.segment, started, zone)
            .map_err(|error| ExpandError::Content(format!("{error} Make it anew, then resume.")))?;
        let skip = eligibility::skip_reason(
            &mut sql,
            self.channel,
            self.campaign.purpose,
            self.campaign.topic_id,
        );
        let address = eligibility::address(self.channel);
        let [run, campaign, channel] = [
            sql.bind(self.run.id),
            sql.bind(self.run.campaign_id),
            sql.bind(self.channel),
        ];
        let [cursor, end, started] = [
            sql.bind(self.run.cursor),
            sql.bind(self.end),
            sql.bind(started.timestamp_millis()),
        ];
        let now = sql.bind(self.now);
        let new = self.only_new(&mut sql);
        let due = self.parts.due(&mut sql);
        let (variant, later) = (self.parts.variant(), self.parts.later());
        let text = format!(
            "INSERT INTO deliveries (run_id, campaign_id, step, variant, contact_id, channel, instance, lane, \
               state, address, due_at, attempt, reason, created_at) \
             SELECT {run}, {campaign}, '', x.variant, x.id, {channel}, '', 0, \
               CASE WHEN x.reason IS NULL THEN 'QUEUED' ELSE 'SKIPPED' END, x.address, {due}, 0, x.reason, {now} \
             FROM (SELECT c.id, {address} AS address, ({skip}) AS reason, c.timezone AS zone, \
                     {variant} AS variant, {later} AS later FROM contacts c \
                   WHERE c.id > {cursor} AND c.id <= {end} AND c.created_at <= {started} AND ({condition}){new}) x \
             WHERE 1 = 1 ORDER BY x.id \
             ON CONFLICT DO NOTHING RETURNING state, variant"
        );
        let rows = Inserted::find_by_statement(sql.statement(text))
            .all(&**tx)
            .await?;
        let mut found = Found::new();
        for row in rows {
            let states: &mut BTreeMap<_, _> = found.entry(row.variant).or_default();
            *states.entry(row.state).or_insert(0) += 1;
        }
        Ok(found)
    }

    /// Leaves out those who had it in an earlier run, or are still to get it. Who was skipped,
    /// cancelled or could not be sent to has not had it.
    fn only_new(&self, sql: &mut Sql) -> String {
        if !self.campaign.only_new {
            return String::new();
        }
        let [campaign, run, channel] = [
            sql.bind(self.run.campaign_id),
            sql.bind(self.run.id),
            sql.bind(self.channel),
        ];
        format!(
            " AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.contact_id = c.id AND e.campaign_id = {campaign} \
             AND e.run_id < {run} AND e.channel = {channel} AND e.state NOT IN ('SKIPPED', 'CANCELLED', 'FAILED'))"
        )
    }

    async fn count(&self, tx: &Tx, found: Found) -> Result<(), DbErr> {
        let mut moves = Moves::default();
        for (variant, states) in found {
            let of = |state| states.get(&state).copied().unwrap_or_default();
            let part = Part {
                run: self.run.id,
                channel: self.channel,
                step: String::new(),
                variant,
            };
            let entered = Counts {
                target: states.values().sum(),
                queued: of(DeliveryState::Queued),
                skipped: of(DeliveryState::Skipped),
                ..Counts::default()
            };
            moves.add(&part, entered);
        }
        moves.write(tx).await
    }
}
