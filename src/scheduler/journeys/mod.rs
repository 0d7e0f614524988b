//! Journeys that run: who comes in, who moves on, who leaves. A tick does a bounded amount for each,
//! each piece in a transaction of its own; what it costs is what is due, never how many wait.

mod calls;
mod dates;
mod effects;
pub mod events;
mod look;
mod members;
mod moves;
mod opt_outs;
mod rows;

pub use calls::{call_due, run as call_webhooks};

use crate::audience::segments;
use crate::campaigns::journey::enter::{Comer, Door};
use crate::campaigns::journey::leave::{Who, leave};
use crate::campaigns::journey::store::{self, Version};
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::Status;
use crate::domain::journey::Reason;
use crate::entity::{campaigns, journeys, segments as segment};
use anyhow::Result;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult};

/// Walks that are ended in one transaction when their campaign is over.
const STRETCH: u64 = 10_000;

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

/// One round over the journeys in which something is due; whether more is due at once.
pub async fn work(cx: &Context) -> Result<bool> {
    let mut is_more = opt_outs::leave(cx).await?;
    for Id { id } in due(cx).await? {
        match one(cx, id).await {
            Ok(more) => is_more |= more,
            // What fails for one journey is logged, and keeps no other.
            Err(error) => tracing::error!(
                campaign = id,
                error = format!("{error:#}"),
                "a journey did not go on"
            ),
        }
    }
    sweep(cx).await?;
    Ok(is_more)
}

/// The active journeys with something due, by a step in an index for each.
async fn due(cx: &Context) -> Result<Vec<Id>, DbErr> {
    let now = cx.clock.now().timestamp_millis();
    Id::find_by_statement(cx.db.sql(
        "SELECT j.campaign_id AS id FROM journeys j JOIN campaigns c ON c.id = j.campaign_id \
         WHERE c.status = 'ACTIVE' AND (j.members_due_at <= $1 OR j.dates_due_at <= $1 OR EXISTS (\
           SELECT 1 FROM enrollments e WHERE e.campaign_id = j.campaign_id AND e.state = 'ACTIVE' \
             AND e.due_at <= $1)) ORDER BY j.campaign_id",
        [now.into()],
    ))
    .all(&*cx.db)
    .await
}

async fn one(cx: &Context, campaign: i64) -> Result<bool> {
    let mut is_more = members::look(cx, campaign).await?;
    is_more |= dates::look(cx, campaign).await?;
    is_more |= moves::move_due(cx, campaign).await?;
    Ok(is_more)
}

/// Who is still inside a journey that is over leaves it.
async fn sweep(cx: &Context) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Over {
        id: i64,
        status: Status,
    }
    let over = Over::find_by_statement(cx.db.sql(
        "SELECT c.id, c.status FROM journeys j JOIN campaigns c ON c.id = j.campaign_id \
         WHERE c.status IN ('CANCELLED', 'COMPLETED') AND (\
           EXISTS (SELECT 1 FROM enrollments e WHERE e.campaign_id = c.id AND e.state = 'ACTIVE') \
           OR EXISTS (SELECT 1 FROM enrollments e WHERE e.campaign_id = c.id AND e.state = 'CALLING'))",
        [],
    ))
    .all(&*cx.db)
    .await?;
    for Over { id, status } in over {
        let reason = match status {
            Status::Completed => Reason::Completed,
            _ => Reason::Cancelled,
        };
        loop {
            let tx = cx.db.begin().await?;
            let left = leave(&tx, &Who::Everyone(id, STRETCH), reason, cx.clock.now()).await?;
            tx.commit().await?;
            if left == 0 {
                break;
            }
        }
    }
    Ok(())
}

/// A journey that runs, as it is in a transaction that locked it.
struct Running {
    campaign: campaigns::Model,
    state: journeys::Model,
    version: Version,
    zone: Tz,
}

impl Running {
    /// Locks an active journey, so that of two schedulers one waits; `None` where it was paused or
    /// ended meanwhile.
    async fn lock(tx: &Tx, campaign: i64) -> Result<Option<Self>, DbErr> {
        let locked = tx
            .execute_raw(tx.sql(
                "UPDATE journeys SET members_cursor = members_cursor WHERE campaign_id = $1 \
                 AND EXISTS (SELECT 1 FROM campaigns c WHERE c.id = $1 AND c.status = 'ACTIVE')",
                [campaign.into()],
            ))
            .await?;
        match locked.rows_affected() {
            0 => Ok(None),
            _ => Self::load(tx, campaign).await,
        }
    }

    /// Locks a journey that takes people in: a paused one too, which holds them at its first step.
    async fn lock_listening(tx: &Tx, campaign: i64) -> Result<Option<Self>, DbErr> {
        let locked = tx
            .execute_raw(tx.sql(
                "UPDATE journeys SET members_cursor = members_cursor WHERE campaign_id = $1 \
                 AND EXISTS (SELECT 1 FROM campaigns c WHERE c.id = $1 AND c.status IN ('ACTIVE', 'PAUSED'))",
                [campaign.into()],
            ))
            .await?;
        match locked.rows_affected() {
            0 => Ok(None),
            _ => Self::load(tx, campaign).await,
        }
    }

    /// Those who are in the campaign's segment; all, where it has none.
    async fn of_segment(&self, tx: &Tx, comers: Vec<Comer>, now: DateTime<Utc>) -> Result<Vec<Comer>, DbErr> {
        let Some(id) = self.campaign.segment_id.filter(|_| !comers.is_empty()) else {
            return Ok(comers);
        };
        let Some(segment) = segment::Entity::find_by_id(id).one(&**tx).await? else {
            return Ok(comers);
        };
        let mut sql = Sql::new(tx.get_database_backend());
        let who = segments::condition(&mut sql, &segment, now, self.zone)?;
        let people: Vec<_> = comers.iter().map(|comer| sql.bind(comer.contact_id)).collect();
        let text = format!(
            "SELECT c.id FROM contacts c WHERE c.id IN ({}) AND ({who})",
            people.join(", ")
        );
        let found = Id::find_by_statement(sql.statement(text)).all(&**tx).await?;
        Ok(comers
            .into_iter()
            .filter(|comer| found.iter().any(|row| row.id == comer.contact_id))
            .collect())
    }

    async fn load(tx: &Tx, id: i64) -> Result<Option<Self>, DbErr> {
        let campaign = campaigns::Entity::find_by_id(id).one(&**tx).await?;
        let (Some(campaign), Some(state)) = (campaign, store::running(&**tx, id).await?) else {
            return Ok(None);
        };
        let version = store::version(&**tx, state.version_id, state.run_id).await?;
        Ok(version.map(|version| Self {
            zone: campaign.timezone.parse().unwrap_or(Tz::UTC),
            campaign,
            state,
            version,
        }))
    }

    const fn door(&self) -> Door<'_> {
        Door {
            campaign: &self.campaign,
            running: &self.state,
            version: &self.version,
        }
    }
}

/// Contacts that are looked at in one transaction.
const CONTACTS: i64 = 5_000;

/// The last contact of the next stretch behind a cursor; `None` when there is none left.
async fn end_of_stretch(tx: &Tx, cursor: i64) -> Result<Option<i64>, DbErr> {
    #[derive(FromQueryResult)]
    struct End {
        id: Option<i64>,
    }
    let statement = tx.sql(
        "SELECT MAX(s.id) AS id FROM (SELECT c.id FROM contacts c WHERE c.id > $1 ORDER BY c.id LIMIT $2) s",
        [cursor.into(), CONTACTS.into()],
    );
    let end = End::find_by_statement(statement).one(&**tx).await?;
    Ok(end.and_then(|end| end.id))
}

fn millis(at: DateTime<Utc>) -> sea_orm::Value {
    at.timestamp_millis().into()
}
