//! `GET /contacts`: searched, sorted, page by page.

use crate::accounts::{Staff, Viewer};
use crate::audience::contacts::store::{self, Filter, PAGE, Sort};
use crate::context::Context;
use crate::domain::{ConsentStatus, Role};
use crate::entity::contacts;
use crate::web::filters;
use crate::web::{Result, Section, Shell, html};
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

/// The longest search that is read, in characters.
const LONGEST_SEARCH: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    tag: String,
    consent: String,
    sort: String,
    page: String,
}

#[derive(Template)]
#[template(path = "audience/contacts/list.html")]
struct ListPage {
    shell: Shell,
    zone: Tz,
    filter: Filter,
    page: u64,
    count: i64,
    rows: Vec<contacts::Model>,
}

impl ListPage {
    fn is_filtered(&self) -> bool {
        !self.filter.words.is_empty() || !self.filter.tag.is_empty() || self.filter.consent.is_some()
    }

    fn is_sorted_by(&self, sort: Sort) -> bool {
        self.filter.sort == sort
    }

    fn is_consent(&self, status: ConsentStatus) -> bool {
        self.filter.consent == Some(status)
    }

    fn pages(&self) -> u64 {
        u64::try_from(self.count)
            .unwrap_or_default()
            .div_ceil(PAGE)
            .max(1)
    }

    /// This list in another order or on another page.
    fn url(&self, sort: impl std::borrow::Borrow<Sort>, page: u64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &self.filter.words), ("tag", &self.filter.tag)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some(status) = self.filter.consent {
            query.append_pair("consent", status.as_str());
        }
        query.append_pair("sort", sort_word(*sort.borrow()));
        if page > 0 {
            query.append_pair("page", &page.to_string());
        }
        format!("/contacts?{}", query.finish())
    }
}

const fn sort_word(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "newest",
        Sort::Name => "name",
        Sort::Email => "email",
    }
}

/// What is looked for, less what no name has.
fn searched(text: &str) -> String {
    let text = text.trim().chars().filter(|c| !c.is_control());
    text.take(LONGEST_SEARCH).collect()
}

/// `GET /contacts`
pub async fn list_contacts(
    staff: Staff<Viewer>,
    asked: Query<Asked>,
    cx: Data<Context>,
) -> Result<HttpResponse> {
    let filter = Filter {
        words: searched(&asked.q),
        tag: searched(&asked.tag),
        consent: asked.consent.parse().ok(),
        sort: match asked.sort.as_str() {
            "name" => Sort::Name,
            "email" => Sort::Email,
            _ => Sort::Newest,
        },
    };
    let count = store::count(&*cx.db, &filter).await?;
    let last = u64::try_from(count).unwrap_or_default().saturating_sub(1) / PAGE;
    let page = asked.page.parse().unwrap_or(0).min(last);
    html(&ListPage {
        rows: store::page(&*cx.db, &filter, page).await?,
        shell: staff.shell(Section::Contacts, "Contacts"),
        zone: staff.zone(),
        filter,
        page,
        count,
    })
}
