//! `POST /contacts/{id}/data`: all that the club keeps about one person, for that person (GDPR
//! articles 15 and 20; POPIA section 23), and what shows each consent.

use crate::accounts::audit::{self, Subject};
use crate::accounts::{Manager, Staff};
use crate::audience::contacts::store;
use crate::context::Context;
use crate::entity::{
    Timestamp, activities, campaigns, consent_log, contacts, deliveries, enrollments, events, topics,
};
use crate::web::{AppError, Result};
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use chrono::SecondsFormat;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// The newest of each kind that are written; nobody has heard from a club more often.
const MOST: u64 = 20_000;

fn at(at: Timestamp) -> String {
    at.0.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn when(at: Option<Timestamp>) -> Option<String> {
    at.map(self::at)
}

/// `POST /contacts/{id}/data`: a write, because the audit trail says that it was asked for.
pub async fn export_data(cx: Data<Context>, staff: Staff<Manager>, id: Path<i64>) -> Result<HttpResponse> {
    let contact = store::find(&*cx.db, *id).await?.ok_or(AppError::NotFound)?;
    let data = json!({
        "club": staff.club.name,
        "writtenAt": cx.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true),
        "contact": store::json(&*cx.db, &contact).await?,
        "consentHistory": consents(&*cx.db, &contact).await?,
        "messages": messages(&*cx.db, &contact).await?,
        "actions": actions(&*cx.db, &contact).await?,
        "events": happened(&*cx.db, &contact).await?,
        "journeys": journeys(&*cx.db, &contact).await?,
    });
    // That somebody's data was taken out is itself to be known.
    let tx = cx.db.begin().await?;
    let subject = Subject("contact", Some(contact.id));
    audit::record(
        &tx,
        cx.clock.now(),
        &staff.actor(),
        "data exported",
        subject,
        json!({}),
    )
    .await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"contact-{}.json\"", contact.id),
        ))
        .body(serde_json::to_string_pretty(&data).map_err(anyhow::Error::from)?))
}

async fn consents(db: &impl ConnectionTrait, contact: &contacts::Model) -> Result<Vec<Value>, DbErr> {
    let names: HashMap<i64, String> = topics::Entity::find()
        .all(db)
        .await?
        .into_iter()
        .map(|topic| (topic.id, topic.name))
        .collect();
    let rows = consent_log::Entity::find()
        .filter(consent_log::Column::ContactId.eq(contact.id))
        .order_by_asc(consent_log::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    let lines = rows.into_iter().map(|row| {
        json!({
            "channel": row.channel, "topic": row.topic_id.and_then(|id| names.get(&id)), "status": row.status,
            "source": row.source, "evidence": row.evidence, "by": row.actor, "at": at(row.at),
        })
    });
    Ok(lines.collect())
}

/// The names of the campaigns that wrote to somebody.
async fn names(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, String>, DbErr> {
    let ids: BTreeSet<i64> = ids.collect();
    let mut names = HashMap::new();
    for some in ids.into_iter().collect::<Vec<_>>().chunks(500) {
        let rows = campaigns::Entity::find()
            .filter(campaigns::Column::Id.is_in(some.iter().copied()))
            .all(db)
            .await?;
        names.extend(rows.into_iter().map(|row| (row.id, row.name)));
    }
    Ok(names)
}

async fn messages(db: &impl ConnectionTrait, contact: &contacts::Model) -> Result<Vec<Value>, DbErr> {
    let rows = deliveries::Entity::find()
        .filter(deliveries::Column::ContactId.eq(contact.id))
        .order_by_desc(deliveries::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    let names = names(db, rows.iter().map(|row| row.campaign_id)).await?;
    let lines = rows.into_iter().map(|row| {
        json!({
            "id": row.id.to_string(), "campaign": names.get(&row.campaign_id), "channel": row.channel,
            "address": row.address, "state": row.state, "reason": row.reason, "sentAt": when(row.sent_at),
            "deliveredAt": when(row.delivered_at), "bouncedAt": when(row.bounced_at),
            "openedAt": when(row.opened_at), "clickedAt": when(row.clicked_at),
            "convertedAt": when(row.converted_at), "unsubscribedAt": when(row.unsubscribed_at),
        })
    });
    Ok(lines.collect())
}

async fn actions(db: &impl ConnectionTrait, contact: &contacts::Model) -> Result<Vec<Value>, DbErr> {
    let rows = activities::Entity::find()
        .filter(activities::Column::ContactId.eq(contact.id))
        .order_by_desc(activities::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    let lines = rows.into_iter().map(|row| {
        json!({
            "message": row.delivery_id.to_string(), "kind": row.kind, "at": at(row.at), "detail": row.detail,
        })
    });
    Ok(lines.collect())
}

async fn happened(db: &impl ConnectionTrait, contact: &contacts::Model) -> Result<Vec<Value>, DbErr> {
    let rows = events::Entity::find()
        .filter(events::Column::ContactId.eq(contact.id))
        .order_by_desc(events::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    let lines = rows.into_iter().map(|row| {
        json!({
            "name": row.name, "occurredAt": at(row.occurred_at), "receivedAt": at(row.received_at),
            "properties": row.properties,
        })
    });
    Ok(lines.collect())
}

async fn journeys(db: &impl ConnectionTrait, contact: &contacts::Model) -> Result<Vec<Value>, DbErr> {
    let rows = enrollments::Entity::find()
        .filter(enrollments::Column::ContactId.eq(contact.id))
        .order_by_desc(enrollments::Column::Id)
        .limit(MOST)
        .all(db)
        .await?;
    let names = names(db, rows.iter().map(|row| row.campaign_id)).await?;
    let lines = rows.into_iter().map(|row| {
        json!({
            "journey": names.get(&row.campaign_id), "enteredAt": at(row.entered_at), "state": row.state,
            "leftAt": when(row.left_at), "reason": row.reason,
        })
    });
    Ok(lines.collect())
}
