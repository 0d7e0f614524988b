//! A change of a journey that runs, published as a version. Whoever is inside finishes on the
//! version that they came in on, or moves over, as staff choose; what happens to how many is known
//! before.

use super::counts::{Tally, WHOLE};
use super::store::{self, Version};
use super::{known, publish};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::campaigns::{edit, store as campaigns_store};
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::EnrollmentState;
use crate::domain::campaign::may_publish;
use crate::domain::journey::{Journey, Problem};
use crate::entity::{Timestamp, campaigns, journey_counts};
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, FromQueryResult, QueryFilter as _};
use serde_json::json;
use std::collections::BTreeMap;

/// Walks that move over in one transaction.
const STRETCH: i64 = 5_000;

/// How many are at a step of the versions before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub step: String,
    pub people: i64,
    /// Whether the new version has the step.
    pub is_kept: bool,
}

/// Who is inside, by step, and what the new version has for them.
pub async fn places(db: &impl ConnectionTrait, campaign: i64, journey: &Journey) -> Result<Vec<Place>> {
    let rows = journey_counts::Entity::find()
        .filter(journey_counts::Column::CampaignId.eq(campaign))
        .filter(journey_counts::Column::Here.gt(0))
        .filter(journey_counts::Column::Step.ne(WHOLE))
        .all(db)
        .await?;
    let mut people = BTreeMap::<String, i64>::new();
    for row in rows {
        *people.entry(row.step).or_default() += row.here;
    }
    Ok(people
        .into_iter()
        .map(|(step, people)| Place {
            is_kept: journey.step(&step).is_some(),
            step,
            people,
        })
        .collect())
}

/// Everything that keeps the draft from being published.
pub async fn problems(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    journey: &Journey,
) -> Result<Vec<Problem>> {
    let known = known::of(db, campaign, journey).await?;
    Ok(journey.validate(&known))
}

/// What happens to whoever is inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    /// They finish on the version that they came in on.
    Finish,
    /// They move over: to the same step, or to the one that is named for theirs.
    Move(BTreeMap<String, String>),
}

/// Publishes the draft of a journey that runs, and answers how many moved over.
///
/// # Errors
/// `Conflict` where it does not run or somebody was quicker; `Invalid` with everything that is
/// wrong with it, and where a step that people are at leads nowhere.
pub async fn publish(
    cx: &Context,
    id: i64,
    revision: i64,
    inside: &Inside,
    actor: &Actor,
) -> Result<(Version, i64)> {
    let seen = campaigns_store::find(&*cx.db, id)
        .await?
        .ok_or(AppError::NotFound)?;
    let refusal = || {
        AppError::Conflict(format!(
            "This campaign is {}; a version is published of a journey that is ACTIVE or PAUSED.",
            seen.status
        ))
    };
    if !may_publish(seen.status) {
        return Err(refusal());
    }
    let journey = store::draft(&seen).ok_or_else(refusal)?;
    let mut errors = FormErrors::default();
    for problem in problems(&*cx.db, &seen, &journey).await? {
        errors.add(&problem.path(), problem.text);
    }
    if let Inside::Move(chosen) = inside {
        for place in places(&*cx.db, id, &journey).await? {
            if target(&journey, chosen, &place.step).is_none() {
                errors.add(
                    &format!("move.{}", place.step),
                    "Choose where the people at this step go on.",
                );
            }
        }
    }
    errors.or(|| ())?;
    // Compiling takes a while, so it is done before the transaction.
    let prepared = publish::prepare(&*cx.db, &journey)
        .await?
        .map_err(|sentence| AppError::invalid("journey", sentence))?;
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let campaign = campaigns_store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
    if campaign.revision != revision || !may_publish(campaign.status) {
        return Err(edit::changed_meanwhile());
    }
    let running = store::running(&*tx, id).await?.ok_or_else(refusal)?;
    let version = publish::add_version(
        &tx,
        &campaign,
        running.run_id,
        &journey,
        &prepared,
        &actor.name,
        now,
    )
    .await?;
    publish::turn_to(&tx, &campaign, &version, now).await?;
    let detail = json!({ "version": version.number, "inside": match inside {
        Inside::Finish => "finish on theirs",
        Inside::Move(_) => "move over",
    } });
    audit::record(
        &tx,
        now,
        actor,
        "published",
        Subject("campaign", Some(id)),
        detail,
    )
    .await?;
    tx.commit().await?;
    let moved = match inside {
        Inside::Finish => 0,
        Inside::Move(chosen) => move_over(cx, &version, chosen).await?,
    };
    cx.bell.ring_scheduler();
    Ok((version, moved))
}

/// Where people at a step go on in the new version.
fn target<'a>(journey: &Journey, chosen: &'a BTreeMap<String, String>, step: &'a str) -> Option<&'a str> {
    let to = match journey.step(step) {
        Some(_) => step,
        None => chosen.get(step)?,
    };
    journey.step(to).map(|_| to)
}

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    version_id: i64,
    step: String,
    state: EnrollmentState,
}

/// Takes everybody over in stretches. Broken off, the rest finish on the version they are on.
async fn move_over(cx: &Context, version: &Version, chosen: &BTreeMap<String, String>) -> Result<i64> {
    let (mut cursor, mut sum) = (0, 0);
    loop {
        let tx = cx.db.begin().await?;
        let rows = stretch(&tx, version, cursor).await?;
        let Some(last) = rows.last() else { return Ok(sum) };
        cursor = last.id;
        sum += take_over(&tx, version, chosen, &rows, cx.clock.now()).await?;
        tx.commit().await?;
    }
}

async fn stretch(tx: &Tx, version: &Version, after: i64) -> Result<Vec<Row>> {
    let mut sql = Sql::new(tx.get_database_backend());
    let [campaign, version, after] = [
        sql.bind(version.campaign_id),
        sql.bind(version.id),
        sql.bind(after),
    ];
    let locking = match sql.is_postgres() {
        true => " FOR UPDATE",
        false => "",
    };
    let text = format!(
        "SELECT e.id, e.version_id, e.step, e.state FROM enrollments e WHERE e.campaign_id = {campaign} \
         AND e.version_id <> {version} AND e.state IN ('ACTIVE', 'CALLING') AND e.id > {after} \
         ORDER BY e.id LIMIT {STRETCH}{locking}"
    );
    Ok(Row::find_by_statement(sql.statement(text)).all(&**tx).await?)
}

async fn take_over(
    tx: &Tx,
    version: &Version,
    chosen: &BTreeMap<String, String>,
    rows: &[Row],
    now: DateTime<Utc>,
) -> Result<i64> {
    let mut tally = Tally::default();
    let mut groups = BTreeMap::<(&str, bool), Vec<i64>>::new();
    let mut sum = 0;
    for row in rows {
        // Somebody came to a step for which nobody chose: they finish on theirs.
        let Some(to) = target(&version.journey, chosen, &row.step) else {
            continue;
        };
        let stays = to == row.step;
        tally.take_over(version.campaign_id, row.version_id, WHOLE, true);
        tally.take_over(version.campaign_id, row.version_id, &row.step, stays);
        tally.arrive(version.campaign_id, version.id, WHOLE);
        tally.arrive(version.campaign_id, version.id, to);
        let is_called = stays && row.state == EnrollmentState::Calling;
        groups.entry((to, is_called)).or_default().push(row.id);
        sum += 1;
    }
    for ((to, is_called), ids) in groups {
        for ids in ids.chunks(500) {
            let mut sql = Sql::new(tx.get_database_backend());
            let [id, step, now] = [sql.bind(version.id), sql.bind(to), sql.bind(Timestamp::from(now))];
            let ids: Vec<_> = ids.iter().map(|id| sql.bind(*id)).collect();
            // Looked at again at once: the wait may be another now. Who came to another step comes
            // there now.
            let rest = match is_called {
                true => String::new(),
                false => format!(
                    ", state = 'ACTIVE', due_at = {now}, \
                     arrived_at = CASE WHEN step = {step} THEN arrived_at ELSE {now} END"
                ),
            };
            let text = format!(
                "UPDATE enrollments SET version_id = {id}, step = {step}{rest} WHERE id IN ({})",
                ids.join(", ")
            );
            tx.execute_raw(sql.statement(text)).await?;
        }
    }
    tally.write(tx).await?;
    Ok(sum)
}
