//! Captured messages in the database.

use crate::db::{Sql, Tx};
use crate::domain::Channel;
use crate::entity::{Timestamp, campaigns, captured_messages};
use crate::messaging::Outgoing;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult};

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
            sender: match message.from_email.is_empty() {
                true => message.from_name.clone(),
                false => message.from_email.clone(),
            },
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

/// Which messages are meant. The default: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub channel: Option<Channel>,
    pub campaign_id: Option<i64>,
    /// Found anywhere in the recipient's address or the subject; "" finds all.
    pub words: String,
    /// Only messages with a smaller key: what comes after a page's last.
    pub before: Option<i64>,
    /// Only messages up to this key: what was there when somebody looked.
    pub up_to: Option<i64>,
}

impl Filter {
    /// The condition over `captured_messages m`.
    fn condition(&self, sql: &mut Sql) -> String {
        let mut parts = vec!["1 = 1".to_owned()];
        if let Some(channel) = self.channel {
            parts.push(format!("m.channel = {}", sql.bind(channel)));
        }
        if let Some(id) = self.campaign_id {
            parts.push(format!("m.campaign_id = {}", sql.bind(id)));
        }
        if let Some(id) = self.before {
            parts.push(format!("m.id < {}", sql.bind(id)));
        }
        if let Some(id) = self.up_to {
            parts.push(format!("m.id <= {}", sql.bind(id)));
        }
        if !self.words.is_empty() {
            let escaped = self
                .words
                .to_lowercase()
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            let pattern = sql.bind(format!("%{escaped}%"));
            parts.push(format!(
                "(LOWER(m.recipient) LIKE {pattern} ESCAPE '\\' OR LOWER(m.subject) LIKE {pattern} ESCAPE '\\')"
            ));
        }
        parts.join(" AND ")
    }
}

/// A message in a list: without its bodies.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Summary {
    pub id: i64,
    pub channel: Channel,
    pub campaign_id: Option<i64>,
    /// The campaign's name, where it is still there.
    pub campaign: Option<String>,
    pub recipient: String,
    pub subject: String,
    /// How the text begins: what stands for the subject where there is none.
    pub opening: String,
    pub at: Timestamp,
}

/// Newest first, at most `limit`.
pub async fn list(db: &impl ConnectionTrait, filter: &Filter, limit: u64) -> Result<Vec<Summary>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let condition = filter.condition(&mut sql);
    let statement = sql.statement(format!(
        "SELECT m.id, m.channel, m.campaign_id, c.name AS campaign, m.recipient, m.subject, \
           CASE WHEN m.subject = '' THEN SUBSTR(m.text, 1, 80) ELSE '' END AS opening, m.at \
         FROM captured_messages m LEFT JOIN campaigns c ON c.id = m.campaign_id \
         WHERE {condition} ORDER BY m.id DESC LIMIT {limit}"
    ));
    Summary::find_by_statement(statement).all(db).await
}

/// How many there are, and the key of the newest; 0 of none.
pub async fn count(db: &impl ConnectionTrait, filter: &Filter) -> Result<(i64, i64), DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let condition = filter.condition(&mut sql);
    let statement = sql.statement(format!(
        "SELECT CAST(COUNT(*) AS BIGINT) AS number, CAST(COALESCE(MAX(m.id), 0) AS BIGINT) AS newest \
         FROM captured_messages m WHERE {condition}"
    ));
    let row = db.query_one_raw(statement).await?;
    row.map_or(Ok((0, 0)), |row| {
        Ok((row.try_get("", "number")?, row.try_get("", "newest")?))
    })
}

/// A campaign that has messages here.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Origin {
    pub id: i64,
    pub name: String,
}

/// The campaigns that have messages here, newest first, at most 100.
pub async fn origins(db: &impl ConnectionTrait) -> Result<Vec<Origin>, DbErr> {
    let statement = Sql::new(db.get_database_backend()).statement(
        "SELECT c.id, c.name FROM campaigns c \
         WHERE EXISTS (SELECT 1 FROM captured_messages m WHERE m.campaign_id = c.id) \
         ORDER BY c.id DESC LIMIT 100",
    );
    Origin::find_by_statement(statement).all(db).await
}

/// The name of a message's campaign, where it is still there.
pub async fn origin(db: &impl ConnectionTrait, campaign: Option<i64>) -> Result<Option<String>, DbErr> {
    let Some(id) = campaign else { return Ok(None) };
    let campaign = campaigns::Entity::find_by_id(id).one(db).await?;
    Ok(campaign.map(|campaign| campaign.name))
}

/// Newest first, at most `limit`, with their bodies.
pub async fn whole(
    db: &impl ConnectionTrait,
    filter: &Filter,
    limit: u64,
) -> Result<Vec<captured_messages::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let condition = filter.condition(&mut sql);
    let statement = sql.statement(format!(
        "SELECT m.* FROM captured_messages m WHERE {condition} ORDER BY m.id DESC LIMIT {limit}"
    ));
    captured_messages::Entity::find()
        .from_raw_sql(statement)
        .all(db)
        .await
}

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<captured_messages::Model>, DbErr> {
    captured_messages::Entity::find_by_id(id).one(db).await
}

/// Deletes what the filter means and answers how many there were.
pub async fn delete(tx: &Tx, filter: &Filter) -> Result<u64, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let condition = filter.condition(&mut sql);
    let statement = sql.statement(format!(
        "DELETE FROM captured_messages WHERE id IN (SELECT m.id FROM captured_messages m WHERE {condition})"
    ));
    Ok(tx.execute_raw(statement).await?.rows_affected())
}
