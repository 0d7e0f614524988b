//! The preferences page: which channels and topics a person wants, in their own hands.

use super::optout::{Choice, Source, choose};
use super::shell::{self, Frame};
use crate::accounts::Club;
use crate::context::Context;
use crate::domain::token::Purpose;
use crate::domain::{Channel, ConsentStatus};
use crate::entity::{consents, contacts, deliveries, topic_opt_outs, topics};
use crate::web::Result;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use sea_orm::{
    ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::collections::BTreeSet;

/// The most topics that a person is shown.
const MOST_TOPICS: u64 = 100;

/// A channel on which the person can be reached.
struct ChannelBox {
    channel: Channel,
    address: String,
    is_on: bool,
}

/// A topic, which is on until somebody opts out of it.
struct TopicBox {
    id: i64,
    name: String,
    description: String,
    is_on: bool,
}

#[derive(Template)]
#[template(path = "tracking/preferences.html")]
struct PreferencesPage {
    frame: Frame,
    is_known: bool,
    is_saved: bool,
    channels: Vec<ChannelBox>,
    topics: Vec<TopicBox>,
}

fn delivery_of(cx: &Context, token: &str) -> Option<i64> {
    shell::token(cx, token, |purpose| *purpose == Purpose::Preferences).map(|token| token.delivery)
}

/// The person behind a delivery; `None` once they were erased.
async fn person(cx: &Context, delivery: i64) -> Result<Option<contacts::Model>, DbErr> {
    let row = deliveries::Entity::find_by_id(delivery).one(&*cx.db).await?;
    match row.and_then(|row| row.contact_id) {
        Some(contact) => contacts::Entity::find_by_id(contact).one(&*cx.db).await,
        None => Ok(None),
    }
}

async fn channels_of(cx: &Context, person: &contacts::Model) -> Result<Vec<ChannelBox>, DbErr> {
    let given: BTreeSet<Channel> = consents::Entity::find()
        .filter(consents::Column::ContactId.eq(person.id))
        .filter(consents::Column::Status.eq(ConsentStatus::Subscribed))
        .all(&*cx.db)
        .await?
        .into_iter()
        .map(|row| row.channel)
        .collect();
    let addresses = [(Channel::Email, &person.email), (Channel::Sms, &person.phone)];
    let channels = addresses.into_iter().filter_map(|(channel, address)| {
        let address = address.clone().filter(|address| !address.is_empty())?;
        Some(ChannelBox {
            is_on: given.contains(&channel),
            channel,
            address,
        })
    });
    Ok(channels.collect())
}

async fn topics_of(cx: &Context, person: &contacts::Model) -> Result<Vec<TopicBox>, DbErr> {
    let out: BTreeSet<i64> = topic_opt_outs::Entity::find()
        .filter(topic_opt_outs::Column::ContactId.eq(person.id))
        .all(&*cx.db)
        .await?
        .into_iter()
        .map(|row| row.topic_id)
        .collect();
    let topics = topics::Entity::find()
        .filter(topics::Column::ArchivedAt.is_null())
        .order_by_asc(topics::Column::Position)
        .order_by_asc(topics::Column::Id)
        .limit(MOST_TOPICS)
        .all(&*cx.db)
        .await?;
    let boxes = topics.into_iter().map(|topic| TopicBox {
        is_on: !out.contains(&topic.id),
        id: topic.id,
        name: topic.name,
        description: topic.description,
    });
    Ok(boxes.collect())
}

async fn answer(cx: &Context, delivery: i64, is_saved: bool) -> Result<HttpResponse> {
    let club = Club::load(&*cx.db).await?;
    let person = person(cx, delivery).await?;
    let (mut channels, mut topics) = (Vec::new(), Vec::new());
    if let Some(person) = &person {
        channels = channels_of(cx, person).await?;
        topics = topics_of(cx, person).await?;
    }
    let page = PreferencesPage {
        frame: Frame::of(&club, "Your preferences"),
        is_known: person.is_some(),
        is_saved,
        channels,
        topics,
    };
    shell::page(StatusCode::OK, &page)
}

/// `GET /preferences/{token}`.
pub async fn get_preferences(path: web::Path<String>, cx: web::Data<Context>) -> Result<HttpResponse> {
    match delivery_of(&cx, &path) {
        Some(delivery) => answer(&cx, delivery, false).await,
        None => shell::not_found(&cx).await,
    }
}

/// `POST /preferences/{token}`: what is ticked is wanted, of what the page showed.
pub async fn set_preferences(
    path: web::Path<String>,
    body: web::Bytes,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let Some(delivery) = delivery_of(&cx, &path) else {
        return shell::not_found(&cx).await;
    };
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let has = |name: &str, value: &str| fields.iter().any(|(n, v)| n == name && v == value);
    if let Some(person) = person(&cx, delivery).await? {
        let mut choices = Vec::new();
        for shown in channels_of(&cx, &person).await? {
            let word = shown.channel.as_str();
            let yes = has("channel", word);
            // A box that stays empty says nothing new: never asked is not the same as no.
            if has("shown-channel", word) && yes != shown.is_on {
                choices.push(Choice::Channel(shown.channel, yes));
            }
        }
        for shown in topics_of(&cx, &person).await? {
            let word = shown.id.to_string();
            if has("shown-topic", &word) {
                choices.push(Choice::Topic(shown.id, has("topic", &word)));
            }
        }
        choose(&cx, delivery, &choices, Source::Preferences).await?;
    }
    answer(&cx, delivery, true).await
}
