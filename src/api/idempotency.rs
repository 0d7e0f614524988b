//! `Idempotency-Key` on every POST: the same key with the same request is carried out once, and
//! the answer is given again (IETF draft-ietf-httpapi-idempotency-key-header).
//!
//! Only a success is kept: a refused request changed nothing, so it may be tried again.

use crate::accounts::keys;
use crate::context::Context;
use crate::db::Db;
use crate::entity::idempotency_keys;
use crate::web::AppError;
use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};
use sha2::{Digest as _, Sha256};

/// The longest key, in characters.
const LONGEST: usize = 255;

/// How long an answer is kept.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// A request without an answer after this time was cut off: its end is not known.
const STILL_RUNNING: TimeDelta = TimeDelta::minutes(2);

/// What is known of a key when a request with it arrives.
enum Known {
    New,
    Answered(idempotency_keys::Model),
}

pub async fn once(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let given = request.headers().get("Idempotency-Key").cloned();
    let (Some(given), true) = (given, request.method() == Method::POST) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let key = given.to_str().unwrap_or_default().trim().to_owned();
    if key.is_empty() || key.len() > LONGEST {
        return Err(AppError::BadRequest(format!(
            "The Idempotency-Key must have 1 to {LONGEST} visible ASCII characters."
        ))
        .into());
    }
    let Some(cx) = request.app_data::<web::Data<Context>>().cloned() else {
        return Err(AppError::Internal(anyhow::anyhow!("no context in the server")).into());
    };
    // Without a key of ours the handler refuses, and nothing need be kept.
    let Some(owner) = keys::owner(&*cx.db, request.request())
        .await
        .map_err(AppError::from)?
    else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let body = super::body(&mut request).await?;
    let hash = hash(&request, &body);
    request.set_payload(Payload::from(body));
    let now = cx.clock.now();
    match begin(&cx.db, owner, &key, &hash, now).await? {
        Known::Answered(row) => {
            let answer =
                HttpResponse::build(StatusCode::from_u16(row.status as u16).unwrap_or(StatusCode::OK))
                    .insert_header((header::CONTENT_TYPE, "application/json"))
                    .insert_header(("Idempotency-Replayed", "true"))
                    .body(row.body);
            Ok(request.into_response(answer))
        }
        Known::New => {
            let answer = next.call(request).await;
            finish(&cx.db, owner, &key, answer).await
        }
    }
}

/// Method, path and body, so that a key cannot be used for something else.
fn hash(request: &ServiceRequest, body: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(request.method().as_str());
    hasher.update([0]);
    hasher.update(request.uri().to_string());
    hasher.update([0]);
    hasher.update(body);
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

async fn begin(db: &Db, owner: i64, key: &str, hash: &str, now: DateTime<Utc>) -> Result<Known, AppError> {
    let tx = db.begin().await?;
    idempotency_keys::Entity::delete_many()
        .filter(idempotency_keys::Column::CreatedAt.lt((now - KEPT_FOR).timestamp_millis()))
        .exec(&*tx)
        .await?;
    let inserted = idempotency_keys::Entity::insert(idempotency_keys::ActiveModel {
        api_key_id: Set(owner),
        key: Set(key.to_owned()),
        request_hash: Set(hash.to_owned()),
        status: Set(0),
        body: Set(String::new()),
        created_at: Set(now.into()),
    })
    .on_conflict(
        sea_orm::sea_query::OnConflict::columns([
            idempotency_keys::Column::ApiKeyId,
            idempotency_keys::Column::Key,
        ])
        .do_nothing()
        .to_owned(),
    )
    .exec_without_returning(&*tx)
    .await;
    let is_new = match inserted {
        Ok(rows) => rows > 0,
        Err(DbErr::RecordNotInserted) => false,
        Err(error) => return Err(error.into()),
    };
    let row = idempotency_keys::Entity::find_by_id((owner, key.to_owned()))
        .one(&*tx)
        .await?;
    tx.commit().await?;
    let (false, Some(row)) = (is_new, row) else {
        return Ok(Known::New);
    };
    if row.request_hash != hash {
        return Err(AppError::invalid(
            "Idempotency-Key",
            "This key was used for another request. Use a new one.",
        ));
    }
    if row.status > 0 {
        return Ok(Known::Answered(row));
    }
    Err(AppError::Conflict(match now - row.created_at.0 < STILL_RUNNING {
        true => "The first request with this Idempotency-Key is still running. Try again in a moment.".into(),
        false => {
            "A request with this Idempotency-Key was cut off, and its end is not known. Look whether it took \
                  effect, then use a new key."
                .into()
        }
    }))
}

/// Keeps a success; lets go of the key otherwise.
async fn finish<B: MessageBody + 'static>(
    db: &Db,
    owner: i64,
    key: &str,
    answer: Result<ServiceResponse<B>, actix_web::Error>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let answer = match answer {
        Ok(answer) if answer.status().is_success() => answer,
        other => {
            release(db, owner, key).await.map_err(AppError::from)?;
            return Ok(other?.map_into_boxed_body());
        }
    };
    let (request, response) = answer.into_parts();
    let (head, body) = response.into_parts();
    let body = to_bytes(body)
        .await
        .map_err(|_| AppError::Internal(anyhow::anyhow!("an answer could not be kept")))?;
    let tx = db.begin().await.map_err(AppError::from)?;
    idempotency_keys::Entity::update_many()
        .col_expr(
            idempotency_keys::Column::Status,
            i32::from(head.status().as_u16()).into(),
        )
        .col_expr(
            idempotency_keys::Column::Body,
            String::from_utf8_lossy(&body).into_owned().into(),
        )
        .filter(idempotency_keys::Column::ApiKeyId.eq(owner))
        .filter(idempotency_keys::Column::Key.eq(key))
        .exec(&*tx)
        .await
        .map_err(AppError::from)?;
    tx.commit().await.map_err(AppError::from)?;
    Ok(ServiceResponse::new(
        request,
        head.set_body(body).map_into_boxed_body(),
    ))
}

async fn release(db: &Db, owner: i64, key: &str) -> Result<(), DbErr> {
    let tx = db.begin().await?;
    idempotency_keys::Entity::delete_by_id((owner, key.to_owned()))
        .exec(&*tx)
        .await?;
    tx.commit().await
}
