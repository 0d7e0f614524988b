//! When a campaign that is sending goes on and ends, as far as that can be said.

use crate::campaigns::checklist::zone;
use crate::domain::stats::Counts;
use crate::entity::campaigns;
use crate::web::Result;
use crate::web::filters::local;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};

/// What is due after this waits for something else, such as the winner of an experiment.
const FOREVER: i64 = 250_000_000_000_000;
/// A rate is told from so many messages and so long a time.
const ENOUGH: i64 = 100;
const LONG_ENOUGH: TimeDelta = TimeDelta::seconds(20);

#[derive(Debug, Default, FromQueryResult)]
struct Due {
    next_at: Option<i64>,
    last_at: Option<i64>,
}

/// The first and the last instant at which something waiting is due: two steps in the queue’s
/// index for each run.
async fn due(db: &impl ConnectionTrait, campaign: i64) -> Result<Due, DbErr> {
    let one = |order: &str| {
        format!(
            "(SELECT d.due_at FROM deliveries d WHERE d.run_id = r.id AND d.channel = 'EMAIL' \
               AND d.lane = 0 AND d.state = 'QUEUED' AND d.due_at < {FOREVER} ORDER BY d.due_at {order} LIMIT 1)"
        )
    };
    let text = format!(
        "SELECT MIN(w.next_at) AS next_at, MAX(w.last_at) AS last_at FROM (\
           SELECT {} AS next_at, {} AS last_at FROM runs r \
           WHERE r.campaign_id = $1 AND r.state IN ('EXPANDING', 'SENDING')) w",
        one("ASC"),
        one("DESC")
    );
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, [campaign.into()]);
    Ok(Due::find_by_statement(statement)
        .one(db)
        .await?
        .unwrap_or_default())
}

/// A sentence; empty where nothing can be said.
pub async fn of(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    counts: &Counts,
    now: DateTime<Utc>,
) -> Result<String> {
    let due = due(db, campaign.id).await?;
    let at = |millis: Option<i64>| millis.and_then(DateTime::from_timestamp_millis);
    let (Some(next), Some(last)) = (at(due.next_at), at(due.last_at)) else {
        return Ok(String::new());
    };
    let zone = zone(campaign);
    let is_later = |at: DateTime<Utc>| at > now + TimeDelta::minutes(1);
    let mut words = Vec::new();
    if is_later(next) {
        words.push(format!("The next go out {}.", local(next, zone)));
    }
    if is_later(last) && last - next > TimeDelta::minutes(1) {
        words.push(format!("The last go out about {}.", local(last, zone)));
    }
    if words.is_empty()
        && let Some(end) = at_this_rate(campaign, counts, now)
    {
        words.push(format!("At this rate it ends about {}.", local(end, zone)));
    }
    Ok(words.join(" "))
}

/// When it ends if it goes on as so far; `None` where that is too soon to say or to matter.
fn at_this_rate(campaign: &campaigns::Model, counts: &Counts, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let elapsed = now - campaign.started_at?.0;
    let done = counts.sent + counts.failed;
    if done < ENOUGH || elapsed < LONG_ENOUGH {
        return None;
    }
    let left = elapsed.num_milliseconds().checked_mul(counts.queued)? / done;
    let left = TimeDelta::milliseconds(left);
    (left > TimeDelta::minutes(1)).then(|| now + left)
}
