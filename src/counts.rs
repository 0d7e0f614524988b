//! The sums of a run: by channel, step and variant, and by hour. They move in the transaction that
//! moves the rows of the ledger, and only through here, so that a page never counts rows.

use crate::db::Tx;
use crate::domain::Channel;
use crate::domain::stats::Counts;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, Value};
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;

/// Whose sums move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub run: i64,
    pub channel: Channel,
    pub step: String,
    pub variant: i32,
}

/// Moves, added up until they are written. Parts are written in one order, so that two
/// transactions never wait for one another.
#[derive(Debug, Default)]
pub struct Moves {
    sums: BTreeMap<Part, Counts>,
    hours: BTreeMap<(i64, Channel, i64), Counts>,
}

impl Moves {
    /// Moves the sums of a part.
    pub fn add(&mut self, part: &Part, by: Counts) {
        match self.sums.get_mut(part) {
            Some(sums) => *sums += by,
            None => {
                self.sums.insert(part.clone(), by);
            }
        }
    }

    /// Moves the sums of a part, and what is shown by the hour, in the hour of an instant.
    pub fn add_at(&mut self, part: &Part, at: DateTime<Utc>, by: Counts) {
        self.add(part, by);
        let hour = at.timestamp_millis().div_euclid(HOUR) * HOUR;
        *self.hours.entry((part.run, part.channel, hour)).or_default() += by;
    }

    /// Writes them.
    pub async fn write(self, tx: &Tx) -> Result<(), DbErr> {
        for (part, by) in self.sums {
            move_sums(tx, part, by).await?;
        }
        for ((run, channel, hour), by) in self.hours {
            if (by.sent, by.opened, by.clicked) != (0, 0, 0) {
                add_to_hour(tx, run, channel, hour, by).await?;
            }
        }
        Ok(())
    }
}

async fn move_sums(tx: &Tx, part: Part, by: Counts) -> Result<(), DbErr> {
    let mut values: Vec<Value> = Vec::new();
    let mut place = |value: Value| {
        values.push(value);
        values.len()
    };
    let moved: Vec<String> = by
        .named()
        .into_iter()
        .filter(|(_, by)| *by != 0)
        .map(|(name, by)| format!("{name} = {name} + ${}", place(by.into())))
        .collect();
    if moved.is_empty() {
        return Ok(());
    }
    let text = format!(
        "UPDATE run_counts SET {} WHERE run_id = ${} AND channel = ${} AND step = ${} AND variant = ${}",
        moved.join(", "),
        place(part.run.into()),
        place(part.channel.into()),
        place(part.step.into()),
        place(part.variant.into()),
    );
    tx.execute_raw(tx.sql(&text, values)).await?;
    Ok(())
}

async fn add_to_hour(tx: &Tx, run: i64, channel: Channel, hour: i64, by: Counts) -> Result<(), DbErr> {
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
