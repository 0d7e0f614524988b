//! `/events`: what club systems reported, and what each event caused.

use crate::accounts::{Staff, Viewer};
use crate::audience::contacts::store as people;
use crate::campaigns::store;
use crate::campaigns::triggers::{self, Came, Wanted};
use crate::context::Context;
use crate::domain::money::Currency;
use crate::entity::{contacts, events};
use crate::web::filters;
use crate::web::{Result, Section, Shell, html};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::Deserialize;

/// Events on a page.
const PAGE: u64 = 50;
/// The longest text that is looked for.
const LONGEST: usize = 320;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    name: String,
    /// A key, an address or an id.
    person: String,
    /// The id of a campaign in which they came to something.
    campaign: String,
    before: String,
}

/// An event with its person and what it caused.
struct Reported {
    event: events::Model,
    person: Option<(i64, String)>,
    properties: String,
    caused: Vec<Came>,
    converted: Vec<Conversion>,
}

/// A campaign for which an event counted as its goal.
struct Conversion {
    campaign_id: i64,
    campaign: String,
    /// In the club's currency; empty where it counts none.
    worth: String,
}

#[derive(Template)]
#[template(path = "campaigns/events.html")]
struct EventsPage {
    shell: Shell,
    zone: Tz,
    address: String,
    names: Vec<String>,
    name: String,
    person: String,
    /// Of one campaign alone: its id and name.
    campaign: Option<(i64, String)>,
    is_unknown: bool,
    rows: Vec<Reported>,
    /// The address of the page behind this one.
    older: Option<String>,
}

impl EventsPage {
    fn is_filtered(&self) -> bool {
        !self.name.is_empty() || !self.person.is_empty() || self.campaign.is_some()
    }

    fn is_name(&self, name: &str) -> bool {
        self.name == name
    }
}

/// `GET /events`
pub async fn list_events(
    staff: Staff<Viewer>,
    asked: web::Query<Asked>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let db = &*cx.db;
    let cut = |text: &str| {
        text.trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST)
            .collect::<String>()
    };
    let (name, person) = (cut(&asked.name), cut(&asked.person));
    let found = match person.is_empty() {
        true => None,
        false => people::by_key_or_id_or_email(db, &person).await?,
    };
    let is_unknown = found.is_none() && !person.is_empty();
    let campaign = match asked.campaign.parse() {
        Ok(id) => store::find(db, id).await?.map(|row| (row.id, row.name)),
        Err(_) => None,
    };
    let wanted = Wanted {
        name: &name,
        person: found.map(|person| person.id),
        campaign: campaign.as_ref().map(|(id, _)| *id),
        before: asked.before.parse().ok(),
    };
    let rows = match is_unknown {
        true => Vec::new(),
        false => triggers::page(db, wanted, PAGE + 1).await?,
    };
    let mut rows = reported(&cx, staff.club.currency, rows).await?;
    let is_more = rows.len() as u64 > PAGE;
    rows.truncate(PAGE as usize);
    let older = rows.last().filter(|_| is_more).map(|last| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("name", &name)
            .append_pair("person", &person)
            .append_pair(
                "campaign",
                campaign.as_ref().map_or("", |_| asked.campaign.as_str()),
            )
            .append_pair("before", &last.event.id.to_string())
            .finish();
        format!("/events?{query}")
    });
    html(&EventsPage {
        shell: staff.shell(Section::Campaigns, "Events"),
        zone: staff.zone(),
        address: cx.settings.base(),
        names: triggers::names(db).await?,
        name,
        person,
        campaign,
        is_unknown,
        rows,
        older,
    })
}

async fn reported(cx: &Context, currency: Currency, rows: Vec<events::Model>) -> Result<Vec<Reported>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let caused = triggers::caused(&*cx.db, &ids).await?;
    let conversions = triggers::conversions(&*cx.db, &rows).await?;
    let people = contacts::Entity::find()
        .filter(contacts::Column::Id.is_in(rows.iter().filter_map(|row| row.contact_id)))
        .all(&*cx.db)
        .await?;
    let named = |id: i64| {
        let person = people.iter().find(|person| person.id == id)?;
        let name = format!("{} {}", person.first_name, person.last_name);
        let name = match name.trim() {
            "" => person.email.clone().unwrap_or_else(|| "Without a name".into()),
            name => name.to_owned(),
        };
        Some((id, name))
    };
    Ok(rows
        .into_iter()
        .map(|event| Reported {
            person: event.contact_id.and_then(named),
            properties: serde_json::to_string_pretty(&event.properties).unwrap_or_default(),
            caused: caused
                .iter()
                .filter(|came| came.event_id == event.id)
                .cloned()
                .collect(),
            converted: conversions
                .iter()
                .filter(|conversion| conversion.is_of(&event))
                .map(|conversion| Conversion {
                    campaign_id: conversion.campaign_id,
                    campaign: conversion.campaign.clone(),
                    worth: conversion
                        .value()
                        .map_or_else(String::new, |value| currency.write(value)),
                })
                .collect(),
            event,
        })
        .collect())
}
