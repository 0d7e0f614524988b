//! What providers report by calling us: `/hooks/{key}`. The provider's adapter checks the signature
//! and reads the words; here they are looked up in the ledger and written, with what follows from
//! them for consent and suppressions. Duplicates and any order come to the same.

mod apply;
mod inbound;

use super::shell;
use crate::context::Context;
use crate::domain::token::Purpose;
use crate::mailbox::store::{Captured, keep};
use crate::messaging::Channels;
use crate::messaging::hooks::{Hook, Refusal};
use crate::providers::{Provider, Providers, failures};
use crate::web::{AppError, Result};
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use inbound::Reply;

/// `POST` and `GET /hooks/{key}`
pub async fn take_hook(
    request: HttpRequest,
    key: Path<String>,
    body: Bytes,
    cx: Data<Context>,
    providers: Data<Providers>,
    channels: Data<Channels>,
) -> Result<HttpResponse> {
    let provider = providers.by_key(&key).ok_or(AppError::NotFound)?;
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_ascii_lowercase(), value)
        })
        .collect();
    let target = request.uri().path_and_query();
    let target = target.map(|target| target.as_str()).unwrap_or_default();
    let hook = Hook {
        method: request.method().as_str(),
        url: &format!("{}{target}", cx.settings.base()),
        headers: &headers,
        body: &body,
        now: cx.clock.now(),
    };
    let events = match provider.adapter.parse_webhook(&hook).await {
        Ok(events) => events,
        Err(refusal) => return refuse(&cx, &provider, &refusal, &body).await,
    };
    let called = hook.query("d").and_then(|token| {
        let token = shell::token(&cx, &token, |purpose| *purpose == Purpose::Report)?;
        Some(token.delivery)
    });
    let replies = apply::apply(&cx, &provider, called, &events).await?;
    if !replies.is_empty() {
        tokio::spawn(reply(cx.get_ref().clone(), provider.clone(), channels, replies));
    }
    Ok(match provider.adapter.answer(&hook) {
        Some(answer) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, answer.content_type))
            .body(answer.body),
        None => HttpResponse::Ok().finish(),
    })
}

/// What was not taken changes nothing. What is the provider's and was not understood is kept.
async fn refuse(cx: &Context, provider: &Provider, refusal: &Refusal, body: &[u8]) -> Result<HttpResponse> {
    let status = match refusal {
        Refusal::Signature => StatusCode::UNAUTHORIZED,
        Refusal::Malformed(reason) => {
            tracing::warn!(provider = provider.key, reason, "a webhook was not understood");
            failures::keep(cx, provider.id, reason, body).await?;
            StatusCode::BAD_REQUEST
        }
        Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::NotTaken => StatusCode::NOT_FOUND,
    };
    Ok(HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body(format!("{refusal}\n")))
}

/// Answers people. What is not taken is not tried again: the person asked, and may ask again.
async fn reply(
    cx: Context,
    provider: std::sync::Arc<Provider>,
    channels: Data<Channels>,
    replies: Vec<Reply>,
) {
    let channel = provider.kind.channel;
    let Some(adapter) = channels.get(channel) else {
        return;
    };
    for reply in replies {
        let message = reply.message(cx.clock.now().timestamp());
        adapter.turn().await;
        match adapter.send(&message).await {
            Ok(receipt) => {
                let Some(raw) = receipt.captured else { continue };
                let captured = Captured::of(channel, &message, raw, cx.clock.now());
                if let Err(error) = keep_captured(&cx, captured).await {
                    tracing::warn!(%error, "an answer was not kept in the mailbox");
                }
            }
            Err(error) => tracing::warn!(%error, provider = provider.key, "a person was not answered"),
        }
    }
}

async fn keep_captured(cx: &Context, captured: Captured) -> Result<(), sea_orm::DbErr> {
    let tx = cx.db.begin().await?;
    keep(&tx, captured).await?;
    tx.commit().await
}
