//! `/campaigns`: all of them, searched, filtered, sorted, paged.

use super::row::{Row, RowPart, rows};
use crate::accounts::{Staff, Viewer};
use crate::campaigns::store::{self, Filter, Sort};
use crate::context::Context;
use crate::domain::campaign::Command;
use crate::domain::{CampaignType, Role, Status};
use crate::web::filters;
use crate::web::{Hx, Result, Section, Shell, html};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

/// Campaigns on a page.
const PAGE: u64 = 25;
/// The longest search that is read.
const LONGEST_SEARCH: usize = 200;

/// What the address asks for. A word that is unknown asks for nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    status: String,
    #[serde(rename = "type")]
    kind: String,
    sort: String,
    dir: String,
    page: String,
}

impl Asked {
    fn filter(&self) -> Filter {
        let sort = match self.sort.as_str() {
            "name" => Sort::Name,
            "status" => Sort::Status,
            "start" => Sort::Start,
            _ => Sort::Created,
        };
        Filter {
            words: self.q.trim().chars().take(LONGEST_SEARCH).collect(),
            status: self.status.parse().ok(),
            kind: self.kind.parse().ok(),
            sort,
            is_ascending: self.dir == "asc",
        }
    }

    /// Pages count from 1 to people.
    fn page(&self) -> u64 {
        self.page.parse::<u64>().unwrap_or(1).clamp(1, 1_000_000)
    }
}

#[derive(Template)]
#[template(path = "campaigns/list.html", blocks = ["results"])]
struct ListPage {
    shell: Shell,
    filter: Filter,
    rows: Vec<Row>,
    count: i64,
    page: u64,
    pages: u64,
    /// Whether there is any campaign at all, whatever is searched for.
    is_any: bool,
}

impl ListPage {
    fn statuses(&self) -> &'static [Status] {
        Status::ALL
    }

    fn kinds(&self) -> &'static [CampaignType] {
        CampaignType::ALL
    }

    fn is_status(&self, status: &Status) -> bool {
        self.filter.status == Some(*status)
    }

    fn is_kind(&self, kind: &CampaignType) -> bool {
        self.filter.kind == Some(*kind)
    }

    fn query(&self, sort: Sort, is_ascending: bool, page: u64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.filter.words.is_empty() {
            query.append_pair("q", &self.filter.words);
        }
        if let Some(status) = self.filter.status {
            query.append_pair("status", status.as_str());
        }
        if let Some(kind) = self.filter.kind {
            query.append_pair("type", kind.as_str());
        }
        let word = match sort {
            Sort::Created => "",
            Sort::Name => "name",
            Sort::Status => "status",
            Sort::Start => "start",
        };
        if !word.is_empty() {
            query.append_pair("sort", word);
        }
        if is_ascending {
            query.append_pair("dir", "asc");
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        match query.finish() {
            empty if empty.is_empty() => "/campaigns".to_owned(),
            query => format!("/campaigns?{query}"),
        }
    }

    fn page_url(&self, page: u64) -> String {
        self.query(self.filter.sort, self.filter.is_ascending, page)
    }

    /// The address that sorts by a column, the other way round where it does already. Names begin
    /// with A, times with the latest.
    fn sort_url(&self, sort: Sort) -> String {
        let is_ascending = match self.filter.sort == sort {
            true => !self.filter.is_ascending,
            false => matches!(sort, Sort::Name | Sort::Status),
        };
        self.query(sort, is_ascending, 1)
    }

    /// For `aria-sort`.
    fn order(&self, sort: Sort) -> &'static str {
        match (self.filter.sort == sort, self.filter.is_ascending) {
            (true, true) => "ascending",
            (true, false) => "descending",
            _ => "none",
        }
    }
}

/// `GET /campaigns`: for htmx the results alone.
pub async fn list_campaigns(
    staff: Staff<Viewer>,
    asked: web::Query<Asked>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let filter = asked.filter();
    let (found, count) = store::page(&*cx.db, &filter, asked.page() - 1, PAGE).await?;
    let page = ListPage {
        shell: staff.shell(Section::Campaigns, "Campaigns"),
        is_any: count > 0 || store::is_any(&*cx.db).await?,
        rows: rows(&*cx.db, found, cx.clock.now()).await?,
        count: i64::try_from(count).unwrap_or(i64::MAX),
        page: asked.page(),
        pages: count.div_ceil(PAGE).max(1),
        filter,
    };
    match hx.is_partial() {
        true => html(&page.as_results()),
        false => html(&page),
    }
}

/// `GET /campaigns/{id}/row`: the row alone, as it is now.
pub async fn get_row(
    staff: Staff<Viewer>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    html(&row_part(&staff, &cx, *id).await?)
}

/// A campaign's row, for a button that is swapped.
pub async fn row_part<L: crate::accounts::Level>(staff: &Staff<L>, cx: &Context, id: i64) -> Result<RowPart> {
    let campaign = super::find(cx, id).await?;
    let mut found = rows(&*cx.db, vec![campaign], cx.clock.now()).await?;
    let row = found.pop().ok_or(crate::web::AppError::NotFound)?;
    Ok(RowPart {
        shell: staff.shell(Section::Campaigns, &row.campaign.name),
        row,
    })
}
