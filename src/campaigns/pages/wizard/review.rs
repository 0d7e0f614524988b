//! Step 5: the checklist, and a confirmation that says the number of people.

use super::{Again, Frame, Step, gone_on, load};
use crate::accounts::{Manager, Staff};
use crate::campaigns::channels::Words;
use crate::campaigns::checklist::{self, Check, Place, Report, zone};
use crate::campaigns::{commands, recurring, social, store};
use crate::context::Context;
use crate::domain::campaign::{Command, transition};
use crate::domain::{CampaignType, Channel, Role, Status};
use crate::entity::campaigns;
use crate::web::filters::{group, local};
use crate::web::forms::Form;
use crate::web::{AppError, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::TimeDelta;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "campaigns/wizard/review.html")]
struct ReviewPage {
    shell: Shell,
    frame: Frame,
    campaign: campaigns::Model,
    report: Report,
    /// For how many seconds a send can be taken back.
    hold: u32,
    /// Where the number of people is another one than what was confirmed.
    changed: Option<String>,
}

impl ReviewPage {
    fn has_mail(&self) -> bool {
        Words::of(&self.campaign).has(&Channel::Email)
    }

    fn is_draft(&self) -> bool {
        self.campaign.status == Status::Draft
    }

    /// What the button does, in numbers.
    fn button(&self) -> String {
        let people = recipients(&self.report, &self.campaign);
        if self.campaign.kind == CampaignType::Journey {
            return match self.campaign.scheduled_at {
                Some(at) => format!("Start the journey {}", local(at.0, zone(&self.campaign))),
                None => "Start the journey now".to_owned(),
            };
        }
        if let Some(often) = how_often(&self.campaign) {
            return format!("Schedule: {often}, to {people} at present");
        }
        match self.campaign.scheduled_at {
            Some(at) => format!("Schedule for {people}, {}", local(at.0, zone(&self.campaign))),
            None if social::only_posts(&self.campaign) => format!("Post to {people} now"),
            None => format!("Send to {people} now"),
        }
    }

    /// Who can put it right, where that is not whoever sees it.
    fn may_go(&self, check: &Check) -> bool {
        check.place != Place::Settings || self.shell.may(&Role::Admin)
    }

    fn link(&self, check: &Check) -> &'static str {
        match check.place {
            Place::Basics => "Go to the basics",
            Place::Audience => "Go to the audience",
            Place::Content => "Go to the content",
            Place::Schedule => "Go to the time",
            Place::Journey => "Go to the journey",
            Place::Settings => "Open the settings",
        }
    }
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: campaigns::Model,
    status: StatusCode,
    changed: Option<String>,
) -> Result<HttpResponse> {
    let contents = store::contents(&*cx.db, campaign.id).await?;
    let mut report = checklist::report(&*cx.db, &campaign, &contents, cx.clock.now()).await?;
    checklist::feed::look(&mut report, cx, &campaign).await?;
    html_with(
        status,
        &ReviewPage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            frame: Frame::load(cx, Some(&campaign), Step::Review, &Again::default()).await?,
            hold: staff.club.sending.hold_seconds,
            campaign,
            report,
            changed,
        },
    )
}

/// `GET /campaigns/{id}/review`
pub async fn get_review(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    if let Some(elsewhere) = gone_on(&staff, &campaign) {
        return Ok(elsewhere);
    }
    page(&cx, &staff, campaign, StatusCode::OK, None).await
}

/// What was confirmed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Confirmed {
    /// The number of people that the button said.
    people: i64,
    revision: i64,
}

/// How many more people than the button said still count as what was confirmed: somebody joins
/// all the time.
fn is_about(confirmed: i64, now: i64) -> bool {
    now <= confirmed + (confirmed / 20).max(5)
}

/// `POST /campaigns/{id}/review`: schedules it. Asked again where it would go to many more people
/// than the button said, or where it is another campaign by now.
pub async fn schedule_campaign(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(confirmed): Form<Confirmed>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    transition(campaign.status, Command::Schedule)?;
    let contents = store::contents(&*cx.db, campaign.id).await?;
    let report = checklist::report(&*cx.db, &campaign, &contents, cx.clock.now()).await?;
    let question = if campaign.revision != confirmed.revision {
        Some(
            "This campaign was changed since you opened this page. Look at it again, then confirm."
                .to_owned(),
        )
    } else if !is_about(confirmed.people, report.people()) {
        Some(format!(
            "It would go to {} people now, not {} as when you opened this page. Confirm the new number.",
            group(report.people()),
            group(confirmed.people)
        ))
    } else {
        None
    };
    if question.is_some() {
        return page(&cx, &staff, campaign, StatusCode::CONFLICT, question).await;
    }
    let hold = TimeDelta::seconds(staff.club.sending.hold_seconds.into());
    match commands::schedule_held(&cx, campaign.id, hold, &staff.actor()).await {
        Ok(scheduled) => {
            staff.flash("ok", done(&scheduled, &recipients(&report, &scheduled)));
            Ok(see_other(hx, &format!("/campaigns/{}", campaign.id)))
        }
        Err(AppError::Invalid(_)) => {
            page(&cx, &staff, campaign, StatusCode::UNPROCESSABLE_ENTITY, None).await
        }
        Err(other) => Err(other),
    }
}

/// `every Tuesday at 09:00`, of one that repeats.
fn how_often(campaign: &campaigns::Model) -> Option<String> {
    let recurrence = recurring::of(campaign).filter(|_| campaign.kind == CampaignType::Recurring)?;
    let words = recurrence.words();
    let mut letters = words.chars();
    let first = letters.next()?.to_lowercase();
    Some(format!("{first}{}", letters.as_str()))
}

/// `412 people and 2 accounts`.
fn recipients(report: &Report, campaign: &campaigns::Model) -> String {
    let people = match report.people() {
        1 => "1 person".to_owned(),
        number => format!("{} people", group(number)),
    };
    let accounts = match report.accounts.len() {
        0 => return people,
        1 => "1 account".to_owned(),
        number => format!("{number} accounts"),
    };
    match social::only_posts(campaign) {
        true => accounts,
        false => format!("{people} and {accounts}"),
    }
}

fn done(campaign: &campaigns::Model, people: &str) -> String {
    if campaign.kind == CampaignType::Journey {
        return match campaign.scheduled_at {
            Some(at) => format!("Scheduled: it starts {}.", local(at.0, zone(campaign))),
            None => "It starts now.".to_owned(),
        };
    }
    if let (Some(often), Some(at)) = (how_often(campaign), campaign.scheduled_at) {
        return format!(
            "Scheduled: {often}, for the first time {}.",
            local(at.0, zone(campaign))
        );
    }
    match (campaign.scheduled_at, campaign.held_until) {
        (None, Some(_)) => format!("It goes to {people} in a moment. Until then you can take it back."),
        (Some(at), _) => format!("Scheduled: it goes to {people}, {}.", local(at.0, zone(campaign))),
        (None, None) => format!("It goes to {people} now."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_more_people_than_confirmed_are_no_reason_to_ask_again() {
        for (confirmed, now, is_fine) in [
            (100, 100, true),
            (100, 0, true),
            (100, 105, true),
            (100, 106, false),
            (0, 5, true),
            (0, 6, false),
            (10_000, 10_500, true),
            (10_000, 10_501, false),
        ] {
            assert_eq!(is_about(confirmed, now), is_fine, "{confirmed} {now}");
        }
    }
}
