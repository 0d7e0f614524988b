//! The outbox of events: what club systems report waits in its table until what follows on it is
//! written, in one transaction with the mark that it waits. So each event is acted upon exactly
//! once, wherever a process is killed.

mod outcomes;
mod triggers;
mod write;

pub use outcomes::Outcomes;

use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::entity::events;
use anyhow::Result;
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};

/// Events of one transaction: some tens of milliseconds.
const BATCH: u64 = 500;
/// Batches of one tick, so that runs are started and ended also while very many come.
const MOST: usize = 20;

/// Acts on what waits, in the order in which it came; whether there is more. Any node may: two that
/// do wait for one another.
pub async fn handle_pending(cx: &Context) -> Result<bool> {
    for _ in 0..MOST {
        if !is_any(cx).await? {
            return Ok(false);
        }
        if let Err(error) = handle(cx, BATCH, 0).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "events were not handled together; one by one"
            );
            handle_alone(cx).await?;
            return Ok(false);
        }
    }
    Ok(is_any(cx).await?)
}

async fn is_any(cx: &Context) -> Result<bool, DbErr> {
    let found = cx
        .db
        .query_one_raw(cx.db.sql("SELECT 1 FROM events WHERE pending LIMIT 1", []))
        .await?;
    Ok(found.is_some())
}

/// An event that cannot be acted upon keeps no other; it is tried again with the next tick.
async fn handle_alone(cx: &Context) -> Result<()> {
    let mut beyond = 0;
    loop {
        let waiting = events::Entity::find()
            .from_raw_sql(cx.db.sql(
                "SELECT e.* FROM events e WHERE e.pending AND e.id > $1 ORDER BY e.id LIMIT 1",
                [beyond.into()],
            ))
            .one(&*cx.db)
            .await?;
        let Some(event) = waiting else {
            return Ok(());
        };
        if let Err(error) = handle(cx, 1, beyond).await {
            tracing::error!(event = event.id, error = format!("{error:#}"), "an event waits");
        }
        beyond = event.id;
    }
}

/// Acts on at most `limit` events beyond an id, in one transaction.
async fn handle(cx: &Context, limit: u64, beyond: i64) -> Result<()> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let batch = take(&tx, limit, beyond).await?;
    if batch.is_empty() {
        return Ok(());
    }
    let is_due = triggers::handle(&tx, &batch, now).await?;
    super::journeys::events::handle(&tx, &batch, now).await?;
    tx.commit().await?;
    if is_due {
        cx.bell.ring_dispatch();
    }
    Ok(())
}

/// Takes the mark off and answers with the events, the oldest first.
async fn take(tx: &Tx, limit: u64, beyond: i64) -> Result<Vec<events::Model>, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let locking = match sql.is_postgres() {
        true => "FOR UPDATE",
        false => "",
    };
    let beyond = sql.bind(beyond);
    let text = format!(
        "UPDATE events SET pending = FALSE WHERE pending AND id IN (\
           SELECT e.id FROM events e WHERE e.pending AND e.id > {beyond} ORDER BY e.id LIMIT {limit} {locking}) \
         RETURNING id, external_id, name, contact_id, contact_ref, properties, occurred_at, received_at, pending"
    );
    let mut batch = events::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(&**tx)
        .await?;
    batch.sort_by_key(|event| event.id);
    Ok(batch)
}
