//! Posts on their way out: what was fixed when the run started, with the addresses that count
//! clicks under this account.

use super::claim::Claimed;
use crate::accounts::Club;
use crate::content::message::domain;
use crate::context::Context;
use crate::domain::token::Urls;
use crate::entity::posts;
use crate::messaging::Outgoing;
use crate::messaging::post::{Media, Post, Tracked};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};
use serde::Deserialize;
use std::collections::HashMap;

/// An address in the text, as it was registered.
#[derive(Debug, Deserialize)]
struct Registered {
    start: usize,
    end: usize,
    id: i64,
}

/// What a claim's deliveries post.
pub async fn load(cx: &Context, claimed: &[Claimed]) -> Result<HashMap<i64, posts::Model>, DbErr> {
    let ids = claimed.iter().map(|delivery| delivery.id);
    let rows = posts::Entity::find()
        .filter(posts::Column::DeliveryId.is_in(ids))
        .all(&*cx.db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.delivery_id, row)).collect())
}

/// One account's post. Its id is the same each time it is made.
///
/// # Errors
/// Where what was kept cannot be read.
pub fn compose(
    row: &posts::Model,
    delivery: &Claimed,
    club: &Club,
    urls: &Urls,
    now: DateTime<Utc>,
) -> Result<Outgoing, String> {
    let unreadable = |_| "What was to be posted cannot be read.".to_owned();
    let links: Vec<Registered> = serde_json::from_value(row.links.clone()).map_err(unreadable)?;
    let media: Vec<String> = serde_json::from_value(row.media.clone()).map_err(unreadable)?;
    let post = Post {
        platform: row.platform,
        account: row.account.clone(),
        text: row.text.clone(),
        links: links
            .into_iter()
            .map(|link| Tracked {
                start: link.start,
                end: link.end,
                url: urls.click(delivery.id, link.id, None),
            })
            .collect(),
        media: media.into_iter().map(|url| Media { url }).collect(),
        made_at: row.made_at.0,
    };
    Ok(Outgoing {
        to: delivery.address.clone(),
        from_name: club.name.clone(),
        text: post.tracked_text(),
        message_id: format!(
            "{}.{}@{}",
            delivery.id,
            delivery.run_id,
            domain(&club.sender.email)
        ),
        date: now.timestamp(),
        delivery: Some(delivery.id),
        post: Some(Box::new(post)),
        ..Outgoing::default()
    })
}
