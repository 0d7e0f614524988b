//! `/settings/attributes`: what the club keeps of its people beside names and addresses.

use super::commands::{self, LONGEST_LABEL, NewAttribute};
use super::store;
use crate::accounts::{Admin, Staff};
use crate::context::Context;
use crate::domain::AttributeKind;
use crate::domain::contact::MOST_ATTRIBUTES;
use crate::entity::{attribute_definitions, segments};
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
#[template(path = "audience/attributes.html")]
struct AttributesPage {
    shell: Shell,
    rows: Vec<attribute_definitions::Model>,
    people: HashMap<String, i64>,
    form: AttributeForm,
    errors: FormErrors,
}

impl AttributesPage {
    fn people(&self, name: &str) -> String {
        filters::group(self.people.get(name).copied().unwrap_or(0))
    }

    fn kinds(&self) -> Vec<(AttributeKind, &'static str)> {
        let kinds = [
            AttributeKind::Text,
            AttributeKind::Number,
            AttributeKind::Date,
            AttributeKind::Boolean,
        ];
        kinds.map(|kind| (kind, in_words(&kind))).into()
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= MOST_ATTRIBUTES
    }
}

#[derive(Template)]
#[template(path = "audience/attribute.html")]
struct AttributePage {
    shell: Shell,
    row: attribute_definitions::Model,
    people: i64,
    segments: Vec<segments::Model>,
    form: AttributeForm,
    errors: FormErrors,
}

/// A kind as staff read it.
const fn in_words(kind: &AttributeKind) -> &'static str {
    match kind {
        AttributeKind::Text => "Text",
        AttributeKind::Number => "Number",
        AttributeKind::Date => "Date",
        AttributeKind::Boolean => "Yes or no",
    }
}

#[derive(Deserialize)]
#[serde(default)]
pub struct AttributeForm {
    label: String,
    name: String,
    kind: String,
}

impl Default for AttributeForm {
    fn default() -> Self {
        Self {
            label: String::new(),
            name: String::new(),
            kind: AttributeKind::Text.to_string(),
        }
    }
}

fn status_of(errors: &FormErrors) -> StatusCode {
    match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// `GET /settings/attributes`
pub async fn list_attributes(cx: Data<Context>, staff: Staff<Admin>) -> Result<HttpResponse> {
    page(&cx, &staff, AttributeForm::default(), FormErrors::default()).await
}

async fn page(
    cx: &Context,
    staff: &Staff<Admin>,
    form: AttributeForm,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let status = status_of(&errors);
    let page = AttributesPage {
        shell: staff.shell(Section::Settings, "Attributes"),
        rows: store::list(&*cx.db).await?,
        people: store::people(&*cx.db).await?,
        form,
        errors,
    };
    html_with(status, &page)
}

/// `POST /settings/attributes`
pub async fn add_attribute(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    Form(form): Form<AttributeForm>,
) -> Result<HttpResponse> {
    let new = match NewAttribute::parse(&form.label, &form.name, &form.kind) {
        Ok(new) => new,
        Err(errors) => return page(&cx, &staff, form, errors).await,
    };
    let label = new.label.clone();
    let tx = cx.db.begin().await?;
    match commands::add(&tx, new, &staff.actor(), cx.clock.now()).await {
        Ok(()) => {
            tx.commit().await?;
            staff.flash("ok", format!("“{label}” can be filled in and asked about now."));
            Ok(see_other(hx, "/settings/attributes"))
        }
        Err(AppError::Invalid(errors)) => {
            drop(tx);
            page(&cx, &staff, form, errors).await
        }
        Err(error) => Err(error),
    }
}

async fn load(cx: &Context, name: &str) -> Result<attribute_definitions::Model> {
    store::find(&*cx.db, name).await?.ok_or(AppError::NotFound)
}

/// `GET /settings/attributes/{name}`
pub async fn get_attribute(
    cx: Data<Context>,
    staff: Staff<Admin>,
    name: Path<String>,
) -> Result<HttpResponse> {
    let row = load(&cx, &name).await?;
    let form = AttributeForm {
        label: row.label.clone(),
        ..AttributeForm::default()
    };
    one(&cx, &staff, row, form, FormErrors::default()).await
}

async fn one(
    cx: &Context,
    staff: &Staff<Admin>,
    row: attribute_definitions::Model,
    form: AttributeForm,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let status = status_of(&errors);
    let page = AttributePage {
        shell: staff.shell(Section::Settings, &row.label),
        people: store::people(&*cx.db).await?.remove(&row.name).unwrap_or(0),
        segments: store::segments_of(&*cx.db, &row.name).await?,
        row,
        form,
        errors,
    };
    html_with(status, &page)
}

/// `POST /settings/attributes/{name}`: another label.
pub async fn edit_attribute(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    name: Path<String>,
    Form(form): Form<AttributeForm>,
) -> Result<HttpResponse> {
    let row = load(&cx, &name).await?;
    let mut errors = FormErrors::default();
    let label = errors.text("label", &form.label, LONGEST_LABEL);
    if !errors.is_empty() {
        return one(&cx, &staff, row, form, errors).await;
    }
    let tx = cx.db.begin().await?;
    commands::relabel(&tx, row, &label, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", "The attribute is saved.");
    Ok(see_other(hx, "/settings/attributes"))
}

/// `POST /settings/attributes/{name}/delete`
pub async fn delete_attribute(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    name: Path<String>,
) -> Result<HttpResponse> {
    let row = load(&cx, &name).await?;
    let label = row.label.clone();
    let tx = cx.db.begin().await?;
    commands::delete(&tx, row, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", format!("“{label}” is deleted. Nobody had a value of it."));
    Ok(see_other(hx, "/settings/attributes"))
}
