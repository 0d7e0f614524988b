//! What waits to be sent, and taking some of it. A claim is one conditional update in a transaction
//! of its own, so that two dispatchers never hold the same row.

use crate::audience::eligibility;
use crate::db::{Db, Sql};
use crate::domain::Channel;
use crate::domain::delivery::Reason;
use crate::entity::Timestamp;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult};

/// A lane of a run of an active campaign, with deliveries that wait now or later.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Waiting {
    pub run_id: i64,
    /// The higher goes first.
    pub lane: i32,
    /// When the first of them is due.
    pub due_at: Timestamp,
    /// What the run's page says of why nothing goes out.
    pub waiting: Option<String>,
}

/// Everything that waits on a channel: one row for each run and lane, so that a run with a million
/// rows costs as much as one with ten, and a paused one nothing.
pub async fn waiting(db: &Db, channel: Channel) -> Result<Vec<Waiting>, DbErr> {
    let statement = db.sql(
        "SELECT w.run_id, w.lane, w.due_at, w.waiting FROM (\
           SELECT r.id AS run_id, l.lane, r.waiting, \
             (SELECT d.due_at FROM deliveries d \
              WHERE d.run_id = r.id AND d.channel = $1 AND d.lane = l.lane AND d.state = 'QUEUED' \
              ORDER BY d.due_at LIMIT 1) AS due_at \
           FROM runs r JOIN campaigns c ON c.id = r.campaign_id \
           CROSS JOIN (SELECT 1 AS lane UNION ALL SELECT 0) l \
           WHERE r.state IN ('EXPANDING', 'SENDING', 'OPEN') AND c.status = 'ACTIVE'\
         ) w WHERE w.due_at IS NOT NULL ORDER BY w.lane DESC, w.run_id",
        [channel.into()],
    );
    Waiting::find_by_statement(statement).all(&**db).await
}

/// Whether some active campaign waits for events.
pub async fn is_listening(db: &Db) -> Result<bool, DbErr> {
    let statement = db.sql(
        "SELECT 1 FROM runs r JOIN campaigns c ON c.id = r.campaign_id \
         WHERE r.state = 'OPEN' AND c.status = 'ACTIVE' AND c.kind = 'TRIGGERED' LIMIT 1",
        [],
    );
    Ok(db.query_one_raw(statement).await?.is_some())
}

/// Which lane of which run is next: the higher lane first, and within it the runs in turn, so that
/// a big one does not hold up the others.
pub fn pick(waiting: &[Waiting], last_run: i64, now: DateTime<Utc>) -> Option<&Waiting> {
    let due = || waiting.iter().filter(|run| run.due_at.0 <= now);
    let lane = due().map(|run| run.lane).max()?;
    let runs = || due().filter(move |run| run.lane == lane);
    runs()
        .filter(|run| run.run_id > last_run)
        .min_by_key(|run| run.run_id)
        .or_else(|| runs().min_by_key(|run| run.run_id))
}

/// A delivery that this process holds.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Claimed {
    pub id: i64,
    pub run_id: i64,
    pub campaign_id: i64,
    pub step: String,
    pub variant: i32,
    pub contact_id: Option<i64>,
    pub address: String,
    /// What its content may use.
    pub event_id: Option<i64>,
    pub lane: i32,
    /// What an attempt before this one came to.
    pub reason: Option<String>,
}

impl Claimed {
    /// Whether an attempt before this one may have been taken.
    pub fn is_in_doubt(&self) -> bool {
        self.reason.as_deref() == Some(Reason::InDoubt.as_str())
    }
}

/// How a claim is held.
pub struct Lease<'a> {
    pub token: &'a str,
    pub until: DateTime<Utc>,
}

/// Takes at most `limit` due deliveries, in the order of their ids.
pub async fn claim(
    db: &Db,
    channel: Channel,
    from: &Waiting,
    limit: usize,
    lease: Lease<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<Claimed>, DbErr> {
    let tx = db.begin().await?;
    let mut sql = Sql::new(db.backend());
    let on = channel;
    let [run, channel, lane] = [sql.bind(from.run_id), sql.bind(channel), sql.bind(from.lane)];
    let [now, token, until] = [
        sql.bind(now.timestamp_millis()),
        sql.bind(lease.token),
        sql.bind(lease.until.timestamp_millis()),
    ];
    // SQLite has one writer at a time, whose turn this is.
    let locking = match sql.is_postgres() {
        true => "FOR UPDATE SKIP LOCKED",
        false => "",
    };
    // Materialised: else the planner may run the limited part more than once.
    // What an event set off may have waited for days, and the person may have moved meanwhile.
    let fresh = match from.lane {
        0 => String::new(),
        _ => format!(
            ", address = COALESCE((SELECT NULLIF({}, '') FROM contacts c WHERE c.id = deliveries.contact_id), address)",
            eligibility::address(on)
        ),
    };
    let text = format!(
        "WITH picked AS MATERIALIZED (\
           SELECT d.id AS picked_id FROM deliveries d \
           WHERE d.run_id = {run} AND d.channel = {channel} AND d.lane = {lane} AND d.state = 'QUEUED' \
             AND d.due_at <= {now} \
           ORDER BY d.due_at, d.id LIMIT {limit} {locking}) \
         UPDATE deliveries SET state = 'SENDING', lease_token = {token}, lease_expires_at = {until}, \
           handed_at = NULL{fresh} \
         FROM picked WHERE id = picked_id AND state = 'QUEUED' \
         RETURNING id, run_id, campaign_id, step, variant, contact_id, address, event_id, lane, reason"
    );
    let mut claimed = Claimed::find_by_statement(sql.statement(text)).all(&*tx).await?;
    tx.commit().await?;
    claimed.sort_by_key(|delivery| delivery.id);
    Ok(claimed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(run_id: i64, lane: i32, due: i64) -> Waiting {
        Waiting {
            run_id,
            lane,
            due_at: DateTime::from_timestamp(due, 0).unwrap().into(),
            waiting: None,
        }
    }

    #[test]
    fn runs_take_turns_and_the_triggered_lane_goes_first() {
        let now = DateTime::from_timestamp(100, 0).unwrap();
        let bulk = [waiting(1, 0, 50), waiting(2, 0, 50), waiting(3, 0, 150)];
        let turn = |last| pick(&bulk, last, now).map(|run| run.run_id);
        assert_eq!(
            [turn(0), turn(1), turn(2), turn(9)],
            [Some(1), Some(2), Some(1), Some(1)]
        );
        let mixed = [waiting(1, 0, 10), waiting(5, 1, 90), waiting(6, 1, 101)];
        assert_eq!(pick(&mixed, 5, now).map(|run| run.run_id), Some(5));
        assert_eq!(pick(&mixed[2..], 0, now), None);
    }
}
