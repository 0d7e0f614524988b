//! What steps do beside moving people: messages into the ledger, tags and attributes.

use super::rows::Walk;
use crate::audience::eligibility;
use crate::db::{Sql, Tx};
use crate::domain::journey::Kind;
use crate::domain::{Channel, DeliveryState, Purpose};
use crate::entity::{Timestamp, campaigns};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A message of one step and version, to several people.
pub struct Message<'a> {
    pub campaign: &'a campaigns::Model,
    pub step: &'a str,
    pub channel: Channel,
    pub variant: i32,
    pub now: DateTime<Utc>,
}

#[derive(Serialize)]
struct To {
    contact_id: i64,
    instance: String,
    event_id: Option<i64>,
}

#[derive(FromQueryResult)]
struct Inserted {
    id: i64,
    instance: String,
    state: DeliveryState,
}

impl Message<'_> {
    /// Writes its deliveries and moves the counts; each walk remembers its own.
    pub async fn send(&self, tx: &Tx, walks: &mut [&mut Walk]) -> Result<(), DbErr> {
        let Some(run) = walks.first().map(|walk| walk.row.run_id) else {
            return Ok(());
        };
        let list: Vec<To> = walks
            .iter()
            .filter_map(|walk| {
                Some(To {
                    contact_id: walk.row.contact_id?,
                    instance: self.instance(walk),
                    event_id: walk.kept.event_id(),
                })
            })
            .collect();
        let rows = self.insert(tx, run, &list).await?;
        self.count(tx, run, &rows).await?;
        let ids: BTreeMap<String, i64> = rows.into_iter().map(|row| (row.instance, row.id)).collect();
        for walk in walks {
            if let Some(id) = ids.get(&self.instance(walk)) {
                walk.kept.sent.insert(self.step.to_owned(), *id);
            }
        }
        Ok(())
    }

    /// The walk; with the time where it was sent before, in a circle.
    fn instance(&self, walk: &Walk) -> String {
        match walk.kept.sent.contains_key(self.step) {
            false => walk.row.id.to_string(),
            true => format!("{}.{}", walk.row.id, self.now.timestamp_millis()),
        }
    }

    async fn insert(&self, tx: &Tx, run: i64, to: &[To]) -> Result<Vec<Inserted>, DbErr> {
        let mut sql = Sql::new(tx.get_database_backend());
        let campaign = self.campaign;
        let skip = eligibility::skip_reason(&mut sql, self.channel, campaign.purpose, campaign.topic_id);
        let address = eligibility::address(self.channel);
        let lane = match campaign.purpose {
            Purpose::Transactional => 1,
            Purpose::Marketing => 0,
        };
        let [run, id, step] = [sql.bind(run), sql.bind(campaign.id), sql.bind(self.step)];
        let [variant, channel, now] = [
            sql.bind(self.variant),
            sql.bind(self.channel),
            sql.bind(Timestamp::from(self.now)),
        ];
        let list = serde_json::to_string(to).map_err(|error| DbErr::Custom(error.to_string()))?;
        let list = sql.bind(list);
        let rows = match sql.is_postgres() {
            true => format!(
                "jsonb_to_recordset(CAST({list} AS jsonb)) AS v(contact_id BIGINT, instance TEXT, event_id BIGINT)"
            ),
            false => format!(
                "(SELECT value ->> 'contact_id' AS contact_id, value ->> 'instance' AS instance, \
                   value ->> 'event_id' AS event_id FROM json_each({list})) AS v"
            ),
        };
        let text = format!(
            "INSERT INTO deliveries (run_id, campaign_id, step, variant, contact_id, channel, instance, event_id, \
               lane, state, address, due_at, attempt, reason, created_at) \
             SELECT {run}, {id}, {step}, {variant}, x.id, {channel}, x.instance, x.event_id, {lane}, \
               CASE WHEN x.reason IS NULL THEN 'QUEUED' ELSE 'SKIPPED' END, x.address, {now}, 0, x.reason, {now} \
             FROM (SELECT c.id, v.instance, (SELECT o.id FROM events o WHERE o.id = v.event_id) AS event_id, \
                     {address} AS address, ({skip}) AS reason \
                   FROM {rows} JOIN contacts c ON c.id = v.contact_id) x \
             WHERE 1 = 1 ORDER BY x.id ON CONFLICT DO NOTHING RETURNING id, instance, state"
        );
        Inserted::find_by_statement(sql.statement(text)).all(&**tx).await
    }

    async fn count(&self, tx: &Tx, run: i64, rows: &[Inserted]) -> Result<(), DbErr> {
        let count = |is: fn(&Inserted) -> bool| {
            i64::try_from(rows.iter().filter(|row| is(row)).count()).unwrap_or(i64::MAX)
        };
        tx.execute_raw(tx.sql(
            "UPDATE run_counts SET target = target + $1, queued = queued + $2, skipped = skipped + $3 \
             WHERE run_id = $4 AND channel = $5 AND step = $6 AND variant = $7",
            [
                count(|_| true).into(),
                count(|row| row.state == DeliveryState::Queued).into(),
                count(|row| row.state == DeliveryState::Skipped).into(),
                run.into(),
                self.channel.into(),
                self.step.into(),
                self.variant.into(),
            ],
        ))
        .await?;
        Ok(())
    }
}

/// Changes people's tags or attributes as a step says.
pub async fn change(tx: &Tx, kind: &Kind, people: &[i64], now: DateTime<Utc>) -> Result<(), DbErr> {
    if people.is_empty() {
        return Ok(());
    }
    match kind {
        Kind::Tag { add, remove } => {
            for tag in add {
                let mut sql = Sql::new(tx.get_database_backend());
                let tag = sql.bind(tag.as_str());
                let who = among(&mut sql, people);
                let text = format!(
                    "INSERT INTO contact_tags (contact_id, tag) SELECT c.id, {tag} FROM contacts c \
                     WHERE c.id {who} ON CONFLICT DO NOTHING"
                );
                tx.execute_raw(sql.statement(text)).await?;
            }
            for tag in remove {
                let mut sql = Sql::new(tx.get_database_backend());
                let tag = sql.bind(tag.as_str());
                let who = among(&mut sql, people);
                let text = format!("DELETE FROM contact_tags WHERE tag = {tag} AND contact_id {who}");
                tx.execute_raw(sql.statement(text)).await?;
            }
            let mut sql = Sql::new(tx.get_database_backend());
            let now = sql.bind(Timestamp::from(now));
            let who = among(&mut sql, people);
            let text = format!("UPDATE contacts SET updated_at = {now} WHERE id {who}");
            tx.execute_raw(sql.statement(text)).await?;
        }
        Kind::Attribute { name, value } => set_attribute(tx, name, value, people, now).await?,
        _ => {}
    }
    Ok(())
}

async fn set_attribute(
    tx: &Tx,
    name: &str,
    value: &Value,
    people: &[i64],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let attributes = match (sql.is_postgres(), value.is_null()) {
        (true, true) => format!("attributes - CAST({} AS TEXT)", sql.bind(name)),
        (true, false) => format!(
            "attributes || CAST({} AS jsonb)",
            sql.bind(json!({ name: value }).to_string())
        ),
        // A null in a merge takes the name away (RFC 7396).
        (false, _) => format!(
            "json_patch(attributes, {})",
            sql.bind(json!({ name: value }).to_string())
        ),
    };
    let now = sql.bind(Timestamp::from(now));
    let who = among(&mut sql, people);
    let text = format!("UPDATE contacts SET attributes = {attributes}, updated_at = {now} WHERE id {who}");
    tx.execute_raw(sql.statement(text)).await?;
    Ok(())
}

fn among(sql: &mut Sql, ids: &[i64]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| sql.bind(*id)).collect();
    format!("IN ({})", ids.join(", "))
}
