//! TRIGGERED campaigns: which events set off a message, and which call one off.

use super::write::{Queued, Writing};
use crate::campaigns::channels::Words;
use crate::campaigns::checklist;
use crate::campaigns::triggers::{self, Known};
use crate::db::{Sql, Tx};
use crate::domain::trigger::{CancelOn, Heard, Outcome, Trigger, Verdict};
use crate::domain::{CampaignType, RunState, Status};
use crate::entity::{Timestamp, campaigns, events, runs};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// A campaign that listens.
struct Live {
    campaign: campaigns::Model,
    run: runs::Model,
    trigger: Trigger,
}

/// Acts on events; whether something is to be sent now or later.
pub async fn handle(tx: &Tx, batch: &[events::Model], now: DateTime<Utc>) -> Result<bool, DbErr> {
    let mut writing = Writing::new(now);
    for live in live(tx).await? {
        let since = live.run.started_at.0;
        let named = |name: &str| -> Vec<&events::Model> {
            // What was reported before it began is nothing to it.
            let is_heard = |event: &&events::Model| event.name == name && event.received_at.0 >= since;
            batch.iter().filter(is_heard).collect()
        };
        live.set_off(tx, &named(&live.trigger.event), &mut writing)
            .await?;
        if let Some(cancel) = &live.trigger.cancel_on {
            live.call_off(tx, cancel, &named(&cancel.event), &mut writing)
                .await?;
        }
    }
    writing.write(tx).await
}

/// The campaigns that listen, in the order of their runs. A paused one listens too: what it would
/// send waits until it is resumed.
async fn live(tx: &Tx) -> Result<Vec<Live>, DbErr> {
    let rows = campaigns::Entity::find()
        .filter(campaigns::Column::Kind.eq(CampaignType::Triggered))
        .filter(campaigns::Column::Status.is_in([Status::Active, Status::Paused]))
        .all(&**tx)
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let runs = runs::Entity::find()
        .filter(runs::Column::State.eq(RunState::Open))
        .filter(runs::Column::CampaignId.is_in(rows.iter().map(|row| row.id)))
        .all(&**tx)
        .await?;
    let mut live = Vec::new();
    for campaign in rows {
        let run = runs.iter().find(|run| run.campaign_id == campaign.id);
        match (run, triggers::of(&campaign)) {
            (Some(run), Some(trigger)) => live.push(Live {
                run: run.clone(),
                trigger,
                campaign,
            }),
            (Some(_), None) => tracing::error!(campaign = campaign.id, "its trigger cannot be read"),
            (None, _) => {}
        }
    }
    live.sort_by_key(|live| live.run.id);
    Ok(live)
}

impl Live {
    async fn set_off(&self, tx: &Tx, heard: &[&events::Model], writing: &mut Writing) -> Result<(), DbErr> {
        if heard.is_empty() {
            return Ok(());
        }
        let now = writing.now;
        let zone = checklist::zone(&self.campaign);
        let people = contacts(heard);
        let mut known = Known::load(&**tx, &self.campaign, &self.trigger, &people, now).await?;
        for event in heard {
            let (outcome, detail) = match known.verdict(&self.trigger, event, now, zone) {
                Verdict::Send(due) => {
                    known.add(event.contact_id.unwrap_or_default(), due);
                    self.queue(event, &known, Some(due), writing);
                    (Outcome::Queued, None)
                }
                Verdict::Not(Outcome::CalledOff, detail) => {
                    // In the ledger too, so that the person's page tells of it.
                    self.queue(event, &known, None, writing);
                    (Outcome::CalledOff, detail)
                }
                Verdict::Not(outcome, detail) => (outcome, detail),
            };
            writing.outcome(self.campaign.id, event.id, outcome, detail);
        }
        Ok(())
    }

    /// A message on each of the campaign's channels; one that is called off already has no time.
    fn queue(&self, event: &events::Model, known: &Known, due: Option<DateTime<Utc>>, writing: &mut Writing) {
        let Some(contact) = event.contact_id else {
            return;
        };
        for channel in Words::of(&self.campaign).personal() {
            writing.queue(Queued::of_event(
                &self.run,
                event,
                contact,
                channel,
                known.address(contact, channel),
                due,
            ));
        }
    }

    /// Cancels what waits for an event's person and was set off by an event of the same thing.
    async fn call_off(
        &self,
        tx: &Tx,
        cancel: &CancelOn,
        heard: &[&events::Model],
        writing: &mut Writing,
    ) -> Result<(), DbErr> {
        if heard.is_empty() {
            return Ok(());
        }
        let waiting = self.waiting(tx, &contacts(heard)).await?;
        let mut gone = BTreeSet::new();
        for event in heard {
            let heard = triggers::heard(event);
            let mut is_any = false;
            for row in &waiting {
                let is_same_person = Some(row.contact_id) == event.contact_id;
                if is_same_person && !gone.contains(&row.id) && cancel.undoes(&heard, &row.heard()) {
                    gone.insert(row.id);
                    is_any = true;
                }
            }
            let outcome = match (event.contact_id, is_any) {
                (None, _) => Outcome::UnknownContact,
                (_, true) => Outcome::Cancelled,
                (_, false) => Outcome::NothingToCancel,
            };
            writing.outcome(self.campaign.id, event.id, outcome, None);
        }
        writing.cancel(tx, self.run.id, &gone).await
    }

    async fn waiting(&self, tx: &Tx, people: &[i64]) -> Result<Vec<Waiting>, DbErr> {
        if people.is_empty() {
            return Ok(Vec::new());
        }
        // By the person first: `+ 0` keeps the planner from reading all that waits in the run.
        let mut sql = Sql::new(tx.get_database_backend());
        let [campaign, run] = [sql.bind(self.campaign.id), sql.bind(self.run.id)];
        let people: Vec<_> = people.iter().map(|id| sql.bind(*id)).collect();
        let text = format!(
            "SELECT d.id, d.contact_id, e.name, e.properties, e.occurred_at, e.received_at FROM deliveries d \
             JOIN events e ON e.id = d.event_id \
             WHERE d.contact_id IN ({}) AND d.campaign_id = {campaign} AND d.run_id + 0 = {run} \
               AND d.state = 'QUEUED' ORDER BY d.id",
            people.join(", ")
        );
        Waiting::find_by_statement(sql.statement(text)).all(&**tx).await
    }
}

/// A message that waits, and the event that set it off.
#[derive(FromQueryResult)]
struct Waiting {
    id: i64,
    contact_id: i64,
    name: String,
    properties: Value,
    occurred_at: Timestamp,
    received_at: Timestamp,
}

impl Waiting {
    fn heard(&self) -> Heard<'_> {
        Heard {
            name: &self.name,
            properties: &self.properties,
            occurred_at: self.occurred_at.0,
            received_at: self.received_at.0,
        }
    }
}

/// Whom events are about, each once.
fn contacts(events: &[&events::Model]) -> Vec<i64> {
    let ids: BTreeSet<i64> = events.iter().filter_map(|event| event.contact_id).collect();
    ids.into_iter().collect()
}
