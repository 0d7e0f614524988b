//! What runs took of their campaigns' feeds: kept with the run, so that everyone gets the same.

use super::Compiled;
use super::render::{FeedValues, Values};
use crate::domain::feed::Edition;
use crate::entity::{campaigns, runs};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _};
use serde_json::json;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Of a run that has one, as its messages are rendered.
pub async fn of(db: &impl ConnectionTrait, run: i64) -> Result<Option<FeedValues>, DbErr> {
    let Some(run) = runs::Entity::find_by_id(run).one(db).await? else {
        return Ok(None);
    };
    let Some(edition) = edition(&run) else {
        return Ok(None);
    };
    let campaign = campaigns::Entity::find_by_id(run.campaign_id).one(db).await?;
    let zone = campaign.map(|campaign| campaign.timezone).unwrap_or_default();
    Ok(Some(FeedValues::new(&edition, &zone)))
}

/// What a run took.
pub fn edition(run: &runs::Model) -> Option<Edition> {
    serde_json::from_value(run.feed.clone()?).ok()
}

/// Links of items that are counted by themselves, in a run.
const MOST_LINKS: usize = 200;

/// The addresses of an edition's items that a content shows, each with what it reads in a report.
pub fn links(compiled: &Compiled, edition: &Edition) -> BTreeMap<String, String> {
    let own: BTreeSet<String> = compiled.links().iter().cloned().collect();
    let shown = RefCell::new(BTreeSet::new());
    let values = Values::example(&json!({})).with_feed(&FeedValues::new(edition, "UTC"));
    let rendered = compiled.render(&values, &|_, url| {
        shown.borrow_mut().insert(url.to_owned());
        url.to_owned()
    });
    if rendered.is_err() {
        return BTreeMap::new();
    }
    // What a link of the template came to is an item's, where an item has that address.
    let mut found = BTreeMap::new();
    for url in shown.into_inner() {
        let item = edition.items.iter().find(|item| item.url == url);
        let within = || {
            edition
                .items
                .iter()
                .find(|item| item.html.contains(&url.replace('&', "&amp;")))
        };
        if let Some(item) = item.or_else(within)
            && !own.contains(&url)
            && url.len() <= super::links::LONGEST
            && found.len() < MOST_LINKS
        {
            found.insert(url, item.title.chars().take(80).collect());
        }
    }
    found
}
