//! `/campaigns/{id}/occurrences/{original}`: one occurrence of a recurring campaign, changed or
//! skipped without touching the rest. It is known by when the rule has it, in milliseconds.

use crate::accounts::{Manager, Staff};
use crate::campaigns::checklist::zone;
use crate::campaigns::recurring::single::{self, Change};
use crate::campaigns::store;
use crate::content::render::MAX_SUBJECT;
use crate::context::Context;
use crate::domain::{Channel, schedule};
use crate::entity::{campaigns, occurrences, templates};
use crate::web::filters::local;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// What is different this once.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct OccurrenceForm {
    pub date: String,
    pub time: String,
    /// Empty: the template's.
    pub subject: String,
    /// Empty: the campaign's.
    #[serde(rename = "templateId")]
    pub template: String,
}

impl OccurrenceForm {
    fn of(row: &occurrences::Model, campaign: &campaigns::Model) -> Self {
        let at = row.moved_to.unwrap_or(row.original).0;
        let at = at.with_timezone(&zone(campaign));
        Self {
            date: at.format("%Y-%m-%d").to_string(),
            time: at.format("%H:%M").to_string(),
            subject: row.subject.clone().unwrap_or_default(),
            template: row.template_id.map(|id| id.to_string()).unwrap_or_default(),
        }
    }

    fn parse(&self, campaign: &campaigns::Model, original: DateTime<Utc>) -> Result<Change, FormErrors> {
        let mut errors = FormErrors::default();
        let subject = errors.optional("subject", &self.subject, MAX_SUBJECT);
        let zone = zone(campaign);
        let at = match schedule::parse_entry(&self.date, &self.time) {
            Ok(entered) => {
                let at = schedule::resolve(entered, zone).instant();
                // Seconds of the rule's time are not in the form.
                let is_same = original.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
                    == entered.format("%Y-%m-%d %H:%M").to_string();
                Some((!is_same).then_some(at))
            }
            Err(error) => {
                let field = match error {
                    schedule::EntryError::Date => "date",
                    schedule::EntryError::Time => "time",
                };
                errors.add(field, error.sentence());
                None
            }
        };
        let template = match self.template.as_str() {
            "" => Some(None),
            text => text.parse().ok().map(Some),
        };
        if template.is_none() {
            errors.add("templateId", "Choose a template.");
        }
        errors.or(|| Change {
            skip: None,
            at,
            subject: Some((!subject.is_empty()).then_some(subject)),
            template,
        })
    }
}

#[derive(Template)]
#[template(path = "campaigns/occurrence.html")]
struct OccurrencePage {
    shell: Shell,
    campaign: campaigns::Model,
    original: DateTime<Utc>,
    /// When the rule has it, in words.
    when: String,
    zone: &'static str,
    form: OccurrenceForm,
    errors: FormErrors,
    templates: Vec<(String, String)>,
}

fn instant(millis: i64) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_millis(millis).ok_or(AppError::NotFound)
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: campaigns::Model,
    original: DateTime<Utc>,
    form: OccurrenceForm,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let mut choices = vec![(String::new(), "The campaign’s".to_owned())];
    let list: Vec<templates::Model> = store::templates(&*cx.db, Channel::Email).await?;
    choices.extend(
        list.into_iter()
            .map(|template| (template.id.to_string(), template.name)),
    );
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    html_with(
        status,
        &OccurrencePage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            when: local(original, zone(&campaign)),
            zone: zone(&campaign).name(),
            campaign,
            original,
            form,
            errors,
            templates: choices,
        },
    )
}

/// `GET /campaigns/{id}/occurrences/{original}`
pub async fn get_occurrence(
    staff: Staff<Manager>,
    path: web::Path<(i64, i64)>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (id, original) = (path.0, instant(path.1)?);
    let campaign = super::find(&cx, id).await?;
    let row = single::find(&cx, &campaign, original).await?;
    let form = OccurrenceForm::of(&row, &campaign);
    page(&cx, &staff, campaign, original, form, FormErrors::default()).await
}

/// `POST /campaigns/{id}/occurrences/{original}`
pub async fn edit_occurrence(
    staff: Staff<Manager>,
    path: web::Path<(i64, i64)>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(form): Form<OccurrenceForm>,
) -> Result<HttpResponse> {
    let (id, original) = (path.0, instant(path.1)?);
    let campaign = super::find(&cx, id).await?;
    let changed = match form.parse(&campaign, original) {
        Ok(change) => single::change(&cx, id, original, &change, &staff.actor()).await,
        Err(errors) => Err(AppError::Invalid(errors)),
    };
    match changed {
        Ok(()) => {
            let when = local(original, zone(&campaign));
            staff.flash(
                "ok",
                format!("Kept for the one of {when}; the others stay as they are."),
            );
            Ok(see_other(hx, &format!("/campaigns/{id}#to-come")))
        }
        Err(AppError::Invalid(errors)) => page(&cx, &staff, campaign, original, form, errors).await,
        Err(other) => Err(other),
    }
}

/// `POST /campaigns/{id}/occurrences/{original}/skip`
pub async fn skip_occurrence(
    staff: Staff<Manager>,
    path: web::Path<(i64, i64)>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    toggle(&cx, &staff, hx, *path, true).await
}

/// `POST /campaigns/{id}/occurrences/{original}/restore`
pub async fn restore_occurrence(
    staff: Staff<Manager>,
    path: web::Path<(i64, i64)>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    toggle(&cx, &staff, hx, *path, false).await
}

async fn toggle(
    cx: &Context,
    staff: &Staff<Manager>,
    hx: Hx,
    (id, original): (i64, i64),
    skip: bool,
) -> Result<HttpResponse> {
    let original = instant(original)?;
    let campaign = super::find(cx, id).await?;
    let change = Change {
        skip: Some(skip),
        ..Change::default()
    };
    single::change(cx, id, original, &change, &staff.actor()).await?;
    let when = local(original, zone(&campaign));
    let text = match skip {
        true => format!("Skipped: nothing is sent {when}. The others stay as they are."),
        false => format!("It is sent after all, {when}."),
    };
    staff.flash("ok", text);
    Ok(see_other(hx, &format!("/campaigns/{id}#to-come")))
}
