//! How people come into a journey, how often, and what takes them out.

use super::form::EventRows;
use super::{load, may_write};
use crate::accounts::{Manager, Staff};
use crate::campaigns::journey::commands;
use crate::campaigns::store as campaigns_store;
use crate::context::Context;
use crate::domain::AttributeKind;
use crate::domain::goal::check_event;
use crate::domain::journey::{Entry, Exit, Journey, MOST_DAYS, OnDate, Reentry, Span};
use crate::entity::{attribute_definitions, campaigns};
use crate::web::forms::read;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveTime;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::Deserialize;

/// The form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EntryForm {
    revision: i64,
    by: String,
    existing: bool,
    event: String,
    #[serde(skip)]
    condition: EventRows,
    attribute: String,
    yearly: String,
    days: String,
    /// `before` or `after`.
    side: String,
    at: String,
    reentry: String,
    number: String,
    unit: String,
    on_goal: bool,
    on_leaving_segment: bool,
}

impl EntryForm {
    /// As it comes in. A nested condition of the journey's entry may stay.
    fn read(body: &[u8], journey: &Journey) -> Result<Self> {
        let before = match &journey.entry {
            Entry::Event { condition, .. } => condition.as_ref(),
            _ => None,
        };
        Ok(Self {
            condition: EventRows::read(body, before)?,
            ..read(body)?
        })
    }

    fn of(journey: &Journey, revision: i64) -> Self {
        let mut form = Self {
            revision,
            by: journey.entry.word().to_owned(),
            existing: true,
            yearly: "yes".into(),
            days: "0".into(),
            side: "after".into(),
            at: "09:00".into(),
            number: "30".into(),
            unit: "day".into(),
            on_goal: journey.exit.on_goal,
            on_leaving_segment: journey.exit.on_leaving_segment,
            ..Self::default()
        };
        match &journey.entry {
            Entry::Staff => {}
            Entry::Segment { existing } => form.existing = *existing,
            Entry::Event { event, condition } => {
                form.event.clone_from(event);
                form.condition = EventRows::of(condition.as_ref());
            }
            Entry::Date(on) => {
                form.attribute.clone_from(&on.attribute);
                form.yearly = if on.yearly { "yes" } else { "no" }.into();
                form.days = on.days.unsigned_abs().to_string();
                form.side = if on.days < 0 { "before" } else { "after" }.into();
                form.at = on.at.format("%H:%M").to_string();
            }
        }
        match journey.reentry {
            Reentry::Never => form.reentry = "NEVER".into(),
            Reentry::Always => form.reentry = "ALWAYS".into(),
            Reentry::After(span) => {
                let (number, unit) = span.parts();
                form.reentry = "AFTER".into();
                (form.number, form.unit) = (number.to_string(), unit.to_owned());
            }
        }
        form
    }

    fn parse(&self) -> std::result::Result<(Entry, Reentry, Exit), FormErrors> {
        let mut errors = FormErrors::default();
        let entry = self.entry(&mut errors);
        let reentry = match self.reentry.as_str() {
            "ALWAYS" => Reentry::Always,
            "AFTER" => match Span::of(&self.number, &self.unit) {
                Ok(span) => Reentry::After(span),
                Err(sentence) => {
                    errors.add("number", sentence);
                    Reentry::Never
                }
            },
            _ => Reentry::Never,
        };
        let exit = Exit {
            on_goal: self.on_goal,
            on_leaving_segment: self.on_leaving_segment,
        };
        errors.or(|| (entry, reentry, exit))
    }

    fn entry(&self, errors: &mut FormErrors) -> Entry {
        match self.by.as_str() {
            "SEGMENT" => Entry::Segment {
                existing: self.existing,
            },
            "EVENT" => {
                let event = self.event.trim().to_owned();
                if let Err(sentence) = check_event(&event) {
                    errors.add("event", sentence);
                }
                Entry::Event {
                    event,
                    condition: self.condition.parse(errors),
                }
            }
            "DATE" => {
                if self.attribute.is_empty() {
                    errors.add("attribute", "Choose the attribute that holds the date.");
                }
                let days = self.days.trim().parse::<i32>().ok();
                let days = days.filter(|days| (0..=MOST_DAYS).contains(days));
                if days.is_none() {
                    errors.add("days", format!("A number of days from 0 to {MOST_DAYS}."));
                }
                let days = days.unwrap_or_default();
                let at = NaiveTime::parse_from_str(self.at.get(..5).unwrap_or(&self.at), "%H:%M");
                if at.is_err() {
                    errors.add("at", "Write the time as hours and minutes, such as 09:00.");
                }
                Entry::Date(OnDate {
                    attribute: self.attribute.clone(),
                    yearly: self.yearly == "yes",
                    days: if self.side == "before" { -days } else { days },
                    at: at.unwrap_or(NaiveTime::MIN),
                })
            }
            "STAFF" => Entry::Staff,
            _ => {
                errors.add("by", "Choose how people come in.");
                Entry::Staff
            }
        }
    }
}

#[derive(Template)]
#[template(path = "campaigns/journey/entry.html")]
struct EntryPage {
    shell: Shell,
    campaign: campaigns::Model,
    /// The campaign's segment.
    segment: Option<String>,
    dates: Vec<(String, String)>,
    form: EntryForm,
    errors: FormErrors,
    conflict: Option<String>,
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: campaigns::Model,
    form: EntryForm,
    (errors, conflict): (FormErrors, Option<String>),
) -> Result<HttpResponse> {
    let dates = attribute_definitions::Entity::find()
        .filter(attribute_definitions::Column::Kind.eq(AttributeKind::Date))
        .order_by_asc(attribute_definitions::Column::Label)
        .all(&*cx.db)
        .await?;
    let mut dates: Vec<_> = dates.into_iter().map(|row| (row.name, row.label)).collect();
    if !dates.iter().any(|(name, _)| *name == form.attribute) {
        dates.insert(0, (form.attribute.clone(), "Choose an attribute".into()));
    }
    let segment = campaigns_store::segment(&*cx.db, campaign.segment_id).await?;
    let status = match (&conflict, errors.is_empty()) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
        (None, true) => StatusCode::OK,
    };
    html_with(
        status,
        &EntryPage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            segment: segment.map(|segment| segment.name),
            campaign,
            dates,
            form,
            errors,
            conflict,
        },
    )
}

/// `GET /campaigns/{id}/journey/entry`
pub async fn get_entry(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (campaign, journey) = load(&cx, *id).await?;
    if !may_write(campaign.status) {
        return Err(AppError::Conflict(format!(
            "This campaign is {}.",
            campaign.status
        )));
    }
    let form = EntryForm::of(&journey, campaign.revision);
    page(&cx, &staff, campaign, form, (FormErrors::default(), None)).await
}

/// `POST /campaigns/{id}/journey/entry`
pub async fn edit_entry(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let (campaign, mut journey) = load(&cx, *id).await?;
    let mut form = EntryForm::read(&body, &journey)?;
    let refused = match form.parse() {
        Ok((entry, reentry, exit)) => {
            (journey.entry, journey.reentry, journey.exit) = (entry, reentry, exit);
            match commands::write(&cx, *id, form.revision, &journey, &staff.actor()).await {
                Ok(_) => return Ok(see_other(hx, &format!("/campaigns/{}/journey", *id))),
                Err(AppError::Invalid(errors)) => {
                    let sentence = errors.0.first().map(|error| error.message.clone());
                    (errors, sentence)
                }
                Err(AppError::Conflict(sentence)) => (FormErrors::default(), Some(sentence)),
                Err(other) => return Err(other),
            }
        }
        Err(errors) => (errors, None),
    };
    form.revision = campaign.revision;
    page(&cx, &staff, campaign, form, refused).await
}
