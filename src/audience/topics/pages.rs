//! `/settings/topics`: what people may opt out of one by one. Managers change it; all read it.

use super::commands::{self, NewTopic};
use super::store;
use crate::accounts::{Level, Manager, Staff, Viewer};
use crate::context::Context;
use crate::domain::{Role, slug};
use crate::entity::topics;
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use serde::Deserialize;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "audience/topics.html")]
struct TopicsPage {
    shell: Shell,
    in_use: Vec<topics::Model>,
    archived: Vec<topics::Model>,
    opt_outs: HashMap<i64, i64>,
    form: TopicForm,
    errors: FormErrors,
}

impl TopicsPage {
    fn opted_out(&self, topic: &topics::Model) -> String {
        filters::group(self.opt_outs.get(&topic.id).copied().unwrap_or(0))
    }
}

#[derive(Template)]
#[template(path = "audience/topic.html")]
struct TopicPage {
    shell: Shell,
    topic: topics::Model,
    opted_out: i64,
    form: TopicForm,
    errors: FormErrors,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct TopicForm {
    name: String,
    key: String,
    description: String,
    position: String,
}

/// `GET /settings/topics`
pub async fn list_topics(cx: Data<Context>, staff: Staff<Viewer>) -> Result<HttpResponse> {
    page(&cx, &staff, TopicForm::default(), FormErrors::default()).await
}

async fn page<L: Level>(
    cx: &Context,
    staff: &Staff<L>,
    form: TopicForm,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let (archived, in_use) = store::all(&*cx.db)
        .await?
        .into_iter()
        .partition(|topic| topic.archived_at.is_some());
    let status = status_of(&errors);
    let page = TopicsPage {
        shell: staff.shell(Section::Settings, "Topics"),
        in_use,
        archived,
        opt_outs: store::opt_outs(&*cx.db).await?,
        form,
        errors,
    };
    html_with(status, &page)
}

fn status_of(errors: &FormErrors) -> StatusCode {
    match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// `POST /settings/topics`
pub async fn add_topic(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    Form(form): Form<TopicForm>,
) -> Result<HttpResponse> {
    let mut errors = FormErrors::default();
    let new = NewTopic::parse(&mut errors, &form.name, &form.description, &form.position);
    let key = match form.key.trim() {
        "" => slug::of(&new.name),
        key => key.to_owned(),
    };
    if !new.name.is_empty()
        && let Err(message) = slug::check(&key)
    {
        errors.add("key", message);
    }
    if !errors.is_empty() {
        return page(&cx, &staff, form, errors).await;
    }
    let tx = cx.db.begin().await?;
    match commands::add(&tx, &key, new, &staff.actor(), cx.clock.now()).await {
        Ok(topic) => {
            tx.commit().await?;
            staff.flash(
                "ok",
                format!("The topic “{}” is there. Campaigns can be on it now.", topic.name),
            );
            Ok(see_other(hx, "/settings/topics"))
        }
        Err(AppError::Invalid(errors)) => {
            drop(tx);
            page(&cx, &staff, form, errors).await
        }
        Err(error) => Err(error),
    }
}

async fn load(cx: &Context, id: i64) -> Result<topics::Model> {
    store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)
}

/// `GET /settings/topics/{id}`
pub async fn get_topic(cx: Data<Context>, staff: Staff<Manager>, id: Path<i64>) -> Result<HttpResponse> {
    let topic = load(&cx, *id).await?;
    let form = TopicForm {
        name: topic.name.clone(),
        key: topic.key.clone(),
        description: topic.description.clone(),
        position: topic.position.to_string(),
    };
    one(&cx, &staff, topic, form, FormErrors::default()).await
}

async fn one(
    cx: &Context,
    staff: &Staff<Manager>,
    topic: topics::Model,
    form: TopicForm,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let opt_outs = store::opt_outs(&*cx.db).await?;
    let status = status_of(&errors);
    let page = TopicPage {
        shell: staff.shell(Section::Settings, &topic.name),
        opted_out: opt_outs.get(&topic.id).copied().unwrap_or(0),
        topic,
        form,
        errors,
    };
    html_with(status, &page)
}

/// `POST /settings/topics/{id}`
pub async fn edit_topic(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
    Form(form): Form<TopicForm>,
) -> Result<HttpResponse> {
    let topic = load(&cx, *id).await?;
    let mut errors = FormErrors::default();
    let new = NewTopic::parse(&mut errors, &form.name, &form.description, &form.position);
    if !errors.is_empty() {
        return one(&cx, &staff, topic, form, errors).await;
    }
    let tx = cx.db.begin().await?;
    commands::edit(&tx, topic, new, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", "The topic is saved.");
    Ok(see_other(hx, "/settings/topics"))
}

/// `POST /settings/topics/{id}/archive`
pub async fn archive_topic(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let topic = load(&cx, *id).await?;
    let name = topic.name.clone();
    let tx = cx.db.begin().await?;
    commands::archive(&tx, topic, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        format!("“{name}” is archived. Who opted out of it stays known."),
    );
    Ok(see_other(hx, "/settings/topics"))
}

/// `POST /settings/topics/{id}/restore`
pub async fn restore_topic(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let topic = load(&cx, *id).await?;
    let name = topic.name.clone();
    let tx = cx.db.begin().await?;
    commands::restore(&tx, topic, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", format!("“{name}” is in use again."));
    Ok(see_other(hx, "/settings/topics"))
}
