//! `/api/v1/templates`: messages that campaigns send by key.

use super::{instant, json, parse};
use crate::accounts::keys::ApiKey;
use crate::accounts::{Manager, Viewer};
use crate::content::draft::TemplateInput;
use crate::content::render::compile_with;
use crate::content::{Problem, commands, store};
use crate::context::Context;
use crate::domain::{BodyKind, Channel};
use crate::entity::{template_versions, templates};
use crate::web::{AppError, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    id: String,
    key: String,
    channel: Channel,
    name: String,
    version: i32,
    subject: String,
    preheader: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mjml: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
    text: Option<String>,
    /// What keeps it from being sent; empty where nothing does.
    problems: Vec<Problem>,
    is_archived: bool,
    created_at: String,
    updated_at: String,
}

impl Answer {
    fn new(template: templates::Model, version: template_versions::Model, problems: Vec<Problem>) -> Self {
        let body = |kind| (version.body_kind == kind).then(|| version.body.clone());
        Self {
            mjml: body(BodyKind::Mjml),
            html: body(BodyKind::Html),
            text: body(BodyKind::Text).or_else(|| version.text.clone()),
            id: template.id.to_string(),
            key: template.key,
            channel: template.channel,
            name: template.name,
            version: version.number,
            subject: version.subject,
            preheader: version.preheader,
            problems,
            is_archived: template.archived_at.is_some(),
            created_at: instant(template.created_at.0),
            updated_at: instant(template.updated_at.0),
        }
    }
}

async fn answer(cx: &Context, status: StatusCode, template: templates::Model) -> Result<HttpResponse> {
    let version = store::current_version(&*cx.db, template.id).await?;
    let version = version.ok_or(AppError::NotFound)?;
    let problems = match template.channel {
        Channel::Email => problems(cx, version.clone()).await?,
        // The other channels' texts are looked at when the channels come.
        _ => Vec::new(),
    };
    json(status, &Answer::new(template, version, problems))
}

/// What the engine says of a version. Compiling takes its time, so it has a thread of its own.
async fn problems(cx: &Context, version: template_versions::Model) -> Result<Vec<Problem>> {
    let vocabulary = store::vocabulary(&*cx.db).await?;
    let compiled = web::block(move || compile_with(&version, &vocabulary).err())
        .await
        .map_err(anyhow::Error::from)?;
    Ok(compiled.unwrap_or_default())
}

/// `PUT /api/v1/templates/{key}`: makes it, 201, or keeps a new version of it, 200.
pub async fn put_template(
    key: ApiKey<Manager>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let new = parse::<TemplateInput>(&body)?.parse()?;
    let tx = cx.db.begin().await?;
    let (template, is_new) = commands::put(&tx, &path, new, &key.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    answer(&cx, super::made(is_new), template).await
}

/// `GET /api/v1/templates/{key}`
pub async fn get_template(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let template = store::by_key_or_id(&*cx.db, &path).await?;
    answer(&cx, StatusCode::OK, template.ok_or(AppError::NotFound)?).await
}
