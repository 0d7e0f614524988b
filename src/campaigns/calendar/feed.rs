//! `/calendar/{secret}.ics`: the calendar for calendar programs, without signing in.

use super::entries::{self, Entry};
use crate::accounts::{Club, calendar_feed};
use crate::context::Context;
use crate::domain::icalendar::{Event, write};
use crate::web::{AppError, Result};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use chrono::TimeDelta;

/// How far back and ahead the feed reaches.
const BACK: TimeDelta = TimeDelta::days(90);
const AHEAD: TimeDelta = TimeDelta::days(180);
/// How long an entry is shown to last.
const LASTS: TimeDelta = TimeDelta::minutes(15);

/// `GET /calendar/{secret}.ics`. Names campaigns and segments, and no people.
pub async fn get_feed(path: web::Path<String>, cx: web::Data<Context>) -> Result<HttpResponse> {
    let secret = path.strip_suffix(".ics").ok_or(AppError::NotFound)?;
    if !calendar_feed::opens(&*cx.db, secret).await? {
        return Err(AppError::NotFound);
    }
    let now = cx.clock.now();
    let club = Club::load(&*cx.db).await?;
    let found = entries::between(&*cx.db, now - BACK, now + AHEAD, now).await?;
    let base = cx.settings.base();
    let host = url::Url::parse(&base)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_else(|| "fairway".into());
    let events: Vec<Event> = found.iter().map(|entry| event(entry, &base, &host)).collect();
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/calendar; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "private, max-age=300"))
        .insert_header(("x-robots-tag", "noindex, nofollow"))
        .body(write(&format!("{}: campaigns", club.name), &events)))
}

fn event(entry: &Entry, base: &str, host: &str) -> Event {
    let campaign = &entry.campaign;
    // One that is sent once keeps its name when it is moved and when it has begun.
    let which = match campaign.kind {
        crate::domain::CampaignType::OneTime => String::new(),
        _ => format!("-{}", entry.at.timestamp()),
    };
    Event {
        uid: format!("campaign-{}{which}@{host}", campaign.id),
        at: entry.at,
        lasts: LASTS,
        title: campaign.name.clone(),
        description: description(entry),
        url: format!("{base}/campaigns/{}", campaign.id),
        status: match entry.status {
            "CANCELLED" | "SKIPPED" | "MISSED" => "CANCELLED",
            "PAUSED" => "TENTATIVE",
            _ => "CONFIRMED",
        },
        changed: campaign.updated_at.0,
    }
}

fn description(entry: &Entry) -> String {
    match (&entry.off, &entry.segment) {
        (Some(reason), _) => format!("{}. {reason}", entry.label).trim_end().to_owned(),
        (None, Some(segment)) => format!("{}, {}, to “{segment}”", entry.label, entry.campaign.kind.label()),
        (None, None) => format!("{}, {}", entry.label, entry.campaign.kind.label()),
    }
}
