//! The wizard: five steps with addresses of their own. Every step is a form that saves and goes
//! on; with htmx a draft also saves itself while somebody writes. A campaign that is scheduled
//! goes through the same steps, and is changed by the button alone.

pub mod audience;
pub mod basics;
pub mod content;
mod frame;
pub mod review;
pub mod schedule;
pub mod social;

use crate::accounts::audit::{self, Subject};
use crate::accounts::{Manager, Staff};
use crate::campaigns::commands;
use crate::campaigns::draft::Changes;
use crate::context::Context;
use crate::domain::campaign::is_editable;
use crate::entity::campaigns;
use crate::web::{AppError, FormErrors, Hx, Result, html, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::TimeDelta;
pub(super) use frame::{Frame, Step};
use serde::Deserialize;

/// `?autosave=true`: answer with a note, and stay.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct How {
    #[serde(default)]
    autosave: bool,
}

/// A step's form on its way in.
struct Posted {
    hx: Hx,
    how: How,
    step: Step,
    /// The one that the form was filled in on.
    revision: i64,
}

/// A form that comes back.
#[derive(Debug, Default)]
pub struct Again {
    errors: FormErrors,
    conflict: Option<String>,
    /// The revision that saving once more overwrites.
    revision: Option<i64>,
}

impl Again {
    fn status(&self) -> StatusCode {
        match (&self.conflict, self.errors.is_empty()) {
            (Some(_), _) => StatusCode::CONFLICT,
            (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
            (None, true) => StatusCode::OK,
        }
    }
}

/// What a save comes to.
enum Outcome {
    Answer(HttpResponse),
    Again(Again),
}

/// The note that a draft was saved, or why it was not; and the revision that is seen now.
#[derive(Template)]
#[template(path = "campaigns/wizard/_saved.html")]
struct SavedNote {
    text: String,
    is_kept: bool,
    revision: Option<i64>,
}

/// The campaign of a step. One that may not be changed any more has no steps.
async fn load(cx: &Context, id: i64) -> Result<campaigns::Model> {
    super::find(cx, id).await
}

/// Sends whoever opens a step of a campaign that runs or ran to its page.
fn gone_on(staff: &Staff<Manager>, campaign: &campaigns::Model) -> Option<HttpResponse> {
    if is_editable(campaign.status) {
        return None;
    }
    staff.flash(
        "warn",
        format!(
            "This campaign is {}, so it cannot be changed any more. Duplicate it to send something else.",
            campaign.status
        ),
    );
    Some(
        HttpResponse::SeeOther()
            .insert_header(("Location", format!("/campaigns/{}", campaign.id)))
            .finish(),
    )
}

/// Saves a step and goes on to the next, or says why not.
async fn save(
    cx: &Context,
    staff: &Staff<Manager>,
    posted: Posted,
    seen: &campaigns::Model,
    parsed: Result<Changes, FormErrors>,
) -> Result<Outcome> {
    let saved = match parsed {
        Ok(changes) => save_changes(cx, staff, seen, posted.revision, &changes).await,
        Err(errors) => Err(AppError::Invalid(errors)),
    };
    let again = match saved {
        Ok(campaign) if posted.how.autosave => {
            let text = format!(
                "Saved at {}.",
                cx.clock.now().with_timezone(&staff.zone()).format("%H:%M")
            );
            return note(text, true, Some(campaign.revision));
        }
        Ok(campaign) => {
            return Ok(Outcome::Answer(see_other(
                posted.hx,
                &posted.step.next().url(campaign.id),
            )));
        }
        Err(AppError::Invalid(errors)) => Again {
            errors,
            ..Again::default()
        },
        Err(AppError::Conflict(sentence)) => Again {
            conflict: Some(who_was_quicker(cx, staff, seen, &sentence).await?),
            revision: Some(seen.revision),
            ..Again::default()
        },
        Err(other) => return Err(other),
    };
    match (posted.how.autosave, &again.conflict, again.errors.0.first()) {
        (true, Some(conflict), _) => note(format!("Not saved. {conflict}"), false, None),
        (true, None, Some(error)) => note(format!("Not saved yet. {}", error.message), false, None),
        _ => Ok(Outcome::Again(again)),
    }
}

fn note(text: String, is_kept: bool, revision: Option<i64>) -> Result<Outcome> {
    Ok(Outcome::Answer(html(&SavedNote {
        text,
        is_kept,
        revision,
    })?))
}

async fn save_changes(
    cx: &Context,
    staff: &Staff<Manager>,
    seen: &campaigns::Model,
    revision: i64,
    changes: &Changes,
) -> Result<campaigns::Model> {
    // A form that is sent while it saves itself carries the revision of before.
    let is_own = seen.revision == revision + 1 && is_last_edit_own(cx, staff, seen).await?;
    let expected = match is_own {
        true => seen.revision,
        false => revision,
    };
    commands::edit(cx, seen.id, Some(expected), changes, &staff.actor()).await
}

/// How long a save of its own may be on its way.
const ON_ITS_WAY: TimeDelta = TimeDelta::seconds(10);

async fn is_last_edit_own(cx: &Context, staff: &Staff<Manager>, seen: &campaigns::Model) -> Result<bool> {
    let last = audit::of(&*cx.db, Subject("campaign", Some(seen.id)), 1)
        .await?
        .pop();
    let is_own = last.is_some_and(|line| {
        matches!(line.action.as_str(), "edited" | "created") && line.user_id == Some(staff.user.id)
    });
    Ok(is_own && cx.clock.now() - seen.updated_at.0 < ON_ITS_WAY)
}

async fn who_was_quicker(
    cx: &Context,
    staff: &Staff<Manager>,
    seen: &campaigns::Model,
    sentence: &str,
) -> Result<String> {
    if !is_editable(seen.status) {
        return Ok(sentence.to_owned());
    }
    let last = audit::of(&*cx.db, Subject("campaign", Some(seen.id)), 1)
        .await?
        .pop();
    Ok(match last {
        Some(line) => format!(
            "{} changed this campaign at {} while you were at it. What you typed is below and is not saved: \
             save it to overwrite, or open the step again to see theirs.",
            line.actor,
            seen.updated_at.0.with_timezone(&staff.zone()).format("%H:%M")
        ),
        None => sentence.to_owned(),
    })
}
