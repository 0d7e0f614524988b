//! The frame of the pages that recipients see: the club's name and colour, no navigation, no
//! script; kept by no cache and found by no search engine.

use crate::accounts::Club;
use crate::context::Context;
use crate::domain::token::{Purpose, Token, verify};
use crate::web::{AppError, Result, html_with};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use askama::Template;

/// What the frame shows.
#[derive(Clone, Debug)]
pub struct Frame {
    pub title: String,
    pub club: String,
    /// `#rrggbb`.
    pub accent: String,
    pub website: String,
}

impl Frame {
    pub fn of(club: &Club, title: &str) -> Self {
        Self {
            title: title.to_owned(),
            club: club.name.clone(),
            accent: club.accent.clone(),
            website: club.website.clone(),
        }
    }
}

/// Reads a token and lets only one purpose pass.
pub fn token(cx: &Context, text: &str, purpose: fn(&Purpose) -> bool) -> Option<Token> {
    verify(&cx.secret.derive("tracking"), text).filter(|token| purpose(&token.purpose))
}

/// Answers with a page for a recipient.
pub fn page(status: StatusCode, page: &impl Template) -> Result<HttpResponse> {
    let mut response = html_with(status, page)?;
    for (name, value) in [
        ("x-robots-tag", "noindex, nofollow"),
        ("referrer-policy", "no-referrer"),
    ] {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(response)
}

#[derive(Template)]
#[template(path = "tracking/gone.html")]
struct GonePage {
    frame: Frame,
}

/// The answer to an address that nobody here wrote.
pub async fn not_found(cx: &Context) -> Result<HttpResponse> {
    let club = Club::load(&*cx.db).await.map_err(AppError::from)?;
    page(
        StatusCode::NOT_FOUND,
        &GonePage {
            frame: Frame::of(&club, "This link does not work"),
        },
    )
}
