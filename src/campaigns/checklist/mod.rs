//! What stands between a campaign and its people, looked at before it is scheduled and shown on
//! the review step. One look serves the page, the command and the JSON API.

mod checks;
pub mod feed;
mod journey;
mod manners;
mod repetition;
mod social;
mod triggered;

use super::channels::Words;
use super::draft::Content;
use super::store;
use crate::accounts::Club;
use crate::audience::reach::Reach;
use crate::campaigns::social::Target;
use crate::domain::{CampaignType, Channel};
use crate::entity::campaigns;
use crate::web::{FormErrors, Result};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::ConnectionTrait;
use std::collections::BTreeMap;

/// Where something is put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Basics,
    Audience,
    Content,
    Schedule,
    /// The steps of a journey.
    Journey,
    /// The club's settings, which administrators change.
    Settings,
}

impl Place {
    /// The page where it is put right.
    pub fn url(self, campaign: &i64) -> String {
        match self {
            Self::Basics => format!("/campaigns/{campaign}/basics"),
            Self::Audience => format!("/campaigns/{campaign}/audience"),
            Self::Content => format!("/campaigns/{campaign}/content"),
            Self::Schedule => format!("/campaigns/{campaign}/schedule"),
            Self::Journey => format!("/campaigns/{campaign}/journey"),
            Self::Settings => "/settings".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Ok,
    /// Worth knowing; does not block.
    Warn,
    /// Blocks.
    Error,
}

impl State {
    /// For `data-state`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One line of the checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub state: State,
    pub title: &'static str,
    /// A sentence, or two.
    pub text: String,
    pub place: Place,
    /// The field's name in the JSON API.
    pub field: String,
}

/// What keeps a campaign from being scheduled.
pub type Problem = Check;

/// The whole checklist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub checks: Vec<Check>,
    /// `None` where there is no segment to count.
    pub reach: Option<Reach>,
    /// The accounts that it posts under.
    pub accounts: Vec<Target>,
}

impl Report {
    fn add(
        &mut self,
        state: State,
        place: Place,
        field: impl Into<String>,
        title: &'static str,
        text: impl Into<String>,
    ) {
        self.checks.push(Check {
            state,
            title,
            text: text.into(),
            place,
            field: field.into(),
        });
    }

    /// What blocks.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.checks.iter().filter(|check| check.state == State::Error)
    }

    pub fn is_ready(&self) -> bool {
        self.problems().next().is_none()
    }

    /// How many people it goes to, on the channel that reaches most of them.
    pub fn people(&self) -> i64 {
        let on = self.reach.iter().flat_map(|reach| &reach.channels);
        on.map(|channel| channel.reachable).max().unwrap_or_default()
    }

    /// Everything that blocks, as a refused input.
    pub fn errors(&self) -> FormErrors {
        let mut errors = FormErrors::default();
        for problem in self.problems() {
            errors.add(&problem.field, problem.text.clone());
        }
        errors
    }
}

/// Everything that keeps a stored campaign from being scheduled; empty where nothing does.
pub async fn problems(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    now: DateTime<Utc>,
) -> Result<Vec<Problem>> {
    let contents = store::contents(db, campaign.id).await?;
    let report = report(db, campaign, &contents, now).await?;
    Ok(report.problems().cloned().collect())
}

/// Looks at a campaign as it is or as it would be.
pub async fn report(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    contents: &BTreeMap<Channel, Content>,
    now: DateTime<Utc>,
) -> Result<Report> {
    let club = Club::load(db).await?;
    let words = Words::of(campaign);
    let mut report = Report::default();
    checks::basics(&mut report, campaign, &words);
    match campaign.kind {
        CampaignType::Journey => journey::steps(&mut report, db, campaign, now).await?,
        _ => {
            checks::audience(&mut report, db, campaign, &words, now).await?;
            if words.has(&Channel::Social) {
                social::posts(&mut report, db, campaign, &club, contents).await?;
            }
            for channel in words.personal() {
                checks::content(&mut report, db, campaign, channel, contents.get(&channel)).await?;
            }
            if campaign.kind == CampaignType::Triggered {
                triggered::trigger(&mut report, db, campaign).await?;
            }
        }
    }
    if words.has(&Channel::Sms) {
        checks::carrier(&mut report, db).await?;
    }
    // Texts come from their provider's number.
    if words.personal().iter().any(|channel| *channel != Channel::Sms) {
        checks::sender(&mut report, campaign, &club);
    }
    checks::time(&mut report, campaign, now);
    manners::pacing(&mut report, db, campaign, &club, now).await?;
    manners::cap(&mut report, db, campaign, &club, now).await?;
    manners::experiment(&mut report, db, campaign, contents).await?;
    Ok(report)
}

/// The campaign's zone.
pub fn zone(campaign: &campaigns::Model) -> Tz {
    // Written from a parsed zone; one that a later release dropped is shown in UTC.
    campaign.timezone.parse().unwrap_or(Tz::UTC)
}
