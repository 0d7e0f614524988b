//! Captured messages in the database.

use crate::db::Tx;
use crate::domain::Channel;
use crate::entity::captured_messages;
use crate::messaging::Outgoing;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};

/// The mailbox keeps this many messages; older ones make room.
pub const CAPACITY: i64 = 200_000;

/// Rows of one INSERT: well below both databases' limit of bound values.
const ROWS: usize = 200;

/// A message as it would have been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    pub channel: Channel,
    pub delivery_id: Option<i64>,
    /// `None` for a test send of a template.
    pub campaign_id: Option<i64>,
    /// The sender's address.
    pub sender: String,
    /// The recipient's address.
    pub recipient: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    /// The whole message, headers and all.
    pub raw: String,
    pub at: DateTime<Utc>,
}

impl Captured {
    /// What the capture adapter handed back of a message. Set `delivery_id` and `campaign_id`
    /// where it belongs to one.
    pub fn of(channel: Channel, message: &Outgoing, raw: String, at: DateTime<Utc>) -> Self {
        Self {
            channel,
            delivery_id: None,
            campaign_id: None,
            sender: message.from_email.clone(),
            recipient: message.to.clone(),
            subject: message.subject.clone(),
            html: message.html.clone(),
            text: message.text.clone(),
            raw,
            at,
        }
    }
}

/// Keeps one message.
pub async fn keep(tx: &Tx, message: Captured) -> Result<(), DbErr> {
    keep_many(tx, vec![message]).await
}

/// Keeps messages in their order, and lets the oldest go where the mailbox is full.
pub async fn keep_many(tx: &Tx, messages: Vec<Captured>) -> Result<(), DbErr> {
    if messages.is_empty() {
        return Ok(());
    }
    let mut messages = messages.into_iter().map(row).peekable();
    while messages.peek().is_some() {
        captured_messages::Entity::insert_many(messages.by_ref().take(ROWS))
            .exec_without_returning(&**tx)
            .await?;
    }
    make_room(tx, CAPACITY).await
}

/// Deletes by key alone, so that it costs nothing while there is room. Keys that were never used
/// only make the mailbox a little smaller.
async fn make_room(tx: &Tx, capacity: i64) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "DELETE FROM captured_messages WHERE id <= (SELECT MAX(id) FROM captured_messages) - $1",
        [capacity.into()],
    ))
    .await?;
    Ok(())
}

fn row(message: Captured) -> captured_messages::ActiveModel {
    // PostgreSQL keeps no NUL in text; a mail cannot carry one either.
    let clean = |text: String| match text.contains('\0') {
        true => text.replace('\0', ""),
        false => text,
    };
    captured_messages::ActiveModel {
        id: NotSet,
        channel: Set(message.channel),
        delivery_id: Set(message.delivery_id),
        campaign_id: Set(message.campaign_id),
        sender: Set(clean(message.sender)),
        recipient: Set(clean(message.recipient)),
        subject: Set(clean(message.subject)),
        html: Set(clean(message.html)),
        text: Set(clean(message.text)),
        raw: Set(clean(message.raw)),
        at: Set(message.at.into()),
    }
}
