//! The counts, as pages and the API show them.

use super::experiment::{self, Tried};
use crate::accounts::Club;
use crate::domain::Channel;
use crate::domain::money::Currency;
use crate::domain::stats::{Counts, Rates};
use crate::entity::{Timestamp, run_counts, runs};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts with their rates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Figures {
    #[serde(flatten)]
    pub counts: Counts,
    #[serde(flatten)]
    pub rates: Rates,
}

impl From<Counts> for Figures {
    fn from(counts: Counts) -> Self {
        Self {
            counts,
            rates: counts.rates(),
        }
    }
}

/// One firing of the campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStats {
    /// An opaque text to the outside.
    pub id: String,
    pub started_at: chrono::DateTime<chrono::Utc>,
    pub finished_at: Option<chrono::DateTime<chrono::Utc>>,
    #[serde(flatten)]
    pub figures: Figures,
    pub channels: BTreeMap<Channel, Figures>,
}

/// The body of `GET /api/v1/campaigns/{id}/stats`: all runs and channels summed, then each.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    #[serde(flatten)]
    pub total: Figures,
    pub channels: BTreeMap<Channel, Figures>,
    /// Newest first.
    pub runs: Vec<RunStats>,
    /// What was tried, where anything was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Tried>,
    /// What `convertedValue` is in, in minor units.
    pub currency: Currency,
}

impl Stats {
    /// How many of its targets are accounts that post.
    pub fn accounts(&self) -> i64 {
        let social = self.channels.get(&Channel::Social);
        social.map_or(0, |figures| figures.counts.target)
    }

    /// What the conversions were worth together; `None` where the campaign's goal asks for no
    /// money and none was counted.
    pub fn money(&self, goal: Option<&serde_json::Value>) -> Option<String> {
        let asks = goal.is_some_and(|goal| goal["value"].is_string());
        let value = self.total.counts.converted_value;
        (asks || value != 0).then(|| self.currency.write(value))
    }
}

impl From<&run_counts::Model> for Counts {
    fn from(row: &run_counts::Model) -> Self {
        Self {
            target: row.target,
            sent: row.sent,
            delivered: row.delivered,
            opened: row.opened,
            clicked: row.clicked,
            converted: row.converted,
            unsubscribed: row.unsubscribed,
            bounced: row.bounced,
            failed: row.failed,
            skipped: row.skipped,
            queued: row.queued,
            cancelled: row.cancelled,
            unknown: row.unknown,
            complained: row.complained,
            converted_value: row.converted_value,
        }
    }
}

fn by_channel<'a>(rows: impl Iterator<Item = &'a run_counts::Model>) -> BTreeMap<Channel, Figures> {
    let mut channels = BTreeMap::<Channel, Counts>::new();
    for row in rows {
        *channels.entry(row.channel).or_default() += row.into();
    }
    channels
        .into_iter()
        .map(|(channel, counts)| (channel, counts.into()))
        .collect()
}

/// The stats of a campaign; all zero before its first run.
pub async fn campaign_stats(db: &impl ConnectionTrait, campaign: i64) -> Result<Stats, DbErr> {
    let counts = run_counts::Entity::find()
        .filter(run_counts::Column::CampaignId.eq(campaign))
        .all(db)
        .await?;
    let runs = runs::Entity::find()
        .filter(runs::Column::CampaignId.eq(campaign))
        .order_by_desc(runs::Column::Id)
        .all(db)
        .await?;
    let trial = match counts.iter().any(|row| row.variant > 0) {
        true => experiment::of(db, campaign).await?,
        false => None,
    };
    Ok(Stats {
        variants: trial.map(|trial| trial.variants).unwrap_or_default(),
        total: counts.iter().map(Counts::from).sum::<Counts>().into(),
        channels: by_channel(counts.iter()),
        runs: runs
            .into_iter()
            .map(|run| {
                let of_run = || counts.iter().filter(|row| row.run_id == run.id);
                RunStats {
                    id: run.id.to_string(),
                    started_at: run.started_at.0,
                    finished_at: run.finished_at.map(|at: Timestamp| at.0),
                    figures: of_run().map(Counts::from).sum::<Counts>().into(),
                    channels: by_channel(of_run()),
                }
            })
            .collect(),
        currency: Club::load(db).await?.currency,
    })
}

/// The summed counts of several campaigns in one query, for lists. Campaigns without a run are
/// missing.
pub async fn counts_of(db: &impl ConnectionTrait, campaigns: &[i64]) -> Result<BTreeMap<i64, Counts>, DbErr> {
    let mut sums = BTreeMap::<i64, Counts>::new();
    for chunk in campaigns.chunks(500) {
        let rows = run_counts::Entity::find()
            .filter(run_counts::Column::CampaignId.is_in(chunk.iter().copied()))
            .all(db)
            .await?;
        for row in &rows {
            *sums.entry(row.campaign_id).or_default() += row.into();
        }
    }
    Ok(sums)
}
