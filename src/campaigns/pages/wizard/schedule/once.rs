//! Step 4 of a campaign that is sent once: now, or a time in a zone.

use super::{Again, Asked, Frame, Outcome, Step, load};
use crate::accounts::{Manager, Staff};
use crate::campaigns::forms::{OnceForm, OutcomeForm, PacingForm, SenderForm};
use crate::context::Context;
use crate::domain::CampaignType;
use crate::entity::campaigns;
use crate::web::filters::local;
use crate::web::forms::read;
use crate::web::{FormErrors, Result, Section, Shell, html, html_with, zones};
use actix_web::{HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "campaigns/wizard/schedule/once.html")]
struct OncePage {
    shell: Shell,
    frame: Frame,
    form: OnceForm,
    pacing: PacingForm,
    /// Of a journey: other campaigns have it beside their template.
    sender: SenderForm,
    usual_sender: String,
    outcome: OutcomeForm,
    errors: FormErrors,
    zones: Vec<(&'static str, &'static str)>,
    heard: Heard,
}

impl OncePage {
    /// A journey begins at its time, and its messages go out when people come to them.
    fn is_journey(&self) -> bool {
        self.frame.campaign.as_ref().is_some_and(is_journey)
    }
}

fn is_journey(campaign: &campaigns::Model) -> bool {
    campaign.kind == CampaignType::Journey
}

/// What the time that was entered means.
#[derive(Default)]
struct Heard {
    /// `info`, `warn` or `error`; empty where there is nothing to say.
    kind: &'static str,
    text: String,
}

/// The meaning by itself, while a time is entered.
#[derive(Template)]
#[template(path = "campaigns/wizard/_heard.html")]
struct HeardPart {
    heard: Heard,
}

fn heard(cx: &Context, form: &OnceForm) -> Heard {
    let is_entered = !form.date.is_empty() && !form.time.is_empty();
    if form.when != "later" || !is_entered {
        return Heard::default();
    }
    match form.entered(cx.clock.now()) {
        Ok(entered) => match entered.explanation {
            Some(text) => Heard { kind: "warn", text },
            None => Heard {
                kind: "info",
                text: match zones::parse(&form.timezone) {
                    Ok(zone) => format!("It starts {}.", local(entered.at, zone)),
                    Err(_) => String::new(),
                },
            },
        },
        Err(errors) => Heard {
            kind: "error",
            text: errors
                .0
                .first()
                .map(|error| error.message.clone())
                .unwrap_or_default(),
        },
    }
}

/// What stands on the page.
struct Filled {
    form: OnceForm,
    pacing: PacingForm,
    sender: SenderForm,
    outcome: OutcomeForm,
}

async fn page(asked: &Asked<'_>, filled: Filled, again: Again) -> Result<HttpResponse> {
    let Filled {
        form,
        pacing,
        sender,
        outcome,
    } = filled;
    let heard = match again.errors.is_empty() {
        true => heard(asked.cx, &form),
        // Said at the field already.
        false => Heard::default(),
    };
    html_with(
        again.status(),
        &OncePage {
            shell: asked.staff.shell(Section::Campaigns, &asked.campaign.name),
            frame: Frame::load(asked.cx, Some(asked.campaign), Step::Schedule, &again).await?,
            zones: zones::choices(&form.timezone),
            pacing,
            sender,
            usual_sender: SenderForm::usual(&asked.staff.club),
            outcome: outcome.again(&again),
            errors: again.errors,
            heard,
            form,
        },
    )
}

pub async fn show(asked: &Asked<'_>) -> Result<HttpResponse> {
    let filled = Filled {
        form: OnceForm::of(asked.campaign),
        pacing: PacingForm::of(asked.campaign),
        sender: SenderForm::of(asked.campaign),
        outcome: OutcomeForm::of(asked.campaign),
    };
    page(asked, filled, Again::default()).await
}

pub async fn keep(asked: &Asked<'_>, body: &[u8]) -> Result<HttpResponse> {
    let form: OnceForm = read(body)?;
    let outcome = OutcomeForm::read(body, asked.campaign)?;
    let (pacing, sender): (PacingForm, SenderForm) = (read(body)?, read(body)?);
    let mut errors = FormErrors::default();
    let mut changes = form.parse(asked.cx.clock.now(), &mut errors);
    outcome.add_to(&mut changes, &mut errors);
    pacing.add_to(&mut changes, &mut errors);
    if is_journey(asked.campaign) {
        sender.add_to(&mut changes, &mut errors);
    }
    let explanation = Some(heard(asked.cx, &form)).filter(|heard| heard.kind == "warn");
    let parsed = errors.or(|| changes);
    match asked.save(outcome.revision, parsed).await? {
        Outcome::Answer(answer) => {
            // Without JavaScript nobody heard it while entering the time.
            if let (Some(heard), false) = (explanation, asked.how.autosave) {
                asked.staff.flash("warn", heard.text);
            }
            Ok(answer)
        }
        Outcome::Again(again) => {
            let filled = Filled {
                form,
                pacing,
                sender,
                outcome,
            };
            page(asked, filled, again).await
        }
    }
}

/// `GET /campaigns/{id}/when?date=&time=&timezone=`: what a time means in its zone.
pub async fn get_when(
    _staff: Staff<Manager>,
    id: web::Path<i64>,
    form: web::Query<OnceForm>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    load(&cx, *id).await?;
    html(&HeardPart {
        heard: heard(&cx, &form),
    })
}
