//! A campaign as a row: in the list, and as the answer of its buttons.

use crate::campaigns::checklist::zone;
use crate::domain::campaign::{Command, transition};
use crate::domain::stats::Counts;
use crate::domain::{Role, Status};
use crate::entity::campaigns;
use crate::reports;
use crate::web::Shell;
use crate::web::filters::{self, group};
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

    pub fn progress(&self) -> Progress {
        Progress::of(&self.counts)
    }

    /// The instant that matters at this point of its life, and what it is.
    pub fn when(&self) -> Option<Moment> {
        let campaign = &self.campaign;
        let (word, at) = match campaign.status {
            Status::Draft => ("Planned for", campaign.scheduled_at?),
            Status::Scheduled => ("Starts", campaign.scheduled_at?),
            Status::Active | Status::Paused => ("Began", campaign.started_at?),
            Status::Completed | Status::Cancelled => ("Ended", campaign.finished_at?),
        };
        let zone = zone(campaign);
        Some(Moment {
            word,
            at: at.0,
            text: at
                .0
                .with_timezone(&zone)
                .format("%a %-d %b %Y, %H:%M")
                .to_string(),
            zone: zone.name(),
        })
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

/// An instant of a row, and what it is.
pub struct Moment {
    pub word: &'static str,
    pub at: DateTime<Utc>,
    /// In the campaign's zone, which stands beside it.
    pub text: String,
    pub zone: &'static str,
}

/// How far a campaign is with those whom it goes to: without the skipped ones, who never were to
/// be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub done: i64,
    pub whole: i64,
}

impl Progress {
    pub const fn of(counts: &Counts) -> Self {
        let whole = counts.target - counts.skipped;
        Self {
            done: whole - counts.queued - counts.cancelled,
            whole,
        }
    }

    /// Whole percent; 100 only when nobody is left.
    pub const fn percent(&self) -> i64 {
        match self.whole {
            0 => 0,
            whole => 100 * self.done / whole,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_of_those_whom_it_goes_to() {
        for (target, skipped, queued, cancelled, done, whole, percent) in [
            (0, 0, 0, 0, 0, 0, 0),
            (10, 10, 0, 0, 0, 0, 0),
            (1000, 100, 1, 0, 899, 900, 99),
            (1000, 100, 0, 0, 900, 900, 100),
            (1000, 0, 0, 400, 600, 1000, 60),
        ] {
            let counts = Counts {
                target,
                skipped,
                queued,
                cancelled,
                ..Counts::default()
            };
            let progress = Progress::of(&counts);
            assert_eq!(
                (progress.done, progress.whole, progress.percent()),
                (done, whole, percent)
            );
        }
    }

    #[test]
    fn who_is_left_is_said_in_words() {
        assert_eq!(left_in_words(0), "Everyone has been sent to already.");
        assert_eq!(
            left_in_words(1),
            "1 person has not been sent to yet and won’t be."
        );
        assert_eq!(
            left_in_words(1412),
            "1,412 people have not been sent to yet and won’t be."
        );
    }
}
