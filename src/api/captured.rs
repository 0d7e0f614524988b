//! `GET /api/v1/captured`: what the capture mailbox holds.

use super::{List, Paging, instant, json};
use crate::accounts::Viewer;
use crate::accounts::keys::ApiKey;
use crate::context::Context;
use crate::entity::captured_messages;
use crate::mailbox::store::{self, Filter};
use crate::web::{AppError, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub struct Query {
    channel: Option<String>,
    campaign: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    channel: &'static str,
    to: String,
    from: String,
    subject: String,
    /// The HTML of an e-mail, else the text.
    body: String,
    text: String,
    campaign_id: Option<String>,
    at: String,
}

impl From<captured_messages::Model> for Message {
    fn from(row: captured_messages::Model) -> Self {
        Self {
            id: row.id.to_string(),
            channel: row.channel.as_str(),
            to: row.recipient,
            from: row.sender,
            subject: row.subject,
            body: match row.html.is_empty() {
                true => row.text.clone(),
                false => row.html,
            },
            text: row.text,
            campaign_id: row.campaign_id.map(|id| id.to_string()),
            at: instant(row.at.0),
        }
    }
}

/// Newest first.
pub async fn list_captured(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    query: web::Query<Query>,
) -> Result<HttpResponse> {
    let channel = query.channel.as_deref().map(str::parse).transpose();
    let filter = Filter {
        channel: channel.map_err(|_| AppError::invalid("channel", "Name a channel such as EMAIL."))?,
        // No message is of a campaign whose id is no id.
        campaign_id: query.campaign.as_deref().map(|id| id.parse().unwrap_or(-1)),
        before: query.paging.cursor()?,
        ..Filter::default()
    };
    let limit = query.paging.limit();
    let rows = store::whole(&*cx.db, &filter, limit + 1).await?;
    let items = rows.into_iter().map(Message::from).collect();
    json(
        StatusCode::OK,
        &List::of(items, limit, |message: &Message| message.id.clone()),
    )
}
