//! The pages of an import: upload, name the columns, look, confirm. For managers.

mod columns;
pub mod refused;

use super::{Kept, Options, cancel, confirm, find, kept, stage, start_reading};
use crate::accounts::{Manager, Staff};
use crate::audience::contacts::store;
use crate::context::Context;
use crate::domain::ImportState;
use crate::entity::{import_rows, imports};
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_multipart::form::tempfile::TempFile;
use actix_multipart::form::{MultipartForm, MultipartFormConfig};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use serde::Deserialize;

/// Refused lines that the page shows.
const SHOWN: u64 = 20;
/// Imports that the first step lists.
const RECENT: u64 = 10;

/// The uploaded file.
#[derive(MultipartForm)]
pub struct Upload {
    #[multipart(limit = "50MB")]
    file: TempFile,
}

/// How an upload is read, for the routes.
pub fn upload_config() -> MultipartFormConfig {
    MultipartFormConfig::default()
        .total_limit(50 * 1024 * 1024)
        .error_handler(|error, _| {
            AppError::BadRequest(format!("The file could not be read; it may have 50 MB. {error}.")).into()
        })
}

#[derive(Template)]
#[template(path = "audience/import/upload.html")]
struct UploadPage {
    shell: Shell,
    zone: Tz,
    recent: Vec<imports::Model>,
    errors: FormErrors,
}

impl UploadPage {
    async fn of(staff: &Staff<Manager>, cx: &Context, errors: FormErrors) -> Result<Self> {
        Ok(Self {
            shell: staff.shell(Section::Contacts, "Import contacts"),
            zone: staff.zone(),
            recent: imports::Entity::find()
                .order_by_desc(imports::Column::Id)
                .limit(RECENT)
                .all(&*cx.db)
                .await?,
            errors,
        })
    }

    /// The first of the steps.
    fn step(&self) -> usize {
        1
    }
}

/// `GET /contacts/import`
pub async fn get_upload(staff: Staff<Manager>, cx: web::Data<Context>) -> Result<HttpResponse> {
    html(&UploadPage::of(&staff, &cx, FormErrors::default()).await?)
}

/// `POST /contacts/import`
pub async fn upload_file(
    staff: Staff<Manager>,
    form: MultipartForm<Upload>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let file = &form.file;
    let bytes = tokio::fs::read(file.file.path())
        .await
        .map_err(anyhow::Error::from)?;
    let name = file.file_name.as_deref().unwrap_or("contacts.csv");
    match stage(&cx, name, bytes, staff.user.id).await {
        Ok(id) => Ok(see_other(hx, &format!("/contacts/import/{id}"))),
        Err(AppError::Invalid(errors)) => {
            let page = UploadPage::of(&staff, &cx, errors).await?;
            html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error),
    }
}

#[derive(Template)]
#[template(path = "audience/import/show.html", blocks = ["progress"])]
struct ImportPage {
    shell: Shell,
    import: imports::Model,
    columns: Vec<columns::Column>,
    refusals: Vec<import_rows::Model>,
    kept: Kept,
    form: Mapping,
    errors: FormErrors,
}

impl ImportPage {
    async fn of(
        staff: &Staff<Manager>,
        cx: &Context,
        import: imports::Model,
        form: Mapping,
        errors: FormErrors,
    ) -> Result<Self> {
        let rows = import_rows::Entity::find().filter(import_rows::Column::ImportId.eq(import.id));
        let rows = rows.order_by_asc(import_rows::Column::Line);
        let columns = match import.state {
            ImportState::Uploaded => {
                let first = rows.clone().limit(3).all(&*cx.db).await?;
                let known = store::attributes(&*cx.db).await?;
                columns::of(&import, &first, &known, &form.column)?
            }
            _ => Vec::new(),
        };
        let refused = rows.filter(import_rows::Column::Refusal.is_not_null());
        Ok(Self {
            shell: staff.shell(Section::Contacts, &format!("Import of {}", import.filename)),
            columns,
            refusals: refused.limit(SHOWN).all(&*cx.db).await?,
            kept: kept(&import),
            form,
            import,
            errors,
        })
    }

    fn is_busy(&self) -> bool {
        matches!(self.import.state, ImportState::Reading | ImportState::Applying)
    }

    /// Whether the people whom it makes can be sent no marketing, as nothing says that they agreed.
    fn is_without_consent(&self) -> bool {
        let columns = self.import.mapping.as_array();
        let is_consent = |column: &serde_json::Value| column.as_str() == Some("consent_email");
        self.import.created_count > 0 && !columns.is_some_and(|columns| columns.iter().any(is_consent))
    }

    fn percent(&self) -> i64 {
        self.import.read_rows * 100 / self.import.total_rows.max(1)
    }

    /// Where in the steps it stands, from 1.
    fn step(&self) -> usize {
        match self.import.state {
            ImportState::Uploaded => 2,
            ImportState::Reading | ImportState::Ready => 3,
            _ => 4,
        }
    }

    fn has_more_refusals(&self) -> bool {
        self.import.refused_count > self.refusals.len() as i64
    }

    fn accepted(&self) -> i64 {
        self.import.created_count + self.import.updated_count
    }

    fn accepted_grouped(&self) -> String {
        filters::group(self.accepted())
    }
}

/// `GET /contacts/import/{id}`: for htmx the progress alone, which it asks for every second.
pub async fn get_import(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let import = find(&cx, *id).await?;
    let page = ImportPage::of(&staff, &cx, import, Mapping::default(), FormErrors::default()).await?;
    match hx.is_partial() {
        true => html(&page.as_progress()),
        false => html(&page),
    }
}

/// The form of the columns, as typed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Mapping {
    column: Vec<String>,
    source: String,
    resubscribe: Option<String>,
    country: String,
    tag: String,
}

impl Mapping {
    fn choices(&self) -> Result<Options, FormErrors> {
        let mut errors = FormErrors::default();
        // A consent that nobody can say the ground of is none (GDPR article 7(1)).
        if self.source.trim().is_empty() && self.column.iter().any(|name| name.starts_with("consent_")) {
            errors.add("source", "A column holds consent: say where it comes from.");
        }
        let is_again = self.resubscribe.is_some();
        match Options::parse(&self.source, is_again, &self.country, &self.tag) {
            Ok(options) => errors.or(|| options),
            Err(more) => {
                errors.0.extend(more.0);
                Err(errors)
            }
        }
    }
}

/// `POST /contacts/import/{id}`
pub async fn map_columns(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    Form(form): Form<Mapping>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let import = find(&cx, *id).await?;
    let count = import.columns.as_array().map_or(0, Vec::len);
    if form.column.len() != count {
        return Err(AppError::BadRequest(
            "The form does not name every column.".into(),
        ));
    }
    let started = match form.choices() {
        Ok(choices) => start_reading(&cx, *id, &form.column, choices).await,
        Err(errors) => Err(AppError::Invalid(errors)),
    };
    match started {
        Ok(()) => Ok(see_other(hx, &format!("/contacts/import/{id}"))),
        Err(AppError::Invalid(errors)) => {
            let page = ImportPage::of(&staff, &cx, import, form, errors).await?;
            html_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST /contacts/import/{id}/confirm`
pub async fn confirm_import(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    confirm(&cx, *id, staff.actor()).await?;
    Ok(see_other(hx, &format!("/contacts/import/{id}")))
}

/// `POST /contacts/import/{id}/cancel`
pub async fn cancel_import(
    _staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    cancel(&cx, *id).await?;
    Ok(see_other(hx, &format!("/contacts/import/{id}")))
}
