//! What every page needs and no feature owns: shell, errors, forms, htmx, assets. Knows no feature
//! and no table.

pub mod assets;
pub mod error;
pub mod filters;
pub mod forms;
pub mod htmx;
pub mod security;
pub mod shell;
pub mod zones;

pub use error::{AppError, Result};
pub use forms::FormErrors;
pub use htmx::Hx;
pub use shell::{Flash, Section, Shell};

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;

/// Answers 200 with a page, or with one of its blocks.
pub fn html(page: &impl Template) -> Result<HttpResponse> {
    html_with(StatusCode::OK, page)
}

/// Answers with a page under another status: 422 for a form that comes back with its errors.
pub fn html_with(status: StatusCode, page: &impl Template) -> Result<HttpResponse> {
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(page.render().map_err(anyhow::Error::from)?))
}

/// After a write that succeeded: 303, so that reloading the page does not write again. htmx
/// follows it as a whole page.
pub fn see_other(hx: Hx, location: &str) -> HttpResponse {
    if hx.is_partial() {
        return HttpResponse::Ok()
            .insert_header(("HX-Redirect", location))
            .finish();
    }
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .finish()
}
