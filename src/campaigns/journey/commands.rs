//! What staff do to a journey: write it, put people in, take them out.

use super::enter::{Comer, Door, enter};
use super::leave::{Who, leave};
use super::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::audience::segments;
use crate::campaigns::draft::Changes;
use crate::campaigns::{commands, edit, store as campaigns_store};
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::campaign::{is_editable, may_publish};
use crate::domain::journey::{Journey, Reason};
use crate::entity::{campaigns, segments as segment};
use crate::web::{AppError, Result};
use chrono_tz::Tz;
use sea_orm::{ConnectionTrait as _, EntityTrait as _, FromQueryResult};
use serde_json::json;

/// Contacts of one stretch: a transaction of some tens of milliseconds.
const STRETCH: i64 = 5_000;

/// Changes the journey as it is written. Of one that runs this is the draft of its next version,
/// and nothing that happens changes by it.
///
/// # Errors
/// `Conflict` where the campaign is over, or somebody was quicker.
pub async fn write(
    cx: &Context,
    id: i64,
    revision: i64,
    journey: &Journey,
    actor: &Actor,
) -> Result<campaigns::Model> {
    let seen = campaigns_store::find(&*cx.db, id)
        .await?
        .ok_or(AppError::NotFound)?;
    if is_editable(seen.status) {
        let changes = Changes {
            journey: Some(Some(journey.clone())),
            ..Changes::default()
        };
        return commands::edit(cx, id, Some(revision), &changes, actor).await;
    }
    if !may_publish(seen.status) {
        return Err(AppError::Conflict(format!(
            "This campaign is {}, so its journey cannot be changed any more.",
            seen.status
        )));
    }
    let tx = cx.db.begin().await?;
    let written = tx
        .execute_raw(tx.sql(
            "UPDATE campaigns SET journey = $1, revision = revision + 1, updated_at = $2 \
             WHERE id = $3 AND revision = $4",
            [
                journey.to_json().into(),
                cx.clock.now().timestamp_millis().into(),
                id.into(),
                revision.into(),
            ],
        ))
        .await?;
    if written.rows_affected() == 0 {
        return Err(edit::changed_meanwhile());
    }
    let campaign = campaigns_store::find(&*tx, id).await?.ok_or(AppError::NotFound)?;
    tx.commit().await?;
    Ok(campaign)
}

/// A journey that people can be put into, in a transaction.
struct Running {
    campaign: campaigns::Model,
    running: crate::entity::journeys::Model,
    version: store::Version,
}

impl Running {
    async fn load(tx: &Tx, id: i64) -> Result<Self> {
        let campaign = campaigns_store::find(&**tx, id)
            .await?
            .ok_or(AppError::NotFound)?;
        let refusal = || {
            AppError::Conflict(format!(
                "This campaign is {}; people can be put into a journey that is ACTIVE or PAUSED.",
                campaign.status
            ))
        };
        if !may_publish(campaign.status) {
            return Err(refusal());
        }
        let running = store::running(&**tx, id).await?.ok_or_else(refusal)?;
        let version = store::version(&**tx, running.version_id, running.run_id).await?;
        Ok(Self {
            version: version.ok_or_else(refusal)?,
            running,
            campaign,
        })
    }

    const fn door(&self) -> Door<'_> {
        Door {
            campaign: &self.campaign,
            running: &self.running,
            version: &self.version,
        }
    }
}

/// Puts one person in, and says whether they came in: not who is inside, or was and may not again.
pub async fn put_in(cx: &Context, id: i64, contact: i64, actor: &Actor) -> Result<bool> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let running = Running::load(&tx, id).await?;
    let entered = enter(&tx, &running.door(), &[Comer::plain(contact)], now).await?;
    if !entered.is_empty() {
        let detail = json!({ "contact": contact });
        audit::record(&tx, now, actor, "put in", Subject("campaign", Some(id)), detail).await?;
    }
    tx.commit().await?;
    cx.bell.ring_scheduler();
    Ok(!entered.is_empty())
}

/// Puts everyone of a segment in who may come in, and answers how many did. In stretches; broken
/// off, it goes on when it is asked again, because nobody comes in twice.
pub async fn put_in_segment(cx: &Context, id: i64, segment_id: i64, actor: &Actor) -> Result<i64> {
    let segment = segment::Entity::find_by_id(segment_id).one(&*cx.db).await?;
    let segment = segment.ok_or(AppError::NotFound)?;
    let (mut cursor, mut sum) = (0, 0);
    loop {
        let now = cx.clock.now();
        let tx = cx.db.begin().await?;
        let running = Running::load(&tx, id).await?;
        let people = members(&tx, &running.campaign, &segment, cursor, now).await?;
        let Some(last) = people.last() else { break };
        cursor = *last;
        let comers: Vec<_> = people.iter().map(|id| Comer::plain(*id)).collect();
        sum += i64::try_from(enter(&tx, &running.door(), &comers, now).await?.len()).unwrap_or_default();
        tx.commit().await?;
    }
    let tx = cx.db.begin().await?;
    let detail = json!({ "segment": segment.name, "people": sum });
    audit::record(
        &tx,
        cx.clock.now(),
        actor,
        "put in",
        Subject("campaign", Some(id)),
        detail,
    )
    .await?;
    tx.commit().await?;
    cx.bell.ring_scheduler();
    Ok(sum)
}

async fn members(
    tx: &Tx,
    campaign: &campaigns::Model,
    segment: &segment::Model,
    after: i64,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<i64>> {
    #[derive(FromQueryResult)]
    struct Id {
        id: i64,
    }
    let zone: Tz = campaign.timezone.parse().unwrap_or(Tz::UTC);
    let mut sql = Sql::new(tx.get_database_backend());
    let who = segments::condition(&mut sql, segment, now, zone).map_err(sea_orm::DbErr::from)?;
    let [after, limit] = [sql.bind(after), sql.bind(STRETCH)];
    let text =
        format!("SELECT c.id FROM contacts c WHERE c.id > {after} AND ({who}) ORDER BY c.id LIMIT {limit}");
    let rows = Id::find_by_statement(sql.statement(text)).all(&**tx).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Takes one person out. Says whether they were inside.
pub async fn take_out(cx: &Context, id: i64, contact: i64, actor: &Actor) -> Result<bool> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let left = leave(&tx, &Who::People(id, &[contact]), Reason::Staff, now).await?;
    if left > 0 {
        let detail = json!({ "contact": contact });
        audit::record(
            &tx,
            now,
            actor,
            "taken out",
            Subject("campaign", Some(id)),
            detail,
        )
        .await?;
    }
    tx.commit().await?;
    Ok(left > 0)
}
