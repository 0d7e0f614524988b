//! Events as pages read them.

use crate::db::Sql;
use crate::domain::DeliveryState;
use crate::domain::trigger::Outcome;
use crate::entity::{Timestamp, event_counts, event_outcomes, events};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use std::collections::BTreeSet;

/// The names of events that were reported, at most 200: a step in the index for each.
pub async fn names(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    #[derive(FromQueryResult)]
    struct Name {
        name: String,
    }
    let text = "WITH RECURSIVE n(name) AS (SELECT MIN(e.name) FROM events e UNION ALL \
         SELECT (SELECT MIN(e.name) FROM events e WHERE e.name > n.name) FROM n WHERE n.name IS NOT NULL) \
         SELECT name FROM n WHERE name IS NOT NULL LIMIT 200";
    let statement = Sql::new(db.get_database_backend()).statement(text);
    let rows = Name::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

/// The newest events.
pub async fn recent(db: &impl ConnectionTrait, limit: u64) -> Result<Vec<events::Model>, DbErr> {
    events::Entity::find()
        .order_by_desc(events::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// An event by its id.
pub async fn event(db: &impl ConnectionTrait, id: i64) -> Result<Option<events::Model>, DbErr> {
    events::Entity::find_by_id(id).one(db).await
}

/// What an event came to in a campaign, with what became of the message.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Came {
    pub event_id: i64,
    pub name: String,
    pub contact_id: Option<i64>,
    pub contact_ref: String,
    pub received_at: Timestamp,
    pub campaign_id: i64,
    pub campaign: String,
    pub outcome: Outcome,
    pub detail: Option<String>,
    pub state: Option<DeliveryState>,
}

impl Came {
    /// In words: of a message its state, else why there is none.
    pub fn words(&self) -> String {
        let state = self.state.filter(|_| !self.outcome.is_of_journey());
        match (state, &self.detail) {
            (Some(state), _) => crate::reports::words::state(state).to_owned(),
            (None, Some(detail)) if self.outcome.is_of_journey() => {
                format!("{} {detail}", self.outcome.label())
            }
            (None, Some(detail)) => format!("{}: {detail}", self.outcome.label()),
            (None, None) => self.outcome.label().to_owned(),
        }
    }
}

const CAME: &str = "SELECT o.event_id, e.name, e.contact_id, e.contact_ref, e.received_at, o.campaign_id, \
     c.name AS campaign, o.outcome, o.detail, \
     (SELECT d.state FROM deliveries d WHERE d.event_id = o.event_id AND d.campaign_id = o.campaign_id \
      ORDER BY d.id LIMIT 1) AS state \
     FROM event_outcomes o JOIN events e ON e.id = o.event_id JOIN campaigns c ON c.id = o.campaign_id";

/// What the newest events came to in a campaign.
pub async fn came_to(db: &impl ConnectionTrait, campaign: i64, limit: u64) -> Result<Vec<Came>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let id = sql.bind(campaign);
    let text = format!("{CAME} WHERE o.campaign_id = {id} ORDER BY o.event_id DESC LIMIT {limit}");
    Came::find_by_statement(sql.statement(text)).all(db).await
}

/// What events caused, in every campaign.
pub async fn caused(db: &impl ConnectionTrait, ids: &[i64]) -> Result<Vec<Came>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend());
    let ids: Vec<_> = ids.iter().map(|id| sql.bind(*id)).collect();
    let text = format!(
        "{CAME} WHERE o.event_id IN ({}) ORDER BY o.campaign_id",
        ids.join(", ")
    );
    Came::find_by_statement(sql.statement(text)).all(db).await
}

/// How many events a campaign heard, and how many of them set off a message.
pub async fn heard(db: &impl ConnectionTrait, campaign: i64) -> Result<(i64, i64), DbErr> {
    let rows = event_counts::Entity::find()
        .filter(event_counts::Column::CampaignId.eq(campaign))
        .all(db)
        .await?;
    let matched = rows
        .iter()
        .filter(|row| row.outcome == Outcome::Queued)
        .map(|row| row.number);
    Ok((rows.iter().map(|row| row.number).sum(), matched.sum()))
}

/// An event that counted as a conversion.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Converted {
    pub contact_id: i64,
    pub at: Timestamp,
    pub campaign_id: i64,
    pub campaign: String,
    /// The name of the event, and what it was worth.
    detail: serde_json::Value,
}

impl Converted {
    /// Whether it is of this event. A conversion keeps when its event happened, and its name.
    pub fn is_of(&self, event: &events::Model) -> bool {
        event.contact_id == Some(self.contact_id)
            && event.occurred_at == self.at
            && self.detail["event"] == event.name.as_str()
    }

    /// What it was worth, in minor units of the club's currency.
    pub fn value(&self) -> Option<i64> {
        self.detail["value"].as_i64()
    }
}

/// The conversions that events about these people counted as.
pub async fn conversions(
    db: &impl ConnectionTrait,
    events: &[events::Model],
) -> Result<Vec<Converted>, DbErr> {
    let people: BTreeSet<i64> = events.iter().filter_map(|event| event.contact_id).collect();
    if people.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend());
    let people: Vec<_> = people.into_iter().map(|id| sql.bind(id)).collect();
    let times: BTreeSet<i64> = events
        .iter()
        .map(|event| event.occurred_at.0.timestamp_millis())
        .collect();
    let times: Vec<_> = times.into_iter().map(|at| sql.bind(at)).collect();
    // By the person's messages, which an index has; of activities there may be very many.
    let text = format!(
        "SELECT d.contact_id, a.at, d.campaign_id, c.name AS campaign, a.detail FROM deliveries d \
         JOIN activities a ON a.delivery_id = d.id AND a.kind = 'CONVERSION' \
         JOIN campaigns c ON c.id = d.campaign_id \
         WHERE d.contact_id IN ({}) AND d.converted_at IN ({}) AND a.at = d.converted_at ORDER BY a.id",
        people.join(", "),
        times.join(", ")
    );
    Converted::find_by_statement(sql.statement(text)).all(db).await
}

/// Which events are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Empty for every name.
    pub name: &'a str,
    pub person: Option<i64>,
    /// Those that came to something in this campaign.
    pub campaign: Option<i64>,
    /// Those before this one.
    pub before: Option<i64>,
}

/// Events, the newest first.
pub async fn page(
    db: &impl ConnectionTrait,
    wanted: Wanted<'_>,
    limit: u64,
) -> Result<Vec<events::Model>, DbErr> {
    let mut found = events::Entity::find()
        .order_by_desc(events::Column::Id)
        .limit(limit);
    if !wanted.name.is_empty() {
        found = found.filter(events::Column::Name.eq(wanted.name));
    }
    if let Some(person) = wanted.person {
        found = found.filter(events::Column::ContactId.eq(person));
    }
    if let Some(campaign) = wanted.campaign {
        let of_campaign = event_outcomes::Entity::find()
            .select_only()
            .column(event_outcomes::Column::EventId)
            .filter(event_outcomes::Column::CampaignId.eq(campaign))
            .into_query();
        found = found.filter(events::Column::Id.in_subquery(of_campaign));
    }
    if let Some(before) = wanted.before {
        found = found.filter(events::Column::Id.lt(before));
    }
    found.all(db).await
}
