//! A template as one of the club's people would get it, without sending it: for previews and tests.

use super::render::variables::Vocabulary;
use super::render::{
    FeedValues, Happened, RenderUrls, Rendered, Values, compile_with, mentions_event, mentions_feed,
    sample_event,
};
use super::{recipient, store};
use crate::accounts::Club;
use crate::context::Context;
use crate::domain::token::Urls;
use crate::domain::{Channel, Purpose};
use crate::entity::{contacts, template_versions};
use crate::web::{AppError, Result};
use actix_web::web;
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _};

/// Who reads.
pub struct Reader {
    pub label: String,
    pub values: Values,
    pub id: Option<i64>,
}

/// The person that a text names; the newest contact where it names nobody, and a made-up one where
/// there is none. What the version asks of an event is made up.
pub async fn reader(
    cx: &Context,
    club: &Club,
    text: &str,
    version: &template_versions::Model,
) -> Result<Option<Reader>> {
    let text = text.trim();
    let event = sample_event(version);
    let mut found = match text {
        "" => {
            contacts::Entity::find()
                .order_by_asc(contacts::Column::Id)
                .one(&*cx.db)
                .await?
        }
        _ => {
            let exact = Condition::any()
                .add(contacts::Column::Key.eq(text))
                .add(contacts::Column::Email.eq(text.to_lowercase()))
                .add(contacts::Column::Id.eq(text.parse::<i64>().unwrap_or(-1)));
            contacts::Entity::find()
                .filter(exact)
                .order_by_asc(contacts::Column::Id)
                .one(&*cx.db)
                .await?
        }
    };
    if found.is_none() && !text.is_empty() {
        let escaped = text
            .to_lowercase()
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        let like = sea_orm::sea_query::LikeExpr::new(format!("%{escaped}%")).escape('\\');
        found = contacts::Entity::find()
            .filter(contacts::Column::Search.like(like))
            .order_by_asc(contacts::Column::Id)
            .one(&*cx.db)
            .await?;
    }
    let Some(contact) = found else {
        let vocabulary = store::vocabulary(&*cx.db).await?;
        return Ok(text.is_empty().then(|| Reader {
            label: "Anna Sample, who is made up".into(),
            values: Values::sample_of(&vocabulary, &event),
            id: None,
        }));
    };
    let name = format!("{} {}", contact.first_name, contact.last_name);
    let label = match (name.trim(), contact.email.as_deref().or(contact.key.as_deref())) {
        ("", Some(address)) => address.to_owned(),
        (name, Some(address)) => format!("{name} ({address})"),
        (name, None) => name.to_owned(),
    };
    let person = recipient::of(&*cx.db, &[contact.id])
        .await?
        .remove(&contact.id)
        .unwrap_or_default();
    let urls = RenderUrls {
        unsubscribe: "#unsubscribe".into(),
        preferences: "#preferences".into(),
        view: "#view".into(),
        pixel: None,
    };
    let values = Values::new(
        person,
        club,
        Purpose::Marketing,
        "Preview",
        urls,
        mentions_event(version).then(|| Happened {
            properties: event,
            zone: club.timezone.name().to_owned(),
        }),
    );
    Ok(Some(Reader {
        label,
        // A template stands by itself: which feed it is filled from, its campaigns say.
        values: match mentions_feed(version) {
            true => values.with_feed(&FeedValues::shown(club.timezone.name())),
            false => values,
        },
        id: Some(contact.id),
    }))
}

/// As a made-up person of whom everything is known would get it: how a designed template looks.
pub fn made_up(club: &Club, version: &template_versions::Model) -> Values {
    let values = Values::made_up(club, &Vocabulary::default(), &sample_event(version));
    match mentions_feed(version) {
        true => values.with_feed(&FeedValues::shown(club.timezone.name())),
        false => values,
    }
}

/// A delivery's number as long as those of a club that has sent a while.
const DELIVERY: i64 = 1_000_000;
/// The same of a link.
const LINK: i64 = 10_000;

/// Compiles and renders away from the threads that answer requests. `Err` is a sentence. A text
/// message's links are as long as those that are sent, because their length is paid for; they are
/// signed with a key of their own, so that they lead nowhere.
pub async fn render(
    cx: &Context,
    channel: Channel,
    version: template_versions::Model,
    values: Values,
) -> Result<std::result::Result<Rendered, String>> {
    let vocabulary = store::vocabulary(&*cx.db).await?;
    let urls = Urls::new(cx.settings.base(), cx.secret.derive("sample"));
    web::block(move || {
        let compiled = compile_with(&version, &vocabulary)
            .map_err(|problems| problems.first().map(ToString::to_string).unwrap_or_default())?;
        let rendered = match channel {
            Channel::Sms => {
                let values = values.with_urls(RenderUrls {
                    unsubscribe: urls.unsubscribe(DELIVERY),
                    preferences: urls.preferences(DELIVERY),
                    view: urls.view(DELIVERY),
                    pixel: None,
                });
                compiled.render(&values.brief(), &|index, url| {
                    let is_registered = compiled.links().get(index).is_some_and(|link| link == url);
                    urls.click(DELIVERY, LINK, (!is_registered).then_some(url))
                })
            }
            _ => compiled.render(&values, &|_, url| url.to_owned()),
        };
        rendered.map_err(|error| error.to_string())
    })
    .await
    .map_err(|error| AppError::Internal(error.into()))
}
