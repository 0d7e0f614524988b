//! The refused lines of an import as a file, each with its line number and reason.

use super::super::find;
use crate::accounts::{Manager, Staff};
use crate::context::Context;
use crate::entity::{import_rows, imports};
use crate::web::Result;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

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
