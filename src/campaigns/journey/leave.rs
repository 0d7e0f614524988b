//! The door out before the end: whoever opted out, reached the goal, left the segment or was
//! erased, and everyone when the campaign ends.

use super::counts::{Tally, WHOLE};
use crate::audience::eligibility;
use crate::db::{Sql, Tx};
use crate::domain::consent::SkipReason;
use crate::domain::journey::{Journey, Reason};
use crate::domain::{Channel, Purpose};
use crate::entity::{Timestamp, campaigns};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait as _, DbErr, FromQueryResult};
use std::collections::BTreeSet;

/// Which walks end.
pub enum Who<'a> {
    /// All of a campaign, at most so many.
    Everyone(i64, u64),
    /// These people in a campaign.
    People(i64, &'a [i64]),
}

/// Ends walks that are not over, and answers how many.
pub async fn leave(tx: &Tx, who: &Who<'_>, reason: Reason, now: DateTime<Utc>) -> Result<i64, DbErr> {
    #[derive(FromQueryResult)]
    struct Left {
        campaign_id: i64,
        version_id: i64,
        step: String,
    }
    let mut sql = Sql::new(tx.get_database_backend());
    // Each in the words of the index that serves it.
    let which = match who {
        Who::Everyone(campaign, limit) => {
            let campaign = sql.bind(*campaign);
            let of = |state: &str| {
                format!(
                    "SELECT * FROM (SELECT e.id FROM enrollments e WHERE e.campaign_id = {campaign} \
                     AND e.state = '{state}' LIMIT {limit}) {state}s"
                )
            };
            format!("{} UNION ALL {}", of("ACTIVE"), of("CALLING"))
        }
        Who::People(_, []) => return Ok(0),
        Who::People(campaign, people) => {
            let campaign = sql.bind(*campaign);
            let people: Vec<_> = people.iter().map(|id| sql.bind(*id)).collect();
            format!(
                "SELECT e.id FROM enrollments e WHERE e.campaign_id = {campaign} \
                 AND e.state IN ('ACTIVE', 'CALLING') AND e.contact_id IN ({})",
                people.join(", ")
            )
        }
    };
    let [reason, now] = [sql.bind(reason.as_str()), sql.bind(Timestamp::from(now))];
    let text = format!(
        "UPDATE enrollments SET state = 'EXITED', reason = {reason}, left_at = {now} \
         WHERE state IN ('ACTIVE', 'CALLING') AND id IN ({which}) RETURNING campaign_id, version_id, step"
    );
    let left = Left::find_by_statement(sql.statement(text)).all(&**tx).await?;
    let mut tally = Tally::default();
    for row in &left {
        tally.drop(row.campaign_id, row.version_id, WHOLE);
        tally.drop(row.campaign_id, row.version_id, &row.step);
    }
    tally.write(tx).await?;
    Ok(i64::try_from(left.len()).unwrap_or(i64::MAX))
}

/// Those of the people who said that they want no such messages. Who never said anything is none
/// of them, nor one whose address merely does not work.
pub async fn opted_out(
    tx: &Tx,
    campaign: &campaigns::Model,
    journey: &Journey,
    people: &[i64],
) -> Result<BTreeSet<i64>, DbErr> {
    if campaign.purpose != Purpose::Marketing || people.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut channels: BTreeSet<Channel> = journey.messages().map(|(_, channel, _)| channel).collect();
    if channels.is_empty() {
        channels.insert(Channel::Email);
    }
    let mut out: BTreeSet<i64> = people.iter().copied().collect();
    for channel in channels {
        let skips =
            eligibility::check_many(&**tx, people, channel, Purpose::Marketing, campaign.topic_id).await?;
        out.retain(|id| {
            matches!(
                skips.get(id),
                Some(SkipReason::Unsubscribed | SkipReason::TopicOptOut)
            )
        });
    }
    Ok(out)
}
