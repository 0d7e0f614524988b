//! Step 4 of a campaign that repeats: how often, with its next ten times while they are chosen.

use super::feed::Look;
use super::{Again, Asked, Frame, Outcome, Step, load};
use crate::accounts::{Manager, Staff};
use crate::campaigns::forms::{FeedForm, NEVER, OutcomeForm, PacingForm, RecurringForm};
use crate::context::Context;
use crate::domain::recurrence::Occurrence;
use crate::web::filters;
use crate::web::forms::read;
use crate::web::{FormErrors, Result, Section, Shell, html, html_with, zones};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// Times that are shown while a repetition is chosen.
const SHOWN: usize = 10;

#[derive(Template)]
#[template(path = "campaigns/wizard/schedule/recurring.html")]
struct RecurringPage {
    shell: Shell,
    frame: Frame,
    form: RecurringForm,
    feed: FeedForm,
    look: Option<Look>,
    pacing: PacingForm,
    outcome: OutcomeForm,
    errors: FormErrors,
    zones: Vec<(&'static str, &'static str)>,
    next: Next,
}

/// What was entered, as it happens next.
#[derive(Default)]
struct Next {
    /// The repetition in words; empty where it cannot be understood yet.
    words: String,
    /// Why there is nothing to show.
    problem: String,
    zone: &'static str,
    times: Vec<Line>,
    is_more: bool,
}

/// One of the next times.
struct Line {
    at: DateTime<Utc>,
    text: String,
    /// That the clocks skip what was asked for.
    note: String,
}

/// The next times by themselves, while they are chosen.
#[derive(Template)]
#[template(path = "campaigns/wizard/schedule/_next.html")]
struct NextPart {
    next: Next,
}

fn line(found: Occurrence, zone: Tz) -> Line {
    let shown = found.at.with_timezone(&zone);
    let note = match shown.naive_local() == found.local {
        true => String::new(),
        false => format!("the clocks skip {}", found.local.format("%H:%M")),
    };
    Line {
        at: found.at,
        text: shown.format("%a %-d %B %Y, %H:%M").to_string(),
        note,
    }
}

fn next(cx: &Context, form: &RecurringForm) -> Next {
    let entered = match form.entered() {
        Ok(entered) => entered,
        Err(errors) => {
            let first = errors.0.into_iter().next();
            return Next {
                problem: first.map(|error| error.message).unwrap_or_default(),
                ..Next::default()
            };
        }
    };
    let zone = entered.zone;
    let mut times: Vec<_> = entered
        .recurrence
        .after(cx.clock.now(), zone)
        .take(SHOWN + 1)
        .map(|found| line(found, zone))
        .collect();
    let is_more = times.len() > SHOWN;
    times.truncate(SHOWN);
    Next {
        words: entered.recurrence.words(),
        problem: match times.is_empty() {
            true => NEVER.into(),
            false => String::new(),
        },
        zone: zone.name(),
        times,
        is_more,
    }
}

/// What stands on the page.
struct Filled {
    form: RecurringForm,
    feed: FeedForm,
    /// What is in the feed, where somebody looked.
    look: Option<Look>,
    pacing: PacingForm,
    outcome: OutcomeForm,
}

async fn page(asked: &Asked<'_>, filled: Filled, again: Again) -> Result<HttpResponse> {
    let Filled {
        form,
        feed,
        look,
        pacing,
        outcome,
    } = filled;
    html_with(
        again.status(),
        &RecurringPage {
            shell: asked.staff.shell(Section::Campaigns, &asked.campaign.name),
            frame: Frame::load(asked.cx, Some(asked.campaign), Step::Schedule, &again).await?,
            zones: zones::choices(&form.timezone),
            feed,
            look,
            pacing,
            outcome: outcome.again(&again),
            next: next(asked.cx, &form),
            errors: again.errors,
            form,
        },
    )
}

pub async fn show(asked: &Asked<'_>) -> Result<HttpResponse> {
    let filled = Filled {
        form: RecurringForm::of(asked.campaign, asked.cx.clock.now()),
        feed: FeedForm::of(asked.campaign),
        look: None,
        pacing: PacingForm::of(asked.campaign),
        outcome: OutcomeForm::of(asked.campaign),
    };
    page(asked, filled, Again::default()).await
}

/// The step as it was typed, with what is in the feed.
pub async fn show_with(asked: &Asked<'_>, body: &[u8], look: Look) -> Result<HttpResponse> {
    let filled = Filled {
        form: read(body)?,
        feed: read(body)?,
        look: Some(look),
        pacing: read(body)?,
        outcome: OutcomeForm::read(body, asked.campaign)?,
    };
    page(asked, filled, Again::default()).await
}

pub async fn keep(asked: &Asked<'_>, body: &[u8]) -> Result<HttpResponse> {
    let form: RecurringForm = read(body)?;
    let outcome = OutcomeForm::read(body, asked.campaign)?;
    let (pacing, feed): (PacingForm, FeedForm) = (read(body)?, read(body)?);
    let mut errors = FormErrors::default();
    let mut changes = form.parse(asked.cx.clock.now(), &mut errors);
    outcome.add_to(&mut changes, &mut errors);
    pacing.add_to(&mut changes, &mut errors);
    feed.add_to(&mut changes, &mut errors);
    let parsed = errors.or(|| changes);
    match asked.save(outcome.revision, parsed).await? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Again(again) => {
            let filled = Filled {
                form,
                feed,
                look: None,
                pacing,
                outcome,
            };
            page(asked, filled, again).await
        }
    }
}

/// `GET /campaigns/{id}/next-times?frequency=&…`: the next times of a repetition as it is entered.
pub async fn get_next_times(
    _staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
    request: HttpRequest,
) -> Result<HttpResponse> {
    load(&cx, *id).await?;
    let form: RecurringForm = read(request.query_string().as_bytes())?;
    html(&NextPart {
        next: next(&cx, &form),
    })
}
