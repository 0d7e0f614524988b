//! Whoever opts out leaves every journey that would write to them, at the next tick: the log of
//! consents is read once, behind a mark that moves with it. What is missed here is seen before each
//! move, and once more before anything is sent.

use super::{Id, Running};
use crate::campaigns::journey::leave::{self, Who};
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::journey::Reason;
use anyhow::Result;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult};
use std::collections::BTreeMap;

const MARK: &str = "consent_log";
/// Lines of the log that are read at a time.
const LINES: i64 = 1_000;

#[derive(FromQueryResult)]
struct Line {
    id: i64,
    contact_id: i64,
    status: String,
}

/// Reads what is new in the log; whether there is more.
pub async fn leave(cx: &Context) -> Result<bool> {
    let position = position(cx).await?;
    let lines = read(cx, position).await?;
    let Some(last) = lines.last() else {
        return Ok(false);
    };
    let mut people: Vec<i64> = lines
        .iter()
        .filter(|line| line.status == "UNSUBSCRIBED")
        .map(|line| line.contact_id)
        .collect();
    people.sort_unstable();
    people.dedup();
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    for (campaign, inside) in inside(&tx, &people).await? {
        take_out(&tx, campaign, &inside, now).await?;
    }
    tx.execute_raw(tx.sql(
        "INSERT INTO journey_marks (name, position) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        [MARK.into(), last.id.into()],
    ))
    .await?;
    tx.commit().await?;
    Ok(i64::try_from(lines.len()) == Ok(LINES))
}

async fn position(cx: &Context) -> Result<i64, DbErr> {
    let statement = cx.db.sql(
        "SELECT position AS id FROM journey_marks WHERE name = $1",
        [MARK.into()],
    );
    Ok(Id::find_by_statement(statement)
        .one(&*cx.db)
        .await?
        .map_or(0, |mark| mark.id))
}

async fn read(cx: &Context, position: i64) -> Result<Vec<Line>, DbErr> {
    let statement = cx.db.sql(
        "SELECT l.id, l.contact_id, l.status FROM consent_log l WHERE l.id > $1 ORDER BY l.id LIMIT $2",
        [position.into(), LINES.into()],
    );
    Line::find_by_statement(statement).all(&*cx.db).await
}

/// The journeys that some of these people are inside.
async fn inside(tx: &Tx, people: &[i64]) -> Result<BTreeMap<i64, Vec<i64>>, DbErr> {
    #[derive(FromQueryResult)]
    struct Inside {
        campaign_id: i64,
        contact_id: i64,
    }
    let mut found = BTreeMap::<i64, Vec<i64>>::new();
    for people in people.chunks(500) {
        let mut sql = Sql::new(tx.get_database_backend());
        let people: Vec<_> = people.iter().map(|id| sql.bind(*id)).collect();
        let text = format!(
            "SELECT DISTINCT e.campaign_id, e.contact_id FROM enrollments e \
             WHERE e.state IN ('ACTIVE', 'CALLING') AND e.contact_id IN ({})",
            people.join(", ")
        );
        for row in Inside::find_by_statement(sql.statement(text)).all(&**tx).await? {
            found.entry(row.campaign_id).or_default().push(row.contact_id);
        }
    }
    Ok(found)
}

async fn take_out(tx: &Tx, campaign: i64, inside: &[i64], now: DateTime<Utc>) -> Result<(), DbErr> {
    let Some(running) = Running::load(tx, campaign).await? else {
        return Ok(());
    };
    for people in inside.chunks(500) {
        let out = leave::opted_out(tx, &running.campaign, &running.version.journey, people).await?;
        let out: Vec<i64> = out.into_iter().collect();
        leave::leave(tx, &Who::People(campaign, &out), Reason::OptedOut, now).await?;
    }
    Ok(())
}
