//! “Look at the feed”: what a repeated campaign would take of its feed if it were sent now.

use super::{Asked, recurring};
use crate::accounts::{Manager, Staff};
use crate::campaigns::checklist::zone;
use crate::campaigns::feed;
use crate::campaigns::forms::FeedForm;
use crate::context::Context;
use crate::domain::CampaignType;
use crate::domain::feed::{Edition, Item};
use crate::entity::campaigns;
use crate::web::forms::read;
use crate::web::{AppError, FormErrors, Hx, Result, html};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, NaiveDate};
use std::time::Duration;

/// Items that are shown.
const SHOWN: usize = 5;
/// Longer nobody waits for a page.
const LONGEST: Duration = Duration::from_secs(15);

/// What was found.
#[derive(Default)]
pub(super) struct Look {
    /// Why nothing was: a sentence.
    pub problem: String,
    pub title: String,
    pub words: String,
    pub items: Vec<Line>,
    /// Items that are not shown.
    pub more: usize,
}

/// An item.
pub(super) struct Line {
    pub title: String,
    pub url: String,
    pub when: String,
    pub summary: String,
}

/// What was found by itself, in the page that is there.
#[derive(Template)]
#[template(path = "campaigns/wizard/schedule/_feed.html")]
struct LookPart {
    look: Option<Look>,
}

impl Look {
    fn refused(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            ..Self::default()
        }
    }

    fn of(edition: Edition, campaign: &campaigns::Model) -> Self {
        let number = edition.items.len();
        let is_before_it_runs = campaign.started_at.is_none();
        Self {
            title: match edition.title.as_str() {
                "" => "The feed can be read.".to_owned(),
                title => title.to_owned(),
            },
            words: match (number, is_before_it_runs) {
                (0, _) => "It can be read, and there is nothing new in it.".to_owned(),
                (1, _) => "This would be in it now.".to_owned(),
                _ => format!("These {number} would be in it now."),
            },
            more: number.saturating_sub(SHOWN),
            items: edition
                .items
                .into_iter()
                .take(SHOWN)
                .map(|item| line(item, campaign))
                .collect(),
            ..Self::default()
        }
    }
}

fn line(item: Item, campaign: &campaigns::Model) -> Line {
    let zone = zone(campaign);
    let at = match item.starts.as_str() {
        "" => item.published.as_str(),
        starts => starts,
    };
    let when = match DateTime::parse_from_rfc3339(at) {
        Ok(at) => at.with_timezone(&zone).format("%a %-d %B %Y, %H:%M").to_string(),
        Err(_) => at
            .parse::<NaiveDate>()
            .map(|day| day.format("%a %-d %B %Y").to_string())
            .unwrap_or_default(),
    };
    Line {
        when,
        title: match item.title.as_str() {
            "" => "Without a title".to_owned(),
            title => title.to_owned(),
        },
        summary: item.summary.chars().take(160).collect(),
        url: item.url,
    }
}

async fn look(cx: &Context, campaign: &campaigns::Model, form: &FeedForm) -> Result<Look> {
    let mut errors = FormErrors::default();
    let Some(source) = form.parse(&mut errors) else {
        let first = errors.0.into_iter().next().map(|error| error.message);
        return Ok(Look::refused(
            first.unwrap_or_else(|| "Enter the feed’s address first.".into()),
        ));
    };
    let looked = tokio::time::timeout(LONGEST, feed::look(cx, campaign, &source)).await;
    Ok(match looked {
        Ok(found) => match found? {
            Ok(edition) => Look::of(edition, campaign),
            Err(sentence) => Look::refused(format!("The feed cannot be read. {sentence}")),
        },
        Err(_) => Look::refused("The feed cannot be read. Its server did not answer in time."),
    })
}

/// `POST /campaigns/{id}/feed`: the step as it was typed, with what is in the feed that was entered.
/// Nothing is saved.
pub async fn look_at_feed(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let campaign = super::load(&cx, *id).await?;
    if let Some(elsewhere) = super::gone_on(&staff, &campaign) {
        return Ok(elsewhere);
    }
    if campaign.kind != CampaignType::Recurring {
        return Err(AppError::NotFound);
    }
    let found = look(&cx, &campaign, &read(&body)?).await?;
    if hx.is_partial() {
        return html(&LookPart { look: Some(found) });
    }
    let asked = Asked {
        cx: &cx,
        staff: &staff,
        campaign: &campaign,
        hx,
        how: super::How::default(),
    };
    recurring::show_with(&asked, &body, found).await
}
