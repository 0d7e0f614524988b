//! What is on the calendar between two instants: runs that began, campaigns that are scheduled, and
//! the occurrences of those that repeat: to come, skipped and missed.

use crate::campaigns::{recurring, store};
use crate::domain::campaign::is_editable;
use crate::domain::{CampaignType, OccurrenceState, Purpose, RunState, Status};
use crate::entity::{campaigns, occurrences, runs};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::BTreeMap;

/// The most entries of one kind that are shown together.
const MOST: u64 = 1_000;
/// The most occurrences of one campaign.
const MOST_OCCURRENCES: usize = 100;

/// One time at which a campaign is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub campaign: campaigns::Model,
    pub at: DateTime<Utc>,
    /// The run, where it has begun.
    pub run: Option<i64>,
    /// A word for its colour, and what it is called.
    pub status: &'static str,
    pub label: &'static str,
    pub segment: Option<String>,
    /// Why it was not sent, or will not be, where it was skipped or missed.
    pub off: Option<String>,
}

impl Entry {
    /// Whether staff may give it another time here.
    pub fn is_movable(&self) -> bool {
        self.run.is_none()
            && self.campaign.kind == CampaignType::OneTime
            && self.campaign.status == Status::Scheduled
            && is_editable(self.campaign.status)
    }

    /// Whether it counts among the mails that a person gets, for conflicts.
    pub fn is_marketing(&self) -> bool {
        self.campaign.purpose == Purpose::Marketing
            && self.campaign.status != Status::Cancelled
            && self.off.is_none()
    }
}

/// Everything from `from` up to `to`, in the order of time.
pub async fn between(
    db: &impl ConnectionTrait,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<Entry>, DbErr> {
    let mut entries = begun(db, from, to).await?;
    entries.extend(scheduled(db, from, to).await?);
    entries.extend(repeated(db, from.max(now), to).await?);
    entries.extend(not_sent(db, from, to, now).await?);
    let ids: Vec<i64> = entries
        .iter()
        .filter_map(|entry| entry.campaign.segment_id)
        .collect();
    let names = store::segment_names(db, &ids).await?;
    for entry in &mut entries {
        entry.segment = entry.campaign.segment_id.and_then(|id| names.get(&id).cloned());
    }
    entries.sort_by_key(|one| (one.at, one.campaign.id));
    Ok(entries)
}

async fn begun(
    db: &impl ConnectionTrait,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Entry>, DbErr> {
    let runs = runs::Entity::find()
        .filter(runs::Column::ScheduledFor.gte(from.timestamp_millis()))
        .filter(runs::Column::ScheduledFor.lt(to.timestamp_millis()))
        .order_by_asc(runs::Column::ScheduledFor)
        .limit(MOST)
        .all(db)
        .await?;
    let known = named(db, runs.iter().map(|run| run.campaign_id)).await?;
    let entry = |run: runs::Model| {
        let campaign = known.get(&run.campaign_id)?.clone();
        let (status, label) = of_run(&campaign, run.state);
        Some(Entry {
            campaign,
            at: run.scheduled_for.0,
            run: Some(run.id),
            status,
            label,
            segment: None,
            off: None,
        })
    };
    Ok(runs.into_iter().filter_map(entry).collect())
}

async fn named(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = i64>,
) -> Result<BTreeMap<i64, campaigns::Model>, DbErr> {
    let mut ids: Vec<i64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let mut known = BTreeMap::new();
    for chunk in ids.chunks(500) {
        let rows = campaigns::Entity::find()
            .filter(campaigns::Column::Id.is_in(chunk.iter().copied()))
            .all(db)
            .await?;
        known.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    Ok(known)
}

fn of_run(campaign: &campaigns::Model, state: RunState) -> (&'static str, &'static str) {
    match (state, campaign.status) {
        (RunState::Finished, _) => ("COMPLETED", "Sent"),
        (RunState::Cancelled, _) => ("CANCELLED", "Cancelled"),
        (RunState::Open, Status::Active) => ("ACTIVE", "Running since"),
        (_, Status::Paused) => ("PAUSED", "Paused"),
        _ => ("ACTIVE", "Being sent"),
    }
}

async fn scheduled(
    db: &impl ConnectionTrait,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Entry>, DbErr> {
    let rows = campaigns::Entity::find()
        .filter(campaigns::Column::Status.eq(Status::Scheduled))
        .filter(campaigns::Column::Kind.ne(CampaignType::Recurring))
        .filter(campaigns::Column::ScheduledAt.gte(from.timestamp_millis()))
        .filter(campaigns::Column::ScheduledAt.lt(to.timestamp_millis()))
        .order_by_asc(campaigns::Column::ScheduledAt)
        .limit(MOST)
        .all(db)
        .await?;
    let entry = |campaign: campaigns::Model| {
        let label = match campaign.kind {
            CampaignType::OneTime => "Scheduled",
            _ => "Starts",
        };
        Some(Entry {
            at: campaign.scheduled_at?.0,
            campaign,
            run: None,
            status: "SCHEDULED",
            label,
            segment: None,
            off: None,
        })
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

async fn repeated(
    db: &impl ConnectionTrait,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Entry>, DbErr> {
    if from >= to {
        return Ok(Vec::new());
    }
    let rows = campaigns::Entity::find()
        .filter(campaigns::Column::Kind.eq(CampaignType::Recurring))
        .filter(campaigns::Column::Status.is_in([Status::Scheduled, Status::Active, Status::Paused]))
        .order_by_asc(campaigns::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    let mut entries = Vec::new();
    for campaign in rows {
        let (status, label) = match campaign.status {
            Status::Paused => ("PAUSED", "Paused"),
            _ => ("SCHEDULED", "To come"),
        };
        for at in occurrences(db, &campaign, from, to).await? {
            entries.push(Entry {
                campaign: campaign.clone(),
                at,
                run: None,
                status,
                label,
                segment: None,
                off: None,
            });
        }
    }
    Ok(entries)
}

/// Occurrences that were skipped or missed, each on the day that the rule has. Of a campaign that is
/// over none is to come.
async fn not_sent(
    db: &impl ConnectionTrait,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Vec<Entry>, DbErr> {
    let rows = occurrences::Entity::find()
        .filter(occurrences::Column::State.is_in([OccurrenceState::Skipped, OccurrenceState::Missed]))
        .filter(occurrences::Column::Original.gte(from.timestamp_millis()))
        .filter(occurrences::Column::Original.lt(to.timestamp_millis()))
        .order_by_asc(occurrences::Column::Original)
        .limit(MOST)
        .all(db)
        .await?;
    let known = named(db, rows.iter().map(|row| row.campaign_id)).await?;
    let entry = |row: occurrences::Model| {
        let campaign = known.get(&row.campaign_id)?.clone();
        let is_over = matches!(campaign.status, Status::Cancelled | Status::Completed);
        if campaign.kind != CampaignType::Recurring || (is_over && row.original.0 > now) {
            return None;
        }
        Some(Entry {
            campaign,
            at: row.original.0,
            run: None,
            status: row.state.as_str(),
            label: row.state.label(),
            segment: None,
            off: Some(row.reason.unwrap_or_default()),
        })
    };
    Ok(rows.into_iter().filter_map(entry).collect())
}

/// Those to come, where single ones were moved or skipped as staff decided.
async fn occurrences(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, DbErr> {
    let since = from - TimeDelta::milliseconds(1);
    let Some(plan) = recurring::store::plan(db, campaign, since).await? else {
        return Ok(Vec::new());
    };
    let upcoming = plan.upcoming(since, MOST_OCCURRENCES).into_iter();
    Ok(upcoming
        .filter(|found| !found.is_skipped())
        .map(|found| found.at)
        .filter(|at| *at >= from && *at < to)
        .collect())
}
