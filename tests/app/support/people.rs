//! People put straight into the database, for tests of rules and of eligibility.
#![allow(dead_code)] // a door for every area; not each uses all of it

use fairway::domain::segment::{Engagement, Person};
use fairway::domain::{CampaignType, Channel, DeliveryState, InDoubt, Purpose, RunState, Status};
use fairway::entity::{
    campaigns, consents, contact_tags, contacts, deliveries, runs, suppressions, topic_opt_outs, topics,
};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, ConnectionTrait, EntityTrait as _};
use serde_json::json;

/// A person of whom nothing is known but that they are there.
pub fn nobody() -> Person {
    Person {
        key: None,
        email: None,
        phone: None,
        first_name: String::new(),
        last_name: String::new(),
        timezone: None,
        locale: None,
        tags: Default::default(),
        attributes: Default::default(),
        consents: Default::default(),
        topic_opt_outs: Default::default(),
        engagement: Default::default(),
        lists: Default::default(),
        campaigns: Default::default(),
        created_at: super::start(),
        updated_at: super::start(),
    }
}

/// Keeps a person with everything that a rule can ask about. Topics are by key and must be there;
/// engagement becomes deliveries of `run`.
pub async fn keep(db: &impl ConnectionTrait, person: &Person, run: Option<&runs::Model>) -> contacts::Model {
    let contact = contacts::ActiveModel {
        id: NotSet,
        key: Set(person.key.clone()),
        email: Set(person.email.clone()),
        phone: Set(person.phone.clone()),
        first_name: Set(person.first_name.clone()),
        last_name: Set(person.last_name.clone()),
        timezone: Set(person.timezone.clone()),
        locale: Set(person.locale.clone()),
        attributes: Set(person.attributes.clone().into()),
        search: Set(String::new()),
        created_at: Set(person.created_at.into()),
        updated_at: Set(person.updated_at.into()),
    }
    .insert(db)
    .await
    .unwrap();
    for tag in &person.tags {
        let row = contact_tags::ActiveModel {
            contact_id: Set(contact.id),
            tag: Set(tag.clone()),
        };
        contact_tags::Entity::insert(row)
            .exec_without_returning(db)
            .await
            .unwrap();
    }
    for (channel, status) in &person.consents {
        let row = consents::ActiveModel {
            contact_id: Set(contact.id),
            channel: Set(*channel),
            status: Set(*status),
            source: Set("test".into()),
            evidence: Set(String::new()),
            at: Set(super::start().into()),
        };
        consents::Entity::insert(row)
            .exec_without_returning(db)
            .await
            .unwrap();
    }
    opt_out(db, &contact, person).await;
    if let Some(run) = run {
        engage(db, &contact, person, run).await;
    }
    contact
}

async fn opt_out(db: &impl ConnectionTrait, contact: &contacts::Model, person: &Person) {
    if person.topic_opt_outs.is_empty() {
        return;
    }
    for topic in topics::Entity::find().all(db).await.unwrap() {
        if person.topic_opt_outs.contains(&topic.key) {
            let row = topic_opt_outs::ActiveModel {
                contact_id: Set(contact.id),
                topic_id: Set(topic.id),
                at: Set(super::start().into()),
            };
            topic_opt_outs::Entity::insert(row)
                .exec_without_returning(db)
                .await
                .unwrap();
        }
    }
}

async fn engage(db: &impl ConnectionTrait, contact: &contacts::Model, person: &Person, run: &runs::Model) {
    let mut instance = 0;
    for (what, instants) in &person.engagement {
        for at in instants {
            instance += 1;
            let mut row = delivery(run, contact.id, &instance.to_string());
            let at = Set(Some((*at).into()));
            match what {
                Engagement::Sent => row.sent_at = at,
                Engagement::Received => row.delivered_at = at,
                Engagement::Opened => row.opened_at = at,
                Engagement::Clicked => row.clicked_at = at,
                Engagement::Converted => row.converted_at = at,
            }
            deliveries::Entity::insert(row)
                .exec_without_returning(db)
                .await
                .unwrap();
        }
    }
}

pub fn delivery(run: &runs::Model, contact_id: i64, instance: &str) -> deliveries::ActiveModel {
    deliveries::ActiveModel {
        run_id: Set(run.id),
        campaign_id: Set(run.campaign_id),
        step: Set(String::new()),
        variant: Set(0),
        contact_id: Set(Some(contact_id)),
        channel: Set(Channel::Email),
        instance: Set(instance.to_owned()),
        lane: Set(0),
        state: Set(DeliveryState::Sent),
        address: Set(String::new()),
        due_at: Set(super::start().into()),
        attempt: Set(1),
        created_at: Set(super::start().into()),
        ..Default::default()
    }
}

/// A topic of this key.
pub async fn topic(db: &impl ConnectionTrait, key: &str) -> topics::Model {
    topics::ActiveModel {
        id: NotSet,
        key: Set(key.to_owned()),
        name: Set(key.to_owned()),
        description: Set(String::new()),
        position: Set(0),
        created_at: Set(super::start().into()),
        archived_at: Set(None),
    }
    .insert(db)
    .await
    .unwrap()
}

/// An e-mail address never to be written to again.
pub async fn suppressed(db: &impl ConnectionTrait, channel: Channel, address: &str) {
    let row = suppressions::ActiveModel {
        id: NotSet,
        channel: Set(channel),
        address: Set(address.to_owned()),
        reason: Set("manual".into()),
        source: Set("test".into()),
        note: Set(String::new()),
        at: Set(super::start().into()),
    };
    suppressions::Entity::insert(row)
        .exec_without_returning(db)
        .await
        .unwrap();
}

/// A campaign in this status, for what names one.
pub async fn campaign(
    db: &impl ConnectionTrait,
    name: &str,
    status: Status,
    segment_id: Option<i64>,
) -> campaigns::Model {
    campaigns::ActiveModel {
        id: NotSet,
        name: Set(name.to_owned()),
        kind: Set(CampaignType::OneTime),
        status: Set(status),
        purpose: Set(Purpose::Marketing),
        topic_id: Set(None),
        segment_id: Set(segment_id),
        channels: Set(json!(["EMAIL"])),
        timezone: Set("UTC".into()),
        send_now: Set(true),
        in_doubt: Set(InDoubt::Retry),
        revision: Set(1),
        created_at: Set(super::start().into()),
        updated_at: Set(super::start().into()),
        ..Default::default()
    }
    .insert(db)
    .await
    .unwrap()
}

/// A finished run of a campaign.
pub async fn run(db: &impl ConnectionTrait, campaign: &campaigns::Model) -> runs::Model {
    runs::ActiveModel {
        id: NotSet,
        campaign_id: Set(campaign.id),
        number: Set(1),
        state: Set(RunState::Finished),
        scheduled_for: Set(super::start().into()),
        cursor: Set(0),
        started_at: Set(super::start().into()),
        ..Default::default()
    }
    .insert(db)
    .await
    .unwrap()
}
