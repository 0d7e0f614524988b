//! What a repeated campaign fills itself from: its feed, which items were seen at earlier runs, and
//! what it would take now. The scheduler has it read when an occurrence is due.

pub mod store;

use super::checklist::zone;
use crate::context::Context;
use crate::domain::CampaignType;
use crate::domain::feed::{Edition, Feed, Source};
use crate::entity::campaigns;
use crate::feeds::{self, Answer, Asked};
use crate::web::Result;
use chrono::{DateTime, Utc};

/// Where a campaign's items come from; only one that repeats has such a place.
pub fn of(campaign: &campaigns::Model) -> Option<Source> {
    if campaign.kind != CampaignType::Recurring {
        return None;
    }
    Source::parse(campaign.feed.as_ref()?).ok()
}

/// What its feed is read for.
pub fn asked(campaign: &campaigns::Model, source: &Source, now: DateTime<Utc>) -> Asked {
    Asked {
        url: source.url.clone(),
        now,
        days: source.days,
        zone: zone(campaign),
    }
}

/// Fetches a feed as it is now.
///
/// # Errors
/// A sentence.
pub async fn fetch(
    cx: &Context,
    campaign: &campaigns::Model,
    source: &Source,
) -> std::result::Result<Feed, String> {
    match feeds::fetch(&cx.outbound, &source.url, None).await? {
        Answer::New(body, _) => feeds::read(body, asked(campaign, source, cx.clock.now())).await,
        Answer::Unchanged => {
            Err("Its server says that nothing changed, though it was not asked that.".into())
        }
    }
}

/// What a run would take now.
pub async fn look(
    cx: &Context,
    campaign: &campaigns::Model,
    source: &Source,
) -> Result<std::result::Result<Edition, String>> {
    Ok(match fetch(cx, campaign, source).await {
        Ok(feed) => {
            let seen = store::seen(&*cx.db, campaign.id, &feed).await?;
            Ok(feed.edition(source, &seen))
        }
        Err(sentence) => Err(sentence),
    })
}
