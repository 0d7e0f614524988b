//! What a club's website reports: a picture with an event in its address, for sites that cannot call
//! the API. Public, and so trusted little: it counts only as the conversion of the person whose
//! signed token comes with it, sets off nothing, and answers the same whatever it was asked.

use super::conversions::Conversions;
use super::events::NewEvent;
use super::ledger::Ledger;
use super::pages::GIF;
use super::shell;
use crate::accounts::site_keys;
use crate::context::Context;
use crate::domain::goal::{check_event, check_property};
use crate::domain::token::{Purpose, Token, sign};
use crate::web::Result;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use sea_orm::DbErr;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// The parameter of an address that carries the token.
pub const PARAMETER: &str = "fw";
/// The longest query that is read, in bytes.
const LONGEST_QUERY: usize = 2_000;
/// How many properties an event has, and how long a value is.
const MOST_PROPERTIES: usize = 20;
const LONGEST_VALUE: usize = 200;
/// How many reports count in a minute: of one visitor, and of one site.
const OF_A_VISITOR: u32 = 20;
const OF_A_SITE: u32 = 3_000;

/// How many reports came in this minute, by visitor and by site. Kept in memory: on several nodes
/// each has its own.
#[derive(Default)]
pub struct Limits(Mutex<(i64, HashMap<String, u32>)>);

impl Limits {
    /// Counts one more. Answers whether it is still within bounds.
    fn allows(&self, minute: i64, delivery: i64, site: &str) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.0 != minute {
            *counted = (minute, HashMap::new());
        }
        let mut more = |key: String, most: u32| {
            let number = counted.1.entry(key).or_default();
            *number = number.saturating_add(1);
            *number <= most
        };
        more(format!("v{delivery}"), OF_A_VISITOR) && more(format!("s{site}"), OF_A_SITE)
    }
}

/// An address with the visitor's token, where the club's site asked for it. If that cannot be found
/// out, the person goes on without it.
pub async fn tagged(cx: &Context, mut url: Url, delivery: i64) -> Url {
    match site_keys::tags(&*cx.db, &url).await {
        Ok(true) => {}
        Ok(false) => return url,
        Err(error) => {
            tracing::warn!(%error, "a link went without its parameter");
            return url;
        }
    }
    let purpose = Purpose::Visit;
    let token = sign(&cx.secret.derive("tracking"), &Token { delivery, purpose });
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != PARAMETER)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others)
        .append_pair(PARAMETER, &token);
    url
}

/// What stands in the address of the picture.
#[derive(Debug, PartialEq)]
struct Reported {
    event: String,
    token: String,
    properties: Value,
}

fn read(query: &str) -> Option<Reported> {
    if query.len() > LONGEST_QUERY {
        return None;
    }
    let (mut event, mut token, mut properties) = (None, None, Map::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "event" => event = Some(value.into_owned()),
            PARAMETER => token = Some(value.into_owned()),
            // Keeps caches away.
            "_" => {}
            name => {
                let is_fine = check_property(name).is_ok()
                    && value.chars().count() <= LONGEST_VALUE
                    && !value.chars().any(char::is_control);
                if !is_fine || properties.len() >= MOST_PROPERTIES {
                    return None;
                }
                properties.insert(name.to_owned(), property(&value));
            }
        }
    }
    Some(Reported {
        event: event.filter(|event| check_event(event).is_ok())?,
        token: token?,
        properties: Value::Object(properties),
    })
}

/// A number where it reads as one: addresses know only texts.
fn property(text: &str) -> Value {
    match text {
        "true" => json!(true),
        "false" => json!(false),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| json!(text), Value::Number)
        }
        _ => json!(text),
    }
}

/// `GET /t/g/{site-key}.gif?event=…&fw=…&amount=…`: always the picture.
pub async fn get_report(
    request: HttpRequest,
    path: web::Path<String>,
    cx: web::Data<Context>,
    limits: web::Data<Limits>,
) -> Result<HttpResponse> {
    let origin = request
        .headers()
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok())
        .map(str::to_owned);
    let key = path.strip_suffix(".gif").unwrap_or(&path);
    let allowed = take(&cx, &limits, key, request.query_string(), origin.as_deref()).await?;
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CONTENT_TYPE, "image/gif"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "origin"))
        .insert_header(("cross-origin-resource-policy", "cross-origin"));
    if let Some(origin) = allowed {
        answer.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, origin));
    }
    Ok(answer.body(GIF))
}

/// Counts what may count. What costs the database anything comes after the token was found to be
/// ours. Answers the origin whose scripts may read the answer.
async fn take(
    cx: &Context,
    limits: &Limits,
    key: &str,
    query: &str,
    origin: Option<&str>,
) -> Result<Option<String>> {
    let Some(reported) = read(query) else {
        return Ok(None);
    };
    let is_visit = |purpose: &Purpose| *purpose == Purpose::Visit;
    let Some(token) = shell::token(cx, &reported.token, is_visit) else {
        return Ok(None);
    };
    let minute = cx.clock.now().timestamp() / 60;
    if key.len() > 100 || !limits.allows(minute, token.delivery, key) {
        return Ok(None);
    }
    let Some(site) = site_keys::find(&*cx.db, key).await? else {
        return Ok(None);
    };
    if origin.is_some_and(|origin| origin != site.origin) {
        return Ok(None);
    }
    claim(cx, token.delivery, reported).await?;
    Ok(Some(site.origin))
}

/// Counts a conversion of the person whose message it was, if a goal of a message that they touched
/// names the event. Nothing else comes of it: it is no event of a club system.
async fn claim(cx: &Context, delivery: i64, reported: Reported) -> Result<(), DbErr> {
    let tx = cx.db.begin().await?;
    let person = {
        let ledger = Ledger::lock(&tx, [delivery]).await?;
        ledger
            .get(delivery)
            .filter(|row| Ledger::is_counted(row))
            .and_then(|row| row.contact_id)
    };
    let Some(contact) = person else { return Ok(()) };
    let event = NewEvent {
        name: reported.event,
        contact: contact.to_string(),
        properties: reported.properties,
        occurred_at: cx.clock.now(),
        external_id: None,
    };
    let mut conversions = Conversions::claimed();
    conversions.attribute(&tx, &event, contact).await?;
    conversions.write(&tx).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_an_event_a_token_and_small_properties() {
        let read_back = read("event=booking&fw=abc&amount=45.50&course=North%20links&paid=true&_=1").unwrap();
        assert_eq!(
            read_back,
            Reported {
                event: "booking".into(),
                token: "abc".into(),
                properties: json!({"amount": 45.5, "course": "North links", "paid": true}),
            }
        );
        let many: String = (0..21).map(|n| format!("&p{n}=1")).collect();
        for refused in [
            "",
            "event=booking",
            "fw=abc",
            "event=a+b&fw=abc",
            "event=a&fw=abc&x=%0A",
            "event=a&fw=abc&x%22=1",
            &format!("event=a&fw=abc&x={}", "y".repeat(201)),
            &format!("event=a&fw={}", "y".repeat(2_000)),
            &format!("event=a&fw=abc{many}"),
        ] {
            assert_eq!(read(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_visitor_and_a_site_have_their_limits_each_minute() {
        let limits = Limits::default();
        assert_eq!((0..30).filter(|_| limits.allows(1, 5, "a")).count(), 20);
        assert!(limits.allows(1, 6, "a"));
        assert!(limits.allows(2, 5, "a"));
        let of_site = (0..4_000).filter(|n| limits.allows(3, *n, "a")).count();
        assert_eq!(of_site, 3_000);
    }
}
