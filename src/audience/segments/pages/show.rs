//! `/segments/{id}`: who is in it, in words and in numbers, and what uses it.

use super::super::catalogue::Catalogue;
use super::super::preview::Preview;
use super::super::{BrokenRule, commands, fault_of, rule_of, store};
use super::load;
use crate::accounts::{Level, Manager, Staff, Viewer};
use crate::context::Context;
use crate::domain::{Role, SegmentKind};
use crate::entity::{campaigns, contacts, segments};
use crate::web::filters;
use crate::web::{FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;

/// People of a list on a page.
const PAGE: u64 = 50;
/// How many campaigns are named.
const CAMPAIGNS: u64 = 20;

#[derive(Template)]
#[template(path = "segments/show.html")]
struct ShowPage {
    shell: Shell,
    segment: segments::Model,
    /// The rule in words; empty for a list.
    words: String,
    /// Why the rule cannot be read, where it cannot.
    fault: Option<BrokenRule>,
    /// `None` where the rule cannot be read.
    preview: Option<Preview>,
    campaigns: Vec<campaigns::Model>,
    /// The list's people on this page; none for a rule.
    members: Vec<contacts::Model>,
    page: u64,
    has_more: bool,
    paste: Paste,
    errors: FormErrors,
}

impl ShowPage {
    /// How many people are in it, as far as that is known.
    fn total(&self) -> i64 {
        self.preview.as_ref().map_or(0, |preview| preview.reach.total)
    }

    /// The rule as it is kept, for whoever has to make it anew.
    fn kept_rule(&self) -> String {
        format!("{:#}", self.segment.rule)
    }

    fn is_list(&self) -> bool {
        self.segment.kind == SegmentKind::Static
    }
}

/// What was pasted to be added to a list, and what became of it.
#[derive(Default)]
pub struct Paste {
    /// The lines that are still to be put right.
    pub text: String,
    /// Number and text of lines that name nobody.
    pub unknown: Vec<(usize, String)>,
    /// What was done with the others.
    pub done: String,
}

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    page: String,
}

/// `GET /segments/{id}`
pub async fn get_segment(
    cx: Data<Context>,
    staff: Staff<Viewer>,
    id: Path<i64>,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    let segment = load(&cx, *id).await?;
    let page = asked.page.parse().unwrap_or(1).max(1);
    show(
        &cx,
        &staff,
        segment,
        page,
        Paste::default(),
        FormErrors::default(),
    )
    .await
}

/// The page, with what was pasted and what is wrong with it.
pub(super) async fn show<L: Level>(
    cx: &Context,
    staff: &Staff<L>,
    segment: segments::Model,
    page: u64,
    paste: Paste,
    errors: FormErrors,
) -> Result<HttpResponse> {
    let words = match (segment.kind, rule_of(&segment)) {
        (SegmentKind::Rule, Ok(rule)) => {
            let labels = Catalogue::load(&*cx.db, false).await?.labels;
            rule.describe(&labels)
        }
        _ => String::new(),
    };
    let fault = fault_of(&segment);
    let preview = match fault {
        Some(_) => None,
        None => Some(Preview::of(cx, staff.club.timezone, &segment).await?),
    };
    let members = match segment.kind {
        SegmentKind::Static => store::members(&*cx.db, segment.id, page - 1, PAGE).await?,
        SegmentKind::Rule => Vec::new(),
    };
    let total = preview.as_ref().map_or(0, |preview| preview.reach.total);
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let shown = ShowPage {
        shell: staff.shell(Section::Segments, &segment.name),
        campaigns: store::campaigns_of(&*cx.db, segment.id, CAMPAIGNS).await?,
        has_more: page.saturating_mul(PAGE) < u64::try_from(total).unwrap_or(0),
        segment,
        words,
        fault,
        preview,
        members,
        page,
        paste,
        errors,
    };
    html_with(status, &shown)
}

/// `POST /segments/{id}/archive`
pub async fn archive_segment(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let tx = cx.db.begin().await?;
    let segment = load(&cx, *id).await?;
    let name = segment.name.clone();
    commands::archive(&tx, segment, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        format!("“{name}” is archived. It can be brought back from the archive."),
    );
    Ok(see_other(hx, "/segments"))
}

/// `POST /segments/{id}/restore`
pub async fn restore_segment(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let tx = cx.db.begin().await?;
    let segment = load(&cx, *id).await?;
    commands::restore(&tx, segment, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", "The segment is in use again.");
    Ok(see_other(hx, &format!("/segments/{id}")))
}

/// `POST /segments/{id}/delete`
pub async fn delete_segment(
    cx: Data<Context>,
    staff: Staff<Manager>,
    hx: Hx,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let tx = cx.db.begin().await?;
    let segment = load(&cx, *id).await?;
    let name = segment.name.clone();
    commands::delete(&tx, segment, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        format!("The segment “{name}” is deleted. Its people are still there."),
    );
    Ok(see_other(hx, "/segments"))
}
