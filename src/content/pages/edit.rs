//! `/templates/{id}`: the editor. What is written is checked while it is written; saving keeps a
//! new version, unfinished ones too, and the campaign's checklist keeps those from being sent.

use super::{find, problems, unsaved};
use crate::accounts::{Manager, Staff, Viewer};
use crate::content::blocks::store as blocks;
use crate::content::commands;
use crate::content::draft::NewTemplate;
use crate::content::render::variables::{VARIABLES, Variable};
use crate::content::render::{DATE_LETTERS, Problem, mentions_event};
use crate::content::{sample, store};
use crate::context::Context;
use crate::domain::sms::Cost;
use crate::domain::{BodyKind, Channel, Role, slug};
use crate::entity::{campaigns, template_versions, templates};
use crate::providers::store as providers;
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "content/edit.html")]
struct EditPage {
    shell: Shell,
    zone: Tz,
    template: templates::Model,
    version: template_versions::Model,
    form: EditForm,
    errors: FormErrors,
    problems: Problems,
    campaigns: Vec<campaigns::Model>,
    attributes: Vec<String>,
    /// What it may take in.
    blocks: Vec<crate::entity::blocks::Model>,
    /// Somebody saved another version since this one was opened.
    is_overtaken: bool,
}

impl EditPage {
    fn variables(&self) -> &'static [Variable] {
        VARIABLES
    }

    fn date_letters(&self) -> &'static [(&'static str, &'static str)] {
        DATE_LETTERS
    }

    fn kinds(&self) -> [(&'static str, &'static str); 3] {
        [("MJML", "MJML"), ("HTML", "HTML"), ("TEXT", "Plain text alone")]
    }
}

/// What keeps the text from being sent, as the editor lists it.
#[derive(Template)]
#[template(path = "content/problems.html")]
struct Problems {
    problems: Vec<Problem>,
    /// Worth knowing: only some types of campaign have an event.
    has_event: bool,
    /// Of a text that can be sent: how one of the club's people would get it, and what it costs.
    sample: Option<(String, Option<Cost>)>,
}

impl Problems {
    async fn of<L: crate::accounts::Level>(
        cx: &Context,
        staff: &Staff<L>,
        channel: Channel,
        written: template_versions::Model,
    ) -> Result<Self> {
        let problems = problems(cx, written.clone()).await?;
        let is_text = channel == Channel::Sms && problems.is_empty() && !written.body.trim().is_empty();
        Ok(Self {
            has_event: mentions_event(&written),
            sample: match is_text {
                true => sample(cx, staff, written).await?,
                false => None,
            },
            problems,
        })
    }
}

async fn sample<L: crate::accounts::Level>(
    cx: &Context,
    staff: &Staff<L>,
    written: template_versions::Model,
) -> Result<Option<(String, Option<Cost>)>> {
    let Some(reader) = sample::reader(cx, &staff.club, "", &written).await? else {
        return Ok(None);
    };
    let cost = providers::text_cost(&*cx.db, staff.club.currency).await?;
    let rendered = sample::render(cx, Channel::Sms, written, reader.values).await?;
    Ok(rendered.ok().map(|rendered| (rendered.text, cost)))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct EditForm {
    name: String,
    subject: String,
    preheader: String,
    kind: String,
    body: String,
    text: String,
    /// The version that was opened.
    version: i64,
}

impl EditForm {
    fn of(template: &templates::Model, version: &template_versions::Model) -> Self {
        Self {
            name: template.name.clone(),
            subject: version.subject.clone(),
            preheader: version.preheader.clone(),
            kind: version.body_kind.to_string(),
            body: version.body.clone(),
            text: version.text.clone().unwrap_or_default(),
            version: version.id,
        }
    }

    pub(super) fn draft(&self, channel: Channel) -> NewTemplate {
        NewTemplate {
            channel,
            name: self.name.clone(),
            subject: self.subject.clone(),
            preheader: self.preheader.clone(),
            kind: self.kind.parse().unwrap_or(BodyKind::Html),
            // A form posts CR LF; lines are counted and kept by LF.
            body: self.body.replace("\r\n", "\n"),
            text: Some(self.text.replace("\r\n", "\n")).filter(|text| !text.trim().is_empty()),
        }
    }
}

/// `GET /templates/{id}`
pub async fn get_template(staff: Staff<Viewer>, id: Path<i64>, cx: Data<Context>) -> Result<HttpResponse> {
    let (template, version) = find(&cx, *id).await?;
    let form = EditForm::of(&template, &version);
    let page = page(&cx, &staff, template, version, form, FormErrors::default()).await?;
    html(&page)
}

async fn page<L: crate::accounts::Level>(
    cx: &Context,
    staff: &Staff<L>,
    template: templates::Model,
    version: template_versions::Model,
    form: EditForm,
    errors: FormErrors,
) -> Result<EditPage> {
    let written = unsaved(cx, &form.draft(template.channel)).await?;
    Ok(EditPage {
        shell: staff.shell(Section::Templates, &template.name),
        zone: staff.zone(),
        problems: Problems::of(cx, staff, template.channel, written).await?,
        campaigns: store::used_by(&*cx.db, template.id).await?,
        attributes: store::vocabulary(&*cx.db)
            .await?
            .attributes()
            .map(str::to_owned)
            .collect(),
        is_overtaken: is_overtaken(&*cx.db, &template, form.version).await?,
        blocks: blocks::list(&*cx.db).await?,
        template,
        version,
        form,
        errors,
    })
}

/// Whether somebody wrote in the template since a version of it was opened. A version that is there
/// because a block changed says the same, and takes nothing from anybody.
async fn is_overtaken(
    db: &impl sea_orm::ConnectionTrait,
    template: &templates::Model,
    opened: i64,
) -> Result<bool> {
    let Some(current) = template.version_id.filter(|current| *current != opened) else {
        return Ok(false);
    };
    let (Some(opened), Some(current)) = (
        store::version(db, opened).await?,
        store::version(db, current).await?,
    ) else {
        return Ok(true);
    };
    Ok(!commands::says_the_same(&opened, &current))
}

/// `POST /templates/{id}`: keeps what was written as a new version.
pub async fn edit_template(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
    Form(form): Form<EditForm>,
) -> Result<HttpResponse> {
    let (template, version) = find(&cx, *id).await?;
    match save(&staff, &cx, &template, &form).await {
        Ok(number) => {
            staff.flash("ok", format!("Saved as version {number}."));
            Ok(see_other(hx, &format!("/templates/{id}")))
        }
        Err(AppError::Invalid(errors)) => {
            let page = page(&cx, &staff, template, version, form, errors).await?;
            html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(AppError::Conflict(_)) => {
            let page = page(&cx, &staff, template, version, form, FormErrors::default()).await?;
            html_with(StatusCode::CONFLICT, &page)
        }
        Err(error) => Err(error),
    }
}

/// Keeps the draft and answers the number of the version in force.
async fn save(
    staff: &Staff<Manager>,
    cx: &Context,
    template: &templates::Model,
    form: &EditForm,
) -> Result<i32> {
    let draft = form.draft(template.channel).checked()?;
    let tx = cx.db.begin().await?;
    let current = store::template(&*tx, template.id)
        .await?
        .ok_or(AppError::NotFound)?;
    if is_overtaken(&*tx, &current, form.version).await? {
        return Err(AppError::Conflict("Somebody saved another version.".into()));
    }
    commands::edit(&tx, current, draft, &staff.actor(), cx.clock.now()).await?;
    let number = store::current_version(&*tx, template.id)
        .await?
        .map_or(1, |version| version.number);
    tx.commit().await?;
    Ok(number)
}

/// `POST /templates/{id}/check`: what is wrong with the text as it stands in the form.
pub async fn check_template(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    Form(form): Form<EditForm>,
) -> Result<HttpResponse> {
    let template = store::template(&*cx.db, *id).await?.ok_or(AppError::NotFound)?;
    let written = unsaved(&cx, &form.draft(template.channel)).await?;
    html(&Problems::of(&cx, &staff, template.channel, written).await?)
}

/// `POST /templates/{id}/duplicate`
pub async fn duplicate_template(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
) -> Result<HttpResponse> {
    let (template, version) = find(&cx, *id).await?;
    let form = EditForm::of(&template, &version);
    let mut draft = form.draft(template.channel);
    draft.name = format!("{} (copy)", template.name)
        .chars()
        .take(crate::content::draft::LONGEST_NAME)
        .collect();
    let tx = cx.db.begin().await?;
    let key = free_key(&*tx, &draft.name).await?;
    let copy = commands::create(&tx, &key, draft, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", "This is the copy; the original stays as it is.");
    Ok(see_other(hx, &format!("/templates/{}", copy.id)))
}

/// A key made of the name that nobody has.
async fn free_key(db: &impl sea_orm::ConnectionTrait, name: &str) -> Result<String> {
    let made = slug::of(name);
    let base = if made.is_empty() {
        "template".to_owned()
    } else {
        made.chars().take(90).collect()
    };
    let mut key = base.clone();
    for number in 2..1_000 {
        if store::by_key_or_id(db, &key).await?.is_none() {
            return Ok(key);
        }
        key = format!("{base}-{number}");
    }
    Err(AppError::Conflict(
        "There are too many copies of this template already.".into(),
    ))
}

/// `POST /templates/{id}/archive`, and `/restore` to bring it back.
pub async fn archive_template(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
) -> Result<HttpResponse> {
    set_archived(&staff, *id, &cx, true).await?;
    staff.flash(
        "ok",
        "The template is archived. Campaigns that use it go on as before.",
    );
    Ok(see_other(hx, "/templates"))
}

pub async fn restore_template(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
) -> Result<HttpResponse> {
    set_archived(&staff, *id, &cx, false).await?;
    Ok(see_other(hx, &format!("/templates/{id}")))
}

async fn set_archived(staff: &Staff<Manager>, id: i64, cx: &Context, is_archived: bool) -> Result<()> {
    let tx = cx.db.begin().await?;
    let template = store::template(&*tx, id).await?.ok_or(AppError::NotFound)?;
    commands::set_archived(&tx, template, is_archived, &staff.actor(), cx.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// `POST /templates/{id}/delete`: only what no campaign uses.
pub async fn delete_template(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
) -> Result<HttpResponse> {
    let tx = cx.db.begin().await?;
    let template = store::template(&*tx, *id).await?.ok_or(AppError::NotFound)?;
    let name = template.name.clone();
    commands::delete(&tx, template, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", format!("The template “{name}” is deleted."));
    Ok(see_other(hx, "/templates"))
}
