//! `/api/v1/campaigns`: made, read, changed, scheduled and stopped, by the commands that the pages
//! call too.

mod answer;
pub mod journey;
mod ledger;
mod occurrences;

pub use ledger::list_deliveries;
pub use occurrences::{edit_occurrence, list_occurrences};

use super::{List, Paging, json, parse};
use crate::accounts::keys::ApiKey;
use crate::accounts::{Manager, Viewer};
use crate::campaigns::input::{CampaignInput, ContentInput};
use crate::campaigns::{commands, store, winner};
use crate::context::Context;
use crate::domain::{CampaignType, Status};
use crate::entity::campaigns;
use crate::reports;
use crate::web::{AppError, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use answer::Answer;
use serde::Deserialize;

/// The database's number of a campaign. Nothing has an id that is no number.
fn id(path: &web::Path<String>) -> Result<i64> {
    path.parse().map_err(|_| AppError::NotFound)
}

async fn found(cx: &Context, path: &web::Path<String>) -> Result<campaigns::Model> {
    let campaign = store::find(&*cx.db, id(path)?).await?;
    campaign.ok_or(AppError::NotFound)
}

async fn answer(cx: &Context, status: StatusCode, campaign: campaigns::Model) -> Result<HttpResponse> {
    let mut answers = Answer::of(&*cx.db, vec![campaign]).await?;
    let answer = answers.pop().ok_or(AppError::NotFound)?;
    json(status, &answer)
}

/// `POST /api/v1/campaigns`: a draft.
pub async fn create_campaign(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let input: CampaignInput = parse(&body)?;
    let new = input.parse_new(&*cx.db, &key.club).await?;
    let campaign = commands::create(&cx, new, &key.actor()).await?;
    answer(&cx, StatusCode::CREATED, campaign).await
}

#[derive(Deserialize)]
pub struct Query {
    status: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Part of a name.
    q: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

/// `GET /api/v1/campaigns`, newest first.
pub async fn list_campaigns(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    query: web::Query<Query>,
) -> Result<HttpResponse> {
    let status = query.status.as_deref().map(str::parse::<Status>).transpose();
    let kind = query.kind.as_deref().map(str::parse::<CampaignType>).transpose();
    let filter = store::Filter {
        words: query.q.clone().unwrap_or_default(),
        status: status.map_err(|_| AppError::invalid("status", "Name a status such as DRAFT."))?,
        kind: kind.map_err(|_| AppError::invalid("type", "Name a type such as ONE_TIME."))?,
        ..store::Filter::default()
    };
    let limit = query.paging.limit();
    let rows = store::newest(&*cx.db, &filter, query.paging.cursor()?, limit + 1).await?;
    let items = Answer::of(&*cx.db, rows).await?;
    json(
        StatusCode::OK,
        &List::of(items, limit, |campaign: &Answer| campaign.id.clone()),
    )
}

/// `GET /api/v1/campaigns/{id}`
pub async fn get_campaign(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let campaign = found(&cx, &path).await?;
    answer(&cx, StatusCode::OK, campaign).await
}

/// `PATCH /api/v1/campaigns/{id}`: what is not named keeps its value.
pub async fn edit_campaign(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let id = found(&cx, &path).await?.id;
    let input: CampaignInput = parse(&body)?;
    let changes = input.parse_changes(&*cx.db).await?;
    let campaign = commands::edit(&cx, id, None, &changes, &key.actor()).await?;
    answer(&cx, StatusCode::OK, campaign).await
}

/// `DELETE /api/v1/campaigns/{id}`: drafts only.
pub async fn delete_campaign(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    commands::delete(&cx, id(&path)?, &key.actor()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `PUT /api/v1/campaigns/{id}/content`: the whole content, on every channel.
pub async fn put_content(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let id = found(&cx, &path).await?.id;
    let input: ContentInput = parse(&body)?;
    let contents = input.parse(&*cx.db).await?;
    let campaign = commands::set_content(&cx, id, contents, &key.actor()).await?;
    answer(&cx, StatusCode::OK, campaign).await
}

/// `POST /api/v1/campaigns/{id}/schedule`, `/pause`, `/resume` and `/cancel`
pub async fn command_campaign(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse> {
    let (id, command) = path.into_inner();
    let id = id.parse().map_err(|_| AppError::NotFound)?;
    let command = command.parse().map_err(|_| AppError::NotFound)?;
    let campaign = commands::act(&cx, id, command, &key.actor()).await?;
    answer(&cx, StatusCode::OK, campaign).await
}

/// The body of `POST /campaigns/{id}/winner`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Winner {
    /// Its letter.
    variant: String,
}

/// `POST /api/v1/campaigns/{id}/winner`: what the rest of the audience is sent, by hand.
pub async fn choose_winner(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let input: Winner = parse(&body)?;
    let campaign = winner::choose_by_hand(&cx, id(&path)?, &input.variant, &key.actor()).await?;
    answer(&cx, StatusCode::OK, campaign).await
}

/// `GET /api/v1/campaigns/{id}/stats`
pub async fn get_stats(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let campaign = found(&cx, &path).await?;
    json(
        StatusCode::OK,
        &reports::campaign_stats(&*cx.db, campaign.id).await?,
    )
}
