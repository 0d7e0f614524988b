//! Of a recurring campaign's page: what is to come, and each run with its figures.

use crate::campaigns::recurring::{self, Upcoming};
use crate::content::editions;
use crate::context::Context;
use crate::domain::campaign::is_final;
use crate::domain::{CampaignType, OccurrenceState, Status};
use crate::entity::{campaigns, runs};
use crate::reports::{self, store::Figures};
use crate::web::Result;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::collections::BTreeMap;

/// Occurrences to come that are shown.
const TO_COME: usize = 10;
/// Past ones that are shown.
const PAST: usize = 30;
/// A run that starts later than this after its time says so.
const ON_TIME: TimeDelta = TimeDelta::minutes(2);

/// What the page says of it.
pub struct Repetition {
    pub words: String,
    pub zone: Tz,
    /// Whether single occurrences can be changed.
    pub is_open: bool,
    pub upcoming: Vec<Upcoming>,
    /// Newest first.
    pub past: Vec<Past>,
    /// Older ones that are not shown.
    pub older: usize,
}

/// An occurrence that is over.
pub struct Past {
    pub original: DateTime<Utc>,
    pub state: OccurrenceState,
    /// Why it was skipped or missed, or when it began where that was another time.
    pub note: String,
    pub figures: Option<Figures>,
}

impl Repetition {
    /// A time on the wall of its zone, which is said above.
    pub fn wall(&self, at: &DateTime<Utc>) -> String {
        at.with_timezone(&self.zone)
            .format("%a %-d %b %Y, %H:%M")
            .to_string()
    }

    /// `None` of a campaign that does not repeat.
    pub async fn load(cx: &Context, campaign: &campaigns::Model) -> Result<Option<Self>> {
        if campaign.kind != CampaignType::Recurring {
            return Ok(None);
        }
        let now = cx.clock.now();
        let Some(plan) = recurring::store::plan(&*cx.db, campaign, now).await? else {
            return Ok(None);
        };
        let upcoming = match is_final(campaign.status) {
            true => Vec::new(),
            false => plan.upcoming(now, TO_COME),
        };
        let (past, older) = past(cx, campaign, plan.zone).await?;
        Ok(Some(Self {
            words: plan.recurrence.words(),
            zone: plan.zone,
            is_open: matches!(
                campaign.status,
                Status::Scheduled | Status::Active | Status::Paused
            ),
            upcoming,
            past,
            older,
        }))
    }
}

/// How much a run took of its campaign's feed.
fn items(run: &runs::Model) -> String {
    match editions::edition(run).map(|edition| edition.items.len()) {
        None => String::new(),
        Some(1) => "1 item of the feed".to_owned(),
        Some(number) => format!("{number} items of the feed"),
    }
}

async fn past(cx: &Context, campaign: &campaigns::Model, zone: Tz) -> Result<(Vec<Past>, usize)> {
    let rows = runs::Entity::find()
        .filter(runs::Column::CampaignId.eq(campaign.id))
        .all(&*cx.db)
        .await?;
    let rows: BTreeMap<String, runs::Model> = rows.into_iter().map(|run| (run.id.to_string(), run)).collect();
    let stats = reports::campaign_stats(&*cx.db, campaign.id).await?;
    let mut past: Vec<_> = stats
        .runs
        .into_iter()
        .filter_map(|run| {
            let row = rows.get(&run.id)?;
            let apart = row.started_at.0 - row.scheduled_for.0;
            let began = row.started_at.0.with_timezone(&zone).format("%a %-d %b, %H:%M");
            Some(Past {
                original: row.scheduled_for.0,
                state: OccurrenceState::Sent,
                note: [
                    match apart {
                        late if late > ON_TIME => format!("late, {began}"),
                        early if early < -ON_TIME => format!("brought forward to {began}"),
                        _ => String::new(),
                    },
                    items(row),
                ]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
                figures: Some(run.figures),
            })
        })
        .collect();
    let not_sent = recurring::store::not_sent(&*cx.db, campaign.id, cx.clock.now(), 200).await?;
    past.extend(not_sent.into_iter().map(|row| Past {
        original: row.original.0,
        state: row.state,
        note: row.reason.unwrap_or_default(),
        figures: None,
    }));
    past.sort_by_key(|one| std::cmp::Reverse(one.original));
    let older = past.len().saturating_sub(PAST);
    past.truncate(PAST);
    Ok((past, older))
}
