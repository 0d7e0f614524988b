//! Who is the scheduler: one process at a time, by a row that it renews. The ticks themselves are
//! made of conditional updates, so a second one for a moment does no harm.

use crate::context::Context;
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait as _, DbErr};

const NAME: &str = "scheduler";
/// After a process died, another takes over within this.
const LASTS: TimeDelta = TimeDelta::seconds(15);

/// Takes or renews the lease. `false` while another process has it.
pub async fn take(cx: &Context, holder: &str) -> Result<bool, DbErr> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let taken = tx
        .execute_raw(tx.sql(
            "INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
             WHERE leases.holder = excluded.holder OR leases.expires_at <= $4",
            [
                NAME.into(),
                holder.into(),
                (now + LASTS).timestamp_millis().into(),
                now.timestamp_millis().into(),
            ],
        ))
        .await?;
    tx.commit().await?;
    Ok(taken.rows_affected() == 1)
}

/// Gives it back, so that another process need not wait.
pub async fn give_back(cx: &Context, holder: &str) -> Result<(), DbErr> {
    let tx = cx.db.begin().await?;
    tx.execute_raw(tx.sql(
        "DELETE FROM leases WHERE name = $1 AND holder = $2",
        [NAME.into(), holder.into()],
    ))
    .await?;
    tx.commit().await
}
