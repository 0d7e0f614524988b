//! Reading and writing rows of the ledger, many in one statement, with the counts that move with
//! them. Every write of this room goes through `write`.

use crate::db::{Db, Sql, Tx};
use crate::domain::stats::Counts;
use crate::domain::{Channel, DeliveryState, InDoubt, Purpose, Status, delivery};
use crate::entity::Timestamp;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult};
use serde::Serialize;
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;

/// A delivery that some dispatcher holds, as it stands in the ledger, with what its campaign says.
/// Locked until the transaction ends.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Row {
    pub id: i64,
    pub run_id: i64,
    pub campaign_id: i64,
    pub channel: Channel,
    pub step: String,
    pub variant: i32,
    pub contact_id: Option<i64>,
    pub due_at: Timestamp,
    pub attempt: i32,
    pub lease_token: Option<String>,
    pub lease_expires_at: Option<Timestamp>,
    pub handed_at: Option<Timestamp>,
    pub reason: Option<String>,
    pub reply: Option<String>,
    pub message_id: Option<String>,
    pub delivered_at: Option<Timestamp>,
    pub opened_at: Option<Timestamp>,
    pub clicked_at: Option<Timestamp>,
    pub status: Status,
    pub in_doubt: InDoubt,
    pub purpose: Purpose,
    pub topic_id: Option<i64>,
    /// The campaign's zone, for people whose own is not known.
    pub timezone: String,
    pub ignores_cap: bool,
}

/// Which rows are read.
pub enum Which<'a> {
    Ids(&'a [i64]),
    /// Held under a lease that ended by then, at most so many.
    Expired(DateTime<Utc>, u64),
    /// Held by anyone, at most so many.
    All(u64),
}

/// Reads and locks rows that are `SENDING`, in the order of their ids, which is the order in which
/// everybody locks them.
pub async fn lock(tx: &Tx, which: Which<'_>) -> Result<Vec<Row>, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let (condition, limit) = match which {
        Which::Ids(ids) => (
            format!("d.id {}", among(&mut sql, ids.iter().copied())),
            String::new(),
        ),
        Which::Expired(now, limit) => (
            format!("d.lease_expires_at <= {}", sql.bind(now.timestamp_millis())),
            format!("LIMIT {limit}"),
        ),
        Which::All(limit) => ("1 = 1".into(), format!("LIMIT {limit}")),
    };
    let locking = match sql.is_postgres() {
        true => "FOR UPDATE OF d",
        false => "",
    };
    let text = format!(
        "SELECT d.id, d.run_id, d.campaign_id, d.channel, d.step, d.variant, d.contact_id, d.due_at, \
         d.attempt, d.lease_token, d.lease_expires_at, d.handed_at, d.reason, d.reply, d.message_id, \
         d.delivered_at, d.opened_at, d.clicked_at, c.status, c.in_doubt, c.purpose, c.topic_id, \
         c.timezone, c.ignores_cap \
         FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id \
         WHERE d.state = 'SENDING' AND {condition} ORDER BY d.id {limit} {locking}"
    );
    Row::find_by_statement(sql.statement(text)).all(&**tx).await
}

/// A condition for a list of ids in one value. On PostgreSQL an array, of which its planner knows
/// that it is short; a join with a function that answers rows it may turn into reading the table.
fn among(sql: &mut Sql, ids: impl Iterator<Item = i64>) -> String {
    let ids = ids.map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    match sql.is_postgres() {
        true => format!("= ANY(CAST({} AS BIGINT[]))", sql.bind(format!("{{{ids}}}"))),
        false => format!(
            "IN (SELECT value FROM json_each({}))",
            sql.bind(format!("[{ids}]"))
        ),
    }
}

/// What a row becomes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub id: i64,
    pub state: DeliveryState,
    pub due_at: i64,
    pub attempt: i32,
    pub handed_at: Option<i64>,
    pub reason: Option<String>,
    pub reply: Option<String>,
    pub message_id: Option<String>,
    pub sent_at: Option<i64>,
    pub delivered_at: Option<i64>,
    #[serde(skip)]
    key: Key,
    #[serde(skip)]
    was_delivered: bool,
}

/// Whose counts move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(i64, Channel, String, i32);

impl Change {
    /// The row as it is; the caller says what is different.
    pub fn of(row: &Row) -> Self {
        let millis = |at: Option<Timestamp>| at.map(|at| at.0.timestamp_millis());
        Self {
            id: row.id,
            state: DeliveryState::Sending,
            due_at: row.due_at.0.timestamp_millis(),
            attempt: row.attempt,
            handed_at: millis(row.handed_at),
            reason: row.reason.clone(),
            reply: row.reply.clone(),
            message_id: row.message_id.clone(),
            sent_at: None,
            delivered_at: millis(row.delivered_at),
            key: Key(row.run_id, row.channel, row.step.clone(), row.variant),
            was_delivered: row.delivered_at.is_some(),
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            delivered: i64::from(self.delivered_at.is_some() && !self.was_delivered),
            ..delivery::leaves_queue(self.state)
        }
    }
}

/// Writes what locked rows become, and moves the counts of their runs. A row that is not `SENDING`
/// any more loses its lease.
pub async fn write(tx: &Tx, changes: &[Change], now: DateTime<Utc>) -> Result<(), DbErr> {
    if changes.is_empty() {
        return Ok(());
    }
    update_rows(tx, changes).await?;
    let mut moved = BTreeMap::<&Key, Counts>::new();
    let mut sent = BTreeMap::<(i64, Channel), i64>::new();
    for change in changes {
        *moved.entry(&change.key).or_default() += change.counts();
        if change.sent_at.is_some() {
            *sent.entry((change.key.0, change.key.1)).or_default() += 1;
        }
    }
    for (key, counts) in moved {
        if counts != Counts::default() {
            move_counts(tx, key, counts).await?;
        }
    }
    let hour = now.timestamp_millis().div_euclid(HOUR) * HOUR;
    for ((run, channel), number) in sent {
        add_to_hour(tx, run, channel, hour, number).await?;
    }
    Ok(())
}

async fn update_rows(tx: &Tx, changes: &[Change]) -> Result<(), DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let list = serde_json::to_string(changes).map_err(|error| DbErr::Custom(error.to_string()))?;
    let list = sql.bind(list);
    let rows = match sql.is_postgres() {
        true => format!(
            "jsonb_to_recordset(CAST({list} AS jsonb)) AS v(id BIGINT, state TEXT, due_at BIGINT, \
             attempt INTEGER, handed_at BIGINT, reason TEXT, reply TEXT, message_id TEXT, \
             sent_at BIGINT, delivered_at BIGINT)"
        ),
        false => {
            let columns = [
                "id",
                "state",
                "due_at",
                "attempt",
                "handed_at",
                "reason",
                "reply",
                "message_id",
                "sent_at",
                "delivered_at",
            ]
            .map(|name| format!("value ->> '{name}' AS {name}"))
            .join(", ");
            format!("(SELECT {columns} FROM json_each({list})) AS v")
        }
    };
    let index = match sql.is_postgres() {
        true => {
            let ids = changes.iter().map(|change| change.id);
            format!(" AND deliveries.id {}", among(&mut sql, ids))
        }
        false => String::new(),
    };
    let text = format!(
        "UPDATE deliveries SET state = v.state, due_at = v.due_at, attempt = v.attempt, \
         handed_at = v.handed_at, reason = v.reason, reply = v.reply, message_id = v.message_id, \
         sent_at = v.sent_at, delivered_at = v.delivered_at, \
         lease_token = CASE WHEN v.state = 'SENDING' THEN deliveries.lease_token END, \
         lease_expires_at = CASE WHEN v.state = 'SENDING' THEN deliveries.lease_expires_at END \
         FROM {rows} WHERE deliveries.id = v.id{index}"
    );
    let done = tx.execute_raw(sql.statement(text)).await?.rows_affected();
    match usize::try_from(done) == Ok(changes.len()) {
        true => Ok(()),
        false => Err(DbErr::RecordNotUpdated),
    }
}

async fn move_counts(tx: &Tx, key: &Key, by: Counts) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "UPDATE run_counts SET queued = queued + $1, sent = sent + $2, delivered = delivered + $3, \
         failed = failed + $4, skipped = skipped + $5, cancelled = cancelled + $6, \
         unknown = unknown + $7 \
         WHERE run_id = $8 AND channel = $9 AND step = $10 AND variant = $11",
        [
            by.queued.into(),
            by.sent.into(),
            by.delivered.into(),
            by.failed.into(),
            by.skipped.into(),
            by.cancelled.into(),
            by.unknown.into(),
            key.0.into(),
            key.1.into(),
            key.2.clone().into(),
            key.3.into(),
        ],
    ))
    .await?;
    Ok(())
}

async fn add_to_hour(tx: &Tx, run: i64, channel: Channel, hour: i64, number: i64) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "INSERT INTO run_hours (run_id, channel, hour, sent, opened, clicked) VALUES ($1, $2, $3, $4, 0, 0) \
         ON CONFLICT (run_id, channel, hour) DO UPDATE SET sent = run_hours.sent + excluded.sent",
        [run.into(), channel.into(), hour.into(), number.into()],
    ))
    .await?;
    Ok(())
}

/// Makes the leases of a dispatcher's claims last until `until`.
pub async fn renew(db: &Db, tokens: &[String], until: DateTime<Utc>) -> Result<(), DbErr> {
    if tokens.is_empty() {
        return Ok(());
    }
    let tx = db.begin().await?;
    let mut sql = Sql::new(tx.get_database_backend());
    let until = sql.bind(until.timestamp_millis());
    let tokens = tokens
        .iter()
        .map(|token| sql.bind(token.clone()))
        .collect::<Vec<_>>()
        .join(", ");
    tx.execute_raw(sql.statement(format!(
        "UPDATE deliveries SET lease_expires_at = {until} WHERE state = 'SENDING' AND lease_token IN ({tokens})"
    )))
    .await?;
    tx.commit().await
}
