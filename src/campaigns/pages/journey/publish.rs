//! Publishing a change of a journey that runs: what will happen to how many stands on the page
//! before the button.

use super::load;
use crate::accounts::{Manager, Staff};
use crate::campaigns::journey::known;
use crate::campaigns::journey::store;
use crate::campaigns::journey::versions::{self, Inside, Place};
use crate::context::Context;
use crate::domain::campaign::may_publish;
use crate::domain::journey::Journey;
use crate::entity::campaigns;
use crate::web::filters;
use crate::web::filters::group;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// A step where people are.
struct Line {
    place: Place,
    /// What it is called on the version that they walk.
    words: String,
    chosen: String,
}

#[derive(Template)]
#[template(path = "campaigns/journey/publish.html")]
struct PublishPage {
    shell: Shell,
    campaign: campaigns::Model,
    number: i32,
    lines: Vec<Line>,
    inside: i64,
    /// The steps of the new version, for those whose step is gone.
    targets: Vec<(String, String)>,
    problems: Vec<String>,
    moves: bool,
    errors: FormErrors,
}

impl PublishPage {
    fn field(&self, line: &Line) -> String {
        format!("move.{}", line.place.step)
    }
}

/// What is chosen: `inside` is `finish` or `move`; `move.STEP` names where a step's people go on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    revision: i64,
    inside: String,
    #[serde(flatten)]
    rest: HashMap<String, String>,
}

impl Chosen {
    fn inside(&self) -> Inside {
        match self.inside.as_str() {
            "move" => {
                let chosen = self.rest.iter().filter_map(|(name, to)| {
                    let step = name.strip_prefix("move.")?;
                    (!to.is_empty()).then(|| (step.to_owned(), to.clone()))
                });
                Inside::Move(chosen.collect::<BTreeMap<_, _>>())
            }
            _ => Inside::Finish,
        }
    }
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: campaigns::Model,
    journey: &Journey,
    chosen: &Chosen,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let names = known::names(&*cx.db, journey).await?;
    let published = store::versions(&*cx.db, campaign.id).await?;
    let walked: Vec<Journey> = published
        .iter()
        .filter_map(|version| Journey::parse(&version.definition).ok())
        .collect();
    let called = |id: &str| {
        let found = walked.iter().find_map(|walked| Some((walked, walked.step(id)?)));
        found.map_or_else(
            || id.to_owned(),
            |(walked, step)| format!("{} {}", step.kind.label(), step.words(walked, &names)),
        )
    };
    let places = versions::places(&*cx.db, campaign.id, journey).await?;
    let problems = versions::problems(&*cx.db, &campaign, journey).await?;
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut targets = vec![(String::new(), "Choose a step".to_owned())];
    targets.extend(journey.steps.iter().map(|step| {
        let words = step.words(journey, &names);
        (step.id.clone(), format!("{}: {words}", step.kind.label()))
    }));
    html_with(
        status,
        &PublishPage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            number: published.first().map_or(1, |last| last.number + 1),
            inside: places.iter().map(|place| place.people).sum(),
            lines: places
                .into_iter()
                .map(|place| Line {
                    words: called(&place.step),
                    chosen: chosen
                        .rest
                        .get(&format!("move.{}", place.step))
                        .cloned()
                        .unwrap_or_default(),
                    place,
                })
                .collect(),
            targets,
            problems: problems
                .into_iter()
                .map(|problem| match problem.step {
                    Some(step) => format!("Step “{step}”: {}", problem.text),
                    None => problem.text,
                })
                .collect(),
            moves: chosen.inside == "move",
            campaign,
            errors,
        },
    )
}

fn check(campaign: &campaigns::Model) -> Result<()> {
    match may_publish(campaign.status) {
        true => Ok(()),
        false => Err(AppError::Conflict(format!(
            "This campaign is {}; a version is published of a journey that is ACTIVE or PAUSED.",
            campaign.status
        ))),
    }
}

/// `GET /campaigns/{id}/journey/publish`
pub async fn get_publish(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (campaign, journey) = load(&cx, *id).await?;
    check(&campaign)?;
    page(
        &cx,
        &staff,
        campaign,
        &journey,
        &Chosen::default(),
        FormErrors::default(),
    )
    .await
}

/// `POST /campaigns/{id}/journey/publish`
pub async fn publish_version(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(chosen): Form<Chosen>,
) -> Result<HttpResponse> {
    let (campaign, journey) = load(&cx, *id).await?;
    check(&campaign)?;
    let published = versions::publish(&cx, *id, chosen.revision, &chosen.inside(), &staff.actor()).await;
    match published {
        Ok((version, moved)) => {
            let text = match (chosen.inside(), moved) {
                (Inside::Finish, _) => "Who is inside finishes on the version before.".to_owned(),
                (Inside::Move(_), 1) => "1 person moved over.".to_owned(),
                (Inside::Move(_), moved) => format!("{} people moved over.", group(moved)),
            };
            staff.flash("ok", format!("Version {} is published. {text}", version.number));
            Ok(see_other(hx, &format!("/campaigns/{}/journey", *id)))
        }
        Err(AppError::Invalid(errors)) => page(&cx, &staff, campaign, &journey, &chosen, errors).await,
        Err(other) => Err(other),
    }
}
