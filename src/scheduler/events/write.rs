//! What a batch of events comes to, collected and written together: rows of the ledger, the counts
//! of their runs, and what each event came to in each campaign.

use super::outcomes::Outcomes;
use crate::db::{Sql, Tx};
use crate::domain::Channel;
use crate::domain::DeliveryState;
use crate::domain::delivery::Reason;
use crate::domain::trigger::Outcome;
use crate::entity::{events, runs};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of one statement.
const CHUNK: usize = 1_000;

/// A message to be put into the ledger.
#[derive(Debug, Serialize)]
pub struct Queued {
    run_id: i64,
    campaign_id: i64,
    contact_id: i64,
    channel: Channel,
    instance: String,
    event_id: i64,
    state: DeliveryState,
    address: String,
    due_at: i64,
    reason: Option<&'static str>,
}

impl Queued {
    /// The message that an event set off; without a time it is called off already.
    pub fn of_event(
        run: &runs::Model,
        event: &events::Model,
        contact: i64,
        channel: Channel,
        address: String,
        due: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            run_id: run.id,
            campaign_id: run.campaign_id,
            contact_id: contact,
            channel,
            // Once for each event, whatever happens.
            instance: event.id.to_string(),
            event_id: event.id,
            state: match due {
                Some(_) => DeliveryState::Queued,
                None => DeliveryState::Cancelled,
            },
            address,
            due_at: due.map_or(event.received_at.0, |due| due).timestamp_millis(),
            reason: due.is_none().then_some(Reason::CalledOff.as_str()),
        }
    }
}

/// How the counts of a run and channel move.
#[derive(Clone, Copy, Debug, Default)]
struct Moved {
    target: i64,
    queued: i64,
    cancelled: i64,
}

/// Everything that is to be written.
pub struct Writing {
    pub now: DateTime<Utc>,
    queued: Vec<Queued>,
    outcomes: Outcomes,
    moved: BTreeMap<(i64, Channel), Moved>,
}

impl Writing {
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            now,
            queued: Vec::new(),
            outcomes: Outcomes::default(),
            moved: BTreeMap::new(),
        }
    }

    pub fn queue(&mut self, message: Queued) {
        self.queued.push(message);
    }

    /// Notes what an event came to.
    pub fn outcome(&mut self, campaign: i64, event: i64, outcome: Outcome, detail: Option<String>) {
        self.outcomes.note(campaign, event, outcome, detail);
    }

    /// Cancels messages that wait. What a dispatcher holds at this moment is on its way already.
    pub async fn cancel(&mut self, tx: &Tx, run: i64, deliveries: &BTreeSet<i64>) -> Result<(), DbErr> {
        #[derive(FromQueryResult)]
        struct Cancelled {
            channel: Channel,
        }
        if deliveries.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new(tx.get_database_backend());
        let reason = sql.bind(Reason::CalledOff.as_str());
        // One that waits to be sent again may have been taken before, and the ledger goes on to say so.
        let doubt = sql.bind(Reason::InDoubt.as_str());
        let ids: Vec<_> = deliveries.iter().map(|id| sql.bind(*id)).collect();
        let text = format!(
            "UPDATE deliveries SET state = 'CANCELLED', \
               reason = CASE WHEN reason = {doubt} THEN reason ELSE {reason} END \
             WHERE state = 'QUEUED' AND id IN ({}) RETURNING channel",
            ids.join(", ")
        );
        let rows = Cancelled::find_by_statement(sql.statement(text))
            .all(&**tx)
            .await?;
        for row in rows {
            let moved = self.moved.entry((run, row.channel)).or_default();
            moved.queued -= 1;
            moved.cancelled += 1;
        }
        Ok(())
    }

    /// Writes it all; whether something waits to be sent.
    pub async fn write(mut self, tx: &Tx) -> Result<bool, DbErr> {
        let is_due = self.queued.iter().any(|row| row.state == DeliveryState::Queued);
        let queued = std::mem::take(&mut self.queued);
        for chunk in queued.chunks(CHUNK) {
            self.insert(tx, chunk).await?;
        }
        for (place, moved) in &self.moved {
            move_counts(tx, *place, *moved).await?;
        }
        self.outcomes.write(tx, self.now).await?;
        Ok(is_due)
    }

    async fn insert(&mut self, tx: &Tx, rows: &[Queued]) -> Result<(), DbErr> {
        #[derive(FromQueryResult)]
        struct Inserted {
            run_id: i64,
            channel: Channel,
            state: DeliveryState,
        }
        let mut sql = Sql::new(tx.get_database_backend());
        let list = serde_json::to_string(rows).map_err(|error| DbErr::Custom(error.to_string()))?;
        let list = sql.bind(list);
        let now = sql.bind(self.now.timestamp_millis());
        let columns = [
            "run_id",
            "campaign_id",
            "contact_id",
            "channel",
            "instance",
            "event_id",
            "state",
            "address",
            "due_at",
            "reason",
        ];
        let from = match sql.is_postgres() {
            true => format!(
                "jsonb_to_recordset(CAST({list} AS jsonb)) AS v(run_id BIGINT, campaign_id BIGINT, \
                 contact_id BIGINT, channel TEXT, instance TEXT, event_id BIGINT, state TEXT, address TEXT, \
                 due_at BIGINT, reason TEXT)"
            ),
            false => {
                let columns = columns
                    .map(|name| format!("value ->> '{name}' AS {name}"))
                    .join(", ");
                format!("(SELECT {columns} FROM json_each({list})) AS v")
            }
        };
        let names = columns.join(", ");
        // `WHERE 1 = 1`: else SQLite takes ON CONFLICT for a join.
        let text = format!(
            "INSERT INTO deliveries ({names}, step, variant, lane, attempt, created_at) \
             SELECT {names}, '', 0, 1, 0, {now} FROM {from} WHERE 1 = 1 ORDER BY event_id \
             ON CONFLICT DO NOTHING RETURNING run_id, channel, state"
        );
        let inserted = Inserted::find_by_statement(sql.statement(text))
            .all(&**tx)
            .await?;
        for row in inserted {
            let moved = self.moved.entry((row.run_id, row.channel)).or_default();
            moved.target += 1;
            match row.state {
                DeliveryState::Queued => moved.queued += 1,
                _ => moved.cancelled += 1,
            }
        }
        Ok(())
    }
}

async fn move_counts(tx: &Tx, (run, channel): (i64, Channel), moved: Moved) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "UPDATE run_counts SET target = target + $1, queued = queued + $2, cancelled = cancelled + $3 \
         WHERE run_id = $4 AND channel = $5 AND step = '' AND variant = 0",
        [
            moved.target.into(),
            moved.queued.into(),
            moved.cancelled.into(),
            run.into(),
            channel.into(),
        ],
    ))
    .await?;
    Ok(())
}
