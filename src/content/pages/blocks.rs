//! `/templates/blocks`: what templates share.

use super::preview::frame;
use crate::accounts::{Level, Manager, Staff, Viewer};
use crate::content::blocks::{NewBlock, check, commands, store};
use crate::content::render::Problem;
use crate::content::{sample, store as templates};
use crate::context::Context;
use crate::domain::{BodyKind, Channel, Role, slug};
use crate::entity::blocks;
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, block};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "content/blocks.html")]
struct BlocksPage {
    shell: Shell,
    zone: Tz,
    /// Each with the number of templates that take it in.
    rows: Vec<(blocks::Model, usize)>,
}

/// `GET /templates/blocks`
pub async fn list_blocks(staff: Staff<Viewer>, cx: Data<Context>) -> Result<HttpResponse> {
    let mut rows = Vec::new();
    for row in store::list(&*cx.db).await? {
        let users = store::users(&*cx.db, &row.key).await?.len();
        rows.push((row, users));
    }
    html(&BlocksPage {
        shell: staff.shell(Section::Templates, "Shared blocks"),
        zone: staff.zone(),
        rows,
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BlockForm {
    name: String,
    key: String,
    kind: String,
    body: String,
    /// When the block that was opened was last changed, in milliseconds.
    seen: i64,
}

impl BlockForm {
    fn of(block: &blocks::Model) -> Self {
        Self {
            name: block.name.clone(),
            key: block.key.clone(),
            kind: block.kind.to_string(),
            body: block.body.clone(),
            seen: block.updated_at.0.timestamp_millis(),
        }
    }

    fn draft(&self) -> NewBlock {
        NewBlock {
            name: self.name.clone(),
            kind: self.kind.parse().unwrap_or(BodyKind::Text),
            body: self.body.replace("\r\n", "\n"),
        }
    }
}

#[derive(Template)]
#[template(path = "content/block.html")]
struct BlockPage {
    shell: Shell,
    /// None while it is being made.
    block: Option<blocks::Model>,
    form: BlockForm,
    errors: FormErrors,
    problems: Vec<Problem>,
    /// The templates that take it in: id and name.
    users: Vec<(i64, String)>,
    is_overtaken: bool,
}

impl BlockPage {
    fn kinds(&self) -> [(&'static str, &'static str); 2] {
        [("MJML", "MJML"), ("HTML", "HTML")]
    }

    fn action(&self) -> String {
        match &self.block {
            Some(block) => format!("/templates/blocks/{}", block.id),
            None => "/templates/blocks/new".into(),
        }
    }
}

/// `GET /templates/blocks/new`
pub async fn new_block(staff: Staff<Manager>, cx: Data<Context>) -> Result<HttpResponse> {
    let form = BlockForm {
        kind: BodyKind::Mjml.to_string(),
        ..BlockForm::default()
    };
    page(&cx, &staff, None, form, FormErrors::default(), StatusCode::OK).await
}

/// `GET /templates/blocks/{id}`
pub async fn get_block(staff: Staff<Viewer>, id: Path<i64>, cx: Data<Context>) -> Result<HttpResponse> {
    let found = find(&cx, *id).await?;
    let form = BlockForm::of(&found);
    page(
        &cx,
        &staff,
        Some(found),
        form,
        FormErrors::default(),
        StatusCode::OK,
    )
    .await
}

async fn find(cx: &Context, id: i64) -> Result<blocks::Model> {
    store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)
}

async fn page<L: Level>(
    cx: &Context,
    staff: &Staff<L>,
    found: Option<blocks::Model>,
    form: BlockForm,
    errors: FormErrors,
    status: StatusCode,
) -> Result<HttpResponse> {
    let users = match &found {
        Some(found) => store::users(&*cx.db, &found.key).await?,
        None => Vec::new(),
    };
    let title = found.as_ref().map_or("New block", |found| found.name.as_str());
    let draft = form.draft();
    let vocabulary = templates::vocabulary(&*cx.db).await?;
    let problems = match draft.body.trim().is_empty() {
        true => Vec::new(),
        false => block(move || check::problems(&draft, &vocabulary))
            .await
            .map_err(anyhow::Error::from)?,
    };
    let page = BlockPage {
        shell: staff.shell(Section::Templates, title),
        is_overtaken: status == StatusCode::CONFLICT,
        users: users
            .into_iter()
            .map(|user| (user.template.id, user.template.name))
            .collect(),
        block: found,
        form,
        errors,
        problems,
    };
    html_with(status, &page)
}

/// `POST /templates/blocks/new`
pub async fn create_block(
    staff: Staff<Manager>,
    cx: Data<Context>,
    hx: Hx,
    Form(form): Form<BlockForm>,
) -> Result<HttpResponse> {
    match make(&staff, &cx, &form).await {
        Ok(made) => {
            staff.flash("ok", format!("The block “{}” is there.", made.name));
            Ok(see_other(hx, &format!("/templates/blocks/{}", made.id)))
        }
        Err(AppError::Invalid(errors)) => {
            page(&cx, &staff, None, form, errors, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(error) => Err(error),
    }
}

async fn make(staff: &Staff<Manager>, cx: &Context, form: &BlockForm) -> Result<blocks::Model> {
    let key = match form.key.trim() {
        "" => slug::of(&form.name),
        key => key.to_owned(),
    };
    let draft = form.draft().checked()?;
    look(cx, &key, draft.clone()).await?;
    let tx = cx.db.begin().await?;
    let made = commands::create(&tx, &key, draft, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    Ok(made)
}

/// Refuses what cannot stand in a mail, by itself or in the templates that take it in.
async fn look(cx: &Context, key: &str, draft: NewBlock) -> Result<()> {
    let vocabulary = templates::vocabulary(&*cx.db).await?;
    let (users, others) = check::surroundings(&*cx.db, key).await?;
    let key = key.to_owned();
    let looked = block(move || {
        if let Some(problem) = check::problems(&draft, &vocabulary).first() {
            let line = problem
                .line
                .map_or_else(String::new, |line| format!("Line {line}: "));
            return Err(FormErrors::one("body", format!("{line}{}", problem.message)));
        }
        check::keeps_templates_whole(&key, &draft, &users, &others, &vocabulary)
    });
    Ok(looked.await.map_err(anyhow::Error::from)??)
}

/// `POST /templates/blocks/{id}`: changes it, and every template that takes it in.
pub async fn edit_block(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
    Form(form): Form<BlockForm>,
) -> Result<HttpResponse> {
    let found = find(&cx, *id).await?;
    match save(&staff, &cx, &found, &form).await {
        Ok(renewed) => {
            let text = match renewed {
                0 => "Saved.".to_owned(),
                1 => "Saved. One template has a new version with it.".to_owned(),
                many => format!("Saved. {many} templates have a new version with it."),
            };
            staff.flash("ok", text);
            Ok(see_other(hx, &format!("/templates/blocks/{id}")))
        }
        Err(AppError::Invalid(errors)) => {
            page(
                &cx,
                &staff,
                Some(found),
                form,
                errors,
                StatusCode::UNPROCESSABLE_ENTITY,
            )
            .await
        }
        Err(AppError::Conflict(_)) => {
            let form = BlockForm {
                seen: found.updated_at.0.timestamp_millis(),
                ..form
            };
            page(
                &cx,
                &staff,
                Some(found),
                form,
                FormErrors::default(),
                StatusCode::CONFLICT,
            )
            .await
        }
        Err(error) => Err(error),
    }
}

async fn save(
    staff: &Staff<Manager>,
    cx: &Context,
    found: &blocks::Model,
    form: &BlockForm,
) -> Result<usize> {
    let draft = form.draft().checked()?;
    look(cx, &found.key, draft.clone()).await?;
    let tx = cx.db.begin().await?;
    let current = store::find(&*tx, found.id).await?.ok_or(AppError::NotFound)?;
    if current.updated_at.0.timestamp_millis() != form.seen {
        return Err(AppError::Conflict("Somebody else saved this block.".into()));
    }
    let renewed = commands::edit(&tx, current, draft, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    Ok(renewed)
}

/// `POST /templates/blocks/{id}/delete`: only what no template takes in.
pub async fn delete_block(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
) -> Result<HttpResponse> {
    let tx = cx.db.begin().await?;
    let found = store::find(&*tx, *id).await?.ok_or(AppError::NotFound)?;
    let name = found.name.clone();
    commands::delete(&tx, found, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", format!("The block “{name}” is deleted."));
    Ok(see_other(hx, "/templates/blocks"))
}

/// `POST /templates/blocks/draft`: what is being written, for the frame beside it.
pub async fn preview_block(
    staff: Staff<Manager>,
    cx: Data<Context>,
    Form(form): Form<BlockForm>,
) -> Result<HttpResponse> {
    shown(&staff, &cx, &form.draft()).await
}

/// `GET /templates/blocks/{id}/html`: the block as it is kept, in a mail of its own.
pub async fn block_html(staff: Staff<Viewer>, id: Path<i64>, cx: Data<Context>) -> Result<HttpResponse> {
    let form = BlockForm::of(&find(&cx, *id).await?);
    shown(&staff, &cx, &form.draft()).await
}

async fn shown<L: Level>(staff: &Staff<L>, cx: &Context, draft: &NewBlock) -> Result<HttpResponse> {
    let version = check::alone(draft);
    let values = sample::made_up(&staff.club, &version);
    frame(cx, sample::render(cx, Channel::Email, version, values).await?)
}
