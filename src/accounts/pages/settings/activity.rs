//! `/settings/activity`: who did what, the whole instance's trail.

use crate::accounts::{Admin, Staff, audit};
use crate::context::Context;
use crate::entity::audit_log;
use crate::web::filters;
use crate::web::{Result, Section, Shell, html};
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

/// Lines on a page.
const PAGE: u64 = 50;

#[derive(Template)]
#[template(path = "accounts/settings/activity.html")]
struct ActivityPage {
    shell: Shell,
    zone: Tz,
    lines: Vec<audit_log::Model>,
    is_first: bool,
    /// The id before which the next page goes on.
    older: Option<i64>,
}

impl ActivityPage {
    /// Where the subject of a line can be looked at.
    fn href(&self, line: &audit_log::Model) -> Option<String> {
        let id = line.subject_id?;
        let folder = match line.subject_kind.as_str() {
            "campaign" => "campaigns",
            "contact" => "contacts",
            "segment" => "segments",
            "template" => "templates",
            "provider" => "settings/channels",
            _ => return None,
        };
        Some(format!("/{folder}/{id}"))
    }

    fn detail(&self, line: &audit_log::Model) -> String {
        audit::in_words(&line.detail)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct From {
    before: Option<i64>,
}

/// `GET /settings/activity?before=ID`
pub async fn get_activity(cx: Data<Context>, staff: Staff<Admin>, from: Query<From>) -> Result<HttpResponse> {
    let mut lines = audit::page(&*cx.db, from.before, PAGE + 1).await?;
    let has_more = lines.len() as u64 > PAGE;
    lines.truncate(PAGE as usize);
    html(&ActivityPage {
        shell: staff.shell(Section::Settings, "Activity"),
        zone: staff.zone(),
        is_first: from.before.is_none(),
        older: lines.last().filter(|_| has_more).map(|line| line.id),
        lines,
    })
}
