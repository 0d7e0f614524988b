//! Every write of a signed-in browser carries the session's token, as the header `X-CSRF-Token`
//! or the form field `_csrf`; and no write is taken that a browser says came from another site.
//!
//! An upload (`multipart/form-data`) is too large to be read here for its field: it must prove by
//! `Sec-Fetch-Site` or `Origin`, which pages cannot forge, that it came from our own page.

use super::sessions;
use crate::context::Context;
use crate::web::AppError;
use actix_session::SessionExt as _;
use actix_web::ResponseError as _;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use subtle::ConstantTimeEq as _;

/// URLs whose writes do not rest on the session: the API has its keys, recipients their tokens,
/// providers their signatures, and sign-up forms may stand on the club's website.
const WITHOUT_SESSION: &[&str] = &["/api/", "/u/", "/preferences/", "/hooks/", "/f/"];

pub async fn check(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match refusal(&mut request).await {
        // An answer and not an error, so that the middleware around this one sees it.
        Some(error) => Ok(request.into_response(error.error_response())),
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

/// Why a request must not go on.
async fn refusal(request: &mut ServiceRequest) -> Option<AppError> {
    let is_exempt = WITHOUT_SESSION
        .iter()
        .any(|prefix| request.path().starts_with(prefix));
    if request.method().is_safe() || is_exempt {
        return None;
    }
    let same_site = is_same_site(request);
    if same_site == Some(false) {
        return Some(AppError::Csrf);
    }
    let session = request.get_session();
    // Without a session there is nothing to protect but the sign-in itself.
    if !session.contains_key(sessions::USER_ID) {
        return None;
    }
    let expected: String = session.get(sessions::CSRF).ok().flatten().unwrap_or_default();
    let given = match token_in_header(request.headers()) {
        Some(token) => Some(token),
        None if is(request.headers(), "multipart/form-data") => same_site.map(|_| expected.clone()),
        None => match token_in_form(request).await {
            Ok(token) => token,
            Err(error) => return Some(error),
        },
    };
    let is_right = given
        .is_some_and(|given| !expected.is_empty() && bool::from(given.as_bytes().ct_eq(expected.as_bytes())));
    (!is_right).then_some(AppError::Csrf)
}

/// What the browser says of where the request came from; `None` where it says nothing. A proxy
/// may have changed `Host`, so an `Origin` that is our public address is ours too.
fn is_same_site(request: &ServiceRequest) -> Option<bool> {
    let text = |name: &str| {
        let value = request.headers().get(name)?;
        value.to_str().ok()
    };
    if let Some(site) = text("sec-fetch-site") {
        return Some(matches!(site, "same-origin" | "none"));
    }
    let origin = text("origin")?;
    let public = request
        .app_data::<Data<Context>>()
        .and_then(|cx| cx.settings.base_url.as_ref())
        .map(|url| url.origin().ascii_serialization());
    let is_host = origin
        .split_once("://")
        .is_some_and(|(_, authority)| authority == request.connection_info().host());
    Some(is_host || public.as_deref() == Some(origin))
}

fn is(headers: &HeaderMap, kind: &str) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with(kind))
}

fn token_in_header(headers: &HeaderMap) -> Option<String> {
    headers.get("X-CSRF-Token")?.to_str().ok().map(str::to_owned)
}

/// Reads the form for its token and puts it back for the handler.
async fn token_in_form(request: &mut ServiceRequest) -> Result<Option<String>, AppError> {
    if !is(request.headers(), "application/x-www-form-urlencoded") {
        return Ok(None);
    }
    let body =
        request
            .extract::<Bytes>()
            .await
            .map_err(|error| match error.as_response_error().status_code() {
                StatusCode::PAYLOAD_TOO_LARGE => AppError::TooLarge("4 MB"),
                _ => AppError::BadRequest(format!("The form could not be read: {error}.")),
            })?;
    let token = url::form_urlencoded::parse(&body)
        .find(|(name, _)| name == "_csrf")
        .map(|(_, token)| token.into_owned());
    request.set_payload(Payload::from(body));
    Ok(token)
}
