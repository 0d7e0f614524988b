//! What an event does to journeys: the goal is reached, a wait is over, somebody comes in. Called
//! with the events that the outbox takes, in its transaction, so each counts exactly once.

use super::Running;
use super::rows::{self, Walk};
use crate::campaigns::journey::counts::Tally;
use crate::campaigns::journey::enter::{Comer, enter};
use crate::campaigns::journey::store::{self, Version};
use crate::db::{Sql, Tx};
use crate::domain::EnrollmentState;
use crate::domain::goal::Goal;
use crate::domain::journey::{Entry, Kind, Reason};
use crate::domain::trigger::Outcome;
use crate::entity::{enrollments, events};
use crate::scheduler::events::Outcomes;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Acts on events, oldest first; whether somebody is to be moved.
pub async fn handle(tx: &Tx, batch: &[events::Model], now: DateTime<Utc>) -> Result<bool, DbErr> {
    let people: BTreeSet<i64> = batch.iter().filter_map(|event| event.contact_id).collect();
    let people: Vec<i64> = people.into_iter().collect();
    let mut is_due = false;
    let mut outcomes = Outcomes::default();
    for campaign in concerned(tx, batch, &people).await? {
        let Some(running) = Running::lock_listening(tx, campaign).await? else {
            continue;
        };
        is_due |= inside(tx, &running, batch, &people, now, &mut outcomes).await?;
        is_due |= outside(tx, &running, batch, now, &mut outcomes).await?;
    }
    outcomes.write(tx, now).await?;
    Ok(is_due)
}

/// The journeys that somebody of these is inside, or that an event of these brings people into.
async fn concerned(tx: &Tx, batch: &[events::Model], people: &[i64]) -> Result<BTreeSet<i64>, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let names: BTreeSet<&str> = batch.iter().map(|event| event.name.as_str()).collect();
    let names: Vec<_> = names.into_iter().map(|name| sql.bind(name)).collect();
    let people: Vec<_> = people.iter().map(|id| sql.bind(*id)).collect();
    let mut text = format!(
        "SELECT j.campaign_id AS id FROM journeys j JOIN campaigns c ON c.id = j.campaign_id \
           JOIN journey_versions v ON v.id = j.version_id \
         WHERE c.status IN ('ACTIVE', 'PAUSED') AND v.definition -> 'entry' ->> 'event' IN ({})",
        names.join(", ")
    );
    if !people.is_empty() {
        text.push_str(&format!(
            " UNION SELECT e.campaign_id FROM enrollments e \
             WHERE e.state IN ('ACTIVE', 'CALLING') AND e.contact_id IN ({})",
            people.join(", ")
        ));
    }
    let rows = super::Id::find_by_statement(sql.statement(text))
        .all(&**tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Whoever is inside may have reached the goal, or what they wait for.
async fn inside(
    tx: &Tx,
    running: &Running,
    batch: &[events::Model],
    people: &[i64],
    now: DateTime<Utc>,
    outcomes: &mut Outcomes,
) -> Result<bool, DbErr> {
    let goal = running
        .campaign
        .goal
        .as_ref()
        .and_then(|goal| Goal::parse(goal).ok());
    let mut versions = BTreeMap::<i64, Arc<Version>>::new();
    let (mut tally, mut changed) = (Tally::default(), Vec::new());
    for row in walks(tx, running.campaign.id, people).await? {
        let version = match versions.get(&row.version_id) {
            Some(version) => Arc::clone(version),
            None => {
                let Some(found) = store::version(&**tx, row.version_id, row.run_id).await? else {
                    continue;
                };
                let found = Arc::new(found);
                versions.insert(row.version_id, Arc::clone(&found));
                found
            }
        };
        let mut walk = Walk::new(row, version);
        let of_person = |event: &&events::Model| event.contact_id == walk.row.contact_id;
        let own: Vec<&events::Model> = batch.iter().filter(of_person).collect();
        let reached = own.iter().find(|event| {
            walk.version.journey.exit.on_goal
                && event.occurred_at.0 >= walk.row.entered_at.0
                && goal
                    .as_ref()
                    .is_some_and(|goal| goal.is_met(&event.name, &event.properties))
        });
        let mut note = |event: i64, outcome| {
            let detail = format!("from “{}”", walk.row.step);
            outcomes.note(running.campaign.id, event, outcome, Some(detail));
        };
        if let Some(event) = reached {
            note(event.id, Outcome::GoalReached);
            walk.end(Some(Reason::Goal), now, &mut tally);
            changed.push(walk);
        } else if let Some(event) = own.into_iter().find(|event| is_awaited(&walk, event)) {
            note(event.id, Outcome::MovedOn);
            walk.kept.event = kept(event);
            walk.kept.has_come = true;
            walk.row.due_at = now.into();
            changed.push(walk);
        }
    }
    rows::write(tx, &changed).await?;
    tally.write(tx).await?;
    Ok(!changed.is_empty())
}

async fn walks(tx: &Tx, campaign: i64, people: &[i64]) -> Result<Vec<enrollments::Model>, DbErr> {
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(tx.get_database_backend());
    let campaign = sql.bind(campaign);
    let people: Vec<_> = people.iter().map(|id| sql.bind(*id)).collect();
    let locking = match sql.is_postgres() {
        true => " FOR UPDATE",
        false => "",
    };
    let text = format!(
        "SELECT e.* FROM enrollments e WHERE e.state IN ('ACTIVE', 'CALLING') \
         AND e.contact_id IN ({}) AND e.campaign_id = {campaign} ORDER BY e.id{locking}",
        people.join(", ")
    );
    enrollments::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(&**tx)
        .await
}

/// Whether a walk waits for this, and it was reported after the person came to the wait.
fn is_awaited(walk: &Walk, event: &events::Model) -> bool {
    let step = walk.version.journey.step(&walk.row.step);
    match step.map(|step| &step.kind) {
        Some(Kind::Await {
            event: name,
            condition,
            ..
        }) => {
            walk.row.state == EnrollmentState::Active
                && !walk.kept.has_come
                && *name == event.name
                && event.received_at.0 >= walk.row.arrived_at.0
                && condition
                    .as_ref()
                    .is_none_or(|matching| matching.condition.holds(&event.properties))
        }
        _ => false,
    }
}

/// Whom an event brings in. A paused journey takes them in, and they wait at its first step.
async fn outside(
    tx: &Tx,
    running: &Running,
    batch: &[events::Model],
    now: DateTime<Utc>,
    outcomes: &mut Outcomes,
) -> Result<bool, DbErr> {
    let Entry::Event {
        event: name,
        condition,
    } = &running.version.journey.entry
    else {
        return Ok(false);
    };
    let campaign = running.campaign.id;
    let mut comers = Vec::new();
    for event in batch.iter().filter(|event| event.name == *name) {
        let is_met = condition
            .as_ref()
            .is_none_or(|matching| matching.condition.holds(&event.properties));
        match event.contact_id.filter(|_| is_met) {
            Some(contact_id) => comers.push(Comer {
                contact_id,
                event: kept(event),
            }),
            None if is_met => outcomes.note(campaign, event.id, Outcome::UnknownContact, None),
            None => outcomes.note(campaign, event.id, Outcome::ConditionNotMet, None),
        }
    }
    let all = comers.clone();
    let comers = running.of_segment(tx, comers, now).await?;
    let mut entered = enter(tx, &running.door(), &comers, now).await?;
    let is_any = !entered.is_empty();
    for comer in &all {
        let Some(event) = comer.event["id"].as_i64() else {
            continue;
        };
        let outcome = match (comers.contains(comer), entered.remove(&comer.contact_id)) {
            (false, _) => Outcome::NotInSegment,
            // Of two events about somebody the first brought them in.
            (true, true) => Outcome::CameIn,
            (true, false) => Outcome::NotLetIn,
        };
        outcomes.note(campaign, event, outcome, None);
    }
    Ok(is_any)
}

/// An event as a walk keeps it.
fn kept(event: &events::Model) -> Value {
    json!({ "id": event.id, "name": event.name, "properties": event.properties })
}
