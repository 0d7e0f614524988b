//! What is to say about a campaign's posts: for each platform, and about the accounts.

use super::{Place, Report, State};
use crate::accounts::Club;
use crate::campaigns::channels::{Words, in_words};
use crate::campaigns::draft::Content;
use crate::campaigns::social::{self, draft, targets, written};
use crate::domain::{Channel, Platform};
use crate::entity::campaigns;
use crate::web::Result;
use sea_orm::ConnectionTrait;
use std::collections::BTreeMap;

const TITLE: &str = "Social";

pub(super) async fn posts(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    club: &Club,
    contents: &BTreeMap<Channel, Content>,
) -> Result<()> {
    if !social::posts(campaign.kind) {
        let text = format!(
            "A {} campaign follows on what one person did, and a post is for everybody: take Social out.",
            campaign.kind.label().to_lowercase()
        );
        report.add(State::Error, Place::Basics, "channels", TITLE, text);
        return Ok(());
    }
    let place = Place::Content;
    let Some(draft) = draft(contents) else {
        report.add(
            State::Error,
            place,
            "social.content",
            TITLE,
            "Write what is posted.",
        );
        return Ok(());
    };
    let platforms = social::platforms(&Words::of(campaign), &draft);
    if platforms.is_empty() {
        let text = "Choose the platforms to post on.";
        report.add(State::Error, place, "social.platforms", TITLE, text);
        return Ok(());
    }
    let mut fits = true;
    for &platform in &platforms {
        for problem in written(&draft, platform, club, campaign).1 {
            let field = match (problem.is_of_media, draft.overrides.contains_key(&platform)) {
                (true, _) => "social.mediaUrls".to_owned(),
                (false, true) => format!("social.overrides.{platform}"),
                (false, false) => "social.content".to_owned(),
            };
            let state = match problem.is_error {
                true => State::Error,
                false => State::Warn,
            };
            fits &= !problem.is_error;
            // The same is said once, however many platforms it is about.
            let is_said = report.checks.iter().any(|check| check.text == problem.text);
            if !is_said {
                report.add(state, place, field, TITLE, problem.text);
            }
        }
    }
    report.accounts = targets(db, &platforms).await?;
    if fits {
        let names: Vec<_> = platforms.iter().map(|platform| platform.label()).collect();
        let text = format!("One post on each of {}.", in_words(&names));
        let text = match names.len() {
            1 => format!("One post on {}.", in_words(&names)),
            _ => text,
        };
        report.add(State::Ok, place, "social.content", TITLE, text);
    }
    captured(report);
    Ok(())
}

/// Nobody is to believe that a post is out which only the mailbox here has.
fn captured(report: &mut Report) {
    let captured: Vec<&str> = report
        .accounts
        .iter()
        .filter(|target| target.is_captured())
        .map(|target| target.platform)
        .map(Platform::label)
        .collect();
    if captured.is_empty() {
        return;
    }
    let text = format!(
        "There is no account for {}: what would be posted is kept in the mailbox here, and nobody sees it.",
        in_words(&captured)
    );
    report.add(State::Warn, Place::Content, "social.platforms", "Accounts", text);
}
