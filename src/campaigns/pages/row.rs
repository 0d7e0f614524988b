//! A campaign as a row: in the list, and as the answer of its buttons.

use crate::campaigns::checklist::zone;
use crate::domain::campaign::{Command, transition};
use crate::domain::stats::Counts;
use crate::domain::{Role, Status};
use crate::entity::campaigns;
use crate::reports;
use crate::web::Shell;
use crate::web::filters::{self, group, local};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbErr};
use std::collections::BTreeMap;

/// What a row shows. Its buttons are those that the lifecycle allows.
pub struct Row {
    pub campaign: campaigns::Model,
    pub segment: Option<String>,
    pub counts: Counts,
    /// Whether it asks for news by itself.
    pub is_live: bool,
}

/// A row by itself, which a button or its own question swaps in.
#[derive(Template)]
#[template(path = "campaigns/_row.html")]
pub struct RowPart {
    pub shell: Shell,
    pub row: Row,
}

impl Row {
    pub fn new(
        campaign: campaigns::Model,
        segment: Option<String>,
        counts: Counts,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            is_live: is_live(&campaign, now),
            campaign,
            segment,
            counts,
        }
    }

    pub fn may(&self, command: Command) -> bool {
        transition(self.campaign.status, command).is_ok()
    }

    /// `412 of 1,204`; empty before the audience is known.
    pub fn progress(&self) -> String {
        match self.counts.target {
            0 => String::new(),
            target => format!("{} of {}", group(target - self.counts.queued), group(target)),
        }
    }

    pub fn percent(&self) -> i64 {
        percent(&self.counts)
    }

    /// The instant that matters at this point of its life, and what it is.
    pub fn when(&self) -> Option<(&'static str, DateTime<Utc>, String)> {
        let campaign = &self.campaign;
        let (word, at) = match campaign.status {
            Status::Draft => ("Planned for", campaign.scheduled_at?),
            Status::Scheduled => ("Starts", campaign.scheduled_at?),
            Status::Active | Status::Paused => ("Began", campaign.started_at?),
            Status::Completed | Status::Cancelled => ("Ended", campaign.finished_at?),
        };
        Some((word, at.0, local(at.0, zone(campaign))))
    }

    /// What stopping it means, in numbers.
    pub fn stop_question(&self) -> String {
        format!(
            "{} Stop “{}”?",
            left_in_words(self.counts.queued),
            self.campaign.name
        )
    }
}

/// How far a run is, in whole percent; 100 only when nothing is left.
pub fn percent(counts: &Counts) -> i64 {
    match counts.target {
        0 => 0,
        target => 100 * (target - counts.queued) / target,
    }
}

/// `412 people have not been sent to yet and won’t be.`
pub fn left_in_words(number: i64) -> String {
    match number {
        0 => "Everyone has been sent to already.".to_owned(),
        1 => "1 person has not been sent to yet and won’t be.".to_owned(),
        number => format!("{} people have not been sent to yet and won’t be.", group(number)),
    }
}

/// Whether a campaign's numbers may move in the next seconds.
pub fn is_live(campaign: &campaigns::Model, now: DateTime<Utc>) -> bool {
    let is_due = campaign.send_now
        || campaign
            .scheduled_at
            .is_some_and(|at| at.0 <= now + TimeDelta::minutes(1));
    match campaign.status {
        Status::Active => true,
        Status::Scheduled => is_due,
        _ => false,
    }
}

/// The rows of campaigns, in their order.
pub async fn rows(
    db: &impl ConnectionTrait,
    campaigns: Vec<campaigns::Model>,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, DbErr> {
    let ids: Vec<_> = campaigns.iter().map(|campaign| campaign.id).collect();
    let mut counts: BTreeMap<i64, Counts> = reports::store::counts_of(db, &ids).await?;
    let segments: Vec<_> = campaigns
        .iter()
        .filter_map(|campaign| campaign.segment_id)
        .collect();
    let names = crate::campaigns::store::segment_names(db, &segments).await?;
    Ok(campaigns
        .into_iter()
        .map(|campaign| {
            let segment = campaign.segment_id.and_then(|id| names.get(&id).cloned());
            let counts = counts.remove(&campaign.id).unwrap_or_default();
            Row::new(campaign, segment, counts, now)
        })
        .collect())
}
