//! The people of a campaign: what became of each one's message, with why, and their export.

use super::exports;
use super::ledger::{self, Filter, Mark, Row};
use super::pages::campaign;
use super::words;
use crate::accounts::{Staff, Viewer};
use crate::context::Context;
use crate::domain::DeliveryState;
use crate::domain::money::Currency;
use crate::entity::{Timestamp, campaigns};
use crate::web::filters;
use crate::web::{AppError, Hx, Result, Section, Shell, html};
use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

/// People on a page.
const PAGE: u64 = 50;
/// The longest search that is read.
const LONGEST_SEARCH: usize = 200;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    q: String,
    /// A state, or something that people did.
    #[serde(default)]
    show: String,
    #[serde(default)]
    after: String,
}

impl Asked {
    fn filter(&self) -> Result<Filter> {
        let (state, mark) = (
            self.show.parse::<DeliveryState>().ok(),
            self.show.parse::<Mark>().ok(),
        );
        if !self.show.is_empty() && state.is_none() && mark.is_none() {
            return Err(AppError::BadRequest(
                "There is no such state of a message.".into(),
            ));
        }
        Ok(Filter {
            state,
            mark,
            contact: None,
            words: self
                .q
                .trim()
                .chars()
                .filter(|c| !c.is_control())
                .take(LONGEST_SEARCH)
                .collect(),
        })
    }

    fn cursor(&self) -> Option<i64> {
        self.after.parse().ok()
    }
}

#[derive(Template)]
#[template(path = "reports/people.html", blocks = ["people"])]
struct PeoplePage {
    shell: Shell,
    zone: Tz,
    currency: Currency,
    campaign: campaigns::Model,
    show: String,
    words: String,
    is_later: bool,
    rows: Vec<Row>,
    next: Option<i64>,
}

impl PeoplePage {
    fn is_filtered(&self) -> bool {
        !self.show.is_empty() || !self.words.is_empty()
    }

    /// A time of the table, which says its zone once above.
    fn time(&self, at: &Timestamp) -> String {
        at.0.with_timezone(&self.zone)
            .format("%-d %b %Y, %H:%M")
            .to_string()
    }

    /// The choices of the filter.
    fn choices(&self) -> Vec<(&'static str, &'static str)> {
        let states = DeliveryState::ALL
            .iter()
            .map(|state| (state.as_str(), words::state(*state)));
        let marks = [
            ("opened", "Opened"),
            ("clicked", "Clicked"),
            ("converted", "Converted"),
            ("unsubscribed", "Unsubscribed"),
        ];
        states.chain(marks).collect()
    }

    fn is_chosen(&self, choice: &str) -> bool {
        self.show == choice
    }

    /// An address of this list.
    fn url(&self, page: &str, after: Option<&i64>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &self.words), ("show", &self.show)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some(key) = after {
            query.append_pair("after", &key.to_string());
        }
        let address = format!("/campaigns/{}/{page}", self.campaign.id);
        match query.finish() {
            empty if empty.is_empty() => address,
            query => format!("{address}?{query}"),
        }
    }
}

/// `GET /campaigns/{id}/people`.
pub async fn list_people(
    staff: Staff<Viewer>,
    path: web::Path<i64>,
    asked: web::Query<Asked>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = campaign(&cx, *path).await?;
    let filter = asked.filter()?;
    let found = ledger::page(&*cx.db, campaign.id, &filter, asked.cursor(), PAGE).await?;
    let page = PeoplePage {
        shell: staff.shell(Section::Campaigns, &format!("People: {}", campaign.name)),
        zone: staff.zone(),
        currency: staff.club.currency,
        campaign,
        show: asked.show.clone(),
        words: filter.words,
        is_later: asked.cursor().is_some(),
        rows: found.rows,
        next: found.next,
    };
    match hx.is_partial() {
        true => html(&page.as_people()),
        false => html(&page),
    }
}

/// `GET /campaigns/{id}/people.csv`: all that the filter lets through.
pub async fn export_people(
    staff: Staff<Viewer>,
    path: web::Path<i64>,
    asked: web::Query<Asked>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = campaign(&cx, *path).await?;
    let rows = exports::people(
        cx.get_ref().clone(),
        campaign.id,
        asked.filter()?,
        staff.club.currency,
    );
    Ok(csv(&format!("campaign-{}-people", campaign.id)).streaming(Box::pin(rows)))
}

/// An answer that browsers keep as a file.
pub(super) fn csv(name: &str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.csv\""),
        ));
    answer
}
