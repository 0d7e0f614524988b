//! What staff do to the mailbox.

use super::store::{self, Filter};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::context::Context;
use sea_orm::DbErr;
use serde_json::json;

/// Removes the messages up to a key, of one campaign or all, and answers how many there were.
pub async fn clear(cx: &Context, campaign_id: Option<i64>, newest: i64, actor: &Actor) -> Result<u64, DbErr> {
    let tx = cx.db.begin().await?;
    let filter = Filter {
        campaign_id,
        up_to: Some(newest),
        ..Filter::default()
    };
    let count = store::delete(&tx, &filter).await?;
    audit::record(
        &tx,
        cx.clock.now(),
        actor,
        "cleared",
        Subject("mailbox", None),
        json!({ "messages": count, "campaignId": campaign_id.map(|id| id.to_string()) }),
    )
    .await?;
    tx.commit().await?;
    Ok(count)
}
