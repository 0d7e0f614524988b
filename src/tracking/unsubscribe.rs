//! The unsubscribe page, and the mail program's own button. Reading the page changes nothing:
//! mail filters follow links.

use super::optout::{Choice, Source, choose};
use super::shell::{self, Frame};
use crate::accounts::Club;
use crate::context::Context;
use crate::domain::ConsentStatus;
use crate::domain::token::{Purpose, Urls};
use crate::entity::{campaigns, consents, deliveries, topic_opt_outs, topics};
use crate::reports::words;
use crate::web::{AppError, Result};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use sea_orm::EntityTrait as _;

/// The message that the address came with, and what its reader chose so far.
pub(super) struct About {
    pub delivery: deliveries::Model,
    pub club: Club,
    pub topic: Option<topics::Model>,
    pub is_unsubscribed: bool,
    pub is_opted_out: bool,
}

impl About {
    pub async fn load(cx: &Context, delivery: i64) -> Result<Option<Self>> {
        let Some(delivery) = deliveries::Entity::find_by_id(delivery).one(&*cx.db).await? else {
            return Ok(None);
        };
        let campaign = campaigns::Entity::find_by_id(delivery.campaign_id)
            .one(&*cx.db)
            .await?;
        let topic = match campaign.and_then(|campaign| campaign.topic_id) {
            Some(topic) => topics::Entity::find_by_id(topic).one(&*cx.db).await?,
            None => None,
        };
        let (mut is_unsubscribed, mut is_opted_out) = (false, false);
        if let Some(contact) = delivery.contact_id {
            is_unsubscribed = consents::Entity::find_by_id((contact, delivery.channel))
                .one(&*cx.db)
                .await?
                .is_some_and(|row| row.status == ConsentStatus::Unsubscribed);
            if let Some(topic) = &topic {
                is_opted_out = topic_opt_outs::Entity::find_by_id((contact, topic.id))
                    .one(&*cx.db)
                    .await?
                    .is_some();
            }
        }
        Ok(Some(Self {
            club: Club::load(&*cx.db).await?,
            topic,
            is_unsubscribed,
            is_opted_out,
            delivery,
        }))
    }
}

#[derive(Template)]
#[template(path = "tracking/unsubscribe.html")]
struct UnsubscribePage {
    frame: Frame,
    about: About,
    preferences: String,
    done: Done,
}

/// What was just done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Nothing,
    LeftAll,
    LeftTopic,
    Undone,
}

impl UnsubscribePage {
    /// What the person gets, within a sentence.
    fn channel(&self) -> &'static str {
        words::channel(self.about.delivery.channel)
    }

    fn is(&self, done: &str) -> bool {
        match self.done {
            Done::Nothing => done == "nothing",
            Done::LeftAll => done == "all",
            Done::LeftTopic => done == "topic",
            Done::Undone => done == "undone",
        }
    }
}

fn delivery_of(cx: &Context, token: &str) -> Option<i64> {
    shell::token(cx, token, |purpose| *purpose == Purpose::Unsubscribe).map(|token| token.delivery)
}

async fn answer(cx: &Context, delivery: i64, done: Done) -> Result<HttpResponse> {
    let Some(about) = About::load(cx, delivery).await? else {
        return shell::not_found(cx).await;
    };
    let title = match done {
        Done::Nothing => "Unsubscribe",
        Done::LeftAll | Done::LeftTopic => "You are unsubscribed",
        Done::Undone => "You stay subscribed",
    };
    let urls = Urls::new(String::new(), cx.secret.derive("tracking"));
    let page = UnsubscribePage {
        frame: Frame::of(&about.club, title),
        preferences: urls.preferences(delivery),
        about,
        done,
    };
    shell::page(StatusCode::OK, &page)
}

/// `GET /u/{token}`: asks, and changes nothing.
pub async fn get_unsubscribe(path: web::Path<String>, cx: web::Data<Context>) -> Result<HttpResponse> {
    match delivery_of(&cx, &path) {
        Some(delivery) => answer(&cx, delivery, Done::Nothing).await,
        None => shell::not_found(&cx).await,
    }
}

/// `POST /u/{token}`: does what the page's form asks, or what a mail program's button does
/// (RFC 8058: the body says `List-Unsubscribe=One-Click`, in either encoding of a form).
pub async fn unsubscribe(
    path: web::Path<String>,
    body: web::Bytes,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let Some(delivery) = delivery_of(&cx, &path) else {
        return shell::not_found(&cx).await;
    };
    let Some(about) = About::load(&cx, delivery).await? else {
        return shell::not_found(&cx).await;
    };
    let text = String::from_utf8_lossy(&body);
    let channel = about.delivery.channel;
    if text.contains("List-Unsubscribe") && text.contains("One-Click") {
        choose(
            &cx,
            delivery,
            &[Choice::Channel(channel, false)],
            Source::OneClick,
        )
        .await?;
        return Ok(HttpResponse::Ok()
            .content_type("text/plain")
            .body("Unsubscribed.\n"));
    }
    let what = url::form_urlencoded::parse(&body)
        .find(|(name, _)| name == "what")
        .map_or_else(String::new, |(_, what)| what.into_owned());
    let topic = about.topic.as_ref().map(|topic| topic.id);
    let (choice, done) = match (what.as_str(), topic) {
        ("topic", Some(topic)) => (Choice::Topic(topic, false), Done::LeftTopic),
        ("undo-topic", Some(topic)) => (Choice::Topic(topic, true), Done::Undone),
        ("undo-all", _) => (Choice::Channel(channel, true), Done::Undone),
        ("all", _) => (Choice::Channel(channel, false), Done::LeftAll),
        _ => {
            return Err(AppError::BadRequest(
                "Choose what you no longer want to receive.".into(),
            ));
        }
    };
    choose(&cx, delivery, &[choice], Source::Page).await?;
    answer(&cx, delivery, done).await
}
