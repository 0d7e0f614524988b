//! `/segments/new`, `/segments/{id}/edit`: the editor of a rule. Every button of it posts the whole
//! form; all but “Save” answer with the form as it then is, for htmx the form alone.

use super::super::catalogue::{Catalogue, Input, UNITS};
use super::super::draft::{MODES, Node};
use super::super::editor::{self, Row};
use super::super::forms::SegmentForm;
use super::super::preview::Preview;
use super::super::{commands, rule_of};
use super::load;
use crate::accounts::{Manager, Staff};
use crate::context::Context;
use crate::domain::SegmentKind;
use crate::entity::segments;
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "segments/edit.html", blocks = ["editor"])]
struct EditPage {
    shell: Shell,
    /// The segment that is changed; `None` for a new one.
    old: Option<segments::Model>,
    form: SegmentForm,
    errors: FormErrors,
    catalogue: Catalogue,
    rows: Vec<Row>,
    preview: Option<Preview>,
}

impl EditPage {
    fn action(&self) -> String {
        self.old.as_ref().map_or_else(
            || "/segments/new".to_owned(),
            |old| format!("/segments/{}/edit", old.id),
        )
    }

    /// The message for a part of a condition.
    fn error(&self, name: &str, part: &str) -> Option<&str> {
        self.errors.of(&format!("{name}.{part}"))
    }

    /// The first message for a condition.
    fn line_error(&self, name: &str) -> &str {
        ["field", "op", "value", "unit"]
            .iter()
            .find_map(|part| self.error(name, part))
            .unwrap_or_default()
    }

    fn has_error(&self, name: &str) -> bool {
        !self.line_error(name).is_empty()
    }

    /// Whether a value is among choices.
    fn is_offered(&self, choices: &[(String, String)], value: &str) -> bool {
        choices.iter().any(|(word, _)| word == value)
    }

    /// The message for the rule as a whole or a whole group.
    fn error_of_rule(&self) -> Option<&str> {
        let is_whole = |field: &str| {
            matches!(field, "r" | "rule")
                || field
                    .strip_prefix("r.")
                    .is_some_and(|rest| !rest.ends_with(char::is_alphabetic))
        };
        self.errors
            .0
            .iter()
            .find(|error| is_whole(&error.field))
            .map(|error| error.message.as_str())
    }
}

#[derive(Template)]
#[template(path = "segments/_preview.html")]
struct PreviewPart {
    preview: Preview,
}

/// What is asked of the page of a new segment.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    kind: String,
}

/// `GET /segments/new`; `?kind=list` for a list by hand.
pub async fn get_new_segment(
    cx: Data<Context>,
    staff: Staff<Manager>,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    let form = SegmentForm::fresh(asked.kind == "list");
    answer(&cx, &staff, Hx::NONE, None, form, FormErrors::default()).await
}

/// `POST /segments/new`
pub async fn create_segment(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<HttpResponse> {
    let form = SegmentForm::read(&pairs);
    if !form.is_save() {
        return answer(&cx, &staff, hx, None, form, FormErrors::default()).await;
    }
    let catalogue = Catalogue::load(&*cx.db, false).await?;
    let (key, new) = match form.parse(&catalogue) {
        Ok(parsed) => parsed,
        Err(errors) => return answer(&cx, &staff, hx, None, form, errors).await,
    };
    let tx = cx.db.begin().await?;
    match commands::create(&tx, &key, new, &staff.actor(), cx.clock.now()).await {
        Ok(segment) => {
            tx.commit().await?;
            staff.flash("ok", format!("The segment “{}” is there.", segment.name));
            Ok(see_other(hx, &format!("/segments/{}", segment.id)))
        }
        Err(AppError::Invalid(errors)) => {
            drop(tx);
            answer(&cx, &staff, hx, None, form, errors).await
        }
        Err(error) => Err(error),
    }
}

/// `GET /segments/{id}/edit`
pub async fn get_segment_editor(
    cx: Data<Context>,
    staff: Staff<Manager>,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let old = load(&cx, *id).await?;
    let catalogue = Catalogue::load(&*cx.db, false).await?;
    let (root, errors) = match rule_of(&old) {
        Ok(rule) => (Node::of(&rule, &catalogue), FormErrors::default()),
        Err(error) => (
            Node::fresh(),
            FormErrors::one("r", format!("{error} Make it anew.")),
        ),
    };
    let form = SegmentForm {
        name: old.name.clone(),
        key: old.key.clone(),
        is_list: old.kind == SegmentKind::Static,
        root,
        button: String::new(),
    };
    answer(&cx, &staff, Hx::NONE, Some(old), form, errors).await
}

/// `POST /segments/{id}/edit`
pub async fn edit_segment(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<HttpResponse> {
    let old = load(&cx, *id).await?;
    let mut form = SegmentForm::read(&pairs);
    // What a segment is, and its key, were settled when it was made.
    form.is_list = old.kind == SegmentKind::Static;
    form.key.clone_from(&old.key);
    if !form.is_save() {
        return answer(&cx, &staff, hx, Some(old), form, FormErrors::default()).await;
    }
    let catalogue = Catalogue::load(&*cx.db, false).await?;
    let new = match form.parse(&catalogue) {
        Ok((_, new)) => new,
        Err(errors) => return answer(&cx, &staff, hx, Some(old), form, errors).await,
    };
    let tx = cx.db.begin().await?;
    let segment = commands::edit(&tx, old, new, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", "The segment is saved.");
    Ok(see_other(hx, &format!("/segments/{}", segment.id)))
}

/// `POST /segments/preview`: what the rule in the form finds, as one types it.
pub async fn preview_segment(
    cx: Data<Context>,
    staff: Staff<Manager>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<HttpResponse> {
    let form = SegmentForm::read(&pairs);
    let catalogue = Catalogue::load(&*cx.db, false).await?;
    let so_far = form.root.so_far(&catalogue);
    html(&PreviewPart {
        preview: Preview::of_rule(&cx, staff.club.timezone, &catalogue, so_far).await?,
    })
}

/// The form as it is now, after its button was done.
async fn answer(
    cx: &Context,
    staff: &Staff<Manager>,
    hx: Hx,
    old: Option<segments::Model>,
    mut form: SegmentForm,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let catalogue = Catalogue::load(&*cx.db, !hx.is_partial()).await?;
    let button = form.button.clone();
    form.root.act(&button);
    form.root.settle(&catalogue);
    let preview = match form.is_list {
        true => None,
        false => {
            let so_far = form.root.so_far(&catalogue);
            Some(Preview::of_rule(cx, staff.club.timezone, &catalogue, so_far).await?)
        }
    };
    let title = match (&old, form.is_list) {
        (Some(old), _) => format!("Edit {}", old.name),
        (None, true) => "New list".to_owned(),
        (None, false) => "New segment".to_owned(),
    };
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = EditPage {
        shell: staff.shell(Section::Segments, &title),
        rows: match form.is_list {
            true => Vec::new(),
            false => editor::rows(&form.root, &catalogue),
        },
        old,
        form,
        errors,
        catalogue,
        preview,
    };
    match hx.is_partial() {
        true => html_with(status, &page.as_editor()),
        false => html_with(status, &page),
    }
}
