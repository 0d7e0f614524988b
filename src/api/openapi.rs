//! The API's own description, OpenAPI 3.1, kept by hand in `static/openapi.json`. A test holds it
//! to the routes.

use crate::web::Result;
use actix_web::HttpResponse;
use actix_web::http::header;

/// The document.
pub const DOCUMENT: &str = include_str!("../../static/openapi.json");

/// `GET /api/v1/openapi.json`: open to all, for it says nothing of the club.
pub async fn get_document() -> Result<HttpResponse> {
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .body(DOCUMENT))
}
