//! What one person was sent and what they did with it, as a timeline.

use super::words;
use crate::accounts::Club;
use crate::db::Sql;
use crate::domain::money::Currency;
use crate::domain::{ActivityKind, Channel, DeliveryState};
use crate::entity::Timestamp;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};

/// The most moments that are told.
pub const MOST: usize = 200;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub at: DateTime<Utc>,
    /// A short word for a chip: a delivery's state or an activity's kind, as the database has it.
    pub word: &'static str,
    /// A sentence without its campaign, such as "Opened the message."
    pub text: String,
    pub campaign_id: i64,
    pub campaign: String,
}

#[derive(FromQueryResult)]
struct Message {
    campaign_id: i64,
    campaign: String,
    channel: Channel,
    state: DeliveryState,
    reason: Option<String>,
    reply: Option<String>,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
    bounced_at: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct Deed {
    campaign_id: i64,
    campaign: String,
    kind: ActivityKind,
    at: Timestamp,
    label: Option<String>,
    url: Option<String>,
    detail: serde_json::Value,
}

/// A contact's history, newest first.
pub async fn history(db: &impl ConnectionTrait, contact_id: i64) -> Result<Vec<Moment>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let contact = sql.bind(contact_id);
    let messages = Message::find_by_statement(sql.statement(format!(
        "SELECT d.campaign_id, c.name AS campaign, d.channel, d.state, d.reason, d.reply, d.created_at, \
         d.sent_at, d.bounced_at FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id \
         WHERE d.contact_id = {contact} ORDER BY d.id DESC LIMIT {MOST}"
    )))
    .all(db)
    .await?;
    let mut sql = Sql::new(db.get_database_backend());
    let contact = sql.bind(contact_id);
    let deeds = Deed::find_by_statement(sql.statement(format!(
        "SELECT d.campaign_id, c.name AS campaign, a.kind, a.at, a.detail, l.label, l.url FROM activities a \
         JOIN deliveries d ON d.id = a.delivery_id JOIN campaigns c ON c.id = d.campaign_id \
         LEFT JOIN links l ON l.id = a.link_id \
         WHERE a.contact_id = {contact} ORDER BY a.id DESC LIMIT {MOST}"
    )))
    .all(db)
    .await?;
    let currency = Club::load(db).await?.currency;
    let mut moments: Vec<_> = deeds.into_iter().map(|deed| of_deed(deed, currency)).collect();
    moments.extend(messages.into_iter().map(of_message));
    // Stable, so that of one instant the deed stands above the message that it came of.
    moments.sort_by_key(|moment| std::cmp::Reverse(moment.at));
    moments.truncate(MOST);
    Ok(moments)
}

fn of_message(message: Message) -> Moment {
    let why = words::why(message.state, message.reason.as_deref(), message.reply.as_deref());
    let state = match message.state {
        DeliveryState::Sent | DeliveryState::Delivered => "Was sent",
        other => words::state(other),
    };
    let sentence = format!("{state} by {}. {why}", words::channel(message.channel));
    Moment {
        at: message
            .bounced_at
            .or(message.sent_at)
            .unwrap_or(message.created_at)
            .0,
        word: message.state.as_str(),
        text: sentence.trim_end().to_owned(),
        campaign_id: message.campaign_id,
        campaign: message.campaign,
    }
}

fn of_deed(deed: Deed, currency: Currency) -> Moment {
    let link = deed.label.filter(|label| !label.is_empty()).or(deed.url);
    let text = match deed.kind {
        ActivityKind::Open => "Opened the message.".to_owned(),
        ActivityKind::Click => match link {
            Some(link) => format!("Followed the link “{link}”."),
            None => "Followed a link.".to_owned(),
        },
        ActivityKind::Unsubscribe => "Unsubscribed.".to_owned(),
        ActivityKind::Resubscribe => "Subscribed again.".to_owned(),
        ActivityKind::Conversion => match (deed.detail["event"].as_str(), deed.detail["value"].as_i64()) {
            (Some(event), Some(value)) => {
                format!("Reached the campaign’s goal: {event}, {}.", currency.write(value))
            }
            (Some(event), None) => format!("Reached the campaign’s goal: {event}."),
            _ => "Reached the campaign’s goal.".to_owned(),
        },
        ActivityKind::Bounce => "The message came back.".to_owned(),
        ActivityKind::Complaint => "Reported the message as spam.".to_owned(),
    };
    Moment {
        at: deed.at.0,
        word: deed.kind.as_str(),
        text,
        campaign_id: deed.campaign_id,
        campaign: deed.campaign,
    }
}
