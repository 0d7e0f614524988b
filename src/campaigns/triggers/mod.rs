//! What must be known of people before an event about them is decided upon: read once for a batch
//! of events, or for the one that staff try out.

mod store;

pub use store::{
    Came, Converted, Wanted, came_to, caused, conversions, event, heard as heard_by, names, page, recent,
};

use crate::audience::segments;
use crate::campaigns::checklist;
use crate::campaigns::store::segment as find_segment;
use crate::db::Sql;
use crate::domain::Channel;
use crate::domain::segment::Person;
use crate::domain::trigger::{Facts, Heard, Repeat, Trigger, Verdict};
use crate::entity::{Timestamp, campaigns, contact_tags, contacts, events};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
};
use std::collections::{HashMap, HashSet};

/// How many cancelling events of a batch's people are looked at, the newest.
const MOST_CANCELLING: u64 = 5_000;

/// What is known of the people of some events, as far as one campaign asks.
#[derive(Debug, Default)]
pub struct Known {
    people: HashMap<i64, Person>,
    /// `None`: the campaign is for everybody.
    members: Option<HashSet<i64>>,
    others: HashMap<i64, Vec<DateTime<Utc>>>,
    cancelling: HashMap<i64, Vec<events::Model>>,
}

impl Known {
    pub async fn load(
        db: &impl ConnectionTrait,
        campaign: &campaigns::Model,
        trigger: &Trigger,
        contacts: &[i64],
        now: DateTime<Utc>,
    ) -> Result<Self, DbErr> {
        if contacts.is_empty() {
            return Ok(Self::default());
        }
        let condition = trigger.condition.as_ref();
        let with_tags = condition.is_some_and(|part| part.condition.asks_about_contact());
        Ok(Self {
            people: people(db, contacts, with_tags).await?,
            members: match campaign.segment_id {
                Some(segment) => Some(members(db, segment, contacts, now, checklist::zone(campaign)).await?),
                None => None,
            },
            others: match trigger.repeat {
                Repeat::EveryEvent => HashMap::new(),
                Repeat::OncePer(_) | Repeat::Once => others(db, campaign.id, contacts).await?,
            },
            cancelling: match &trigger.cancel_on {
                Some(cancel) => cancelling(db, &cancel.event, contacts).await?,
                None => HashMap::new(),
            },
        })
    }

    /// What an event sets off.
    pub fn verdict(&self, trigger: &Trigger, event: &events::Model, now: DateTime<Utc>, zone: Tz) -> Verdict {
        let contact = event.contact_id.unwrap_or_default();
        let heard = heard(event);
        let cancelling = self.cancelling.get(&contact).map_or(&[][..], Vec::as_slice);
        let facts = Facts {
            person: self.people.get(&contact),
            is_in_segment: self
                .members
                .as_ref()
                .is_none_or(|members| members.contains(&contact)),
            others: self.others.get(&contact).map_or(&[][..], Vec::as_slice),
            is_called_off: trigger.cancel_on.as_ref().is_some_and(|cancel| {
                cancelling
                    .iter()
                    .any(|other| cancel.undoes(&self::heard(other), &heard))
            }),
        };
        trigger.decide(&heard, &facts, now, zone)
    }

    /// Remembers a message that is due to a person from now on.
    pub fn add(&mut self, contact: i64, due: DateTime<Utc>) {
        self.others.entry(contact).or_default().push(due);
    }

    /// Where a person is reached on a channel; empty where they are not.
    pub fn address(&self, contact: i64, channel: Channel) -> String {
        let person = self.people.get(&contact);
        let address = person.and_then(|person| match channel {
            Channel::Email => person.email.clone(),
            Channel::Sms | Channel::WhatsApp => person.phone.clone(),
            Channel::Push | Channel::Social => None,
        });
        address.unwrap_or_default()
    }
}

/// An event as a trigger looks at it.
pub fn heard(event: &events::Model) -> Heard<'_> {
    Heard {
        name: &event.name,
        properties: &event.properties,
        occurred_at: event.occurred_at.0,
        received_at: event.received_at.0,
    }
}

async fn people(
    db: &impl ConnectionTrait,
    ids: &[i64],
    with_tags: bool,
) -> Result<HashMap<i64, Person>, DbErr> {
    let rows = contacts::Entity::find()
        .filter(contacts::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let mut people: HashMap<i64, Person> = rows.into_iter().map(|row| (row.id, person(row))).collect();
    if with_tags {
        let tags = contact_tags::Entity::find()
            .filter(contact_tags::Column::ContactId.is_in(ids.iter().copied()))
            .all(db)
            .await?;
        for row in tags {
            if let Some(person) = people.get_mut(&row.contact_id) {
                person.tags.insert(row.tag);
            }
        }
    }
    Ok(people)
}

/// What a trigger's condition can ask about: no consent, and nothing of what was sent.
fn person(row: contacts::Model) -> Person {
    Person {
        key: row.key,
        email: row.email,
        phone: row.phone,
        first_name: row.first_name,
        last_name: row.last_name,
        timezone: row.timezone,
        locale: row.locale,
        tags: Default::default(),
        attributes: match row.attributes {
            serde_json::Value::Object(attributes) => attributes,
            _ => serde_json::Map::new(),
        },
        consents: Default::default(),
        topic_opt_outs: Default::default(),
        engagement: Default::default(),
        lists: Default::default(),
        campaigns: Default::default(),
        created_at: row.created_at.0,
        updated_at: row.updated_at.0,
    }
}

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

/// Those of the people who are in a segment. Of one whose rule cannot be read nobody is.
async fn members(
    db: &impl ConnectionTrait,
    segment: i64,
    contacts: &[i64],
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<HashSet<i64>, DbErr> {
    let Some(segment) = find_segment(db, Some(segment)).await? else {
        return Ok(HashSet::new());
    };
    let mut sql = Sql::new(db.get_database_backend());
    let condition = match segments::condition(&mut sql, &segment, now, zone) {
        Ok(condition) => condition,
        Err(error) => {
            tracing::error!(%error, "a triggered campaign's segment");
            return Ok(HashSet::new());
        }
    };
    let ids = list(&mut sql, contacts);
    let text = format!("SELECT c.id FROM contacts c WHERE c.id IN ({ids}) AND ({condition})");
    let rows = Id::find_by_statement(sql.statement(text)).all(db).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

fn list(sql: &mut Sql, ids: &[i64]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| sql.bind(*id)).collect();
    ids.join(", ")
}

/// When the campaign's messages to these people are due or were sent: all but what never was and
/// never will be.
async fn others(
    db: &impl ConnectionTrait,
    campaign: i64,
    contacts: &[i64],
) -> Result<HashMap<i64, Vec<DateTime<Utc>>>, DbErr> {
    #[derive(FromQueryResult)]
    struct Other {
        contact_id: i64,
        due_at: Timestamp,
    }
    let mut sql = Sql::new(db.get_database_backend());
    let campaign = sql.bind(campaign);
    let ids = list(&mut sql, contacts);
    let text = format!(
        "SELECT d.contact_id, d.due_at FROM deliveries d WHERE d.contact_id IN ({ids}) \
         AND d.campaign_id = {campaign} AND d.state NOT IN ('SKIPPED', 'CANCELLED', 'FAILED')"
    );
    let mut others = HashMap::<i64, Vec<DateTime<Utc>>>::new();
    for row in Other::find_by_statement(sql.statement(text)).all(db).await? {
        others.entry(row.contact_id).or_default().push(row.due_at.0);
    }
    Ok(others)
}

/// The events of a name about these people, whether they were handled already or not.
async fn cancelling(
    db: &impl ConnectionTrait,
    name: &str,
    contacts: &[i64],
) -> Result<HashMap<i64, Vec<events::Model>>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let name = sql.bind(name);
    let ids = list(&mut sql, contacts);
    let text = format!(
        "SELECT e.* FROM events e WHERE e.contact_id IN ({ids}) AND e.name = {name} \
         ORDER BY e.id DESC LIMIT {MOST_CANCELLING}"
    );
    let rows = events::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(db)
        .await?;
    let mut found = HashMap::<i64, Vec<events::Model>>::new();
    for row in rows {
        found
            .entry(row.contact_id.unwrap_or_default())
            .or_default()
            .push(row);
    }
    Ok(found)
}

/// The trigger of a campaign, where it has one that can be read.
pub fn of(campaign: &campaigns::Model) -> Option<Trigger> {
    Trigger::parse(campaign.trigger.as_ref()?).ok()
}
