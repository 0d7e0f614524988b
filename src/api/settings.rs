//! `/api/v1/settings`: the club's settings.

use super::{json, parse};
use crate::accounts::audit::{self, Subject};
use crate::accounts::keys::ApiKey;
use crate::accounts::{Admin, Club, Viewer};
use crate::context::Context;
use crate::web::Result;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::Value;

/// `GET /api/v1/settings`
pub async fn get_settings(key: ApiKey<Viewer>) -> Result<HttpResponse> {
    json(StatusCode::OK, &key.club)
}

/// `PUT /api/v1/settings`: what is not named keeps its value.
pub async fn put_settings(
    key: ApiKey<Admin>,
    cx: web::Data<Context>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let given: Value = parse(&body)?;
    let mut merged = serde_json::to_value(&key.club).map_err(anyhow::Error::from)?;
    merge(&mut merged, given);
    let club: Club = parse(&web::Bytes::from(merged.to_string()))?;
    let club = club.checked()?;
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let changes = club.change(&tx, now).await?;
    audit::record(&tx, now, &key.actor(), "edited", Subject("club", None), changes).await?;
    tx.commit().await?;
    json(StatusCode::OK, &club)
}

/// JSON Merge Patch (RFC 7396), for objects in objects.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
