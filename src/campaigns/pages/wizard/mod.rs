//! The wizard: five steps with addresses of their own. Every step is a form that saves and goes
//! on; with htmx a draft also saves itself while somebody writes. A campaign that is scheduled
//! goes through the same steps, and is changed by the button alone.

pub mod audience;
pub mod basics;
pub mod content;
pub mod review;
pub mod schedule;

use crate::accounts::audit::{self, Subject};
use crate::accounts::{Manager, Staff};
use crate::campaigns::channels::Words;
use crate::campaigns::checklist::zone;
use crate::campaigns::commands;
use crate::campaigns::draft::Changes;
use crate::campaigns::store;
use crate::context::Context;
use crate::domain::Status;
use crate::domain::campaign::is_editable;
use crate::entity::campaigns;
use crate::web::filters::local;
use crate::web::{AppError, FormErrors, Hx, Result, html, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::TimeDelta;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Basics,
    Audience,
    Content,
    Schedule,
    Review,
}

impl Step {
    const ALL: [Self; 5] = [
        Self::Basics,
        Self::Audience,
        Self::Content,
        Self::Schedule,
        Self::Review,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Basics => "basics",
            Self::Audience => "audience",
            Self::Content => "content",
            Self::Schedule => "schedule",
            Self::Review => "review",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Basics => "Basics",
            Self::Audience => "Audience",
            Self::Content => "Content",
            Self::Schedule => "Schedule",
            Self::Review => "Review",
        }
    }

    fn url(self, campaign: i64) -> String {
        format!("/campaigns/{campaign}/{}", self.word())
    }

    const fn next(self) -> Self {
        match self {
            Self::Basics => Self::Audience,
            Self::Audience => Self::Content,
            Self::Content => Self::Schedule,
            Self::Schedule | Self::Review => Self::Review,
        }
    }
}

/// What the steps have in common: where one is, and what there is to know.
pub struct Frame {
    /// `None` while the campaign is not there yet.
    pub campaign: Option<campaigns::Model>,
    step: Step,
    /// A sentence above the form: that somebody was quicker.
    pub conflict: Option<String>,
    /// What is wrong with fields that are on another step.
    pub elsewhere: Vec<String>,
    /// Whether it says anything on a channel that is sent on.
    has_content: bool,
}

/// An entry of the steps' navigation.
pub struct Entry {
    pub label: &'static str,
    /// `None` where it cannot be gone to yet.
    pub href: Option<String>,
    pub is_current: bool,
    pub is_done: bool,
}

impl Frame {
    async fn load(
        cx: &Context,
        campaign: Option<&campaigns::Model>,
        step: Step,
        again: &Again,
    ) -> Result<Self> {
        let has_content = match campaign {
            Some(campaign) => {
                let contents = store::contents(&*cx.db, campaign.id).await?;
                let ready = Words::of(campaign).ready();
                !ready.is_empty() && ready.iter().all(|channel| contents.contains_key(channel))
            }
            None => false,
        };
        Ok(Self {
            has_content,
            campaign: campaign.cloned(),
            step,
            conflict: again.conflict.clone(),
            elsewhere: again
                .errors
                .0
                .iter()
                .filter(|error| !is_on(step, &error.field))
                .map(|error| error.message.clone())
                .collect(),
        })
    }

    pub fn entries(&self) -> Vec<Entry> {
        Step::ALL
            .into_iter()
            .map(|step| Entry {
                label: step.label(),
                href: self.campaign.as_ref().map(|campaign| step.url(campaign.id)),
                is_current: step == self.step,
                is_done: self.is_done(step),
            })
            .collect()
    }

    /// Whether a step has what it asks for. The checklist says whether it is right.
    fn is_done(&self, step: Step) -> bool {
        let Some(campaign) = &self.campaign else {
            return false;
        };
        match step {
            Step::Basics => true,
            Step::Audience => campaign.segment_id.is_some(),
            Step::Content => self.has_content,
            Step::Schedule => campaign.send_now || campaign.scheduled_at.is_some(),
            Step::Review => false,
        }
    }

    /// The form's address.
    pub fn action(&self) -> String {
        match &self.campaign {
            Some(campaign) => self.step.url(campaign.id),
            None => "/campaigns/new".to_owned(),
        }
    }

    pub fn name(&self) -> &str {
        self.campaign
            .as_ref()
            .map_or("New campaign", |campaign| &campaign.name)
    }

    /// Whether it saves itself while somebody writes.
    pub fn saves_itself(&self) -> bool {
        self.campaign
            .as_ref()
            .is_some_and(|campaign| campaign.status == Status::Draft)
    }

    /// When a campaign that is scheduled goes out.
    pub fn scheduled_for(&self) -> Option<String> {
        let campaign = self
            .campaign
            .as_ref()
            .filter(|campaign| campaign.status == Status::Scheduled)?;
        Some(match campaign.scheduled_at {
            Some(at) => local(at.0, zone(campaign)),
            None => "now".to_owned(),
        })
    }

    /// Where one goes back to.
    pub fn back(&self) -> String {
        let back = match self.step {
            Step::Basics => None,
            Step::Audience => Some(Step::Basics),
            Step::Content => Some(Step::Audience),
            Step::Schedule => Some(Step::Content),
            Step::Review => Some(Step::Schedule),
        };
        match (&self.campaign, back) {
            (Some(campaign), Some(step)) => step.url(campaign.id),
            (Some(campaign), None) => format!("/campaigns/{}", campaign.id),
            (None, _) => "/campaigns".to_owned(),
        }
    }
}

/// Whether a field, by the API's name, stands on a step.
fn is_on(step: Step, field: &str) -> bool {
    match step {
        Step::Basics => matches!(field, "name" | "type" | "channels" | "topic" | "purpose"),
        Step::Audience => field == "segmentId",
        Step::Content => matches!(
            field,
            "email.templateId" | "sender.name" | "sender.email" | "sender.replyTo"
        ),
        Step::Schedule => matches!(
            field,
            "scheduledAt" | "date" | "time" | "timezone" | "goal.event" | "goal.window" | "inDoubt"
        ),
        Step::Review => false,
    }
}

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
