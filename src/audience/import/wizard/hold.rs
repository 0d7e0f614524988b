//! Who is at work on an import: a lease that the process renews as long as it lives, so that another
//! node, or the next start, can tell an import that goes on from one that was cut off.

use crate::context::Context;
use crate::db::{Db, Tx};
use crate::domain::ImportState;
use crate::web::Result;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, DbErr};
use std::time::Duration;

/// How long a lease lasts that nobody renews.
const LASTS: TimeDelta = TimeDelta::seconds(60);
const RENEWED_EVERY: Duration = Duration::from_secs(15);
/// How often it is looked for imports that were cut off.
const CLEANED_EVERY: Duration = Duration::from_secs(60);
/// Rows that are deleted between two looks of others at the database.
const CHUNK: i64 = 5000;
/// How long a file waits for its confirmation: it holds people's data.
const WAITS: TimeDelta = TimeDelta::days(7);

/// How long the refused lines of an import can be had.
const REPORTED: TimeDelta = TimeDelta::days(30);

/// Whose imports have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// This process is the only one, and has just begun.
    Everyone,
    /// Of processes that renew their lease no more.
    TheGone,
}

/// While it lives, the lease is renewed.
pub(super) struct Hold(tokio::task::JoinHandle<()>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes the lease, in the transaction that begins the work.
pub(super) async fn take(tx: &Tx, id: i64, now: DateTime<Utc>) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "INSERT INTO leases (name, holder, expires_at) VALUES ($1, 'import', $2) \
         ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at",
        [name(id).into(), (now + LASTS).timestamp_millis().into()],
    ))
    .await?;
    Ok(())
}

/// Renews a lease that was taken.
pub(super) fn keep(cx: &Context, id: i64) -> Hold {
    let cx = cx.clone();
    Hold(tokio::spawn(async move {
        loop {
            tokio::time::sleep(RENEWED_EVERY).await;
            let renewed = async {
                let tx = cx.db.begin().await?;
                take(&tx, id, cx.clock.now()).await?;
                tx.commit().await
            };
            if let Err(error) = renewed.await {
                tracing::warn!(id, %error, "the lease of an import was not renewed");
            }
        }
    }))
}

fn name(id: i64) -> String {
    format!("import-{id}")
}

/// Says of imports that were cut off that they failed; nothing of them was written.
pub async fn recover(cx: &Context, of: Of) -> Result<()> {
    let sentence =
        "Fairway was stopped during this import. Nothing of it was written; upload the file again.";
    let now = cx.clock.now().timestamp_millis();
    let is_gone = match of {
        Of::Everyone => "$5 = $5",
        Of::TheGone => {
            "NOT EXISTS (SELECT 1 FROM leases l WHERE l.name = 'import-' || imports.id AND l.expires_at > $5)"
        }
    };
    let tx = cx.db.begin().await?;
    let failed = tx
        .execute_raw(tx.sql(
            &format!(
                "UPDATE imports SET state = $1, error = $2, finished_at = $5 \
                 WHERE state IN ($3, $4) AND {is_gone}"
            ),
            [
                ImportState::Failed.into(),
                sentence.into(),
                ImportState::Reading.into(),
                ImportState::Applying.into(),
                now.into(),
            ],
        ))
        .await?;
    tx.commit().await?;
    if failed.rows_affected() > 0 {
        tracing::warn!(number = failed.rows_affected(), "imports were cut off");
    }
    Ok(())
}

/// Drops staged rows that nobody asks for again, leases of imports that ended, and files that were
/// never confirmed.
pub async fn clean(cx: &Context) -> Result<()> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    tx.execute_raw(tx.sql(
        "UPDATE imports SET state = $1, finished_at = $2 WHERE state IN ($3, $4) AND created_at < $5",
        [
            ImportState::Cancelled.into(),
            now.timestamp_millis().into(),
            ImportState::Uploaded.into(),
            ImportState::Ready.into(),
            (now - WAITS).timestamp_millis().into(),
        ],
    ))
    .await?;
    tx.execute_raw(tx.sql(
        "DELETE FROM leases WHERE name LIKE 'import-%' AND expires_at <= $1",
        [now.timestamp_millis().into()],
    ))
    .await?;
    tx.commit().await?;
    let ended = "r.import_id IN (SELECT i.id FROM imports i WHERE i.state IN ($1, $2) \
                 OR (i.state = $3 AND (r.refusal IS NULL OR i.finished_at < $4)))";
    let long_ago = (now - REPORTED).timestamp_millis();
    let values = vec![
        ImportState::Failed.into(),
        ImportState::Cancelled.into(),
        ImportState::Done.into(),
        long_ago.into(),
    ];
    drop_rows(&cx.db, ended, values).await?;
    Ok(())
}

/// Deletes staged rows that a condition over `r` names, in stretches, so that others write between.
pub(super) async fn drop_rows(db: &Db, condition: &str, values: Vec<sea_orm::Value>) -> Result<(), DbErr> {
    let text = format!(
        "DELETE FROM import_rows WHERE (import_id, line) IN \
         (SELECT r.import_id, r.line FROM import_rows r WHERE {condition} LIMIT {CHUNK})"
    );
    loop {
        let tx = db.begin().await?;
        let done = tx.execute_raw(tx.sql(&text, values.clone())).await?;
        tx.commit().await?;
        if done.rows_affected() < CHUNK as u64 {
            return Ok(());
        }
    }
}

/// Looks after imports until it is dropped. A failure is logged; the next round tries again.
pub async fn keep_house(cx: Context) {
    loop {
        let done = async {
            recover(&cx, Of::TheGone).await?;
            clean(&cx).await
        };
        if let Err(error) = done.await {
            tracing::warn!(error = format!("{error:?}"), "imports were not looked after");
        }
        tokio::time::sleep(CLEANED_EVERY).await;
    }
}
