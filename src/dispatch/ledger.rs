//! Reading and writing rows of the ledger, many in one statement, with the counts that move with
//! them. Every write of this room goes through `write`.

use crate::counts::{Moves, Part};
use crate::db::{Db, Sql, Tx};
use crate::domain::delivery::Standing;
use crate::domain::{Channel, DeliveryState, InDoubt, Purpose, Status};
use crate::entity::Timestamp;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult};
use serde::Serialize;

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
    pub provider_id: Option<String>,
    pub permalink: Option<String>,
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
         d.provider_id, d.permalink, c.status, c.in_doubt, c.purpose, c.topic_id, c.timezone, c.ignores_cap \
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
    pub provider_id: Option<String>,
    pub permalink: Option<String>,
    pub sent_at: Option<i64>,
    pub delivered_at: Option<i64>,
    #[serde(skip)]
    part: Part,
}

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
            provider_id: row.provider_id.clone(),
            permalink: row.permalink.clone(),
            sent_at: None,
            delivered_at: None,
            part: Part {
                run: row.run_id,
                channel: row.channel,
                step: row.step.clone(),
                variant: row.variant,
            },
        }
    }

    /// A row on its way was not taken yet, and nothing came back to it.
    fn standing(&self) -> Standing {
        Standing {
            is_sent: self.sent_at.is_some(),
            is_delivered: self.delivered_at.is_some(),
            ..Standing::new(self.state)
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
    let before = Standing::new(DeliveryState::Sending).counts();
    let mut moves = Moves::default();
    for change in changes {
        moves.add_at(&change.part, now, change.standing().counts() - before);
    }
    moves.write(tx).await
}

async fn update_rows(tx: &Tx, changes: &[Change]) -> Result<(), DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let list = serde_json::to_string(changes).map_err(|error| DbErr::Custom(error.to_string()))?;
    let list = sql.bind(list);
    let rows = match sql.is_postgres() {
        true => format!(
            "jsonb_to_recordset(CAST({list} AS jsonb)) AS v(id BIGINT, state TEXT, due_at BIGINT, \
             attempt INTEGER, handed_at BIGINT, reason TEXT, reply TEXT, message_id TEXT, \
             provider_id TEXT, permalink TEXT, sent_at BIGINT, delivered_at BIGINT)"
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
                "provider_id",
                "permalink",
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
         provider_id = v.provider_id, permalink = v.permalink, \
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
