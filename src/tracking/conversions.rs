//! Conversions: each event belongs to the message that the person touched last before it, and the
//! first such event is the conversion of that message's run, once for each person.
//!
//! Both are decided by when things happened, never by when they were heard of. An event that comes
//! late, and happened before the one that was counted, takes its place, with its money.

use super::events::NewEvent;
use super::ledger::Ledger;
use crate::accounts::Club;
use crate::db::Tx;
use crate::domain::ActivityKind;
use crate::domain::goal::{Goal, LONGEST_WINDOW, Touched, last_touch};
use crate::domain::money::Currency;
use crate::entity::{Timestamp, activities};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many of the messages that a person touched are looked at: those touched last.
const MOST: u64 = 500;

/// The conversions of a call: for each run and person the earliest.
#[derive(Default)]
pub struct Conversions {
    currency: Option<Currency>,
    /// Claimed by a website, not reported by a system of the club.
    is_claim: bool,
    found: BTreeMap<(i64, i64), Found>,
}

struct Found {
    delivery: i64,
    at: DateTime<Utc>,
    event: String,
    value: Option<i64>,
}

/// A message that a person touched before an event.
#[derive(FromQueryResult)]
struct Candidate {
    id: i64,
    run_id: i64,
    opened_at: Timestamp,
    last_clicked_at: Option<Timestamp>,
    /// The last of the first clicks on each link, before the event.
    link_at: Option<Timestamp>,
    goal: Value,
}

impl Conversions {
    /// Of what a website says about its visitor.
    pub fn claimed() -> Self {
        Self {
            is_claim: true,
            ..Self::default()
        }
    }

    /// Finds the message that an event of a person belongs to, if any.
    pub async fn attribute(&mut self, tx: &Tx, event: &NewEvent, contact: i64) -> Result<(), DbErr> {
        let candidates = candidates(tx, event.occurred_at, contact).await?;
        let runs: BTreeMap<i64, i64> = candidates.iter().map(|row| (row.id, row.run_id)).collect();
        let touched: Vec<Touched> = candidates
            .into_iter()
            .filter_map(|row| touched(row, event.occurred_at))
            .collect();
        let Some(message) = last_touch(&event.name, &event.properties, event.occurred_at, &touched) else {
            return Ok(());
        };
        let Some(run) = runs.get(&message.delivery) else {
            return Ok(());
        };
        let value = match message.goal.value {
            None => None,
            Some(_) => message.goal.worth(&event.properties, self.currency(tx).await?),
        };
        let place = (*run, contact);
        if self
            .found
            .get(&place)
            .is_none_or(|known| event.occurred_at < known.at)
        {
            let found = Found {
                delivery: message.delivery,
                at: event.occurred_at,
                event: event.name.clone(),
                value,
            };
            self.found.insert(place, found);
        }
        Ok(())
    }

    async fn currency(&mut self, tx: &Tx) -> Result<Currency, DbErr> {
        match self.currency {
            Some(currency) => Ok(currency),
            None => Ok(*self.currency.insert(Club::load(&**tx).await?.currency)),
        }
    }

    /// Writes them with the counts that move. Answers how many are new, and how many stand in for
    /// one that was known.
    pub async fn write(self, tx: &Tx) -> Result<(usize, usize), DbErr> {
        if self.found.is_empty() {
            return Ok((0, 0));
        }
        let mut ids: Vec<i64> = self.found.values().map(|found| found.delivery).collect();
        for (run, contact) in self.found.keys() {
            ids.extend(touched_of(tx, *run, *contact).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        let mut ledger = Ledger::lock(tx, ids).await?;
        let (mut seen, mut gone) = (Vec::new(), Vec::new());
        for ((run, contact), found) in self.found {
            let known: Vec<_> = ledger.converted(run, contact);
            let is_later = |at: Option<Timestamp>| at.is_some_and(|at| at.0 <= found.at);
            if known.iter().any(|row| is_later(row.converted_at)) {
                continue;
            }
            let known: Vec<i64> = known.into_iter().map(|row| row.id).collect();
            for id in &known {
                ledger.take_back_conversion(*id, found.at);
            }
            gone.extend(known);
            if ledger.convert(found.delivery, found.at, found.value) {
                seen.push(activity(contact, found, self.is_claim));
            }
        }
        let counts = (seen.len() - gone.len().min(seen.len()), gone.len());
        replace(tx, seen, gone).await?;
        ledger.write(tx).await?;
        Ok(counts)
    }
}

/// What the person touched before the event, at most as long before as a window may be.
async fn candidates(tx: &Tx, at: DateTime<Utc>, contact: i64) -> Result<Vec<Candidate>, DbErr> {
    let earliest = at - LONGEST_WINDOW;
    Candidate::find_by_statement(tx.sql(
        &format!(
            "SELECT d.id, d.run_id, d.opened_at, d.last_clicked_at, c.goal, \
             (SELECT MAX(a.at) FROM activities a WHERE a.delivery_id = d.id AND a.kind = 'CLICK' AND a.at <= $2) \
             AS link_at FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id \
             WHERE d.contact_id = $1 AND d.opened_at <= $2 AND COALESCE(d.last_clicked_at, d.opened_at) >= $3 \
             AND c.goal IS NOT NULL ORDER BY COALESCE(d.last_clicked_at, d.opened_at) DESC, d.id DESC LIMIT {MOST}"
        ),
        [
            contact.into(),
            at.timestamp_millis().into(),
            earliest.timestamp_millis().into(),
        ],
    ))
    .all(&**tx)
    .await
}

fn touched(row: Candidate, at: DateTime<Utc>) -> Option<Touched> {
    let last = row.last_clicked_at.filter(|last| last.0 <= at);
    Some(Touched {
        delivery: row.id,
        goal: Goal::parse(&row.goal).ok()?,
        opened: row.opened_at.0,
        clicked: last.map(|at| at.0).max(row.link_at.map(|at| at.0)),
    })
}

/// The rows of a run that a person touched or converted: all of them are locked, so that two calls
/// at once cannot convert two.
async fn touched_of(tx: &Tx, run: i64, contact: i64) -> Result<Vec<i64>, DbErr> {
    let rows = tx
        .query_all_raw(tx.sql(
            "SELECT id FROM deliveries WHERE contact_id = $1 AND run_id = $2 AND opened_at IS NOT NULL",
            [contact.into(), run.into()],
        ))
        .await?;
    rows.iter().map(|row| row.try_get("", "id")).collect()
}

fn activity(contact: i64, found: Found, is_claim: bool) -> activities::ActiveModel {
    let mut detail = json!({"event": found.event});
    if let Some(value) = found.value {
        detail["value"] = json!(value);
    }
    if is_claim {
        detail["site"] = json!(true);
    }
    activities::ActiveModel {
        id: NotSet,
        delivery_id: Set(found.delivery),
        contact_id: Set(Some(contact)),
        kind: Set(ActivityKind::Conversion),
        link_id: Set(None),
        at: Set(found.at.into()),
        detail: Set(detail),
    }
}

async fn replace(tx: &Tx, seen: Vec<activities::ActiveModel>, gone: Vec<i64>) -> Result<(), DbErr> {
    if !gone.is_empty() {
        activities::Entity::delete_many()
            .filter(activities::Column::DeliveryId.is_in(gone))
            .filter(activities::Column::Kind.eq(ActivityKind::Conversion))
            .exec(&**tx)
            .await?;
    }
    if !seen.is_empty() {
        activities::Entity::insert_many(seen)
            .exec_without_returning(&**tx)
            .await?;
    }
    Ok(())
}
