//! `/templates/{id}/preview`, `/templates/{id}/versions/{number}`: the template, or a version of it
//! that was kept, as one of the club's people would get it, in frames where nothing of it can act.

use super::edit::EditForm;
use super::{find, kind_label, unsaved};
use crate::accounts::{Manager, Staff, Viewer};
use crate::content::render::Rendered;
use crate::content::sample::{reader, render};
use crate::content::store;
use crate::context::Context;
use crate::domain::sms::Cost;
use crate::domain::{Channel, Role};
use crate::entity::{template_versions, templates};
use crate::mailbox::mail;
use crate::providers::store as providers;
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, Result, Section, Shell, html};
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Whom it is shown as: a key, an address, an id or a part of a name.
    contact: String,
    view: String,
}

#[derive(Template)]
#[template(path = "content/preview.html")]
struct PreviewPage {
    shell: Shell,
    template: templates::Model,
    version: template_versions::Model,
    /// Whether this is the page of a version that was kept, not of the newest.
    is_kept: bool,
    /// The address of this page.
    at: String,
    zone: Tz,
    asked: String,
    reader: String,
    is_unknown: bool,
    contact: String,
    from: String,
    view: &'static str,
    rendered: std::result::Result<Rendered, String>,
    /// What a text costs.
    cost: Option<Cost>,
    /// Whether a test would be captured.
    is_captured: bool,
}

impl PreviewPage {
    fn kind(&self) -> &'static str {
        kind_label(self.version.body_kind)
    }

    /// Whether a test can be sent of it.
    fn may_try(&self) -> bool {
        matches!(self.template.channel, Channel::Email | Channel::Sms)
    }

    fn is_in_force(&self) -> bool {
        self.template.version_id == Some(self.version.id)
    }
}

/// `GET /templates/{id}/preview`
pub async fn preview_template(
    staff: Staff<Viewer>,
    id: Path<i64>,
    asked: Query<Asked>,
    cx: Data<Context>,
) -> Result<HttpResponse> {
    let (template, version) = find(&cx, *id).await?;
    page(&cx, &staff, template, version, &asked, false).await
}

/// `GET /templates/{id}/versions/{number}`: what was sent when this version was in force.
pub async fn preview_version(
    staff: Staff<Viewer>,
    path: Path<(i64, i32)>,
    asked: Query<Asked>,
    cx: Data<Context>,
) -> Result<HttpResponse> {
    let (id, number) = path.into_inner();
    let template = store::template(&*cx.db, id).await?.ok_or(AppError::NotFound)?;
    let version = store::numbered(&*cx.db, id, number).await?;
    let version = version.ok_or(AppError::NotFound)?;
    page(&cx, &staff, template, version, &asked, true).await
}

async fn page(
    cx: &Context,
    staff: &Staff<Viewer>,
    template: templates::Model,
    version: template_versions::Model,
    asked: &Asked,
    is_kept: bool,
) -> Result<HttpResponse> {
    let known = reader(cx, &staff.club, &asked.contact, &version).await?;
    let is_unknown = known.is_none();
    let reader = match known {
        Some(reader) => reader,
        None => reader(cx, &staff.club, "", &version)
            .await?
            .ok_or(AppError::NotFound)?,
    };
    let (title, at) = match is_kept {
        true => (
            format!("Version {} of {}", version.number, template.name),
            format!("/templates/{}/versions/{}", template.id, version.number),
        ),
        false => (
            format!("Preview of {}", template.name),
            format!("/templates/{}/preview", template.id),
        ),
    };
    let is_captured = match template.channel {
        Channel::Email => cx.settings.smtp_url.is_none(),
        channel => providers::active(&*cx.db, channel).await?.is_empty(),
    };
    html(&PreviewPage {
        cost: providers::text_cost(&*cx.db, staff.club.currency).await?,
        is_captured,
        shell: staff.shell(Section::Templates, &title),
        at,
        is_kept,
        zone: staff.zone(),
        asked: asked.contact.chars().take(200).collect(),
        is_unknown,
        contact: reader.id.map(|id| id.to_string()).unwrap_or_default(),
        from: match staff.club.sender.name.is_empty() {
            true => staff.club.name.clone(),
            false => staff.club.sender.name.clone(),
        },
        view: match (template.channel, asked.view.as_str()) {
            (Channel::Email, "text") => "text",
            (Channel::Email, "phone") => "phone",
            (Channel::Email, _) => "desktop",
            _ => "text",
        },
        rendered: render(cx, template.channel, version.clone(), reader.values).await?,
        reader: reader.label,
        template,
        version,
    })
}

/// `GET /templates/{id}/preview/html`: the HTML alone, for frames.
pub async fn preview_html(
    staff: Staff<Viewer>,
    id: Path<i64>,
    asked: Query<Asked>,
    cx: Data<Context>,
) -> Result<HttpResponse> {
    let (template, version) = find(&cx, *id).await?;
    shown(&cx, &staff, &template, version, &asked).await
}

/// `GET /templates/{id}/versions/{number}/html`: the same of a version that was kept.
pub async fn version_html(
    staff: Staff<Viewer>,
    path: Path<(i64, i32)>,
    asked: Query<Asked>,
    cx: Data<Context>,
) -> Result<HttpResponse> {
    let (id, number) = path.into_inner();
    let template = store::template(&*cx.db, id).await?.ok_or(AppError::NotFound)?;
    let version = store::numbered(&*cx.db, id, number).await?;
    shown(&cx, &staff, &template, version.ok_or(AppError::NotFound)?, &asked).await
}

async fn shown(
    cx: &Context,
    staff: &Staff<Viewer>,
    template: &templates::Model,
    version: template_versions::Model,
    asked: &Asked,
) -> Result<HttpResponse> {
    let reader = reader(cx, &staff.club, &asked.contact, &version)
        .await?
        .ok_or(AppError::NotFound)?;
    frame(cx, render(cx, template.channel, version, reader.values).await?)
}

/// `POST /templates/{id}/draft`: what is being written, not saved, for the editor's frame.
pub async fn preview_draft(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    Form(form): Form<EditForm>,
) -> Result<HttpResponse> {
    let (template, _) = find(&cx, *id).await?;
    let version = unsaved(&cx, &form.draft(template.channel)).await?;
    let reader = reader(&cx, &staff.club, "", &version)
        .await?
        .ok_or(AppError::NotFound)?;
    frame(&cx, render(&cx, template.channel, version, reader.values).await?)
}

#[derive(Template)]
#[template(path = "content/frame.html")]
struct FramePage {
    text: String,
    is_problem: bool,
}

/// A document of its own, under a policy that lets nothing of it act.
pub(super) fn frame(cx: &Context, rendered: std::result::Result<Rendered, String>) -> Result<HttpResponse> {
    let body = match rendered {
        Ok(rendered) if !rendered.html.is_empty() => mail::with_links_outside(&rendered.html),
        Ok(rendered) => plain(rendered.text, false)?,
        Err(sentence) => plain(sentence, true)?,
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, mail::policy(&cx.settings.base())))
        .body(body))
}

fn plain(text: String, is_problem: bool) -> Result<String> {
    Ok(FramePage { text, is_problem }
        .render()
        .map_err(anyhow::Error::from)?)
}
