//! `/api/v1/campaigns/{id}/deliveries`: the ledger, one row for every message.

use crate::accounts::Viewer;
use crate::accounts::keys::ApiKey;
use crate::api::{List, Paging, instant, json};
use crate::audience::contacts::store as contacts;
use crate::context::Context;
use crate::domain::{Channel, DeliveryState};
use crate::entity::Timestamp;
use crate::reports::ledger::{self, Filter, Row};
use crate::web::{AppError, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub struct Query {
    status: Option<String>,
    /// A key, an e-mail address or an id.
    contact: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    id: String,
    run_id: String,
    /// `null` once the person was erased.
    contact: Option<Person>,
    channel: Channel,
    address: String,
    status: DeliveryState,
    reason: Option<String>,
    /// Reason and the server's words, as a sentence; empty where the status says it all.
    detail: String,
    attempts: i32,
    message_id: Option<String>,
    /// Where a post can be seen.
    permalink: Option<String>,
    created_at: String,
    /// When it is tried next; `null` where it is not.
    due_at: Option<String>,
    sent_at: Option<String>,
    delivered_at: Option<String>,
    bounced_at: Option<String>,
    opened_at: Option<String>,
    clicked_at: Option<String>,
    converted_at: Option<String>,
    unsubscribed_at: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    id: String,
    key: Option<String>,
    first_name: String,
    last_name: String,
}

impl From<Row> for Delivery {
    fn from(row: Row) -> Self {
        let time = |at: Option<Timestamp>| at.map(|at| instant(at.0));
        Self {
            id: row.id.to_string(),
            run_id: row.run_id.to_string(),
            detail: row.why(),
            contact: row.contact_id.map(|id| Person {
                id: id.to_string(),
                key: row.key,
                first_name: row.first_name.unwrap_or_default(),
                last_name: row.last_name.unwrap_or_default(),
            }),
            channel: row.channel,
            address: row.address,
            status: row.state,
            reason: row.reason,
            attempts: row.attempt,
            message_id: row.message_id,
            permalink: row.permalink,
            created_at: instant(row.created_at.0),
            due_at: time((row.state == DeliveryState::Queued).then_some(row.due_at)),
            sent_at: time(row.sent_at),
            delivered_at: time(row.delivered_at),
            bounced_at: time(row.bounced_at),
            opened_at: time(row.opened_at),
            clicked_at: time(row.clicked_at),
            converted_at: time(row.converted_at),
            unsubscribed_at: time(row.unsubscribed_at),
        }
    }
}

/// `GET /api/v1/campaigns/{id}/deliveries?status=&contact=`, oldest first.
pub async fn list_deliveries(
    _key: ApiKey<Viewer>,
    cx: web::Data<Context>,
    path: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse> {
    let campaign = super::found(&cx, &path).await?;
    let state = query.status.as_deref().map(str::parse).transpose();
    let state = state.map_err(|_| AppError::invalid("status", "Name a status such as SENT."))?;
    let contact = match query.contact.as_deref() {
        Some(text) => match contacts::by_key_or_id_or_email(&*cx.db, text).await? {
            Some(contact) => Some(contact.id),
            // Nobody was sent anything.
            None => return json(StatusCode::OK, &List::<Delivery>::default()),
        },
        None => None,
    };
    let filter = Filter {
        state,
        contact,
        ..Filter::default()
    };
    let (cursor, limit) = (query.paging.cursor()?, query.paging.limit());
    let page = ledger::page(&*cx.db, campaign.id, &filter, cursor, limit).await?;
    let list = List {
        items: page.rows.into_iter().map(Delivery::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    };
    json(StatusCode::OK, &list)
}
