//! Joining and leaving the campaign's segment: a round over all contacts now and then, a stretch at
//! a time, against who was in it at the last round. Killed anywhere, it goes on behind the last
//! stretch; joining is seen once, and again only after leaving.

use super::{Id, Running, end_of_stretch, millis};
use crate::audience::segments;
use crate::campaigns::journey::enter::{Comer, enter};
use crate::campaigns::journey::leave::{Who, leave};
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::journey::{Entry, Reason};
use crate::entity::segments as segment;
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult as _};

/// From the end of a round to the next.
const EVERY: TimeDelta = TimeDelta::minutes(5);

/// Looks at the next stretch, where a round is due; whether there is more of it.
pub async fn look(cx: &Context, campaign: i64) -> Result<bool> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let Some(running) = Running::lock(&tx, campaign).await? else {
        return Ok(false);
    };
    if running.state.members_due_at.is_none_or(|due| due.0 > now) {
        return Ok(false);
    }
    let segment = match running.campaign.segment_id {
        Some(id) => segment::Entity::find_by_id(id).one(&*tx).await?,
        None => None,
    };
    let end = match &segment {
        Some(_) => end_of_stretch(&tx, running.state.members_cursor).await?,
        None => None,
    };
    match (end, &segment) {
        (Some(end), Some(segment)) => {
            let stretch = Stretch {
                running: &running,
                segment,
                end,
                now,
            };
            stretch.look(&tx).await?;
            tx.execute_raw(tx.sql(
                "UPDATE journeys SET members_cursor = $1 WHERE campaign_id = $2",
                [end.into(), campaign.into()],
            ))
            .await?;
        }
        _ => {
            tx.execute_raw(tx.sql(
                "UPDATE journeys SET members_cursor = 0, members_due_at = $1, is_begun = $2 \
                 WHERE campaign_id = $3",
                [millis(now + EVERY), true.into(), campaign.into()],
            ))
            .await?;
        }
    }
    tx.commit().await?;
    Ok(end.is_some())
}

struct Stretch<'a> {
    running: &'a Running,
    segment: &'a segment::Model,
    end: i64,
    now: DateTime<Utc>,
}

impl Stretch<'_> {
    async fn look(&self, tx: &Tx) -> Result<(), DbErr> {
        let campaign = self.running.campaign.id;
        let journey = &self.running.version.journey;
        let joined = self.find(tx, true).await?;
        let left = self.find(tx, false).await?;
        self.remember(tx, &joined, &left).await?;
        let comes_in = match journey.entry {
            Entry::Segment { existing } => existing || self.running.state.is_begun,
            _ => false,
        };
        if comes_in {
            let comers: Vec<_> = joined.into_iter().map(Comer::plain).collect();
            enter(tx, &self.running.door(), &comers, self.now).await?;
        }
        if journey.exit.on_leaving_segment {
            for people in left.chunks(500) {
                leave(tx, &Who::People(campaign, people), Reason::LeftSegment, self.now).await?;
            }
        }
        Ok(())
    }

    /// Who of the stretch joined, or left, since the last round.
    async fn find(&self, tx: &Tx, is_joining: bool) -> Result<Vec<i64>, DbErr> {
        let mut sql = Sql::new(tx.get_database_backend());
        let who = segments::condition(&mut sql, self.segment, self.now, self.running.zone)?;
        let [campaign, cursor, end] = [
            sql.bind(self.running.campaign.id),
            sql.bind(self.running.state.members_cursor),
            sql.bind(self.end),
        ];
        let known = format!(
            "EXISTS (SELECT 1 FROM journey_members m WHERE m.campaign_id = {campaign} AND m.contact_id = c.id)"
        );
        let asked = match is_joining {
            true => format!("({who}) AND NOT {known}"),
            false => format!("NOT ({who}) AND {known}"),
        };
        let text = format!(
            "SELECT c.id FROM contacts c WHERE c.id > {cursor} AND c.id <= {end} AND {asked} ORDER BY c.id"
        );
        let rows = Id::find_by_statement(sql.statement(text)).all(&**tx).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn remember(&self, tx: &Tx, joined: &[i64], left: &[i64]) -> Result<(), DbErr> {
        for people in joined.chunks(1_000) {
            let mut sql = Sql::new(tx.get_database_backend());
            let campaign = sql.bind(self.running.campaign.id);
            let rows: Vec<_> = people
                .iter()
                .map(|id| format!("({campaign}, {})", sql.bind(*id)))
                .collect();
            let text = format!(
                "INSERT INTO journey_members (campaign_id, contact_id) VALUES {} ON CONFLICT DO NOTHING",
                rows.join(", ")
            );
            tx.execute_raw(sql.statement(text)).await?;
        }
        for people in left.chunks(1_000) {
            let mut sql = Sql::new(tx.get_database_backend());
            let campaign = sql.bind(self.running.campaign.id);
            let people: Vec<_> = people.iter().map(|id| sql.bind(*id)).collect();
            let text = format!(
                "DELETE FROM journey_members WHERE campaign_id = {campaign} AND contact_id IN ({})",
                people.join(", ")
            );
            tx.execute_raw(sql.statement(text)).await?;
        }
        Ok(())
    }
}
