//! What a campaign posts, where, and under which of the club's accounts.

use super::channels::{Word, Words};
use super::draft::Content;
use crate::accounts::Club;
use crate::content::render::render_post;
use crate::domain::social::{self, Draft, Problem};
use crate::domain::{CampaignType, Channel, Platform};
use crate::entity::campaigns;
use crate::providers::kinds;
use crate::providers::store as providers;
use sea_orm::{ConnectionTrait, DbErr};
use std::collections::BTreeMap;

/// One account that a campaign posts under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub platform: Platform,
    /// The account's key; empty where the platform has none and what it would post is captured.
    pub account: String,
    /// What staff know it by.
    pub name: String,
}

impl Target {
    /// What sets its row apart in a run.
    pub fn instance(&self) -> &str {
        match self.account.as_str() {
            "" => self.platform.as_str(),
            account => account,
        }
    }

    pub fn is_captured(&self) -> bool {
        self.account.is_empty()
    }
}

/// Whether campaigns of a type post at all: what follows on one person's doing is no post.
pub const fn posts(kind: CampaignType) -> bool {
    !kind.is_open_ended()
}

/// Whether a campaign posts and writes to nobody.
pub fn only_posts(campaign: &campaigns::Model) -> bool {
    let words = Words::of(campaign);
    words.has(&Channel::Social) && words.personal().is_empty()
}

/// What a campaign says on social platforms, of its contents.
pub fn draft(contents: &BTreeMap<Channel, Content>) -> Option<Draft> {
    match contents.get(&Channel::Social) {
        Some(Content::Inline(body)) => Some(Draft::of(body)),
        _ => None,
    }
}

/// Where it goes: what its content says, else the platforms among its channels.
pub fn platforms(words: &Words, draft: &Draft) -> Vec<Platform> {
    if !draft.platforms.is_empty() {
        return draft.platforms.clone();
    }
    words
        .iter()
        .filter_map(|word| match word {
            Word::Platform(platform) => Some(platform),
            Word::Channel(_) => None,
        })
        .collect()
}

/// The accounts of these platforms; a platform without one is captured.
pub async fn targets(db: &impl ConnectionTrait, platforms: &[Platform]) -> Result<Vec<Target>, DbErr> {
    let accounts = accounts(db).await?;
    let mut targets = Vec::new();
    for &platform in platforms {
        let of_platform: Vec<_> = accounts
            .iter()
            .filter(|target| target.platform == platform)
            .cloned()
            .collect();
        match of_platform.is_empty() {
            true => targets.push(Target {
                platform,
                account: String::new(),
                name: platform.label().to_owned(),
            }),
            false => targets.extend(of_platform),
        }
    }
    Ok(targets)
}

/// The club's accounts that are in use.
pub async fn accounts(db: &impl ConnectionTrait) -> Result<Vec<Target>, DbErr> {
    let rows = providers::active(db, Channel::Social).await?;
    let accounts = rows.into_iter().filter_map(|row| {
        Some(Target {
            platform: kinds::social::platform(&row.kind)?,
            account: row.key,
            name: row.name,
        })
    });
    Ok(accounts.collect())
}

/// A platform's text with the club's values, and everything that is to say about it.
pub fn written(
    draft: &Draft,
    platform: Platform,
    club: &Club,
    campaign: &campaigns::Model,
) -> (String, Vec<Problem>) {
    match render_post(draft.text(platform), club, &campaign.name) {
        Ok(text) => {
            let problems = social::check(platform, &text, &draft.media);
            (text, problems)
        }
        Err(sentence) => {
            let problem = Problem {
                platform,
                is_error: true,
                is_of_media: false,
                text: sentence,
            };
            (draft.text(platform).to_owned(), vec![problem])
        }
    }
}
