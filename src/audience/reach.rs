//! How many of a segment a campaign would reach on each channel, and why not the others.

use super::segments;
use super::{eligibility, segments::BrokenRule};
use crate::db::Sql;
use crate::domain::consent::SkipReason;
use crate::domain::manners::Cap;
use crate::domain::segment::Rule;
use crate::domain::{Channel, Purpose};
use crate::entity::segments as entity;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DbErr};

/// A segment's reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Everyone in the segment.
    pub total: i64,
    pub channels: Vec<ChannelReach>,
}

/// A segment's reach on one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelReach {
    pub channel: Channel,
    pub reachable: i64,
    /// How many are skipped, by reason, in the order of `SkipReason`; none that is zero.
    pub skipped: Vec<(SkipReason, i64)>,
}

impl Reach {
    /// How many are reached on a channel; 0 where it was not asked about.
    pub fn on(&self, channel: Channel) -> i64 {
        self.channels
            .iter()
            .find(|reach| reach.channel == channel)
            .map_or(0, |reach| reach.reachable)
    }
}

/// The reach of a stored segment. `topic_id` is the campaign's, where it has one.
#[allow(clippy::too_many_arguments)] // each is one thing that a campaign says
pub async fn of(
    db: &impl ConnectionTrait,
    segment: &entity::Model,
    channels: &[Channel],
    purpose: Purpose,
    topic_id: Option<i64>,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<Reach, DbErr> {
    let who = |sql: &mut Sql| segments::condition(sql, segment, now, zone);
    measure(db, &who, channels, purpose, topic_id).await
}

/// The reach of a rule that is not stored yet, for marketing without a topic.
pub async fn of_rule(
    db: &impl ConnectionTrait,
    rule: &Rule,
    channels: &[Channel],
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<Reach, DbErr> {
    let who = |sql: &mut Sql| Ok(segments::rule_condition(sql, rule, now, zone));
    measure(db, &who, channels, Purpose::Marketing, None).await
}

/// How many of those who are reached on a channel had as much marketing as a cap allows, by what
/// has been sent so far.
#[allow(clippy::too_many_arguments)] // each is one thing that a campaign or the club says
pub async fn capped(
    db: &impl ConnectionTrait,
    segment: &entity::Model,
    channel: Channel,
    topic_id: Option<i64>,
    now: DateTime<Utc>,
    zone: Tz,
    cap: Cap,
    at: DateTime<Utc>,
) -> Result<i64, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let reason = eligibility::skip_reason(&mut sql, channel, Purpose::Marketing, topic_id);
    let who = segments::condition(&mut sql, segment, now, zone)?;
    let channel = sql.bind(channel);
    let since = sql.bind(cap.since(at).timestamp_millis());
    let most = sql.bind(i64::from(cap.most));
    // `dispatch::manners` counts the same for those whom it is about to send to.
    let text = format!(
        "SELECT COUNT(*) FROM contacts c WHERE c.id IN (\
           SELECT d.contact_id FROM deliveries d JOIN campaigns k ON k.id = d.campaign_id \
           WHERE d.channel = {channel} AND d.handed_at > {since} AND d.handed_at IS NOT NULL \
             AND d.contact_id IS NOT NULL AND d.state <> 'FAILED' AND k.purpose = 'MARKETING' \
           GROUP BY d.contact_id HAVING COUNT(*) >= {most}) \
         AND ({who}) AND {reason} IS NULL"
    );
    let row = db.query_one_raw(sql.statement(text)).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}

async fn measure(
    db: &impl ConnectionTrait,
    who: &impl Fn(&mut Sql) -> Result<String, BrokenRule>,
    channels: &[Channel],
    purpose: Purpose,
    topic_id: Option<i64>,
) -> Result<Reach, DbErr> {
    let mut reach = Reach {
        total: 0,
        channels: Vec::with_capacity(channels.len()),
    };
    if channels.is_empty() {
        let mut sql = Sql::new(db.get_database_backend());
        let who = who(&mut sql)?;
        reach.total = segments::store::count_where(db, sql, &who).await?;
    }
    for &channel in channels {
        let mut sql = Sql::new(db.get_database_backend());
        let reason = eligibility::skip_reason_of_all(&mut sql, channel, purpose, topic_id);
        let who = who(&mut sql)?;
        // In the order of the table, where the others have their rows near too; and each reason
        // worked out once, not again for its group.
        let contacts = match sql.is_postgres() {
            true => "contacts c",
            false => "contacts c NOT INDEXED",
        };
        let text = format!(
            "WITH r AS MATERIALIZED (SELECT {reason} AS reason FROM {contacts} WHERE {who}) \
             SELECT reason, COUNT(*) FROM r GROUP BY reason"
        );
        let mut on = ChannelReach {
            channel,
            reachable: 0,
            skipped: Vec::new(),
        };
        for row in db.query_all_raw(sql.statement(text)).await? {
            let count: i64 = row.try_get_by_index(1)?;
            match row.try_get_by_index::<Option<String>>(0)? {
                Some(word) => on.skipped.push((eligibility::reason_of(&word)?, count)),
                None => on.reachable = count,
            }
        }
        on.skipped.sort_unstable();
        reach.total = on.reachable + on.skipped.iter().map(|(_, count)| count).sum::<i64>();
        reach.channels.push(on);
    }
    Ok(reach)
}
