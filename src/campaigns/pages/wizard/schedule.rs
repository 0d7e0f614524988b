//! Step 4: now, or a time in a zone; what counts as success; and what happens in doubt.

use super::{Again, Frame, How, Outcome, Posted, Step, gone_on, load, save};
use crate::accounts::{Manager, Staff};
use crate::campaigns::forms::ScheduleForm;
use crate::context::Context;
use crate::domain::InDoubt;
use crate::entity::campaigns;
use crate::web::filters::local;
use crate::web::forms::Form;
use crate::web::{FormErrors, Hx, Result, Section, Shell, html, html_with, zones};
use actix_web::{HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "campaigns/wizard/schedule.html")]
struct SchedulePage {
    shell: Shell,
    frame: Frame,
    form: ScheduleForm,
    errors: FormErrors,
    zones: Vec<(&'static str, &'static str)>,
    windows: Vec<(String, String)>,
    heard: Heard,
}

impl SchedulePage {
    fn is_now(&self) -> bool {
        self.form.when == "now"
    }

    fn is_later(&self) -> bool {
        self.form.when == "later"
    }

    fn is_in_doubt(&self, policy: &InDoubt) -> bool {
        self.form.in_doubt == policy.as_str()
    }
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

fn heard(cx: &Context, form: &ScheduleForm) -> Heard {
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

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: &campaigns::Model,
    mut form: ScheduleForm,
    again: Again,
) -> Result<HttpResponse> {
    form.revision = again.revision.unwrap_or(form.revision);
    let heard = match again.errors.is_empty() {
        true => heard(cx, &form),
        // Said at the field already.
        false => Heard::default(),
    };
    html_with(
        again.status(),
        &SchedulePage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            frame: Frame::load(cx, Some(campaign), Step::Schedule, &again).await?,
            errors: again.errors,
            zones: zones::choices(&form.timezone),
            windows: form.windows(),
            heard,
            form,
        },
    )
}

/// `GET /campaigns/{id}/schedule`
pub async fn get_schedule(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    if let Some(elsewhere) = gone_on(&staff, &campaign) {
        return Ok(elsewhere);
    }
    page(
        &cx,
        &staff,
        &campaign,
        ScheduleForm::of(&campaign),
        Again::default(),
    )
    .await
}

/// `POST /campaigns/{id}/schedule`
pub async fn save_schedule(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    how: web::Query<How>,
    cx: web::Data<Context>,
    Form(form): Form<ScheduleForm>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    let parsed = form.parse(&campaign, cx.clock.now());
    let explanation = Some(heard(&cx, &form)).filter(|heard| heard.kind == "warn");
    let posted = Posted {
        hx,
        how: *how,
        step: Step::Schedule,
        revision: form.revision,
    };
    match save(&cx, &staff, posted, &campaign, parsed).await? {
        Outcome::Answer(answer) => {
            // Without JavaScript nobody heard it while entering the time.
            if let (Some(heard), false) = (explanation, how.autosave) {
                staff.flash("warn", heard.text);
            }
            Ok(answer)
        }
        Outcome::Again(again) => page(&cx, &staff, &campaign, form, again).await,
    }
}

/// `GET /campaigns/{id}/when?date=&time=&timezone=`: what a time means in its zone.
pub async fn get_when(
    _staff: Staff<Manager>,
    id: web::Path<i64>,
    form: web::Query<ScheduleForm>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    load(&cx, *id).await?;
    html(&HeardPart {
        heard: heard(&cx, &form),
    })
}
