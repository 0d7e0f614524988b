//! The rows of the ledger that something came back to, locked, and the counts that move with them.

use crate::counts::{Moves, Part};
use crate::db::{Sql, Tx};
use crate::domain::DeliveryState;
use crate::domain::delivery::Standing;
use crate::domain::stats::Counts;
use crate::entity::{Timestamp, deliveries};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use std::collections::{BTreeMap, BTreeSet};

/// Locked rows, changed in memory and written at the end of the transaction.
pub struct Ledger {
    rows: BTreeMap<i64, deliveries::Model>,
    changed: BTreeSet<i64>,
    moves: Moves,
}

impl Ledger {
    /// Reads and locks rows in the order of their ids, which is the order in which everybody
    /// locks them.
    pub async fn lock(tx: &Tx, ids: impl IntoIterator<Item = i64>) -> Result<Self, DbErr> {
        let mut sql = Sql::new(tx.get_database_backend());
        let list = ids
            .into_iter()
            .map(|id| sql.bind(id))
            .collect::<Vec<_>>()
            .join(", ");
        let mut ledger = Self {
            rows: BTreeMap::new(),
            changed: BTreeSet::new(),
            moves: Moves::default(),
        };
        if list.is_empty() {
            return Ok(ledger);
        }
        let locking = if sql.is_postgres() { "FOR UPDATE" } else { "" };
        let text = format!("SELECT * FROM deliveries WHERE id IN ({list}) ORDER BY id {locking}");
        let rows = deliveries::Entity::find()
            .from_raw_sql(sql.statement(text))
            .all(&**tx)
            .await?;
        ledger.rows = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(ledger)
    }

    pub fn get(&self, id: i64) -> Option<&deliveries::Model> {
        self.rows.get(&id)
    }

    /// Whether what comes back to a row is counted.
    pub fn is_counted(row: &deliveries::Model) -> bool {
        standing(row).is_counted()
    }

    /// Marks the first open. Answers whether it was the first.
    pub fn open(&mut self, id: i64, at: DateTime<Utc>) -> bool {
        self.change(id, at, Standing::opened)
    }

    /// Marks a click, which proves an open. Answers whether it was the first.
    pub fn click(&mut self, id: i64, at: DateTime<Utc>) -> bool {
        if let Some(row) = self.rows.get_mut(&id)
            && row.last_clicked_at.is_none_or(|last| last.0 < at)
        {
            row.last_clicked_at = Some(at.into());
            self.changed.insert(id);
        }
        self.change(id, at, Standing::clicked)
    }

    /// Marks that the person opted out after this message. Answers whether it was the first time.
    pub fn unsubscribe(&mut self, id: i64, at: DateTime<Utc>) -> bool {
        self.change(id, at, Standing::unsubscribed)
    }

    /// Marks that its provider says that it arrived.
    pub fn confirm(&mut self, id: i64, at: DateTime<Utc>) -> bool {
        self.change(id, at, Standing::confirmed)
    }

    /// Marks that it did not arrive, with the provider's words. Answers whether that was news.
    pub fn give_back(&mut self, id: i64, at: DateTime<Utc>, reply: &str) -> bool {
        let is_news = self.change(id, at, Standing::returned);
        if is_news && let Some(row) = self.rows.get_mut(&id) {
            row.reply = Some(reply.replace('\0', ""));
        }
        is_news
    }

    /// Marks that the person complained of it.
    pub fn complain(&mut self, id: i64, at: DateTime<Utc>) -> bool {
        self.change(id, at, Standing::complained)
    }

    /// Those rows of a run's person that are converted: one at most, if nobody interfered.
    pub fn converted(&self, run: i64, contact: i64) -> Vec<&deliveries::Model> {
        let is_theirs = |row: &&deliveries::Model| {
            row.run_id == run && row.contact_id == Some(contact) && row.converted_at.is_some()
        };
        self.rows.values().filter(is_theirs).collect()
    }

    /// Marks that the person did what the campaign is for, and what it was worth.
    pub fn convert(&mut self, id: i64, at: DateTime<Utc>, value: Option<i64>) -> bool {
        let is_first = self.change(id, at, Standing::converted);
        if is_first && let Some(row) = self.rows.get_mut(&id) {
            row.converted_value = value;
            self.moves.add(&part(row), worth(value.unwrap_or_default()));
        }
        is_first
    }

    /// Takes a conversion back, because an earlier one came to light.
    pub fn take_back_conversion(&mut self, id: i64, at: DateTime<Utc>) {
        if self.change(id, at, Standing::unconverted)
            && let Some(row) = self.rows.get_mut(&id)
        {
            let value = row.converted_value.take().unwrap_or_default();
            self.moves.add(&part(row), worth(-value));
        }
    }

    /// Makes of a row what a sign of its person makes of it, and moves the counts by the
    /// difference. Answers whether there was any.
    fn change(&mut self, id: i64, at: DateTime<Utc>, by: fn(Standing) -> Standing) -> bool {
        let Some(row) = self.rows.get_mut(&id) else {
            return false;
        };
        let before = standing(row);
        let after = by(before);
        if after == before {
            return false;
        }
        // One in doubt was sent when it was handed over.
        let sent_at = row.handed_at.map_or(at, |handed| handed.0);
        row.state = after.state;
        let is_bounced = after.state == DeliveryState::Bounced;
        for (time, is_set, at) in [
            (&mut row.sent_at, after.is_sent, sent_at),
            (&mut row.delivered_at, after.is_delivered, at),
            (&mut row.bounced_at, is_bounced, at),
            (&mut row.complained_at, after.is_complained, at),
            (&mut row.opened_at, after.is_opened, at),
            (&mut row.clicked_at, after.is_clicked, at),
            (&mut row.converted_at, after.is_converted, at),
            (&mut row.unsubscribed_at, after.is_unsubscribed, at),
        ] {
            match is_set {
                true => *time = time.or(Some(at.into())),
                false => *time = None,
            }
        }
        let part = part(row);
        let moved = after.counts() - before.counts();
        let sent = Counts {
            sent: moved.sent,
            ..Counts::default()
        };
        self.moves.add_at(&part, sent_at, sent);
        self.moves.add_at(&part, at, moved - sent);
        self.changed.insert(id);
        true
    }

    /// Writes the rows that changed, and moves their runs' counts.
    pub async fn write(self, tx: &Tx) -> Result<(), DbErr> {
        for row in self.changed.iter().filter_map(|id| self.rows.get(id)) {
            write_row(tx, row).await?;
        }
        self.moves.write(tx).await
    }
}

fn part(row: &deliveries::Model) -> Part {
    Part {
        run: row.run_id,
        channel: row.channel,
        step: row.step.clone(),
        variant: row.variant,
    }
}

fn worth(converted_value: i64) -> Counts {
    Counts {
        converted_value,
        ..Counts::default()
    }
}

fn standing(row: &deliveries::Model) -> Standing {
    Standing {
        state: row.state,
        is_sent: row.sent_at.is_some(),
        is_delivered: row.delivered_at.is_some(),
        is_opened: row.opened_at.is_some(),
        is_clicked: row.clicked_at.is_some(),
        is_converted: row.converted_at.is_some(),
        is_unsubscribed: row.unsubscribed_at.is_some(),
        is_complained: row.complained_at.is_some(),
    }
}

async fn write_row(tx: &Tx, row: &deliveries::Model) -> Result<(), DbErr> {
    let millis = |at: Option<Timestamp>| at.map(|at| at.0.timestamp_millis());
    tx.execute_raw(tx.sql(
        "UPDATE deliveries SET state = $1, sent_at = $2, delivered_at = $3, opened_at = $4, \
         clicked_at = $5, converted_at = $6, unsubscribed_at = $7, last_clicked_at = $8, \
         converted_value = $9, bounced_at = $11, complained_at = $12, reply = $13, lease_token = CASE WHEN $1 = 'SENDING' THEN lease_token END, \
         lease_expires_at = CASE WHEN $1 = 'SENDING' THEN lease_expires_at END WHERE id = $10",
        [
            row.state.into(),
            millis(row.sent_at).into(),
            millis(row.delivered_at).into(),
            millis(row.opened_at).into(),
            millis(row.clicked_at).into(),
            millis(row.converted_at).into(),
            millis(row.unsubscribed_at).into(),
            millis(row.last_clicked_at).into(),
            row.converted_value.into(),
            row.id.into(),
            millis(row.bounced_at).into(),
            millis(row.complained_at).into(),
            row.reply.clone().into(),
        ],
    ))
    .await?;
    Ok(())
}
