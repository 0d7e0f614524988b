//! The rows of the ledger that something came back to, locked, and the counts that move with them.

use crate::db::{Sql, Tx};
use crate::domain::delivery::{self, Event};
use crate::domain::stats::Counts;
use crate::domain::{Channel, DeliveryState};
use crate::entity::{Timestamp, deliveries};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;

/// Whose counts move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(i64, Channel, String, i32);

/// What an hour of a run gains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hour {
    sent: i64,
    opened: i64,
    clicked: i64,
}

/// Locked rows, changed in memory and written at the end of the transaction.
pub struct Ledger {
    rows: BTreeMap<i64, deliveries::Model>,
    changed: BTreeMap<i64, ()>,
    counts: BTreeMap<Key, Counts>,
    hours: BTreeMap<(i64, Channel, i64), Hour>,
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
            changed: BTreeMap::new(),
            counts: BTreeMap::new(),
            hours: BTreeMap::new(),
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

    /// Whether what comes back to a row is counted. A message that never went out has no opens,
    /// and one that was returned has no more of them.
    pub fn is_counted(row: &deliveries::Model) -> bool {
        use DeliveryState::{Delivered, Queued, Sending, Sent, Unknown};
        matches!(row.state, Queued | Sending | Sent | Delivered | Unknown)
    }

    /// Marks the first open. Answers whether it was the first.
    pub fn open(&mut self, id: i64, at: DateTime<Utc>) -> bool {
        self.confirm(id, at);
        self.first(
            id,
            at,
            |row| &mut row.opened_at,
            |counts| counts.opened += 1,
            |hour| hour.opened += 1,
        )
    }

    /// Marks a click, which proves an open. Answers whether it was the first.
    pub fn click(&mut self, id: i64, at: DateTime<Utc>) -> bool {
        self.open(id, at);
        if let Some(row) = self.rows.get_mut(&id)
            && row.last_clicked_at.is_none_or(|last| last.0 < at)
        {
            row.last_clicked_at = Some(at.into());
            self.changed.insert(id, ());
        }
        self.first(
            id,
            at,
            |row| &mut row.clicked_at,
            |counts| counts.clicked += 1,
            |hour| hour.clicked += 1,
        )
    }

    /// Marks that the person opted out after this message. Answers whether it was the first time.
    pub fn unsubscribe(&mut self, id: i64, at: DateTime<Utc>) -> bool {
        self.first(
            id,
            at,
            |row| &mut row.unsubscribed_at,
            |counts| counts.unsubscribed += 1,
            |_| (),
        )
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
        let is_first = self.first(
            id,
            at,
            |row| &mut row.converted_at,
            |counts| counts.converted += 1,
            |_| (),
        );
        if is_first && let Some(row) = self.rows.get_mut(&id) {
            row.converted_value = value;
            self.counts.entry(key(row)).or_default().converted_value += value.unwrap_or_default();
        }
        is_first
    }

    /// Takes a conversion back, because an earlier one came to light.
    pub fn take_back_conversion(&mut self, id: i64) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        if row.converted_at.take().is_some() {
            let counts = self.counts.entry(key(row)).or_default();
            counts.converted -= 1;
            counts.converted_value -= row.converted_value.take().unwrap_or_default();
            self.changed.insert(id, ());
        }
    }

    /// Sets a time that is not set yet, and moves what counts it.
    fn first(
        &mut self,
        id: i64,
        at: DateTime<Utc>,
        field: fn(&mut deliveries::Model) -> &mut Option<Timestamp>,
        count: fn(&mut Counts),
        hour: fn(&mut Hour),
    ) -> bool {
        let Some(row) = self.rows.get_mut(&id) else {
            return false;
        };
        let time = field(row);
        if time.is_some() {
            return false;
        }
        *time = Some(at.into());
        let row = row.clone();
        count(self.counts.entry(key(&row)).or_default());
        hour(
            self.hours
                .entry((row.run_id, row.channel, hour_of(at)))
                .or_default(),
        );
        self.changed.insert(id, ());
        true
    }

    /// An open or a click proves that a message arrived, one in doubt too.
    fn confirm(&mut self, id: i64, at: DateTime<Utc>) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        let Some(state) = delivery::transition(row.state, Event::Confirm) else {
            return;
        };
        let counts = self.counts.entry(key(row)).or_default();
        if row.state == DeliveryState::Unknown {
            counts.unknown -= 1;
        }
        if row.sent_at.is_none() {
            let sent = row.handed_at.map_or(at, |handed| handed.0);
            row.sent_at = Some(sent.into());
            counts.sent += 1;
            let hour = (row.run_id, row.channel, hour_of(sent));
            self.hours.entry(hour).or_default().sent += 1;
        }
        if row.delivered_at.is_none() {
            row.delivered_at = Some(at.into());
            counts.delivered += 1;
        }
        row.state = state;
        self.changed.insert(id, ());
    }

    /// Writes the rows that changed, and moves their runs' counts.
    pub async fn write(self, tx: &Tx) -> Result<(), DbErr> {
        for row in self.changed.keys().filter_map(|id| self.rows.get(id)) {
            write_row(tx, row).await?;
        }
        for (key, by) in &self.counts {
            if *by != Counts::default() {
                move_counts(tx, key, by).await?;
            }
        }
        for ((run, channel, hour), by) in self.hours {
            if by != Hour::default() {
                add_to_hour(tx, run, channel, hour, by).await?;
            }
        }
        Ok(())
    }
}

fn key(row: &deliveries::Model) -> Key {
    Key(row.run_id, row.channel, row.step.clone(), row.variant)
}

fn hour_of(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis().div_euclid(HOUR) * HOUR
}

async fn write_row(tx: &Tx, row: &deliveries::Model) -> Result<(), DbErr> {
    let millis = |at: Option<Timestamp>| at.map(|at| at.0.timestamp_millis());
    tx.execute_raw(tx.sql(
        "UPDATE deliveries SET state = $1, sent_at = $2, delivered_at = $3, opened_at = $4, \
         clicked_at = $5, converted_at = $6, unsubscribed_at = $7, last_clicked_at = $8, \
         converted_value = $9 WHERE id = $10",
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
        ],
    ))
    .await?;
    Ok(())
}

async fn move_counts(tx: &Tx, key: &Key, by: &Counts) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "UPDATE run_counts SET sent = sent + $1, delivered = delivered + $2, unknown = unknown + $3, \
         opened = opened + $4, clicked = clicked + $5, converted = converted + $6, \
         unsubscribed = unsubscribed + $7, converted_value = converted_value + $8 \
         WHERE run_id = $9 AND channel = $10 AND step = $11 AND variant = $12",
        [
            by.sent.into(),
            by.delivered.into(),
            by.unknown.into(),
            by.opened.into(),
            by.clicked.into(),
            by.converted.into(),
            by.unsubscribed.into(),
            by.converted_value.into(),
            key.0.into(),
            key.1.into(),
            key.2.clone().into(),
            key.3.into(),
        ],
    ))
    .await?;
    Ok(())
}

async fn add_to_hour(tx: &Tx, run: i64, channel: Channel, hour: i64, by: Hour) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "INSERT INTO run_hours (run_id, channel, hour, sent, opened, clicked) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (run_id, channel, hour) DO UPDATE SET \
         sent = run_hours.sent + excluded.sent, opened = run_hours.opened + excluded.opened, \
         clicked = run_hours.clicked + excluded.clicked",
        [
            run.into(),
            channel.into(),
            hour.into(),
            by.sent.into(),
            by.opened.into(),
            by.clicked.into(),
        ],
    ))
    .await?;
    Ok(())
}
