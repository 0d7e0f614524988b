//! The buttons of a campaign. In the list they answer with the campaign's row, on its page with
//! the live part; without JavaScript they lead back to where they were pressed.

use super::campaign::live_part;
use super::list::row_part;
use super::row::left_in_words;
use crate::accounts::{Actor, Manager, Staff};
use crate::campaigns::journey::store as journey;
use crate::campaigns::{checklist, commands, store, winner};
use crate::context::Context;
use crate::domain::campaign::{Command, transition};
use crate::domain::{CampaignType, Status};
use crate::entity::campaigns;
use crate::reports;
use crate::web::filters::{group, local};
use crate::web::forms::Form;
use crate::web::{AppError, Hx, Result, Section, Shell, html, see_other};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

/// Where a button was pressed.
#[derive(Debug, Default, Deserialize)]
pub struct Pressed {
    /// `list`; else the campaign's page.
    #[serde(default)]
    back: String,
}

/// The buttons that the lifecycle answers to.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Button {
    Pause,
    Resume,
    /// Pauses and cancels in one step.
    Stop,
    /// Of a campaign that would go on for ever.
    Finish,
    Cancel,
}

impl Button {
    async fn press(self, cx: &Context, id: i64, actor: &Actor) -> Result<campaigns::Model> {
        match self {
            Self::Pause => commands::act(cx, id, Command::Pause, actor).await,
            Self::Resume => commands::act(cx, id, Command::Resume, actor).await,
            Self::Stop => commands::stop(cx, id, actor).await,
            Self::Finish => commands::finish(cx, id, actor).await,
            Self::Cancel => commands::act(cx, id, Command::Cancel, actor).await,
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "sending again",
            Self::Stop => "stopped",
            Self::Finish => "finished",
            Self::Cancel => "cancelled",
        }
    }
}

/// `POST /campaigns/{id}/pause`, `/resume`, `/stop`, `/finish` and `/cancel`. Where it comes too late, htmx is
/// shown the campaign as it is beside the refusal: what was on the page is what misled.
pub async fn press_button(
    staff: Staff<Manager>,
    path: web::Path<(i64, Button)>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(pressed): Form<Pressed>,
) -> Result<HttpResponse> {
    let (id, button) = path.into_inner();
    let is_list = pressed.back == "list";
    let outcome = button.press(&cx, id, &staff.actor()).await;
    if hx.is_partial() {
        let outcome = match outcome {
            Err(error) if !matches!(error, AppError::Refused(_)) => return Err(error),
            outcome => outcome,
        };
        return match is_list {
            true => swap(
                outcome,
                &format!("#campaign-{id}"),
                &row_part(&staff, &cx, id).await?,
            ),
            false => swap(outcome, "#live", &live_part(&staff, &cx, id).await?),
        };
    }
    let campaign = outcome?;
    staff.flash("ok", format!("“{}” is {}.", campaign.name, button.done()));
    Ok(match is_list {
        true => see_other(hx, "/campaigns"),
        false => see_other(hx, &format!("/campaigns/{id}")),
    })
}

fn swap(outcome: Result<campaigns::Model>, target: &str, part: &impl Template) -> Result<HttpResponse> {
    match outcome {
        Ok(_) => html(part),
        Err(refused) => refused.beside(target, part),
    }
}

/// `POST /campaigns/{id}/take-back`: opens the draft that it is again.
pub async fn take_back_campaign(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let draft = commands::take_back(&cx, *id, &staff.actor()).await?;
    staff.flash(
        "ok",
        "Taken back: nobody was sent anything. This is the draft as it was; the one you took back is cancelled.",
    );
    Ok(see_other(hx, &format!("/campaigns/{}/review", draft.id)))
}

/// The winner of an experiment.
#[derive(Debug, Default, Deserialize)]
pub struct Chosen {
    /// Its letter.
    #[serde(default)]
    variant: String,
}

/// `POST /campaigns/{id}/winner`: what the rest is sent.
pub async fn choose_winner(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(chosen): Form<Chosen>,
) -> Result<HttpResponse> {
    winner::choose_by_hand(&cx, *id, &chosen.variant, &staff.actor()).await?;
    staff.flash("ok", format!("The rest is sent {}.", chosen.variant));
    Ok(see_other(hx, &format!("/campaigns/{}", *id)))
}

/// A question before what cannot be undone, in numbers.
#[derive(Template)]
#[template(path = "campaigns/confirm.html")]
struct ConfirmPage {
    shell: Shell,
    campaign: campaigns::Model,
    title: &'static str,
    text: String,
    /// The last part of the form's address.
    action: &'static str,
    button: &'static str,
}

/// `GET /campaigns/{id}/stop`
pub async fn confirm_stop(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = super::find(&cx, *id).await?;
    // Stopping an active one passes through PAUSED, so it is asked what follows on that.
    if campaign.status != Status::Active {
        transition(campaign.status, Command::Cancel)?;
    }
    html(&ConfirmPage {
        shell: staff.shell(Section::Campaigns, "Stop the campaign"),
        text: what_is_left(&cx, &campaign).await?,
        title: "Stop it for good?",
        action: "stop",
        button: "Stop it",
        campaign,
    })
}

/// `GET /campaigns/{id}/cancel`
pub async fn confirm_cancel(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = super::find(&cx, *id).await?;
    transition(campaign.status, Command::Cancel)?;
    html(&ConfirmPage {
        shell: staff.shell(Section::Campaigns, "Cancel the campaign"),
        text: what_is_left(&cx, &campaign).await?,
        title: "Cancel it?",
        action: "cancel",
        button: "Cancel the campaign",
        campaign,
    })
}

/// `GET /campaigns/{id}/finish`: of a campaign that would go on for ever.
pub async fn confirm_finish(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = super::find(&cx, *id).await?;
    transition(campaign.status, Command::Complete)?;
    html(&ConfirmPage {
        shell: staff.shell(Section::Campaigns, "Finish the campaign"),
        text: what_is_left(&cx, &campaign).await?,
        title: "Finish it?",
        action: "finish",
        button: "Finish it",
        campaign,
    })
}

/// What a cancellation means now, in numbers.
async fn what_is_left(cx: &Context, campaign: &campaigns::Model) -> Result<String> {
    if campaign.status == Status::Scheduled {
        let contents = store::contents(&*cx.db, campaign.id).await?;
        let report = checklist::report(&*cx.db, campaign, &contents, cx.clock.now()).await?;
        let when = match campaign.scheduled_at {
            Some(at) => format!("on {}", local(at.0, checklist::zone(campaign))),
            None => "now".to_owned(),
        };
        return Ok(match report.people() {
            1 => format!("It would go to 1 person {when}, and won’t be sent."),
            people => format!(
                "It would go to {} people {when}, and won’t be sent.",
                group(people)
            ),
        });
    }
    let inside = match campaign.kind {
        CampaignType::Journey => journey::counts(&*cx.db, campaign.id).await?.whole.here,
        _ => 0,
    };
    let inside = match inside {
        0 => String::new(),
        1 => "1 person is inside the journey and leaves it where they are. ".to_owned(),
        inside => format!(
            "{} people are inside the journey and leave it where they are. ",
            group(inside)
        ),
    };
    let counts = reports::campaign_stats(&*cx.db, campaign.id).await?.total.counts;
    let sent = match counts.sent {
        0 => String::new(),
        1 => " The 1 mail that went out stays out.".to_owned(),
        sent => format!(" The {} mails that went out stay out.", group(sent)),
    };
    Ok(format!("{inside}{}{sent}", left_in_words(counts.queued)))
}

/// `GET /campaigns/{id}/delete`
pub async fn confirm_delete(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = super::find(&cx, *id).await?;
    commands::check_deletable(campaign.status)?;
    html(&ConfirmPage {
        shell: staff.shell(Section::Campaigns, "Delete the draft"),
        text: "Nobody was sent anything. The draft is gone for good; its segment and template stay.".into(),
        title: "Delete the draft?",
        action: "delete",
        button: "Delete it",
        campaign,
    })
}

/// `POST /campaigns/{id}/delete`
pub async fn delete_campaign(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = super::find(&cx, *id).await?;
    commands::delete(&cx, *id, &staff.actor()).await?;
    staff.flash("ok", format!("The draft “{}” is deleted.", campaign.name));
    Ok(see_other(hx, "/campaigns"))
}

/// `POST /campaigns/{id}/duplicate`: opens the copy.
pub async fn duplicate_campaign(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let copy = commands::duplicate(&cx, *id, &staff.actor()).await?;
    staff.flash(
        "ok",
        "This is the copy, a draft. Say when it is sent before you schedule it.",
    );
    Ok(see_other(hx, &format!("/campaigns/{}/basics", copy.id)))
}
