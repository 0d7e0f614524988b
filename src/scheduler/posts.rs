//! The posts of a run: made when it starts, one for each account, in the transaction that opens the
//! run. What each says is fixed there, and so are its links.

use crate::accounts::Club;
use crate::campaigns::channels::Words;
use crate::campaigns::social::{self, Target};
use crate::context::Context;
use crate::counts::{Moves, Part};
use crate::db::Tx;
use crate::domain::social::{Draft, Link, links};
use crate::domain::stats::Counts;
use crate::domain::{Channel, Platform};
use crate::entity::{campaigns, posts};
use anyhow::Result;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A post to be made.
pub struct NewPost {
    target: Target,
    text: String,
    media: Vec<String>,
    links: Vec<Link>,
}

/// What a campaign posts under each account, or a sentence about why it cannot be posted.
pub async fn prepare(
    cx: &Context,
    campaign: &campaigns::Model,
    body: Option<&Value>,
) -> Result<Result<Vec<NewPost>, String>> {
    let Some(draft) = body.map(Draft::of) else {
        return Ok(Err("Social has no content.".into()));
    };
    let platforms = social::platforms(&Words::of(campaign), &draft);
    if platforms.is_empty() {
        return Ok(Err("No platform is chosen to post on.".into()));
    }
    let club = Club::load(&*cx.db).await?;
    let mut said = BTreeMap::<Platform, String>::new();
    for &platform in &platforms {
        let (text, problems) = social::written(&draft, platform, &club, campaign);
        if let Some(problem) = problems.into_iter().find(|problem| problem.is_error) {
            return Ok(Err(problem.text));
        }
        said.insert(platform, text);
    }
    let targets = social::targets(&*cx.db, &platforms).await?;
    Ok(Ok(targets
        .into_iter()
        .map(|target| {
            let text = said.get(&target.platform).cloned().unwrap_or_default();
            NewPost {
                // Where an address cannot be followed there is nothing to count.
                links: match target.platform.limits().has_links {
                    true => links(&text),
                    false => Vec::new(),
                },
                media: draft.media.clone(),
                target,
                text,
            }
        })
        .collect()))
}

/// Writes the posts of a run that was just opened, due at `due`, and counts them.
pub async fn write(
    tx: &Tx,
    campaign: &campaigns::Model,
    run: i64,
    posts: Vec<NewPost>,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    let urls = posts
        .iter()
        .flat_map(|post| post.links.iter().map(|link| link.url.clone()))
        .collect();
    let ids = crate::content::links::register_urls(tx, run, urls).await?;
    let number = i64::try_from(posts.len()).unwrap_or(i64::MAX);
    for post in posts {
        write_one(tx, campaign, run, post, &ids, due, now).await?;
    }
    let mut moves = Moves::default();
    let part = Part {
        run,
        channel: Channel::Social,
        step: String::new(),
        variant: 0,
    };
    let entered = Counts {
        target: number,
        queued: number,
        ..Counts::default()
    };
    moves.add(&part, entered);
    moves.write(tx).await?;
    Ok(())
}

async fn write_one(
    tx: &Tx,
    campaign: &campaigns::Model,
    run: i64,
    post: NewPost,
    ids: &BTreeMap<String, i64>,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let links: Vec<Value> = post
        .links
        .iter()
        .filter_map(|link| {
            let id = ids.get(&link.url)?;
            Some(json!({ "start": link.start, "end": link.end, "url": link.url, "id": id }))
        })
        .collect();
    let row = tx
        .query_one_raw(tx.sql(
            "INSERT INTO deliveries (run_id, campaign_id, step, variant, channel, instance, lane, state, address, \
               due_at, attempt, created_at) \
             VALUES ($1, $2, '', 0, $3, $4, 0, 'QUEUED', $5, $6, 0, $7) RETURNING id",
            [
                run.into(),
                campaign.id.into(),
                Channel::Social.into(),
                post.target.instance().into(),
                post.target.name.clone().into(),
                due.timestamp_millis().into(),
                now.timestamp_millis().into(),
            ],
        ))
        .await?;
    let delivery: i64 = match row {
        Some(row) => row.try_get("", "id")?,
        None => return Err(DbErr::RecordNotInserted),
    };
    let is_captured = post.target.is_captured();
    posts::Entity::insert(posts::ActiveModel {
        delivery_id: Set(delivery),
        run_id: Set(run),
        campaign_id: Set(campaign.id),
        platform: Set(post.target.platform),
        account: Set(post.target.account),
        text: Set(post.text),
        media: Set(json!(post.media)),
        links: Set(Value::Array(links)),
        made_at: Set(due.into()),
        clicks: Set(0),
        looks: Set(0),
        likes: NotSet,
        comments: NotSet,
        shares: NotSet,
        looked_at: NotSet,
        // What is in the mailbox alone, nobody likes.
        look_at: Set((!is_captured).then_some(due.into())),
        trouble: NotSet,
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}
