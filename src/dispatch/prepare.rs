//! What the messages of a claim have in common, read once: the campaign, the club, the compiled
//! content, and the people.

use super::claim::Claimed;
use super::post;
use crate::accounts::Club;
use crate::content::editions;
use crate::content::links::Registered;
use crate::content::message::{self, Addressee, Letter};
use crate::content::render::{FeedValues, Recipient};
use crate::content::said::Said;
use crate::content::{Compiled, compile, recipient, store};
use crate::context::Context;
use crate::domain::Channel;
use crate::domain::token::Urls;
use crate::entity::{campaigns, events, posts, run_contents};
use crate::messaging::Outgoing;
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait as _, DbErr, EntityTrait as _, QueryFilter as _};
use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// Compiled contents are kept for so many runs, steps and variants.
const KEPT: usize = 64;

type Key = (i64, String, i32);

/// Compiled contents of runs, which never change once a run is started.
#[derive(Default)]
pub struct Contents(Mutex<HashMap<Key, Arc<Content>>>);

struct Content {
    said: Said,
    compiled: Compiled,
    links: Registered,
    feed: Option<FeedValues>,
}

impl Contents {
    fn kept(&self, key: &Key) -> Option<Arc<Content>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).cloned()
    }

    fn keep(&self, key: Key, content: Arc<Content>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, content);
    }
}

/// Why a claim's messages cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Of this run none can. A sentence for staff.
    #[error("{0}")]
    Content(String),
    #[error(transparent)]
    Passing(#[from] anyhow::Error),
}

impl From<DbErr> for LoadError {
    fn from(error: DbErr) -> Self {
        Self::Passing(error.into())
    }
}

/// What a claim's messages are made of. All of a claim are of one run.
pub struct Batch {
    channel: Channel,
    campaign: campaigns::Model,
    /// The campaign as variants have it that come from somebody else.
    variants: HashMap<(String, i32), campaigns::Model>,
    club: Club,
    urls: Urls,
    contents: HashMap<(String, i32), Arc<Content>>,
    people: HashMap<i64, Recipient>,
    events: HashMap<i64, serde_json::Value>,
    /// What is posted, by delivery.
    posts: HashMap<i64, posts::Model>,
}

impl Batch {
    /// Reads it for a claim that is not empty.
    pub async fn load(
        cx: &Context,
        channel: Channel,
        contents: &Contents,
        claimed: &[Claimed],
    ) -> Result<Self, LoadError> {
        let first = claimed.first().context("a claim of nothing")?;
        let campaign = campaigns::Entity::find_by_id(first.campaign_id)
            .one(&*cx.db)
            .await?
            .context("deliveries without their campaign")?;
        let people: Vec<i64> = claimed
            .iter()
            .filter_map(|delivery| delivery.contact_id)
            .collect();
        let parts: BTreeSet<(String, i32)> = claimed
            .iter()
            .map(|delivery| (delivery.step.clone(), delivery.variant))
            .collect();
        let mut of_parts = HashMap::new();
        let parts = parts.into_iter().filter(|_| channel.is_personal());
        for (step, variant) in parts {
            let content = content(cx, channel, contents, (first.run_id, step.clone(), variant)).await?;
            of_parts.insert((step, variant), content);
        }
        let variants = of_parts.iter().filter_map(|(part, content): (_, &Arc<Content>)| {
            Some((part.clone(), content.said.campaign(&campaign)?))
        });
        Ok(Self {
            variants: variants.collect(),
            channel,
            club: Club::load(&*cx.db).await?,
            urls: Urls::new(cx.settings.base(), cx.secret.derive("tracking")),
            people: recipient::of(&*cx.db, &people).await?,
            events: events(cx, claimed).await?,
            posts: match channel.is_personal() {
                true => HashMap::new(),
                false => post::load(cx, claimed).await?,
            },
            contents: of_parts,
            campaign,
        })
    }

    /// One person's message. The error is a sentence about the template.
    pub fn compose(&self, delivery: &Claimed, now: DateTime<Utc>) -> Result<Outgoing, String> {
        if !self.channel.is_personal() {
            let row = self.posts.get(&delivery.id).ok_or("There is nothing to post.")?;
            return post::compose(row, delivery, &self.club, &self.urls, now);
        }
        let part = (delivery.step.clone(), delivery.variant);
        let content = self.contents.get(&part).ok_or("There is no content for this.")?;
        // Someone erased since is refused when leave is asked, which also says why.
        let nobody = Recipient::default();
        let person = delivery
            .contact_id
            .and_then(|id| self.people.get(&id))
            .unwrap_or(&nobody);
        let composed = catch_unwind(AssertUnwindSafe(|| {
            message::compose(
                &Letter {
                    channel: self.channel,
                    compiled: &content.compiled,
                    links: &content.links,
                    campaign: self.variants.get(&part).unwrap_or(&self.campaign),
                    club: &self.club,
                    urls: &self.urls,
                    feed: content.feed.as_ref(),
                },
                &Addressee {
                    delivery: delivery.id,
                    run: delivery.run_id,
                    address: &delivery.address,
                    person,
                    event: delivery.event_id.and_then(|id| self.events.get(&id)),
                },
                now,
            )
        }));
        match composed {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("The template could not be rendered; the operator's log says more.".into()),
        }
    }
}

/// The properties of the events that caused deliveries.
async fn events(cx: &Context, claimed: &[Claimed]) -> Result<HashMap<i64, serde_json::Value>, DbErr> {
    let ids: BTreeSet<i64> = claimed.iter().filter_map(|delivery| delivery.event_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = events::Entity::find()
        .filter(events::Column::Id.is_in(ids))
        .all(&*cx.db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.properties)).collect())
}

async fn content(
    cx: &Context,
    channel: Channel,
    contents: &Contents,
    key: Key,
) -> Result<Arc<Content>, LoadError> {
    if let Some(kept) = contents.kept(&key) {
        return Ok(kept);
    }
    let (run, step, variant) = &key;
    let fixed = run_contents::Entity::find()
        .filter(run_contents::Column::RunId.eq(*run))
        .filter(run_contents::Column::Channel.eq(channel))
        .filter(run_contents::Column::Step.eq(step))
        .filter(run_contents::Column::Variant.eq(*variant))
        .one(&*cx.db)
        .await?;
    let said = fixed.as_ref().map(Said::of).unwrap_or_default();
    let version = match fixed {
        Some(fixed) => store::version(&*cx.db, fixed.template_version_id).await?,
        None => None,
    };
    let version = version.ok_or_else(|| LoadError::Content("What it says cannot be found.".into()))?;
    let version = said.version(version);
    // It compiled when the run started, but perhaps under an older Fairway.
    let problem = match tokio::task::spawn_blocking(move || compile(&version)).await {
        Ok(Ok(compiled)) => {
            let links = Registered::load(&*cx.db, *run, &compiled).await?;
            let content = Arc::new(Content {
                said,
                compiled,
                links,
                feed: editions::of(&*cx.db, *run).await?,
            });
            contents.keep(key, content.clone());
            return Ok(content);
        }
        Ok(Err(problems)) => problems.first().map(ToString::to_string).unwrap_or_default(),
        Err(_) => "The operator's log says more.".into(),
    };
    Err(LoadError::Content(format!(
        "Its template cannot be sent. {problem}"
    )))
}
