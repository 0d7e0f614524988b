//! The pages of an import: upload, name the columns, look, confirm. For managers.

use super::super::csv_file::name_of;
use super::{Choices, cancel, confirm, find, stage, start_reading};
use crate::accounts::{Manager, Staff};
use crate::context::Context;
use crate::domain::ImportState;
use crate::entity::{import_rows, imports};
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_multipart::form::tempfile::TempFile;
use actix_multipart::form::{MultipartForm, MultipartFormConfig};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use askama::Template;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use serde::Deserialize;
use std::collections::HashSet;

/// Fields with a meaning of their own; any other column is an attribute.
const FIELDS: &[(&str, &str)] = &[
    ("", "Leave out"),
    ("key", "Key: the member’s number"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("first_name", "First name"),
    ("last_name", "Last name"),
    ("timezone", "Time zone"),
    ("locale", "Language"),
    ("tags", "Tags"),
    ("consent_email", "Consent to e-mail"),
    ("consent_sms", "Consent to SMS"),
    ("consent_push", "Consent to push"),
    ("consent_whatsapp", "Consent to WhatsApp"),
];

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
    errors: FormErrors,
}

impl UploadPage {
    fn of(staff: &Staff<Manager>, errors: FormErrors) -> Self {
        Self {
            shell: staff.shell(Section::Contacts, "Import contacts"),
            errors,
        }
    }
}

/// `GET /contacts/import`
pub async fn get_upload(staff: Staff<Manager>) -> Result<HttpResponse> {
    html(&UploadPage::of(&staff, FormErrors::default()))
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
            html_with(StatusCode::UNPROCESSABLE_ENTITY, &UploadPage::of(&staff, errors))
        }
        Err(error) => Err(error),
    }
}

/// A column of the file, and what it may hold.
struct Column {
    header: String,
    chosen: String,
    options: Vec<(String, String)>,
    samples: Vec<String>,
}

#[derive(Template)]
#[template(path = "audience/import/show.html", blocks = ["progress"])]
struct ImportPage {
    shell: Shell,
    import: imports::Model,
    columns: Vec<Column>,
    refusals: Vec<import_rows::Model>,
    choices: Choices,
    errors: FormErrors,
}

impl ImportPage {
    async fn of(
        staff: &Staff<Manager>,
        cx: &Context,
        import: imports::Model,
        typed: &Mapping,
        errors: FormErrors,
    ) -> Result<Self> {
        let rows = import_rows::Entity::find().filter(import_rows::Column::ImportId.eq(import.id));
        let rows = rows.order_by_asc(import_rows::Column::Line);
        let first = match import.state {
            ImportState::Uploaded => rows.clone().limit(3).all(&*cx.db).await?,
            _ => Vec::new(),
        };
        let refused = rows.filter(import_rows::Column::Refusal.is_not_null());
        Ok(Self {
            shell: staff.shell(Section::Contacts, &format!("Import of {}", import.filename)),
            columns: columns(&import, &first, &typed.column)?,
            refusals: refused.limit(20).all(&*cx.db).await?,
            choices: typed.choices(),
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
}

fn columns(import: &imports::Model, first: &[import_rows::Model], typed: &[String]) -> Result<Vec<Column>> {
    let headers: Vec<String> = serde_json::from_value(import.columns.clone()).map_err(anyhow::Error::from)?;
    let rows = first
        .iter()
        .map(|row| serde_json::from_str(&row.raw))
        .collect::<std::result::Result<Vec<Vec<String>>, _>>()
        .map_err(anyhow::Error::from)?;
    let mut taken = HashSet::new();
    Ok(headers
        .into_iter()
        .enumerate()
        .map(|(place, header)| {
            let mut guess = guess(&header);
            // A file has one column of each; of two that look alike the first is taken.
            if !taken.insert(guess.clone()) {
                guess = name_of(&header).trim_matches('_').to_owned();
                if !taken.insert(guess.clone()) {
                    guess.clear();
                }
            }
            let mut options: Vec<_> = FIELDS
                .iter()
                .map(|(field, label)| ((*field).to_owned(), (*label).to_owned()))
                .collect();
            if FIELDS.iter().all(|(field, _)| *field != guess) {
                options.push((guess.clone(), format!("Attribute {guess}")));
            }
            Column {
                chosen: typed.get(place).cloned().unwrap_or(guess),
                options,
                samples: rows.iter().filter_map(|row| row.get(place).cloned()).collect(),
                header,
            }
        })
        .collect())
}

/// What a column most likely holds, by the names that clubs give.
fn guess(header: &str) -> String {
    let name = name_of(header).trim_matches('_').to_owned();
    let field = match name.as_str() {
        "e_mail" | "mail" | "email_address" | "e_mail_address" => "email",
        "mobile" | "cell" | "telephone" | "phone_number" | "mobile_number" | "cell_number" => "phone",
        "firstname" | "given_name" | "forename" => "first_name",
        "lastname" | "surname" | "family_name" => "last_name",
        "id" | "member_no" | "member_number" | "member_id" | "membership_no" | "membership_number" => "key",
        "consent" | "consent_e_mail" | "e_mail_consent" | "email_consent" | "consent_to_e_mail"
        | "consent_to_email" | "newsletter" | "marketing" | "opt_in" | "subscribed" => "consent_email",
        "consent_to_sms" | "sms_consent" => "consent_sms",
        _ => return name,
    };
    field.into()
}

/// `GET /contacts/import/{id}`: for htmx the progress alone, which it asks for every second.
pub async fn get_import(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let import = find(&cx, *id).await?;
    let page = ImportPage::of(&staff, &cx, import, &Mapping::default(), FormErrors::default()).await?;
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
}

impl Mapping {
    fn choices(&self) -> Choices {
        Choices {
            source: self.source.trim().to_owned(),
            may_resubscribe: self.resubscribe.is_some(),
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
    let mut errors = FormErrors::default();
    errors.text("source", &form.source, 200);
    let started = match errors.is_empty() {
        true => start_reading(&cx, *id, &form.column, &form.choices()).await,
        false => Err(AppError::Invalid(errors)),
    };
    match started {
        Ok(()) => Ok(see_other(hx, &format!("/contacts/import/{id}"))),
        Err(AppError::Invalid(errors)) => {
            let page = ImportPage::of(&staff, &cx, import, &form, errors).await?;
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

/// `GET /contacts/import/{id}/refused.csv`
pub async fn get_refused(
    _staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let import = find(&cx, *id).await?;
    let rows = import_rows::Entity::find()
        .filter(import_rows::Column::ImportId.eq(import.id))
        .filter(import_rows::Column::Refusal.is_not_null())
        .order_by_asc(import_rows::Column::Line)
        .all(&*cx.db)
        .await?;
    let report = report(&import, &rows)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"refused.csv\"",
        ))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(report))
}

fn report(import: &imports::Model, rows: &[import_rows::Model]) -> anyhow::Result<Vec<u8>> {
    let headers: Vec<String> = serde_json::from_value(import.columns.clone())?;
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let head = ["line".to_owned(), "reason".to_owned()];
    writer.write_record(head.into_iter().chain(headers).map(harmless))?;
    for row in rows {
        let fields: Vec<String> = serde_json::from_str(&row.raw)?;
        let head = [row.line.to_string(), row.refusal.clone().unwrap_or_default()];
        writer.write_record(head.into_iter().chain(fields).map(harmless))?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

/// A cell that a spreadsheet takes for text and not for a formula.
fn harmless(cell: String) -> String {
    match cell.starts_with(['=', '+', '-', '@']) {
        true => format!("'{cell}"),
        false => cell,
    }
}
