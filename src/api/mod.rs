//! The JSON API, version 1: `/api/v1`, keys as bearer tokens, camelCase, instants in RFC 3339 UTC,
//! ids as opaque text, errors as problem+json (RFC 9457). Handlers parse, call the commands that
//! pages call too, and answer; nothing is decided here.

pub mod campaigns;
pub mod captured;
pub mod contacts;
pub mod events;
pub mod idempotency;
pub mod openapi;
pub mod segments;
pub mod settings;
pub mod templates;

use crate::web::{AppError, Result};
use actix_web::dev::ServiceRequest;
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpResponse, web};
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::StreamExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest JSON body, in bytes.
pub const LARGEST_BODY: usize = 4 * 1024 * 1024;
/// The largest file of contacts, in bytes.
pub const LARGEST_IMPORT: usize = crate::audience::import::LARGEST;

/// How many items a list answers unless `limit` says otherwise, and at most.
const USUAL_PAGE: u64 = 50;
const LARGEST_PAGE: u64 = 500;

/// `?limit=&cursor=` of every list. A cursor is what `nextCursor` answered.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Paging {
    #[serde(default, deserialize_with = "number")]
    limit: Option<u64>,
    cursor: Option<String>,
}

/// A number of a query. Read as text first, because that is all a flattened field is given.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text: Option<String> = serde::Deserialize::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom))
        .transpose()
}

impl Paging {
    /// How many to answer.
    pub fn limit(&self) -> u64 {
        self.limit.unwrap_or(USUAL_PAGE).clamp(1, LARGEST_PAGE)
    }

    /// The id behind which the page begins.
    pub fn cursor(&self) -> Result<Option<i64>> {
        self.cursor
            .as_deref()
            .map(|text| {
                text.parse()
                    .map_err(|_| AppError::invalid("cursor", "This is no cursor that a list answered."))
            })
            .transpose()
    }
}

/// A page of a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    pub items: Vec<T>,
    /// `null` on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Default for List<T> {
    /// Nothing found.
    fn default() -> Self {
        Self {
            items: Vec::new(),
            next_cursor: None,
        }
    }
}

impl<T> List<T> {
    /// Of one item more than the limit, which only says that there is another page. `id` names
    /// an item for the cursor.
    pub fn of(mut items: Vec<T>, limit: u64, id: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        Self {
            next_cursor: items.last().filter(|_| has_more).map(id),
            items,
        }
    }
}

/// An instant as the API writes it: `2026-03-02T08:00:00Z`, with milliseconds where there are any.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Answers JSON.
pub fn json(status: StatusCode, body: &impl Serialize) -> Result<HttpResponse> {
    let body = serde_json::to_string(body).map_err(anyhow::Error::from)?;
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

/// The status of a PUT: whether it made the thing or changed it.
pub const fn made(is_new: bool) -> StatusCode {
    match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    }
}

/// Reads a JSON body; says at which field and place it is wrong.
pub fn parse<T: DeserializeOwned>(body: &web::Bytes) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => AppError::invalid("", format!("{error}.")),
        _ => AppError::BadRequest(format!("The body is no JSON: {error}.")),
    })
}

/// The body as a whole, for the middleware that must see it before the handler.
async fn body(request: &mut ServiceRequest) -> Result<Bytes> {
    let most = match request.path().ends_with("/contacts/import") {
        true => LARGEST_IMPORT,
        false => LARGEST_BODY,
    };
    read(&mut request.take_payload(), most).await
}

/// A body of at most this many bytes.
async fn read<P>(payload: &mut P, most: usize) -> Result<Bytes>
where
    P: futures_util::Stream<Item = Result<Bytes, actix_web::error::PayloadError>> + Unpin,
{
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|error| AppError::BadRequest(format!("The body could not be read: {error}.")))?;
        if body.len() + chunk.len() > most {
            return Err(AppError::TooLarge(match most {
                LARGEST_IMPORT => "50 MB",
                _ => "4 MB",
            }));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
