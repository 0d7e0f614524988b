//! `/segments`: all of them, with how many people are in each.

use super::super::fault_of;
use super::super::store::{self, Filter};
use super::load;
use crate::accounts::{Staff, Viewer};
use crate::context::Context;
use crate::domain::{Role, SegmentKind};
use crate::entity::segments;
use crate::web::filters;
use crate::web::{Result, Section, Shell, html};
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;
use std::time::{Duration, Instant};

const PAGE: u64 = 50;
/// The longest search that is read.
const LONGEST_SEARCH: usize = 100;
/// How long a page may take to count. What is not counted by then is asked for by the page itself.
const PATIENCE: Duration = Duration::from_millis(300);

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    archived: String,
    page: String,
}

struct Row {
    segment: segments::Model,
    count: Count,
}

/// How many people are in a segment.
enum Count {
    People(i64),
    /// Asked for by the page itself.
    Later,
    /// The rule cannot be read; the segment's page says why.
    Unreadable,
}

#[derive(Template)]
#[template(path = "segments/list.html")]
struct ListPage {
    shell: Shell,
    zone: Tz,
    filter: Filter,
    rows: Vec<Row>,
    /// How many there are in all.
    total: i64,
    page: u64,
    has_more: bool,
}

impl ListPage {
    fn url(&self, page: u64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.filter.words.is_empty() {
            query.append_pair("q", &self.filter.words);
        }
        if self.filter.is_archived {
            query.append_pair("archived", "1");
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        match query.finish() {
            query if query.is_empty() => "/segments".to_owned(),
            query => format!("/segments?{query}"),
        }
    }
}

/// `GET /segments`
pub async fn list_segments(
    cx: Data<Context>,
    staff: Staff<Viewer>,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    let filter = Filter {
        words: asked
            .q
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_SEARCH)
            .collect(),
        is_archived: asked.archived == "1",
    };
    let page = asked.page.parse().unwrap_or(1).max(1);
    let (segments, total) = store::page(&*cx.db, &filter, page - 1, PAGE).await?;
    let (now, zone, begun) = (cx.clock.now(), staff.club.timezone, Instant::now());
    let mut rows = Vec::with_capacity(segments.len());
    for segment in segments {
        let count = match fault_of(&segment) {
            Some(_) => Count::Unreadable,
            None if begun.elapsed() < PATIENCE => {
                Count::People(store::count(&*cx.db, &segment, now, zone).await?)
            }
            None => Count::Later,
        };
        rows.push(Row { segment, count });
    }
    html(&ListPage {
        shell: staff.shell(Section::Segments, "Segments"),
        zone: staff.zone(),
        has_more: page.saturating_mul(PAGE) < total,
        total: i64::try_from(total).unwrap_or(i64::MAX),
        filter,
        rows,
        page,
    })
}

/// `GET /segments/{id}/count`: the number alone, for a row of the list.
pub async fn count_segment(cx: Data<Context>, staff: Staff<Viewer>, id: Path<i64>) -> Result<HttpResponse> {
    let segment = load(&cx, *id).await?;
    if let Some(fault) = fault_of(&segment) {
        return Err(fault.into());
    }
    let count = store::count(&*cx.db, &segment, cx.clock.now(), staff.club.timezone).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(filters::group(count)))
}
