//! The walks of a batch, locked, changed in memory and written at the end of the transaction.

use crate::campaigns::journey::counts::{Tally, WHOLE};
use crate::campaigns::journey::store::Version;
use crate::db::{Sql, Tx};
use crate::domain::EnrollmentState::{self, Calling, Exited, Finished};
use crate::domain::journey::{Outcome, Reason};
use crate::entity::enrollments;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What later steps ask about, as the row keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// The event that the person came in by, or that was waited for last: `{id, name, properties}`.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub event: Value,
    /// The deliveries of the messages so far, by step.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<String, i64>,
    /// Whether the event that this step waits for came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_come: bool,
    /// What came of the webhook of this step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called: Option<bool>,
}

impl Kept {
    pub fn of(row: &enrollments::Model) -> Self {
        // Written by us; what cannot be read is nothing known.
        serde_json::from_value(row.facts.clone()).unwrap_or_default()
    }

    pub fn outcome(&self) -> Option<Outcome> {
        self.called.map(|done| match done {
            true => Outcome::Done,
            false => Outcome::Failed,
        })
    }

    /// The event's properties.
    pub fn properties(&self) -> &Value {
        self.event.get("properties").unwrap_or(&Value::Null)
    }

    pub fn event_id(&self) -> Option<i64> {
        self.event.get("id").and_then(Value::as_i64)
    }
}

/// One walk on its way.
pub struct Walk {
    pub row: enrollments::Model,
    pub version: Arc<Version>,
    pub kept: Kept,
    /// Whether it is done for now.
    pub rests: bool,
}

impl Walk {
    pub fn new(row: enrollments::Model, version: Arc<Version>) -> Self {
        Self {
            kept: Kept::of(&row),
            row,
            version,
            rests: false,
        }
    }

    /// Comes to another step.
    pub fn go(&mut self, to: &str, now: DateTime<Utc>, tally: &mut Tally) {
        let (campaign, version) = (self.row.campaign_id, self.row.version_id);
        tally.depart(campaign, version, &self.row.step);
        tally.arrive(campaign, version, to);
        to.clone_into(&mut self.row.step);
        self.row.arrived_at = now.into();
        self.row.due_at = now.into();
        self.row.attempt = 0;
        (self.kept.has_come, self.kept.called) = (false, None);
    }

    /// Waits here until then.
    pub fn stay(&mut self, until: DateTime<Utc>) {
        self.row.due_at = until.into();
        self.rests = true;
    }

    /// Waits for its call.
    pub const fn call(&mut self) {
        self.row.state = Calling;
        self.rests = true;
    }

    /// Is over.
    pub fn end(&mut self, reason: Option<Reason>, now: DateTime<Utc>, tally: &mut Tally) {
        let (campaign, version) = (self.row.campaign_id, self.row.version_id);
        for step in [WHOLE, &self.row.step] {
            match reason {
                None => tally.depart(campaign, version, step),
                Some(_) => tally.drop(campaign, version, step),
            }
        }
        self.row.state = match reason {
            None => Finished,
            Some(_) => Exited,
        };
        self.row.reason = reason.map(|reason| reason.as_str().to_owned());
        self.row.left_at = Some(now.into());
        self.rests = true;
    }
}

/// The walks of a journey that are due, the longest due first, locked.
pub async fn due(
    tx: &Tx,
    campaign: i64,
    limit: usize,
    now: DateTime<Utc>,
) -> Result<Vec<enrollments::Model>, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let [campaign, now] = [sql.bind(campaign), sql.bind(now.timestamp_millis())];
    let locking = match sql.is_postgres() {
        true => " FOR UPDATE SKIP LOCKED",
        false => "",
    };
    let text = format!(
        "SELECT e.* FROM enrollments e WHERE e.campaign_id = {campaign} AND e.state = 'ACTIVE' \
         AND e.due_at <= {now} ORDER BY e.due_at, e.id LIMIT {limit}{locking}"
    );
    enrollments::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(&**tx)
        .await
}

#[derive(Serialize)]
struct Written<'a> {
    id: i64,
    step: &'a str,
    state: EnrollmentState,
    reason: Option<&'a str>,
    due_at: i64,
    arrived_at: i64,
    left_at: Option<i64>,
    attempt: i32,
    facts: &'a Kept,
}

/// Writes where they are.
pub async fn write(tx: &Tx, walks: &[Walk]) -> Result<(), DbErr> {
    if walks.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = walks
        .iter()
        .map(|walk| Written {
            id: walk.row.id,
            step: &walk.row.step,
            state: walk.row.state,
            reason: walk.row.reason.as_deref(),
            due_at: walk.row.due_at.0.timestamp_millis(),
            arrived_at: walk.row.arrived_at.0.timestamp_millis(),
            left_at: walk.row.left_at.map(|at| at.0.timestamp_millis()),
            attempt: walk.row.attempt,
            facts: &walk.kept,
        })
        .collect();
    let mut sql = Sql::new(tx.get_database_backend());
    let list = serde_json::to_string(&rows).map_err(|error| DbErr::Custom(error.to_string()))?;
    let list = sql.bind(list);
    let (rows, ids) = match sql.is_postgres() {
        true => {
            let ids: Vec<_> = walks.iter().map(|walk| sql.bind(walk.row.id)).collect();
            (
                format!(
                    "jsonb_to_recordset(CAST({list} AS jsonb)) AS v(id BIGINT, step TEXT, state TEXT, \
                     reason TEXT, due_at BIGINT, arrived_at BIGINT, left_at BIGINT, attempt INTEGER, facts JSONB)"
                ),
                // Told to the planner, which cannot look into the list.
                format!(" AND enrollments.id IN ({})", ids.join(", ")),
            )
        }
        false => {
            let columns = [
                "id",
                "step",
                "state",
                "reason",
                "due_at",
                "arrived_at",
                "left_at",
                "attempt",
            ]
            .map(|name| format!("value ->> '{name}' AS {name}"))
            .join(", ");
            (
                format!("(SELECT {columns}, value -> 'facts' AS facts FROM json_each({list})) AS v"),
                String::new(),
            )
        }
    };
    let text = format!(
        "UPDATE enrollments SET step = v.step, state = v.state, reason = v.reason, due_at = v.due_at, \
         arrived_at = v.arrived_at, left_at = v.left_at, attempt = v.attempt, facts = v.facts \
         FROM {rows} WHERE enrollments.id = v.id{ids}"
    );
    let done = tx.execute_raw(sql.statement(text)).await?.rows_affected();
    match usize::try_from(done) == Ok(walks.len()) {
        true => Ok(()),
        false => Err(DbErr::RecordNotUpdated),
    }
}
