//! The message as a web page, for whoever's mail program shows it badly. Made anew from what was
//! sent; counts nothing.

use super::shell;
use crate::accounts::Club;
use crate::content::editions;
use crate::content::links::Registered;
use crate::content::message::{Addressee, Letter, compose};
use crate::content::render::Recipient;
use crate::content::said::Said;
use crate::content::{compile, recipient, store};
use crate::context::Context;
use crate::domain::token::{Purpose, Urls};
use crate::entity::{campaigns, deliveries, events, run_contents};
use crate::web::{AppError, Result};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use anyhow::anyhow;
use askama::Template;
use sea_orm::EntityTrait as _;

/// Nothing of the message may run or be sent from here.
const POLICY: &str = "default-src 'none'; img-src https: http: data: 'self'; style-src 'unsafe-inline'; \
     font-src https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups \
     allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation";

/// `GET /v/{token}`.
pub async fn get_message(path: web::Path<String>, cx: web::Data<Context>) -> Result<HttpResponse> {
    let token = shell::token(&cx, &path, |purpose| *purpose == Purpose::View);
    let Some(token) = token else {
        return shell::not_found(&cx).await;
    };
    let delivery = deliveries::Entity::find_by_id(token.delivery)
        .one(&*cx.db)
        .await?;
    // Of somebody who was erased nothing can be made any more.
    let Some((delivery, contact)) = delivery.and_then(|row| row.contact_id.map(|contact| (row, contact)))
    else {
        return shell::not_found(&cx).await;
    };
    let Some(html) = render(&cx, &delivery, contact).await? else {
        return shell::not_found(&cx).await;
    };
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("x-robots-tag", "noindex, nofollow"))
        .body(html))
}

/// The page, with the links of the mail and without its picture that counts opens.
async fn render(cx: &Context, delivery: &deliveries::Model, contact: i64) -> Result<Option<String>> {
    let key = (
        delivery.run_id,
        delivery.channel,
        delivery.step.clone(),
        delivery.variant,
    );
    let Some(content) = run_contents::Entity::find_by_id(key).one(&*cx.db).await? else {
        return Ok(None);
    };
    let said = Said::of(&content);
    let version = store::version(&*cx.db, content.template_version_id).await?;
    let campaign = campaigns::Entity::find_by_id(delivery.campaign_id)
        .one(&*cx.db)
        .await?;
    let (Some(version), Some(campaign)) = (version, campaign) else {
        return Ok(None);
    };
    let compiled = compile(&said.version(version))
        .map_err(|problems| anyhow!("a sent content does not compile: {problems:?}"))?;
    let links = Registered::load(&*cx.db, delivery.run_id, &compiled).await?;
    let people = recipient::of(&*cx.db, &[contact]).await?;
    let nobody = Recipient::default();
    let event = match delivery.event_id {
        Some(id) => events::Entity::find_by_id(id).one(&*cx.db).await?,
        None => None,
    };
    let urls = Urls::new(cx.settings.base(), cx.secret.derive("tracking"));
    let club = Club::load(&*cx.db).await?;
    let feed = editions::of(&*cx.db, delivery.run_id).await?;
    let letter = Letter {
        channel: delivery.channel,
        compiled: &compiled,
        links: &links,
        campaign: &campaign,
        club: &club,
        urls: &urls,
        feed: feed.as_ref(),
    };
    let to = Addressee {
        delivery: delivery.id,
        run: delivery.run_id,
        address: &delivery.address,
        person: people.get(&contact).unwrap_or(&nobody),
        event: event.as_ref().map(|event| &event.properties),
    };
    let sent = delivery.sent_at.map_or_else(|| cx.clock.now(), |at| at.0);
    let message = compose(&letter, &to, sent).map_err(|error| AppError::Internal(anyhow!("{error}")))?;
    if message.html.is_empty() {
        let page = PlainPage {
            subject: message.subject,
            text: message.text,
        };
        return Ok(Some(page.render().map_err(anyhow::Error::from)?));
    }
    // Reading the page is no open of the mail.
    Ok(Some(message.html.replace(&urls.open(delivery.id), "data:,")))
}

/// A message that has no HTML.
#[derive(Template)]
#[template(path = "tracking/plain.html")]
struct PlainPage {
    subject: String,
    text: String,
}
