//! The report of a campaign: its figures, its funnel, when people opened and clicked, its links.

use super::chart::{Chart, HEIGHT, WIDTH, hours};
use super::clicks::{self, Link};
use super::experiment::{self, Trial};
use super::exports;
use super::store::{Figures, Stats, campaign_stats};
use crate::accounts::{Staff, Viewer};
use crate::context::Context;
use crate::domain::{Channel, Status};
use crate::entity::{campaigns, providers};
use crate::web::filters;
use crate::web::{AppError, Hx, Result, Section, Shell, html};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

#[derive(Template)]
#[template(path = "reports/report.html", blocks = ["report"])]
struct ReportPage {
    shell: Shell,
    zone: Tz,
    campaign: campaigns::Model,
    stats: Stats,
    chart: Option<Chart>,
    links: Vec<Link>,
    trial: Option<Trial>,
    /// Whether the provider of texts says which arrived.
    has_receipts: bool,
    /// Whether the mail server's provider does.
    has_mail_reports: bool,
}

/// A step of the funnel.
struct Step {
    label: &'static str,
    count: i64,
    /// Of the step before.
    rate: Option<f64>,
    /// Of the first step, 0 to 100.
    width: f64,
}

/// A number beside the seven, with where its people are.
struct Aside {
    label: &'static str,
    count: i64,
    show: &'static str,
}

impl ReportPage {
    fn is_live(&self) -> bool {
        self.campaign.status == Status::Active
    }

    fn money(&self) -> Option<String> {
        self.stats.money(self.campaign.goal.as_ref())
    }

    fn has_texts(&self) -> bool {
        self.stats.channels.contains_key(&Channel::Sms)
    }

    fn has_email(&self) -> bool {
        self.stats.channels.contains_key(&Channel::Email)
    }

    fn funnel(&self) -> Vec<Step> {
        let Figures { counts, rates } = self.stats.total;
        let sent_rate = (counts.target != 0).then(|| counts.sent as f64 / counts.target as f64);
        let steps = [
            ("In the audience", counts.target, None),
            ("Sent", counts.sent, sent_rate),
            ("Delivered", counts.delivered, rates.delivery),
            ("Opened", counts.opened, rates.open),
            ("Clicked", counts.clicked, rates.click),
            ("Converted", counts.converted, rates.conversion),
        ];
        let whole = counts.target.max(1) as f64;
        let steps = steps.into_iter().map(|(label, count, rate)| Step {
            label,
            count,
            rate,
            width: (count as f64 / whole * 100.0).clamp(0.0, 100.0),
        });
        steps.collect()
    }

    /// The numbers that say where the others are; those that are 0 are left out.
    fn asides(&self) -> Vec<Aside> {
        let counts = self.stats.total.counts;
        let all = [
            ("waiting", counts.queued, "QUEUED"),
            ("skipped", counts.skipped, "SKIPPED"),
            ("failed", counts.failed, "FAILED"),
            ("bounced", counts.bounced, "BOUNCED"),
            ("cancelled", counts.cancelled, "CANCELLED"),
            ("in doubt", counts.unknown, "UNKNOWN"),
        ];
        let all = all.into_iter().filter(|(_, count, _)| *count != 0);
        all.map(|(label, count, show)| Aside { label, count, show })
            .collect()
    }
}

/// Whether somebody on a channel says later which messages arrived, and can reach us.
async fn has_receipts(cx: &Context, channel: Channel) -> Result<bool> {
    let found = providers::Entity::find()
        .filter(providers::Column::Channel.eq(channel))
        .filter(providers::Column::IsActive.eq(true))
        .filter(providers::Column::HasReceipts.eq(true))
        .one(&*cx.db)
        .await?;
    Ok(found.is_some() && cx.settings.is_reachable())
}

/// The campaign that an address names.
pub(super) async fn campaign(cx: &Context, id: i64) -> Result<campaigns::Model> {
    let found = campaigns::Entity::find_by_id(id).one(&*cx.db).await?;
    found.ok_or(AppError::NotFound)
}

/// `GET /campaigns/{id}/report`: for htmx the report alone, which asks for itself again while the
/// campaign goes out.
pub async fn get_report(
    staff: Staff<Viewer>,
    path: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = campaign(&cx, *path).await?;
    let page = ReportPage {
        stats: campaign_stats(&*cx.db, campaign.id).await?,
        chart: Chart::of(&hours(&*cx.db, campaign.id).await?),
        links: clicks::of(&*cx.db, campaign.id).await?,
        trial: experiment::of(&*cx.db, campaign.id).await?,
        has_receipts: has_receipts(&cx, Channel::Sms).await?,
        has_mail_reports: has_receipts(&cx, Channel::Email).await?,
        zone: staff.zone(),
        shell: match hx.is_partial() {
            // The messages that wait are for the page, not for a part of it.
            true => Shell::bare("Report"),
            false => staff.shell(Section::Campaigns, &format!("Report: {}", campaign.name)),
        },
        campaign,
    };
    match hx.is_partial() {
        true => html(&page.as_report()),
        false => html(&page),
    }
}

/// `GET /campaigns/{id}/links.csv`.
pub async fn export_links(
    _: Staff<Viewer>,
    path: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = campaign(&cx, *path).await?;
    let links = clicks::of(&*cx.db, campaign.id).await?;
    Ok(super::people::csv(&format!("campaign-{}-links", campaign.id)).body(exports::links(links)?))
}
