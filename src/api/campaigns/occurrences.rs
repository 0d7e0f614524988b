//! `/api/v1/campaigns/{id}/occurrences`: when a recurring campaign is sent next.

use super::found;
use crate::accounts::Viewer;
use crate::accounts::keys::ApiKey;
use crate::api::{instant, json};
use crate::campaigns::recurring::{self, Upcoming};
use crate::context::Context;
use crate::domain::campaign::is_final;
use crate::domain::{CampaignType, OccurrenceState};
use crate::entity::campaigns;
use crate::web::{AppError, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Occurrences that are listed where nobody says how many, and at most.
const USUAL: usize = 10;
const MOST: usize = 1000;

#[derive(Deserialize)]
pub struct Query {
    count: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// When it is sent.
    at: String,
    /// The same on the wall clocks of the campaign's zone.
    local: String,
    /// When the rule has it, which is what it is known by.
    original_at: String,
    state: OccurrenceState,
    subject: Option<String>,
}

impl Answer {
    fn of(one: Upcoming, zone: Tz) -> Self {
        Self {
            at: instant(one.at),
            local: one.at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
            original_at: instant(one.original),
            state: one.state,
            subject: one.subject,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    items: Vec<Answer>,
    next_cursor: Option<String>,
}

fn count(query: &Query) -> Result<usize> {
    let Some(text) = &query.count else {
        return Ok(USUAL);
    };
    text.parse()
        .ok()
        .filter(|count| (1..=MOST).contains(count))
        .ok_or_else(|| AppError::invalid("count", format!("This is a number from 1 to {MOST}.")))
}

/// Refuses what is no recurring campaign, or says nothing of when.
fn check(campaign: &campaigns::Model) -> Result<()> {
    if campaign.kind != CampaignType::Recurring {
        return Err(AppError::invalid(
            "type",
            "Only a RECURRING campaign has occurrences.",
        ));
    }
    let Some(recurrence) = recurring::of(campaign) else {
        let text = "The campaign says nothing of when it is sent yet.";
        return Err(AppError::invalid("recurrence.rule", text));
    };
    match recurrence.start {
        Some(_) => Ok(()),
        None => {
            let text = "Say the first day and the time: recurrence.start, or scheduledAt.";
            Err(AppError::invalid("recurrence.start", text))
        }
    }
}

/// `GET /api/v1/campaigns/{id}/occurrences?count=`: the next ones, those that are skipped too.
pub async fn list_occurrences(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse> {
    let campaign = found(&cx, &path).await?;
    check(&campaign)?;
    let count = count(&query)?;
    let now = cx.clock.now();
    let plan = match is_final(campaign.status) {
        true => None,
        false => recurring::store::plan(&*cx.db, &campaign, now).await?,
    };
    let items = plan.map_or_else(Vec::new, |plan| {
        let upcoming = plan.upcoming(now, count).into_iter();
        upcoming.map(|one| Answer::of(one, plan.zone)).collect()
    });
    let list = List {
        items,
        next_cursor: None,
    };
    json(StatusCode::OK, &list)
}
