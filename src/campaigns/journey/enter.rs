//! The door in. Who may come in is decided by the journey's re-entry; two that put the same person
//! in at the same moment put them in once.

use super::counts::{Tally, WHOLE};
use super::leave;
use super::store::Version;
use crate::db::{Sql, Tx};
use crate::domain::EnrollmentState;
use crate::domain::journey::Past;
use crate::entity::{Timestamp, campaigns, journeys};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How many people come in by one statement.
const CHUNK: usize = 500;

/// A journey that people come into.
pub struct Door<'a> {
    pub campaign: &'a campaigns::Model,
    pub running: &'a journeys::Model,
    pub version: &'a Version,
}

/// Somebody who is to come in.
#[derive(Clone, Debug, PartialEq)]
pub struct Comer {
    pub contact_id: i64,
    /// The event that brings them, as the facts keep it; null without one.
    pub event: Value,
}

impl Comer {
    /// Somebody whom no event brings.
    pub const fn plain(contact_id: i64) -> Self {
        Self {
            contact_id,
            event: Value::Null,
        }
    }
}

#[derive(Serialize)]
struct New {
    contact_id: i64,
    instance: i64,
    facts: Value,
}

/// Lets people in who may come in now, and answers who did. Whoever opted out stays out of a
/// marketing journey, and who is inside stays where they are.
pub async fn enter(
    tx: &Tx,
    door: &Door<'_>,
    comers: &[Comer],
    now: DateTime<Utc>,
) -> Result<BTreeSet<i64>, DbErr> {
    let mut entered = BTreeSet::new();
    let Some(first) = door.version.journey.first() else {
        return Ok(entered);
    };
    let zone: Tz = door.campaign.timezone.parse().unwrap_or(Tz::UTC);
    let mut tally = Tally::default();
    for comers in comers.chunks(CHUNK) {
        let ids: Vec<i64> = comers.iter().map(|comer| comer.contact_id).collect();
        let past = past(tx, door.campaign.id, &ids).await?;
        let out = leave::opted_out(tx, door.campaign, &door.version.journey, &ids).await?;
        let mut seen = BTreeSet::new();
        let new: Vec<New> = comers
            .iter()
            .filter(|comer| !out.contains(&comer.contact_id) && seen.insert(comer.contact_id))
            .filter_map(|comer| {
                let none = Past {
                    times: 0,
                    is_inside: false,
                    last_entered: None,
                };
                let past = past.get(&comer.contact_id).unwrap_or(&none);
                let is_in = door.version.journey.reentry.allows(past, now, zone);
                is_in.then(|| New {
                    contact_id: comer.contact_id,
                    instance: past.times + 1,
                    facts: match &comer.event {
                        Value::Null => json!({}),
                        event => json!({ "event": event }),
                    },
                })
            })
            .collect();
        for contact in insert(tx, door, &first.id, &new, now.into()).await? {
            tally.arrive(door.campaign.id, door.version.id, WHOLE);
            tally.arrive(door.campaign.id, door.version.id, &first.id);
            entered.insert(contact);
        }
    }
    tally.write(tx).await?;
    Ok(entered)
}

/// What is known of people's earlier walks.
async fn past(tx: &Tx, campaign: i64, people: &[i64]) -> Result<BTreeMap<i64, Past>, DbErr> {
    #[derive(FromQueryResult)]
    struct Row {
        contact_id: i64,
        times: i64,
        inside: i64,
        last_entered: Timestamp,
    }
    let mut sql = Sql::new(tx.get_database_backend());
    let campaign = sql.bind(campaign);
    let people: Vec<_> = people.iter().map(|id| sql.bind(*id)).collect();
    let text = format!(
        "SELECT e.contact_id, CAST(MAX(e.instance) AS BIGINT) AS times, \
           CAST(SUM(CASE WHEN e.state IN ('ACTIVE', 'CALLING') THEN 1 ELSE 0 END) AS BIGINT) AS inside, \
           MAX(e.entered_at) AS last_entered \
         FROM enrollments e WHERE e.campaign_id = {campaign} AND e.contact_id IN ({}) GROUP BY e.contact_id",
        people.join(", ")
    );
    let rows = Row::find_by_statement(sql.statement(text)).all(&**tx).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let past = Past {
                times: row.times,
                is_inside: row.inside > 0,
                last_entered: Some(row.last_entered.0),
            };
            (row.contact_id, past)
        })
        .collect())
}

async fn insert(
    tx: &Tx,
    door: &Door<'_>,
    step: &str,
    new: &[New],
    now: Timestamp,
) -> Result<Vec<i64>, DbErr> {
    #[derive(FromQueryResult)]
    struct Inserted {
        contact_id: i64,
    }
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(tx.get_database_backend());
    let [campaign, run, version] = [
        sql.bind(door.campaign.id),
        sql.bind(door.running.run_id),
        sql.bind(door.version.id),
    ];
    let [step, state, now] = [sql.bind(step), sql.bind(EnrollmentState::Active), sql.bind(now)];
    let list = serde_json::to_string(new).map_err(|error| DbErr::Custom(error.to_string()))?;
    let list = sql.bind(list);
    let rows = match sql.is_postgres() {
        true => format!(
            "jsonb_to_recordset(CAST({list} AS jsonb)) AS v(contact_id BIGINT, instance INTEGER, facts JSONB)"
        ),
        false => format!(
            "(SELECT value ->> 'contact_id' AS contact_id, value ->> 'instance' AS instance, \
               value -> 'facts' AS facts FROM json_each({list})) AS v"
        ),
    };
    // Joined, because somebody may have been erased since.
    let text = format!(
        "INSERT INTO enrollments (campaign_id, run_id, contact_id, version_id, instance, step, state, \
           due_at, entered_at, arrived_at, attempt, facts) \
         SELECT {campaign}, {run}, c.id, {version}, v.instance, {step}, {state}, {now}, {now}, {now}, 0, v.facts \
         FROM {rows} JOIN contacts c ON c.id = v.contact_id WHERE 1 = 1 ORDER BY c.id \
         ON CONFLICT DO NOTHING RETURNING contact_id"
    );
    let rows = Inserted::find_by_statement(sql.statement(text))
        .all(&**tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.contact_id).collect())
}
