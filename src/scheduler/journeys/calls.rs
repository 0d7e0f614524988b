//! Calling webhooks. A call is made with no transaction open; before it the walk is put off by a
//! lease, so that a crash calls again, with the same id, and nobody is lost.

use super::rows::{Kept, Walk};
use crate::campaigns::journey::store;
use crate::content::recipient;
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::EnrollmentState;
use crate::domain::journey::{Kind, call};
use crate::entity::{Timestamp, campaigns, enrollments};
use crate::outbound::Answer;
use crate::secret::sign;
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Calls that are taken at a time, and made at once.
const BATCH: usize = 50;
const AT_ONCE: usize = 10;
/// After so long a call that a crash cut off is made again.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// It looks so often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Calls whatever is due, until `stop`.
pub async fn run(cx: Context, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match call_due(&cx).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(error = format!("{error:#}"), "webhooks were not called"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Makes the calls of a batch; whether there are more.
pub async fn call_due(cx: &Context) -> Result<bool> {
    let now = cx.clock.now();
    let walks = take(cx, now).await?;
    if walks.is_empty() {
        return Ok(false);
    }
    let is_more = walks.len() == BATCH;
    let mut answers = futures_util::stream::iter(walks)
        .map(|walk| async {
            let answer = one(cx, &walk, now).await;
            (walk, answer)
        })
        .buffer_unordered(AT_ONCE);
    while let Some((walk, answer)) = answers.next().await {
        match answer {
            Ok(answer) => settle(cx, &walk, &answer).await?,
            // Its lease ends, and it is tried again.
            Err(error) => tracing::error!(
                enrollment = walk.id,
                error = format!("{error:#}"),
                "a webhook was not called"
            ),
        }
    }
    cx.bell.ring_scheduler();
    Ok(is_more)
}

/// Takes calls that are due, of journeys that are active.
async fn take(cx: &Context, now: DateTime<Utc>) -> Result<Vec<enrollments::Model>, DbErr> {
    let tx = cx.db.begin().await?;
    let mut sql = Sql::new(tx.get_database_backend());
    let (now, until) = (
        sql.bind(Timestamp::from(now)),
        sql.bind(Timestamp::from(now + LEASE)),
    );
    let locking = match sql.is_postgres() {
        true => "FOR UPDATE OF e SKIP LOCKED",
        false => "",
    };
    let text = format!(
        "UPDATE enrollments SET due_at = {until}, attempt = attempt + 1 WHERE state = 'CALLING' AND id IN (\
           SELECT e.id FROM campaigns c JOIN enrollments e ON e.campaign_id = c.id \
           WHERE c.kind = 'JOURNEY' AND c.status = 'ACTIVE' AND e.state = 'CALLING' AND e.due_at <= {now} \
           ORDER BY e.due_at LIMIT {BATCH} {locking}) RETURNING *"
    );
    let rows = enrollments::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(&*tx)
        .await?;
    tx.commit().await?;
    Ok(rows)
}

async fn one(cx: &Context, walk: &enrollments::Model, now: DateTime<Utc>) -> Result<Answer> {
    let refuse = |why: &str| Ok(Answer::Refused(why.to_owned()));
    let Some(version) = store::version(&*cx.db, walk.version_id, walk.run_id).await? else {
        return refuse("Its version is gone.");
    };
    let url = match version.journey.step(&walk.step).map(|step| &step.kind) {
        Some(Kind::Webhook { url }) => url.clone(),
        _ => return refuse("The step is no webhook."),
    };
    let body = body(cx, walk, now).await?.to_string();
    let key = cx.secret.derive(call::KEY);
    let signature = call::signature(now.timestamp(), &body, |text| sign(&key, text));
    let headers = [("Fairway-Signature", signature), ("Idempotency-Key", id_of(walk))];
    Ok(cx.outbound.post(&url, &headers, body).await)
}

/// The same each time that it is tried.
fn id_of(walk: &enrollments::Model) -> String {
    format!(
        "{}.{}.{}",
        walk.id,
        walk.step,
        walk.arrived_at.0.timestamp_millis()
    )
}

async fn body(cx: &Context, walk: &enrollments::Model, now: DateTime<Utc>) -> Result<Value> {
    let campaign = campaigns::Entity::find_by_id(walk.campaign_id)
        .one(&*cx.db)
        .await?;
    let people = match walk.contact_id {
        Some(id) => recipient::of(&*cx.db, &[id]).await?,
        None => Default::default(),
    };
    let person = walk.contact_id.and_then(|id| people.get(&id));
    Ok(json!({
        "id": id_of(walk),
        "at": now,
        "campaign": { "id": walk.campaign_id, "name": campaign.map(|campaign| campaign.name) },
        "step": walk.step,
        "contact": person.map(|person| json!({
            "id": walk.contact_id,
            "key": person.key,
            "email": person.email,
            "phone": person.phone,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "tags": person.tags,
            "attributes": person.attributes,
        })),
        "event": Kept::of(walk).event,
    }))
}

/// Writes what a call came to: on, or later again.
async fn settle(cx: &Context, seen: &enrollments::Model, answer: &Answer) -> Result<()> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let Some(row) = still_held(&tx, seen).await? else {
        return Ok(());
    };
    let status = match answer {
        Answer::Status(status, _) => Some(*status),
        Answer::None(_) => None,
        // Trying again gives the same.
        Answer::Refused(_) => Some(400),
    };
    let verdict = call::verdict(status, u32::try_from(row.attempt).unwrap_or(u32::MAX));
    if verdict != call::Verdict::Done {
        tracing::warn!(
            enrollment = row.id,
            step = row.step,
            ?answer,
            ?verdict,
            "a webhook was not taken"
        );
    }
    let Some(version) = store::version(&*tx, row.version_id, row.run_id).await? else {
        return Ok(());
    };
    let mut walk = Walk::new(row, Arc::new(version));
    match verdict {
        call::Verdict::Again(delay) => walk.row.due_at = (now + delay).into(),
        done => {
            walk.kept.called = Some(done == call::Verdict::Done);
            walk.row.state = EnrollmentState::Active;
            walk.row.due_at = now.into();
        }
    }
    super::rows::write(&tx, &[walk]).await?;
    tx.commit().await?;
    Ok(())
}

/// The walk, locked, if nobody took it out or called again meanwhile.
async fn still_held(tx: &Tx, seen: &enrollments::Model) -> Result<Option<enrollments::Model>, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let [id, attempt] = [sql.bind(seen.id), sql.bind(seen.attempt)];
    let locking = match sql.is_postgres() {
        true => " FOR UPDATE",
        false => "",
    };
    let text = format!(
        "SELECT e.* FROM enrollments e WHERE e.id = {id} AND e.state = 'CALLING' AND e.attempt = {attempt}{locking}"
    );
    enrollments::Entity::find()
        .from_raw_sql(sql.statement(text))
        .one(&**tx)
        .await
}
