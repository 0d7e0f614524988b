//! `/calendar/move`: another day for a scheduled campaign. Dragging keeps the time; the form, which
//! needs no mouse, asks for both.

use super::pages::{Asked, answer};
use crate::accounts::{Manager, Staff};
use crate::campaigns::checklist::zone;
use crate::campaigns::draft::{Changes, When};
use crate::campaigns::{commands, store};
use crate::context::Context;
use crate::domain::schedule;
use crate::domain::{CampaignType, Status};
use crate::entity::campaigns;
use crate::web::filters::local;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

/// Where a campaign goes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MoveForm {
    campaign: i64,
    revision: i64,
    /// `2026-03-04`: of the calendar when it was dragged, else in the campaign's zone.
    date: String,
    /// Empty: as it is.
    time: String,
    /// The day on which the calendar showed it; empty where the form asks.
    shown: String,
    month: String,
    week: String,
}

#[derive(Template)]
#[template(path = "campaigns/move.html")]
struct MovePage {
    shell: Shell,
    campaign: campaigns::Model,
    zone: &'static str,
    form: MoveForm,
    errors: FormErrors,
}

async fn movable(cx: &Context, id: i64) -> Result<(campaigns::Model, DateTime<Utc>)> {
    let campaign = store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)?;
    match (campaign.kind, campaign.status, campaign.scheduled_at) {
        (CampaignType::OneTime, Status::Scheduled, Some(at)) => Ok((campaign, at.0)),
        _ => Err(AppError::Conflict(format!(
            "“{}” is not waiting for a time any more, so it cannot be moved. Reload the calendar.",
            campaign.name
        ))),
    }
}

/// `GET /calendar/move?campaign=`: the form.
pub async fn get_move(
    staff: Staff<Manager>,
    asked: web::Query<MoveForm>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (campaign, at) = movable(&cx, asked.campaign).await?;
    let at = at.with_timezone(&zone(&campaign));
    let form = MoveForm {
        campaign: campaign.id,
        revision: campaign.revision,
        date: at.format("%Y-%m-%d").to_string(),
        time: at.format("%H:%M").to_string(),
        ..asked.into_inner()
    };
    page(&staff, campaign, form, FormErrors::default())
}

fn page(
    staff: &Staff<Manager>,
    campaign: campaigns::Model,
    form: MoveForm,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    html_with(
        status,
        &MovePage {
            shell: staff.shell(Section::Calendar, &format!("Move “{}”", campaign.name)),
            zone: zone(&campaign).name(),
            campaign,
            form,
            errors,
        },
    )
}

impl MoveForm {
    /// The new instant: the time on the wall stays where none is given.
    fn instant(
        &self,
        campaign: &campaigns::Model,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, FormErrors> {
        let zone = zone(campaign);
        let was = at.with_timezone(&zone).naive_local();
        let time = match self.time.as_str() {
            "" => was.time().format("%H:%M:%S").to_string(),
            time => time.to_owned(),
        };
        let local = schedule::parse_entry(&self.date, &time).map_err(|error| {
            let field = match error {
                schedule::EntryError::Date => "date",
                schedule::EntryError::Time => "time",
            };
            FormErrors::one(field, error.sentence())
        })?;
        // A dragged one moves by as many days as on the calendar, whose zone may be another.
        let local = match NaiveDate::parse_from_str(&self.shown, "%Y-%m-%d") {
            Ok(shown) => was.date() + local.date().signed_duration_since(shown),
            Err(_) => local.date(),
        }
        .and_time(local.time());
        let at = schedule::resolve(local, zone).instant();
        match schedule::refusal(at, now, zone) {
            Some(refusal) => Err(FormErrors::one("date", refusal)),
            None => Ok(at),
        }
    }

    fn view(&self) -> Asked {
        Asked::of(&self.month, &self.week)
    }

    fn url(&self) -> String {
        match (self.month.as_str(), self.week.as_str()) {
            ("", "") => "/calendar".to_owned(),
            ("", _) => self.query("week", &self.week),
            _ => self.query("month", &self.month),
        }
    }

    fn query(&self, name: &str, value: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(name, value)
            .finish();
        format!("/calendar?{query}")
    }
}

/// `POST /calendar/move`: for htmx the calendar afterwards; what is refused is a toast there.
pub async fn move_campaign(
    staff: Staff<Manager>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(form): Form<MoveForm>,
) -> Result<HttpResponse> {
    let (campaign, at) = movable(&cx, form.campaign).await?;
    let moved = match form.instant(&campaign, at, cx.clock.now()) {
        Ok(moved) => moved,
        Err(errors) if hx.is_partial() => return Err(errors.into()),
        Err(errors) => return page(&staff, campaign, form, errors),
    };
    let changes = Changes {
        when: Some(When::At(moved)),
        ..Changes::default()
    };
    let campaign = match commands::edit(&cx, campaign.id, Some(form.revision), &changes, &staff.actor()).await
    {
        Ok(campaign) => campaign,
        Err(AppError::Invalid(errors)) if !hx.is_partial() => return page(&staff, campaign, form, errors),
        Err(other) => return Err(other),
    };
    cx.bell.ring();
    let note = format!("“{}” is sent {}.", campaign.name, local(moved, zone(&campaign)));
    match hx.is_partial() {
        true => answer(&cx, &staff, &form.view(), hx, note).await,
        false => {
            staff.flash("ok", note);
            Ok(see_other(hx, &form.url()))
        }
    }
}
