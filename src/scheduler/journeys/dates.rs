//! Entry by a date among people's attributes: day after day, each day's people in stretches by
//! contact, the cursor in the same transaction. A day that was missed is made up for three days,
//! and no longer: nobody wants a birthday wish a week late.

use super::{Id, Running, end_of_stretch, millis};
use crate::audience::segments;
use crate::campaigns::journey::enter::{Comer, enter};
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::journey::{Entry, OnDate};
use crate::domain::schedule;
use crate::entity::segments as segment;
use anyhow::Result;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult as _};

/// How late a day may be made up for.
const GRACE: TimeDelta = TimeDelta::days(3);

/// Looks at the next stretch of the day that is due; whether there is more.
pub async fn look(cx: &Context, campaign: i64) -> Result<bool> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let Some(running) = Running::lock(&tx, campaign).await? else {
        return Ok(false);
    };
    let Some(due) = running.state.dates_due_at.filter(|due| due.0 <= now) else {
        return Ok(false);
    };
    let Entry::Date(on) = &running.version.journey.entry else {
        return Ok(false);
    };
    let Ok(day) = running.state.dates_day.parse::<NaiveDate>() else {
        return Ok(false);
    };
    let end = match now - due.0 > GRACE {
        true => None,
        false => end_of_stretch(&tx, running.state.dates_cursor).await?,
    };
    match end {
        Some(end) => {
            let people = people(&tx, &running, on, day, end, now).await?;
            let comers: Vec<_> = people.into_iter().map(Comer::plain).collect();
            enter(&tx, &running.door(), &comers, now).await?;
            tx.execute_raw(tx.sql(
                "UPDATE journeys SET dates_cursor = $1 WHERE campaign_id = $2",
                [end.into(), campaign.into()],
            ))
            .await?;
        }
        None => {
            let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
            let at = schedule::resolve(next.and_time(on.at), running.zone).instant();
            tx.execute_raw(tx.sql(
                "UPDATE journeys SET dates_day = $1, dates_cursor = 0, dates_due_at = $2 WHERE campaign_id = $3",
                [next.to_string().into(), millis(at), campaign.into()],
            ))
            .await?;
        }
    }
    tx.commit().await?;
    Ok(true)
}

/// Whose day it is, in the stretch; of the campaign's segment, where it has one.
async fn people(
    tx: &Tx,
    running: &Running,
    on: &OnDate,
    day: NaiveDate,
    end: i64,
    now: DateTime<Utc>,
) -> Result<Vec<i64>, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let value = match sql.is_postgres() {
        true => format!("(c.attributes ->> {})", sql.bind(on.attribute.as_str())),
        false => format!(
            "json_extract(c.attributes, {})",
            sql.bind(format!("$.\"{}\"", on.attribute))
        ),
    };
    let mut days = Vec::new();
    for due in on.due_on(day) {
        days.push(match on.yearly {
            true => {
                let [end, year] = [
                    sql.bind(format!("{:02}-{:02}", due.month(), due.day())),
                    sql.bind(format!("{:04}", day.year() + 1)),
                ];
                format!(
                    "(length({value}) = 10 AND substr({value}, 6) = {end} AND substr({value}, 1, 4) <= {year})"
                )
            }
            false => format!("{value} = {}", sql.bind(due.to_string())),
        });
    }
    let segment = match running.campaign.segment_id {
        Some(id) => segment::Entity::find_by_id(id).one(&**tx).await?,
        None => None,
    };
    let who = match &segment {
        Some(segment) => segments::condition(&mut sql, segment, now, running.zone)?,
        None => "1 = 1".into(),
    };
    let [cursor, end] = [sql.bind(running.state.dates_cursor), sql.bind(end)];
    let text = format!(
        "SELECT c.id FROM contacts c WHERE c.id > {cursor} AND c.id <= {end} AND ({}) AND ({who}) ORDER BY c.id",
        days.join(" OR ")
    );
    let rows = Id::find_by_statement(sql.statement(text)).all(&**tx).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
