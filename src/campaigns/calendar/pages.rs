//! `/calendar`: a month or a week. For htmx the calendar alone.

use super::entries::{self, Entry};
use super::grid::{Crowd, Day, View, begins, crowds, weeks};
use crate::accounts::{Level, Staff, Viewer};
use crate::context::Context;
use crate::domain::Role;
use crate::web::{Hx, Result, Section, Shell, html};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::Deserialize;

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `2026-03`.
    month: String,
    /// A day of the week that is asked for.
    week: String,
}

impl Asked {
    /// As a form of the page posts it.
    pub fn of(month: &str, week: &str) -> Self {
        Self {
            month: month.to_owned(),
            week: week.to_owned(),
        }
    }
}

#[derive(Template)]
#[template(path = "campaigns/calendar.html", blocks = ["calendar"])]
struct CalendarPage {
    shell: Shell,
    zone: Tz,
    view: View,
    today: NaiveDate,
    weeks: Vec<Vec<Day>>,
    crowds: Vec<Crowd>,
    is_empty: bool,
    /// What was just done, in a sentence.
    note: String,
}

impl CalendarPage {
    fn time(&self, entry: &Entry) -> String {
        entry.at.with_timezone(&self.zone).format("%H:%M").to_string()
    }

    /// Whether staff may move an entry.
    fn may_move(&self, entry: &Entry) -> bool {
        entry.is_movable() && self.shell.may(&Role::Manager)
    }

    /// The view's own words, which its forms send back.
    fn month(&self) -> String {
        match self.view {
            View::Month(first) => first.format("%Y-%m").to_string(),
            View::Week(_) => String::new(),
        }
    }

    fn week(&self) -> String {
        match self.view {
            View::Month(_) => String::new(),
            View::Week(monday) => monday.to_string(),
        }
    }
}

/// The calendar as it is now, for a page or a part.
pub async fn answer<L: Level>(
    cx: &Context,
    staff: &Staff<L>,
    asked: &Asked,
    hx: Hx,
    note: String,
) -> Result<HttpResponse> {
    let zone = staff.club.timezone;
    let now = cx.clock.now();
    let today = now.with_timezone(&zone).date_naive();
    let view = View::parse(&asked.month, &asked.week, today);
    let (from, to) = view.days();
    let found = entries::between(&*cx.db, begins(from, zone), begins(to, zone), now).await?;
    let is_empty = found.is_empty();
    let weeks = weeks(view, found, zone, today);
    let page = CalendarPage {
        shell: staff.shell(Section::Calendar, "Calendar"),
        zone,
        view,
        today,
        crowds: crowds(&weeks, today),
        weeks,
        is_empty,
        note,
    };
    match hx.is_partial() {
        true => html(&page.as_calendar()),
        false => html(&page),
    }
}

/// `GET /calendar?month=2026-03` or `?week=2026-03-02`
pub async fn get_calendar(
    staff: Staff<Viewer>,
    asked: web::Query<Asked>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    answer(&cx, &staff, &asked, hx, String::new()).await
}
