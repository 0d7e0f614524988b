//! Changing the flow: add, edit, move, delete. A refused form comes back with everything typed.

use super::form::{StepForm, WEEKDAYS};
use super::{answer, load, may_write};
use crate::accounts::{Manager, Staff};
use crate::audience::segments::store as segments;
use crate::campaigns::journey::{commands, known, store};
use crate::campaigns::store as campaigns_store;
use crate::content::store as templates;
use crate::context::Context;
use crate::domain::Channel;
use crate::domain::journey::{Journey, Kind, call};
use crate::entity::{attribute_definitions, campaigns};
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::Weekday;
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde::Deserialize;

/// Where a form stands, and what it is for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    after: String,
    way: usize,
    before: String,
    kind: String,
    slot: String,
}

/// The place on the page where a form stands, if it is one of ours: it becomes part of a selector.
fn slot(text: &str) -> String {
    let is_ours = text.starts_with("slot-")
        && text.len() <= 80
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if is_ours { text.to_owned() } else { String::new() }
}

#[derive(Template)]
#[template(path = "campaigns/journey/kinds.html", blocks = ["form"])]
struct KindsPage {
    shell: Shell,
    campaign: campaigns::Model,
    place: Place,
    slot: String,
}

impl KindsPage {
    /// Word, name, and what it is for.
    fn kinds(&self) -> [(&'static str, &'static str, &'static str); 10] {
        [
            ("message", "Send an e-mail", "A template, to whoever comes here."),
            ("wait", "Wait", "Some minutes, hours, days or weeks."),
            ("until", "Wait until", "The next Tuesday at 09:00, say."),
            (
                "await",
                "Wait for an event",
                "Such as a booking, or at most so long.",
            ),
            (
                "branch",
                "Branch",
                "By segment, an earlier message, or the event.",
            ),
            ("split", "Split at random", "Some this way, some that way."),
            ("tag", "Change tags", "Add some, remove others."),
            ("attribute", "Set an attribute", "A value of the person."),
            ("webhook", "Call a webhook", "Tell another system."),
            ("end", "End", "The journey is over."),
        ]
    }

    fn url(&self, kind: &&str) -> String {
        let Place {
            after, way, before, ..
        } = &self.place;
        let add = format!("/campaigns/{}/journey/add?kind={kind}", self.campaign.id);
        match (after.is_empty(), before.is_empty()) {
            (false, _) => format!("{add}&after={}&way={way}", encoded(after)),
            (true, false) => format!("{add}&before={}", encoded(before)),
            (true, true) => add,
        }
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A way out of the step, and where it leads now.
struct Way {
    label: String,
    to: String,
}

type Options = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "campaigns/journey/form.html", blocks = ["form"])]
struct StepPage {
    shell: Shell,
    campaign: campaigns::Model,
    title: String,
    form: StepForm,
    errors: FormErrors,
    conflict: Option<String>,
    is_new: bool,
    /// The step's id; empty for a new one.
    step: String,
    templates: Options,
    segments: Options,
    messages: Options,
    attributes: Options,
    targets: Options,
    ways: Vec<Way>,
    /// What webhooks are signed with.
    key: String,
}

impl StepPage {
    fn action(&self) -> String {
        match self.is_new {
            true => format!("/campaigns/{}/journey/add", self.campaign.id),
            false => format!("/campaigns/{}/journey/steps/{}", self.campaign.id, self.step),
        }
    }

    fn weekdays(&self) -> [(Weekday, &'static str, &'static str); 7] {
        WEEKDAYS
    }

    fn has_weekday(&self, word: &str) -> bool {
        self.form.weekdays.iter().any(|day| day == word)
    }

    /// Five fields, those that are filled in first.
    fn weights(&self) -> Vec<(usize, String)> {
        let typed = self
            .form
            .weights
            .iter()
            .cloned()
            .chain(std::iter::repeat(String::new()));
        (1..).zip(typed).take(crate::domain::journey::MOST_WAYS).collect()
    }
}

async fn attributes(cx: &Context) -> Result<Vec<attribute_definitions::Model>> {
    Ok(attribute_definitions::Entity::find()
        .order_by_asc(attribute_definitions::Column::Label)
        .all(&*cx.db)
        .await?)
}

/// A form as it is opened, or as it comes back.
struct Asked<'a> {
    cx: &'a Context,
    staff: &'a Staff<Manager>,
    hx: Hx,
    campaign: campaigns::Model,
    journey: &'a Journey,
    /// The step's id; empty for a new one.
    step: &'a str,
    form: StepForm,
    errors: FormErrors,
    conflict: Option<String>,
}

impl Asked<'_> {
    async fn answer(self) -> Result<HttpResponse> {
        let cx = self.cx;
        let names = known::names(&*cx.db, self.journey).await?;
        let choose = |options: Options, chosen: &str, words: &str| -> Options {
            let is_there = options.iter().any(|(key, _)| key == chosen);
            let first = (!is_there).then(|| (chosen.to_owned(), words.to_owned()));
            first.into_iter().chain(options).collect()
        };
        let mut templates: Options = Vec::new();
        for channel in Channel::ALL.iter().filter(|channel| channel.is_ready()) {
            let found = campaigns_store::templates(&*cx.db, *channel).await?;
            templates.extend(found.into_iter().map(|row| {
                let name = match row.channel {
                    Channel::Email => row.name,
                    channel => format!("{} ({})", row.name, channel.label()),
                };
                (row.key, name)
            }));
        }
        let segments = segments::list(&*cx.db).await?;
        let segments = segments.into_iter().map(|row| (row.key, row.name)).collect();
        let attributes = attributes(cx).await?;
        let attributes = attributes.into_iter().map(|row| (row.name, row.label)).collect();
        let called = |id: &str, words: String| (id.to_owned(), words);
        let messages = self
            .journey
            .messages()
            .filter_map(|(id, _, _)| {
                let step = self.journey.step(id)?;
                Some(called(id, step.words(self.journey, &names)))
            })
            .collect();
        let targets = self
            .journey
            .steps
            .iter()
            .map(|step| {
                let words = step.words(self.journey, &names);
                called(&step.id, format!("{}: {words}", step.kind.label()))
            })
            .collect();
        let ways = match self.journey.step(self.step) {
            Some(step) => (0..step.kind.ways().len())
                .map(|place| Way {
                    label: step.kind.way_label(place),
                    to: step.to.get(place).cloned().flatten().unwrap_or_default(),
                })
                .collect(),
            None => Vec::new(),
        };
        let mut form = self.form;
        form.slot = slot(&form.slot);
        let kind = form.parse(&[]).map_or("step", |kind| kind.label());
        let is_new = self.step.is_empty();
        let status = match (&self.conflict, self.errors.is_empty()) {
            (Some(_), _) => StatusCode::CONFLICT,
            (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
            (None, true) => StatusCode::OK,
        };
        let key = cx.secret.derive(call::KEY);
        let page = StepPage {
            shell: self.staff.shell(Section::Campaigns, &self.campaign.name),
            title: match (is_new, kind) {
                (true, _) => "Add a step".into(),
                (false, kind) => kind.to_owned(),
            },
            templates: choose(templates, &form.template, "Choose a template"),
            segments: choose(segments, &form.segment, "Choose a segment"),
            messages: choose(messages, &form.message, "Choose a message"),
            attributes: choose(attributes, &form.name, "Choose an attribute"),
            targets: choose(targets, "", "Nowhere yet"),
            ways,
            key: key.iter().map(|byte| format!("{byte:02x}")).collect(),
            campaign: self.campaign,
            step: self.step.to_owned(),
            errors: self.errors,
            conflict: self.conflict,
            is_new,
            form,
        };
        if !self.hx.is_partial() {
            return html_with(status, &page);
        }
        let mut answer = html_with(status, &page.as_form())?;
        // What was refused stands where it was typed, not in the place of the flow.
        if status != StatusCode::OK && !page.form.slot.is_empty() {
            let headers = answer.headers_mut();
            for (name, value) in [
                ("hx-retarget", format!("#{}", page.form.slot)),
                ("hx-reswap", "innerHTML".to_owned()),
            ] {
                let name = actix_web::http::header::HeaderName::from_static(name);
                let value = value.parse().map_err(|_| AppError::NotFound)?;
                headers.insert(name, value);
            }
        }
        Ok(answer)
    }
}

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
    Form(form): Form<StepForm>,
) -> Result<HttpResponse> {
    let (campaign, mut journey) = load(&cx, *id).await?;
    check(&campaign)?;
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
    Form(form): Form<StepForm>,
) -> Result<HttpResponse> {
    let (id, step) = path.into_inner();
    let (campaign, mut journey) = load(&cx, id).await?;
    check(&campaign)?;
    journey.step(&step).ok_or(AppError::NotFound)?;
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

/// `POST /campaigns/{id}/journey/steps/{step}/up`
pub async fn move_step_up(
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
        .move_up(&step)
        .map_err(|sentence| AppError::Conflict(sentence.into()))?;
    keep(&cx, &staff, hx, id, pressed.revision, &journey, &step).await
}

/// `POST /campaigns/{id}/journey/steps/{step}/down`
pub async fn move_step_down(
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
        .move_down(&step)
        .map_err(|sentence| AppError::Conflict(sentence.into()))?;
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
