//! Every failure that reaches a person or a client. Made anywhere, rendered in one place: the
//! middleware `render_errors`, because only there is it known whether a page, a fragment or the
//! API asked.

use super::{FormErrors, Hx, Shell};
use crate::domain::Role;
use crate::domain::campaign::Refusal;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use serde_json::json;

pub type Result<T, E = AppError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("Nothing is here. The address may be mistyped, or what it named was deleted.")]
    NotFound,
    #[error("Sign in first.")]
    SignInNeeded,
    #[error("The API key is missing, unknown or revoked.")]
    KeyNeeded,
    #[error("This needs the role {0}. Ask an administrator of your club.")]
    RoleNeeded(Role),
    #[error("This form is out of date or came from another site. Reload the page and try again.")]
    Csrf,
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Something else changed first. The sentence says what, and what to do.
    #[error("{0}")]
    Conflict(String),
    #[error("Some of this cannot be accepted as it is.")]
    Invalid(FormErrors),
    #[error("{0}")]
    BadRequest(String),
    #[error("This is larger than {0} and was not accepted.")]
    TooLarge(&'static str),
    #[error("Too many attempts. Try again in {0} seconds.")]
    TooMany(u64),
    /// The database or another thing we stand on does not answer. Nothing was changed.
    #[error("The database is not answering just now. Nothing was changed; try again in a moment.")]
    Unavailable(#[source] anyhow::Error),
    /// Says nothing to the visitor and everything to the log.
    #[error("Something went wrong on our side, and nothing was changed. The operator's log says more.")]
    Internal(#[source] anyhow::Error),
}

impl AppError {
    /// One field that cannot be accepted.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(FormErrors::one(field, message))
    }

    /// The stable name of the error in the JSON API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::SignInNeeded => "sign_in_needed",
            Self::KeyNeeded => "key_needed",
            Self::RoleNeeded(_) => "role_needed",
            Self::Csrf => "csrf",
            Self::Refused(_) => "illegal_transition",
            Self::Conflict(_) => "conflict",
            Self::Invalid(_) => "invalid",
            Self::BadRequest(_) => "bad_request",
            Self::TooLarge(_) => "too_large",
            Self::TooMany(_) => "too_many_requests",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// The toast that htmx shows of this error, and with it the part at `target` (a CSS selector)
    /// as it is now: for a button that comes too late because the page was stale.
    pub fn beside(&self, target: &str, part: &impl Template) -> Result<HttpResponse> {
        let beside = Beside {
            target: target.to_owned(),
            html: part.render().map_err(anyhow::Error::from)?,
        };
        toast(
            self.status_code(),
            &Toast {
                detail: self.to_string(),
                fields: self.fields().to_vec(),
                beside: Some(beside),
            },
        )
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::SignInNeeded => "Sign in",
            Self::KeyNeeded => "API key needed",
            Self::RoleNeeded(_) => "Not allowed",
            Self::Csrf => "Reload the page",
            Self::Refused(_) | Self::Conflict(_) => "That is not possible now",
            Self::Invalid(_) | Self::BadRequest(_) => "That cannot be accepted",
            Self::TooLarge(_) => "Too large",
            Self::TooMany(_) => "Slow down",
            Self::Unavailable(_) => "Try again in a moment",
            Self::Internal(_) => "Something went wrong",
        }
    }

    fn fields(&self) -> &[super::forms::FieldError] {
        match self {
            Self::Invalid(errors) => &errors.0,
            _ => &[],
        }
    }
}

impl From<sea_orm::DbErr> for AppError {
    fn from(error: sea_orm::DbErr) -> Self {
        let text = error.to_string();
        let is_passing = matches!(
            error,
            sea_orm::DbErr::ConnectionAcquire(_) | sea_orm::DbErr::Conn(_)
        ) || text.contains("database is locked")
            || text.contains("disk is full")
            || text.contains("readonly database");
        match is_passing {
            true => Self::Unavailable(error.into()),
            false => Self::Internal(error.into()),
        }
    }
}

impl From<anyhow::Error> for AppError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<FormErrors> for AppError {
    fn from(errors: FormErrors) -> Self {
        Self::Invalid(errors)
    }
}

/// What the middleware needs of an error, carried on the response.
#[derive(Clone)]
struct Problem {
    code: &'static str,
    title: &'static str,
    detail: String,
    fields: Vec<super::forms::FieldError>,
    /// Both states of a refused command.
    states: Option<(&'static str, &'static str)>,
}

impl Problem {
    /// Of an error that actix made itself: an unknown URL, a wrong method, a broken body.
    fn of_status(status: StatusCode) -> Self {
        Self {
            code: match status {
                StatusCode::NOT_FOUND => "not_found",
                StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
                StatusCode::PAYLOAD_TOO_LARGE => "too_large",
                _ if status.is_server_error() => "internal",
                _ => "bad_request",
            },
            title: status.canonical_reason().unwrap_or("Error"),
            detail: match status {
                StatusCode::NOT_FOUND => AppError::NotFound.to_string(),
                StatusCode::METHOD_NOT_ALLOWED => "This address does not take that method.".into(),
                StatusCode::PAYLOAD_TOO_LARGE => "This is larger than is accepted here.".into(),
                _ if status.is_server_error() => {
                    "Something went wrong on our side. Try again in a moment; the operator's log says more."
                        .into()
                }
                _ => "The request could not be read.".into(),
            },
            fields: Vec::new(),
            states: None,
        }
    }
}

impl ResponseError for AppError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::SignInNeeded | Self::KeyNeeded => StatusCode::UNAUTHORIZED,
            Self::RoleNeeded(_) | Self::Csrf => StatusCode::FORBIDDEN,
            Self::Refused(_) | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        if let Self::Internal(cause) | Self::Unavailable(cause) = self {
            tracing::error!(error = format!("{cause:#}"), "request failed");
        }
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Self::TooMany(seconds) => {
                response.insert_header((header::RETRY_AFTER, seconds.to_string()));
            }
            Self::KeyNeeded => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            _ => {}
        }
        let mut response = response.finish();
        response.extensions_mut().insert(Problem {
            code: self.code(),
            title: self.title(),
            detail: self.to_string(),
            fields: self.fields().to_vec(),
            states: match self {
                Self::Refused(refusal) => Some((refusal.from.as_str(), refusal.to().as_str())),
                _ => None,
            },
        });
        response
    }
}

#[derive(Template)]
#[template(path = "ui/error.html")]
struct ErrorPage {
    shell: Shell,
    status: u16,
    detail: String,
    fields: Vec<super::forms::FieldError>,
}

#[derive(Template)]
#[template(path = "ui/toast.html")]
struct Toast {
    detail: String,
    fields: Vec<super::forms::FieldError>,
    beside: Option<Beside>,
}

/// A part of the page that is swapped with a toast.
struct Beside {
    /// A CSS selector.
    target: String,
    html: String,
}

/// Turns an error into what the asker can use: problem+json (RFC 9457) for the API, a toast for
/// htmx, the sign-in page for a visitor without a session, else a page.
pub async fn render_errors(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> std::result::Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let asker = Asker::of(request.request());
    match next.call(request).await {
        Ok(response) => {
            let response = response.map_into_boxed_body();
            Ok(match rendered(&asker, response.response())? {
                Some(page) => ServiceResponse::new(response.request().clone(), page),
                None => response,
            })
        }
        // A failure in the middleware below, such as the store of sessions.
        Err(error) => {
            let bare = error.error_response();
            tracing::error!(error = format!("{error:?}"), "request failed");
            let page = rendered(&asker, &bare)?.unwrap_or(bare);
            Err(InternalError::from_response(error, page).into())
        }
    }
}

/// What is to be known of a request when its answer is rendered.
struct Asker {
    hx: Hx,
    is_api: bool,
    /// Where to go on after signing in.
    next: String,
}

impl Asker {
    fn of(request: &HttpRequest) -> Self {
        let next = match request.method().is_safe() {
            true => request
                .uri()
                .path_and_query()
                .map_or("/", |target| target.as_str()),
            false => "/",
        };
        Self {
            hx: Hx::of(request),
            is_api: request.path().starts_with("/api/"),
            next: next.to_owned(),
        }
    }
}

/// The answer in the place of a bare error; `None` where the answer stands as it is.
fn rendered(asker: &Asker, response: &HttpResponse) -> Result<Option<HttpResponse>> {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let known = response.extensions().get::<Problem>().cloned();
    let has_body = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    if !is_error || (known.is_none() && has_body) {
        return Ok(None);
    }
    let problem = known.unwrap_or_else(|| Problem::of_status(status));
    let mut page = render(asker, status, problem)?;
    for name in [header::RETRY_AFTER, header::WWW_AUTHENTICATE, header::ALLOW] {
        if let Some(value) = response.headers().get(&name) {
            page.headers_mut().insert(name, value.clone());
        }
    }
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        page.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    Ok(Some(page))
}

fn render(asker: &Asker, status: StatusCode, problem: Problem) -> Result<HttpResponse> {
    if asker.is_api {
        return Ok(problem_json(status, &problem));
    }
    if problem.code == "sign_in_needed" {
        let next: String = url::form_urlencoded::byte_serialize(asker.next.as_bytes()).collect();
        return Ok(super::see_other(asker.hx, &format!("/sign-in?next={next}")));
    }
    let (detail, fields) = (problem.detail, problem.fields);
    if !asker.hx.is_partial() {
        let page = ErrorPage {
            shell: Shell::bare(problem.title),
            status: status.as_u16(),
            detail,
            fields,
        };
        return super::html_with(status, &page);
    }
    toast(
        status,
        &Toast {
            detail,
            fields,
            beside: None,
        },
    )
}

fn toast(status: StatusCode, toast: &Toast) -> Result<HttpResponse> {
    let mut toast = super::html_with(status, toast)?;
    for (name, value) in [("hx-retarget", "#toasts"), ("hx-reswap", "beforeend")] {
        toast
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(toast)
}

fn problem_json(status: StatusCode, problem: &Problem) -> HttpResponse {
    let mut body = json!({
        "type": "about:blank",
        "title": problem.title,
        "status": status.as_u16(),
        "code": problem.code,
        "detail": problem.detail,
    });
    if !problem.fields.is_empty() {
        body["errors"] = json!(problem.fields);
    }
    if let Some((from, to)) = problem.states {
        body["from"] = json!(from);
        body["to"] = json!(to);
    }
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/problem+json"))
        .body(body.to_string())
}
