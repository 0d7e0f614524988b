//! `/api/v1/campaigns/{id}/journey`: a journey that runs: where people are, putting them in,
//! writing its next version and publishing it.

use super::super::{json, parse};
use super::{found, id};
use crate::accounts::keys::ApiKey;
use crate::accounts::{Manager, Viewer};
use crate::audience::contacts::store as contacts;
use crate::audience::segments::store as segments;
use crate::campaigns::input::{self, Name};
use crate::campaigns::journey::commands;
use crate::campaigns::journey::store::{self, StepCounts};
use crate::campaigns::journey::versions::{self, Inside};
use crate::context::Context;
use crate::domain::CampaignType;
use crate::entity::campaigns;
use crate::web::{AppError, FormErrors, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

async fn journey(cx: &Context, path: &web::Path<String>) -> Result<campaigns::Model> {
    let campaign = found(cx, path).await?;
    match campaign.kind {
        CampaignType::Journey => Ok(campaign),
        kind => Err(AppError::Conflict(format!(
            "This campaign is of type {kind}, not JOURNEY."
        ))),
    }
}

fn counted(counts: &StepCounts) -> Value {
    json!({ "came": counts.came, "here": counts.here, "left": counts.dropped, "passed": counts.passed() })
}

async fn answer(cx: &Context, campaign: &campaigns::Model) -> Result<HttpResponse> {
    let versions = store::versions(&*cx.db, campaign.id).await?;
    let counts = store::counts(&*cx.db, campaign.id).await?;
    let sent = store::sent(&*cx.db, campaign.id).await?;
    let steps: serde_json::Map<String, Value> = counts
        .steps
        .iter()
        .map(|(step, counts)| {
            let mut value = counted(counts);
            if let Some(sent) = sent.get(step) {
                value["sentCount"] = json!(sent.sent);
                value["openedCount"] = json!(sent.opened);
                value["clickedCount"] = json!(sent.clicked);
                value["skippedCount"] = json!(sent.skipped);
            }
            (step.clone(), value)
        })
        .collect();
    let body = json!({
        "journey": campaign.journey,
        "version": versions.first().map(|version| version.number),
        "people": counted(&counts.whole),
        "steps": steps,
    });
    json(StatusCode::OK, &body)
}

/// `GET /api/v1/campaigns/{id}/journey`
pub async fn get_journey(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    answer(&cx, &journey(&cx, &path).await?).await
}

/// `PUT /api/v1/campaigns/{id}/journey`: its steps; of one that runs the draft of the next version.
pub async fn put_journey(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let campaign = journey(&cx, &path).await?;
    let json: Value = parse(&body)?;
    let mut errors = FormErrors::default();
    let parsed = input::journey(&*cx.db, &mut errors, &Some(Some(json))).await?;
    let parsed = match (parsed.flatten(), errors.is_empty()) {
        (Some(parsed), true) => parsed,
        _ => return Err(errors.into()),
    };
    let written = commands::write(&cx, campaign.id, campaign.revision, &parsed, &key.actor()).await?;
    answer(&cx, &written).await
}

/// Who is to come in: one person, or a segment.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct PeopleInput {
    contact: Option<Name>,
    segment_id: Option<Name>,
}

/// `POST /api/v1/campaigns/{id}/journey/people`
pub async fn put_people_in(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let campaign = journey(&cx, &path).await?;
    let input: PeopleInput = parse(&body)?;
    let entered = match (&input.contact, &input.segment_id) {
        (Some(name), None) => {
            let found = contacts::by_key_or_id_or_email(&*cx.db, &name.to_string()).await?;
            let contact =
                found.ok_or_else(|| AppError::invalid("contact", format!("There is nobody “{name}”.")))?;
            i64::from(commands::put_in(&cx, campaign.id, contact.id, &key.actor()).await?)
        }
        (None, Some(name)) => {
            let found = segments::by_key_or_id(&*cx.db, &name.to_string()).await?;
            let segment = found
                .ok_or_else(|| AppError::invalid("segmentId", format!("There is no segment “{name}”.")))?;
            commands::put_in_segment(&cx, campaign.id, segment.id, &key.actor()).await?
        }
        _ => return Err(AppError::invalid("contact", "Name a contact, or a segmentId.")),
    };
    json(StatusCode::OK, &json!({ "entered": entered }))
}

/// What happens to whoever is inside: `FINISH` on theirs, or `MOVE`, with the step for each step
/// that is gone.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct PublishInput {
    inside: Option<String>,
    steps: BTreeMap<String, String>,
}

/// `POST /api/v1/campaigns/{id}/journey/publish`
pub async fn publish_version(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let campaign = journey(&cx, &path).await?;
    let input: PublishInput = parse(&body)?;
    let inside = match input.inside.as_deref() {
        None | Some("FINISH") => Inside::Finish,
        Some("MOVE") => Inside::Move(input.steps),
        Some(_) => return Err(AppError::invalid("inside", "Write FINISH or MOVE.")),
    };
    let (version, moved) =
        versions::publish(&cx, id(&path)?, campaign.revision, &inside, &key.actor()).await?;
    json(
        StatusCode::OK,
        &json!({ "version": version.number, "moved": moved }),
    )
}
