//! `/api/v1/events`: what club systems report, such as a booking.

use super::{json, parse};
use crate::accounts::Manager;
use crate::accounts::keys::ApiKey;
use crate::context::Context;
use crate::tracking::events::{self, EventInput, MOST};
use crate::web::{AppError, FormErrors, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::Value;

/// `POST /api/v1/events`: one event, or an array of them; all are kept or none. The same id twice
/// counts once.
pub async fn post_events(
    _key: ApiKey<Manager>,
    cx: web::Data<Context>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let (is_array, given) = match parse(&body)? {
        Value::Array(given) => (true, given),
        one => (false, vec![one]),
    };
    if given.len() > MOST {
        let text = format!("At most {MOST} events at once; these are {}.", given.len());
        return Err(AppError::invalid("", text));
    }
    let now = cx.clock.now();
    let (mut errors, mut new) = (FormErrors::default(), Vec::new());
    for (place, event) in given.into_iter().enumerate() {
        let read = serde_json::from_value::<EventInput>(event)
            .map_err(|error| FormErrors::one("", format!("{error}.")))
            .and_then(|event| event.parse(now));
        match read {
            Ok(event) => new.push(event),
            Err(wrong) => {
                for error in wrong.0 {
                    let field = match (is_array, error.field.is_empty()) {
                        (false, _) => error.field,
                        (true, true) => format!("[{place}]"),
                        (true, false) => format!("[{place}].{}", error.field),
                    };
                    errors.add(&field, error.message);
                }
            }
        }
    }
    errors.or(|| ())?;
    json(StatusCode::ACCEPTED, &events::record(&cx, new).await?)
}
