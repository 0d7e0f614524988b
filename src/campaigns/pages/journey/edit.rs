//! Changing the flow: add, edit, move, delete. A refused form comes back with everything typed.

use super::form::StepForm;
use super::step_page::{Asked, KindsPage, Place, Way, attributes, slot};
use super::{answer, load, may_write};
use crate::accounts::{Manager, Staff};
use crate::campaigns::journey::{commands, known, store};
use crate::content::store as templates;
use crate::context::Context;
use crate::domain::journey::{Journey, Kind};
use crate::entity::campaigns;
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, see_other};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

/// Refuses to change what cannot be changed any more.
fn check(campaign: &campaigns::Model) -> Result<()> {
    match may_write(campaign.status) {
        true => Ok(()),
        false => Err(AppError::Conflict(format!(
            "This campaign is {}, so its journey cannot be changed any more.",
            campaign.status
        ))),
    }
}

/// Keeps the journey, and answers with the flow.
async fn keep(
    cx: &Context,
    staff: &Staff<Manager>,
    hx: Hx,
    id: i64,
    revision: i64,
    journey: &Journey,
    at: &str,
) -> Result<HttpResponse> {
    let campaign = commands::write(cx, id, revision, journey, &staff.actor()).await?;
    match hx.is_partial() {
        true => answer(cx, staff, hx, campaign, journey).await,
        false => Ok(see_other(hx, &format!("/campaigns/{id}/journey#step-{at}"))),
    }
}

/// `GET /campaigns/{id}/journey/add?after=&way=&before=&kind=`
pub async fn get_add(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    place: web::Query<Place>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (campaign, journey) = load(&cx, *id).await?;
    check(&campaign)?;
    let place = place.into_inner();
    if place.kind.is_empty() {
        let page = KindsPage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            slot: slot(&place.slot),
            campaign,
            place,
        };
        return match hx.is_partial() {
            true => html(&page.as_form()),
            false => html(&page),
        };
    }
    let form = StepForm {
        revision: campaign.revision,
        after: place.after,
        way: place.way,
        before: place.before,
        kind: place.kind,
        slot: place.slot,
        ..StepForm::usual()
    };
    Asked {
        cx: &cx,
        staff: &staff,
        hx,
        campaign,
        journey: &journey,
        step: "",
        form,
        errors: FormErrors::default(),
        conflict: None,
    }
    .answer()
    .await
}

/// `POST /campaigns/{id}/journey/add`
pub async fn add_step(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let (campaign, mut journey) = load(&cx, *id).await?;
    check(&campaign)?;
    let form = StepForm::read(&body, None)?;
    let refused = match parsed(&cx, &form).await? {
        Ok(kind) => match insert(&mut journey, &form, kind) {
            Ok(step) => match keep(&cx, &staff, hx, *id, form.revision, &journey, &step).await {
                Err(error) => refusal(error)?,
                answer => return answer,
            },
            Err(sentence) => (FormErrors::default(), Some(sentence.to_owned())),
        },
        Err(errors) => (errors, None),
    };
    back(&cx, &staff, hx, *id, "", form, refused).await
}

/// The step that was typed. A message goes out on the channel of its template.
async fn parsed(cx: &Context, form: &StepForm) -> Result<Result<Kind, FormErrors>> {
    let kind = match form.parse(&attributes(cx).await?) {
        Ok(kind) => kind,
        Err(errors) => return Ok(Err(errors)),
    };
    let Kind::Message { template, .. } = &kind else {
        return Ok(Ok(kind));
    };
    Ok(match templates::by_key_or_id(&*cx.db, template).await? {
        Some(found) => Ok(Kind::Message {
            channel: found.channel,
            template: found.key,
        }),
        None => Err(FormErrors::one("template", "Choose what it says.")),
    })
}

fn insert(journey: &mut Journey, form: &StepForm, kind: Kind) -> Result<String, &'static str> {
    match (form.after.as_str(), form.before.as_str()) {
        ("", "") => journey.insert(None, kind),
        ("", before) => journey.insert_before(before, kind),
        (after, _) => journey.insert(Some((after, form.way)), kind),
    }
}

type Refused = (FormErrors, Option<String>);

/// What a form can say itself; the rest is an error page.
fn refusal(error: AppError) -> Result<Refused> {
    match error {
        AppError::Invalid(errors) => {
            let sentence = errors.0.first().map(|error| error.message.clone());
            Ok((errors, sentence))
        }
        AppError::Conflict(sentence) => Ok((FormErrors::default(), Some(sentence))),
        other => Err(other),
    }
}

/// The form again, over the journey as it is.
async fn back(
    cx: &Context,
    staff: &Staff<Manager>,
    hx: Hx,
    id: i64,
    step: &str,
    mut form: StepForm,
    (errors, conflict): Refused,
) -> Result<HttpResponse> {
    let (campaign, journey) = load(cx, id).await?;
    form.revision = campaign.revision;
    Asked {
        cx,
        staff,
        hx,
        campaign,
        journey: &journey,
        step,
        form,
        errors,
        conflict,
    }
    .answer()
    .await
}

/// `GET /campaigns/{id}/journey/steps/{step}`
pub async fn get_step(
    staff: Staff<Manager>,
    path: web::Path<(i64, String)>,
    hx: Hx,
    place: web::Query<Place>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (id, step) = path.into_inner();
    let (campaign, journey) = load(&cx, id).await?;
    check(&campaign)?;
    let form = StepForm {
        revision: campaign.revision,
        slot: place.into_inner().slot,
        ..StepForm::of(journey.step(&step).ok_or(AppError::NotFound)?)
    };
    Asked {
        cx: &cx,
        staff: &staff,
        hx,
        campaign,
        journey: &journey,
        step: &step,
        form,
        errors: FormErrors::default(),
        conflict: None,
    }
    .answer()
    .await
}

/// `POST /campaigns/{id}/journey/steps/{step}`
pub async fn edit_step(
    staff: Staff<Manager>,
    path: web::Path<(i64, String)>,
    hx: Hx,
    cx: web::Data<Context>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let (id, step) = path.into_inner();
    let (campaign, mut journey) = load(&cx, id).await?;
    check(&campaign)?;
    let before = journey.step(&step).ok_or(AppError::NotFound)?;
    let form = StepForm::read(&body, Some(before))?;
    let refused = match parsed(&cx, &form).await? {
        Ok(kind) => match change(&mut journey, &step, &form, kind) {
            Ok(()) => match keep(&cx, &staff, hx, id, form.revision, &journey, &step).await {
                Err(error) => refusal(error)?,
                answer => return answer,
            },
            Err(sentence) => (FormErrors::default(), Some(sentence.to_owned())),
        },
        Err(errors) => (errors, None),
    };
    back(&cx, &staff, hx, id, &step, form, refused).await
}

fn change(journey: &mut Journey, step: &str, form: &StepForm, kind: Kind) -> Result<(), &'static str> {
    let ways = kind.ways().len();
    journey.change(step, kind)?;
    for (way, to) in form.to.iter().take(ways).enumerate() {
        journey.lead(step, way, Some(to.as_str()).filter(|to| !to.is_empty()))?;
    }
    Ok(())
}

/// What a button of a step posts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pressed {
    revision: i64,
    keep: usize,
}

/// `POST /campaigns/{id}/journey/steps/{step}/up` and `…/down`
pub async fn move_step(
    staff: Staff<Manager>,
    path: web::Path<(i64, String, String)>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(pressed): Form<Pressed>,
) -> Result<HttpResponse> {
    let (id, step, way) = path.into_inner();
    let (campaign, mut journey) = load(&cx, id).await?;
    check(&campaign)?;
    let moved = match way.as_str() {
        "up" => journey.move_up(&step),
        _ => journey.move_down(&step),
    };
    moved.map_err(|sentence| AppError::Conflict(sentence.into()))?;
    keep(&cx, &staff, hx, id, pressed.revision, &journey, &step).await
}

#[derive(Template)]
#[template(path = "campaigns/journey/delete.html", blocks = ["form"])]
struct DeletePage {
    shell: Shell,
    campaign: campaigns::Model,
    step: String,
    words: String,
    ways: Vec<Way>,
    here: i64,
}

/// `GET /campaigns/{id}/journey/steps/{step}/delete`
pub async fn get_delete(
    staff: Staff<Manager>,
    path: web::Path<(i64, String)>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (id, step) = path.into_inner();
    let (campaign, journey) = load(&cx, id).await?;
    check(&campaign)?;
    let found = journey.step(&step).ok_or(AppError::NotFound)?;
    let names = known::names(&*cx.db, &journey).await?;
    let counts = store::counts(&*cx.db, id).await?;
    let page = DeletePage {
        shell: staff.shell(Section::Campaigns, &campaign.name),
        words: format!("{} {}", found.kind.label(), found.words(&journey, &names)),
        ways: (0..found.kind.ways().len())
            .map(|place| Way {
                label: found.kind.way_label(place),
                to: String::new(),
            })
            .collect(),
        here: counts.steps.get(&step).map_or(0, |counts| counts.here),
        campaign,
        step,
    };
    match hx.is_partial() {
        true => html(&page.as_form()),
        false => html(&page),
    }
}

/// `POST /campaigns/{id}/journey/steps/{step}/delete`
pub async fn delete_step(
    staff: Staff<Manager>,
    path: web::Path<(i64, String)>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(pressed): Form<Pressed>,
) -> Result<HttpResponse> {
    let (id, step) = path.into_inner();
    let (campaign, mut journey) = load(&cx, id).await?;
    check(&campaign)?;
    journey
        .remove(&step, pressed.keep)
        .map_err(|sentence| AppError::Conflict(sentence.into()))?;
    keep(&cx, &staff, hx, id, pressed.revision, &journey, "").await
}
