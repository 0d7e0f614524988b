//! `/forms`: the club's sign-up forms, and what came of them.

use super::commands;
use super::forms::FormFields;
use super::store::{self, Came};
use crate::accounts::{Level, Manager, Staff, Viewer};
use crate::audience::topics::store as topic_store;
use crate::context::Context;
use crate::domain::Role;
use crate::entity::{signup_forms, signups, topics};
use crate::web::filters;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path};
use askama::Template;
use chrono_tz::Tz;
use std::collections::HashMap;

/// The newest sign-ups that a form's page shows.
const SHOWN: u64 = 20;

#[derive(Template)]
#[template(path = "signup/list.html")]
struct ListPage {
    shell: Shell,
    in_use: Vec<signup_forms::Model>,
    archived: Vec<signup_forms::Model>,
    came: HashMap<i64, Came>,
    has_sender: bool,
}

impl ListPage {
    fn of(&self, form: &signup_forms::Model) -> Came {
        self.came.get(&form.id).copied().unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "signup/edit.html")]
struct EditPage {
    shell: Shell,
    form: Option<signup_forms::Model>,
    fields: FormFields,
    topics: Vec<topics::Model>,
    errors: FormErrors,
}

impl EditPage {
    fn action(&self) -> String {
        match &self.form {
            Some(form) => format!("/forms/{}/edit", form.id),
            None => "/forms/new".into(),
        }
    }
}

#[derive(Template)]
#[template(path = "signup/show.html")]
struct ShowPage {
    shell: Shell,
    form: signup_forms::Model,
    url: String,
    came: Came,
    latest: Vec<signups::Model>,
    topics: Vec<String>,
    zone: Tz,
}

impl ShowPage {
    fn state(&self, signup: &signups::Model) -> &'static str {
        match (signup.confirmed_at, &signup.problem, signup.mailed_at) {
            (Some(_), _, _) => "Confirmed",
            (None, Some(_), _) => "Not asked",
            (None, None, Some(_)) => "Asked to confirm",
            (None, None, None) => "Waits to be asked",
        }
    }
}

/// `GET /forms`
pub async fn list_forms(cx: Data<Context>, staff: Staff<Viewer>) -> Result<HttpResponse> {
    let (archived, in_use) = store::all(&*cx.db)
        .await?
        .into_iter()
        .partition(|form| form.archived_at.is_some());
    let page = ListPage {
        shell: staff.shell(Section::Contacts, "Sign-up forms"),
        in_use,
        archived,
        came: store::came(&*cx.db).await?,
        has_sender: !staff.club.sender.email.is_empty(),
    };
    html_with(StatusCode::OK, &page)
}

async fn editor<L: Level>(
    cx: &Context,
    staff: &Staff<L>,
    form: Option<signup_forms::Model>,
    fields: FormFields,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let title = form
        .as_ref()
        .map_or("New sign-up form", |form| form.name.as_str());
    let page = EditPage {
        shell: staff.shell(Section::Contacts, title),
        topics: topic_store::list(&*cx.db).await?,
        form,
        fields,
        errors,
    };
    html_with(status, &page)
}

/// `GET /forms/new`
pub async fn get_new_form(cx: Data<Context>, staff: Staff<Manager>) -> Result<HttpResponse> {
    let fields = FormFields::suggested(&staff.club.name);
    editor(&cx, &staff, None, fields, FormErrors::default()).await
}

/// `POST /forms/new`
pub async fn create_form(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    body: Bytes,
) -> Result<HttpResponse> {
    let fields = FormFields::read(&body);
    let new = match fields.parse(&topic_store::list(&*cx.db).await?) {
        Ok(new) => new,
        Err(errors) => return editor(&cx, &staff, None, fields, errors).await,
    };
    let tx = cx.db.begin().await?;
    match commands::add(&tx, new, &staff.actor(), cx.clock.now()).await {
        Ok(form) => {
            tx.commit().await?;
            staff.flash(
                "ok",
                format!("“{}” is on the web. Put it on your website too.", form.name),
            );
            Ok(see_other(hx, &format!("/forms/{}", form.id)))
        }
        Err(AppError::Invalid(errors)) => {
            drop(tx);
            editor(&cx, &staff, None, fields, errors).await
        }
        Err(error) => Err(error),
    }
}

async fn load(cx: &Context, id: i64) -> Result<signup_forms::Model> {
    store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)
}

/// `GET /forms/{id}`
pub async fn get_form(cx: Data<Context>, staff: Staff<Viewer>, id: Path<i64>) -> Result<HttpResponse> {
    let form = load(&cx, *id).await?;
    let offered = store::topics_of(&form);
    let topics = topic_store::list(&*cx.db)
        .await?
        .into_iter()
        .filter(|topic| offered.contains(&topic.id))
        .map(|topic| topic.name)
        .collect();
    let page = ShowPage {
        shell: staff.shell(Section::Contacts, &form.name),
        url: format!("{}/f/{}", cx.settings.base(), form.key),
        came: store::came(&*cx.db).await?.remove(&form.id).unwrap_or_default(),
        latest: store::latest(&*cx.db, form.id, SHOWN).await?,
        topics,
        zone: staff.zone(),
        form,
    };
    html_with(StatusCode::OK, &page)
}

/// `GET /forms/{id}/edit`
pub async fn get_edit(cx: Data<Context>, staff: Staff<Manager>, id: Path<i64>) -> Result<HttpResponse> {
    let form = load(&cx, *id).await?;
    let fields = FormFields::of(&form);
    editor(&cx, &staff, Some(form), fields, FormErrors::default()).await
}

/// `POST /forms/{id}/edit`
pub async fn edit_form(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
    body: Bytes,
) -> Result<HttpResponse> {
    let form = load(&cx, *id).await?;
    // The key stays: it is in addresses on the web.
    let fields = FormFields {
        key: form.key.clone(),
        ..FormFields::read(&body)
    };
    let new = match fields.parse(&topic_store::list(&*cx.db).await?) {
        Ok(new) => new,
        Err(errors) => return editor(&cx, &staff, Some(form), fields, errors).await,
    };
    let tx = cx.db.begin().await?;
    commands::edit(&tx, form, new, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", "The form is saved.");
    Ok(see_other(hx, &format!("/forms/{id}")))
}

/// `POST /forms/{id}/archive`
pub async fn archive_form(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    set_archived(&cx, &staff, hx, *id, true).await
}

/// `POST /forms/{id}/restore`
pub async fn restore_form(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    set_archived(&cx, &staff, hx, *id, false).await
}

async fn set_archived(
    cx: &Context,
    staff: &Staff<Manager>,
    hx: Hx,
    id: i64,
    is_archived: bool,
) -> Result<HttpResponse> {
    let form = load(cx, id).await?;
    let name = form.name.clone();
    let tx = cx.db.begin().await?;
    commands::set_archived(&tx, form, is_archived, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        match is_archived {
            true => format!("“{name}” is off the web. Who confirmed stays on your lists."),
            false => format!("“{name}” is on the web again."),
        },
    );
    Ok(see_other(hx, "/forms"))
}
