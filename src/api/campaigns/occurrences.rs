//! `/api/v1/campaigns/{id}/occurrences`: when a recurring campaign is sent next.

use super::found;
use crate::accounts::keys::ApiKey;
use crate::accounts::{Manager, Viewer};
use crate::api::{instant, json, parse};
use crate::campaigns::input::Name;
use crate::campaigns::recurring::single::{self, Change};
use crate::campaigns::recurring::{self, Upcoming};
use crate::content::render::MAX_SUBJECT;
use crate::content::store as templates;
use crate::context::Context;
use crate::domain::campaign::is_final;
use crate::domain::{CampaignType, Channel, OccurrenceState};
use crate::entity::{campaigns, occurrences};
use crate::web::{AppError, FormErrors, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize};

/// Occurrences that are listed where nobody says how many, and at most.
const USUAL: usize = 10;
const MOST: usize = 1000;

#[derive(Deserialize)]
pub struct Query {
    count: Option<String>,
    /// `next` or `past`.
    when: Option<String>,
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
    /// Why it was skipped or missed: a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Answer {
    fn of(one: Upcoming, zone: Tz) -> Self {
        Self {
            at: instant(one.at),
            local: one.at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
            original_at: instant(one.original),
            state: one.state,
            subject: one.subject,
            reason: None,
        }
    }

    fn past(row: occurrences::Model, zone: Tz) -> Self {
        let at = row.moved_to.unwrap_or(row.original).0;
        Self {
            at: instant(at),
            local: at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
            original_at: instant(row.original.0),
            state: row.state,
            subject: row.subject,
            reason: row.reason,
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

/// `GET /api/v1/campaigns/{id}/occurrences?count=&when=`: the next ones, those that are skipped too;
/// or the past ones, newest first, with why they were not sent.
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
    let is_past = match query.when.as_deref() {
        None | Some("next") => false,
        Some("past") => true,
        Some(_) => return Err(AppError::invalid("when", "This is next or past.")),
    };
    if is_past {
        let zone = crate::campaigns::checklist::zone(&campaign);
        let rows = recurring::store::past(&*cx.db, campaign.id, now, count as u64).await?;
        let items = rows.into_iter().map(|row| Answer::past(row, zone)).collect();
        return json(
            StatusCode::OK,
            &List {
                items,
                next_cursor: None,
            },
        );
    }
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

/// The body of `PATCH /campaigns/{id}/occurrences/{originalAt}`; what is not named keeps its value,
/// and `null` is the campaign's again.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct ChangeInput {
    skip: Option<bool>,
    #[serde(deserialize_with = "given")]
    at: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    subject: Option<Option<String>>,
    /// A key or an id.
    #[serde(deserialize_with = "given")]
    template_id: Option<Option<Name>>,
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(field).map(Some)
}

impl ChangeInput {
    async fn read(&self, cx: &Context) -> Result<Change> {
        let mut errors = FormErrors::default();
        let at = match &self.at {
            Some(Some(text)) => match DateTime::parse_from_rfc3339(text.trim()) {
                Ok(at) => Some(Some(at.with_timezone(&Utc))),
                Err(_) => {
                    errors.add(
                        "at",
                        "Write the instant with its offset, such as 2026-06-01T09:00:00Z.",
                    );
                    None
                }
            },
            Some(None) => Some(None),
            None => None,
        };
        let subject = self.subject.as_ref().map(|subject| {
            let text = subject.as_deref().unwrap_or_default();
            let text = errors.optional("subject", text, MAX_SUBJECT);
            (!text.is_empty()).then_some(text)
        });
        let template = match &self.template_id {
            Some(Some(name)) => {
                let found = templates::by_key_or_id(&*cx.db, &name.to_string()).await?;
                let found = found.filter(|template| template.channel == Channel::Email);
                if found.is_none() {
                    errors.add("templateId", format!("There is no template “{name}” for e-mail."));
                }
                Some(found.map(|template| template.id))
            }
            Some(None) => Some(None),
            None => None,
        };
        Ok(errors.or(|| Change {
            skip: self.skip,
            at,
            subject,
            template,
        })?)
    }
}

/// `PATCH /api/v1/campaigns/{id}/occurrences/{originalAt}`: this one and no other.
pub async fn edit_occurrence(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let (id, original) = path.into_inner();
    let campaign = found(&cx, &web::Path::from(id)).await?;
    let original = DateTime::parse_from_rfc3339(&original)
        .map_err(|_| AppError::NotFound)?
        .with_timezone(&Utc);
    let input: ChangeInput = parse(&body)?;
    let change = input.read(&cx).await?;
    single::change(&cx, campaign.id, original, &change, &key.actor()).await?;
    let row = recurring::store::occurrence(&*cx.db, campaign.id, original).await?;
    let zone = crate::campaigns::checklist::zone(&campaign);
    let one = Upcoming {
        original,
        at: row
            .as_ref()
            .and_then(|row| row.moved_to)
            .map_or(original, |at| at.0),
        local: original.with_timezone(&zone).naive_local(),
        state: row.as_ref().map_or(OccurrenceState::Planned, |row| row.state),
        subject: row.as_ref().and_then(|row| row.subject.clone()),
        template_id: row.and_then(|row| row.template_id),
    };
    json(StatusCode::OK, &Answer::of(one, zone))
}
