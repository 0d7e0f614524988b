//! What a process that died held: given back, or named as in doubt where it may have been handed
//! over.

use super::decide::{Leave, Word, decide};
use super::ledger::{self, Which};
use crate::context::Context;
use sea_orm::DbErr;

/// Rows of one transaction.
const ROWS: u64 = 500;

/// Whose leases are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Of those that ended by themselves.
    Expired,
    /// Of everybody: right only where this process is the only one on the database and has claimed
    /// nothing yet.
    Everyone,
}

/// Ends leases and answers how many deliveries they held.
pub async fn rescue(cx: &Context, of: Of) -> Result<usize, DbErr> {
    let mut rescued = 0;
    loop {
        let now = cx.clock.now();
        let tx = cx.db.begin().await?;
        let which = match of {
            Of::Expired => Which::Expired(now, ROWS),
            Of::Everyone => Which::All(ROWS),
        };
        let rows = ledger::lock(&tx, which).await?;
        if rows.is_empty() {
            return Ok(rescued);
        }
        let changes: Vec<_> = rows
            .iter()
            .map(|row| decide(row, &Word::Orphaned, Leave::Given, now))
            .collect();
        ledger::write(&tx, &changes, now).await?;
        tx.commit().await?;
        rescued += changes.len();
        let in_doubt = rows.iter().filter(|row| row.handed_at.is_some()).count();
        tracing::warn!(
            deliveries = changes.len(),
            in_doubt,
            "took over from a dispatcher that died"
        );
    }
}
