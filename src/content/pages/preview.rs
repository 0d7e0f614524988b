//! `/templates/{id}/preview`: the template as one of the club's people would get it, in frames
//! where nothing of it can act.

use super::edit::EditForm;
use super::{find, unsaved};
use crate::accounts::{Club, Manager, Staff, Viewer};
use crate::content::recipient;
use crate::content::render::{RenderUrls, Rendered, Values, compile_with};
use crate::content::store;
use crate::context::Context;
use crate::domain::{Channel, Purpose};
use crate::entity::{contacts, template_versions, templates};
use crate::mailbox::mail;
use crate::web::forms::Form;
use crate::web::{AppError, Result, Section, Shell, html};
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Whom it is shown as: a key, an address, an id or a part of a name.
    contact: String,
    view: String,
}

/// Who reads.
pub struct Reader {
    pub label: String,
    pub values: Values,
    pub id: Option<i64>,
}

#[derive(Template)]
#[template(path = "content/preview.html")]
struct PreviewPage {
    shell: Shell,
    template: templates::Model,
    asked: String,
    reader: String,
    is_unknown: bool,
    contact: String,
    from: String,
    view: &'static str,
    rendered: std::result::Result<Rendered, String>,
    preheader: String,
}

/// The person that a text names; the newest contact where it names nobody, and a made-up one where
/// there is none.
pub async fn reader(cx: &Context, club: &Club, text: &str) -> Result<Option<Reader>> {
    let text = text.trim();
    let mut found = match text {
        "" => {
            contacts::Entity::find()
                .order_by_asc(contacts::Column::Id)
                .one(&*cx.db)
                .await?
        }
        _ => {
            let exact = Condition::any()
                .add(contacts::Column::Key.eq(text))
                .add(contacts::Column::Email.eq(text.to_lowercase()))
                .add(contacts::Column::Id.eq(text.parse::<i64>().unwrap_or(-1)));
            contacts::Entity::find()
                .filter(exact)
                .order_by_asc(contacts::Column::Id)
                .one(&*cx.db)
                .await?
        }
    };
    if found.is_none() && !text.is_empty() {
        let escaped = text
            .to_lowercase()
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        let like = sea_orm::sea_query::LikeExpr::new(format!("%{escaped}%")).escape('\\');
        found = contacts::Entity::find()
            .filter(contacts::Column::Search.like(like))
            .order_by_asc(contacts::Column::Id)
            .one(&*cx.db)
            .await?;
    }
    let Some(contact) = found else {
        let vocabulary = store::vocabulary(&*cx.db).await?;
        return Ok(text.is_empty().then(|| Reader {
            label: "Anna Sample, who is made up".into(),
            values: Values::sample_of(&vocabulary),
            id: None,
        }));
    };
    let name = format!("{} {}", contact.first_name, contact.last_name);
    let label = match (name.trim(), contact.email.as_deref().or(contact.key.as_deref())) {
        ("", Some(address)) => address.to_owned(),
        (name, Some(address)) => format!("{name} ({address})"),
        (name, None) => name.to_owned(),
    };
    let person = recipient::of(&*cx.db, &[contact.id])
        .await?
        .remove(&contact.id)
        .unwrap_or_default();
    let urls = RenderUrls {
        unsubscribe: "#unsubscribe".into(),
        preferences: "#preferences".into(),
        view: "#view".into(),
        pixel: None,
    };
    Ok(Some(Reader {
        label,
        values: Values::new(
            person,
            club,
            Purpose::Marketing,
            "Preview",
            urls,
            serde_json::Value::Null,
        ),
        id: Some(contact.id),
    }))
}

/// Compiles and renders away from the threads that answer requests. `Err` is a sentence.
pub async fn render(
    cx: &Context,
    version: template_versions::Model,
    values: Values,
) -> Result<std::result::Result<Rendered, String>> {
    let vocabulary = store::vocabulary(&*cx.db).await?;
    actix_web::web::block(move || {
        let compiled = compile_with(&version, &vocabulary).map_err(|problems| {
            problems.first().map_or_else(String::new, |problem| {
                format!(
                    "{}, line {}: {}",
                    problem.part.label(),
                    problem.line,
                    problem.message
                )
            })
        })?;
        compiled
            .render(&values, &|_, url| url.to_owned())
            .map_err(|error| error.to_string())
    })
    .await
    .map_err(|error| AppError::Internal(error.into()))
}

/// `GET /templates/{id}/preview`
pub async fn preview_template(
    staff: Staff<Viewer>,
    id: Path<i64>,
    asked: Query<Asked>,
    cx: Data<Context>,
) -> Result<HttpResponse> {
    let (template, version) = find(&cx, *id).await?;
    let known = reader(&cx, &staff.club, &asked.contact).await?;
    let is_unknown = known.is_none();
    let reader = match known {
        Some(reader) => reader,
        None => reader(&cx, &staff.club, "").await?.ok_or(AppError::NotFound)?,
    };
    let preheader = version.preheader.clone();
    html(&PreviewPage {
        shell: staff.shell(Section::Templates, &format!("Preview of {}", template.name)),
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
        rendered: render(&cx, version, reader.values).await?,
        reader: reader.label,
        template,
        preheader,
    })
}

/// `GET /templates/{id}/preview/html`: the HTML alone, for frames.
pub async fn preview_html(
    staff: Staff<Viewer>,
    id: Path<i64>,
    asked: Query<Asked>,
    cx: Data<Context>,
) -> Result<HttpResponse> {
    let (_, version) = find(&cx, *id).await?;
    let reader = reader(&cx, &staff.club, &asked.contact)
        .await?
        .ok_or(AppError::NotFound)?;
    frame(&cx, render(&cx, version, reader.values).await?)
}

/// `POST /templates/{id}/draft`: what is being written, not saved, for the editor's frame.
pub async fn preview_draft(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    Form(form): Form<EditForm>,
) -> Result<HttpResponse> {
    let (template, _) = find(&cx, *id).await?;
    let reader = reader(&cx, &staff.club, "").await?.ok_or(AppError::NotFound)?;
    let version = unsaved(&form.draft(template.channel));
    frame(&cx, render(&cx, version, reader.values).await?)
}

#[derive(Template)]
#[template(path = "content/frame.html")]
struct FramePage {
    text: String,
    is_problem: bool,
}

/// A document of its own, under a policy that lets nothing of it act.
fn frame(cx: &Context, rendered: std::result::Result<Rendered, String>) -> Result<HttpResponse> {
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
