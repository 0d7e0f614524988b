//! The checks one by one, each with its sentence.

use super::{Place, Report, State, zone};
use crate::accounts::Club;
use crate::audience::reach::{self, Reach};
use crate::audience::segments;
use crate::campaigns::channels::{self, Words};
use crate::campaigns::draft::Content;
use crate::campaigns::{feed, social, store};
use crate::content::render::{Problem as TemplateProblem, compile_with, mentions_feed};
use crate::content::store as templates;
use crate::domain::{CampaignType, Channel, Purpose, schedule};
use crate::entity::campaigns;
use crate::providers::store as providers;
use crate::web::Result;
use crate::web::filters::{group, local};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

pub(super) fn basics(report: &mut Report, campaign: &campaigns::Model, words: &Words) {
    if !campaign.kind.is_ready() {
        let text = format!(
            "{} campaigns cannot be scheduled in this release. The draft is kept until they come.",
            campaign.kind.label()
        );
        report.add(State::Error, Place::Basics, "type", "Type", text);
    }
    let ready: Vec<_> = words.ready().into_iter().map(channels::spoken).collect();
    let waiting: Vec<_> = words.waiting().into_iter().map(channels::Word::label).collect();
    let waiting = channels::in_words(&waiting);
    match (ready.is_empty(), waiting.is_empty()) {
        (true, true) => report.add(
            State::Error,
            Place::Basics,
            "channels",
            "Channel",
            "Choose a channel to send on.",
        ),
        (true, false) => report.add(
            State::Error,
            Place::Basics,
            "channels",
            "Channel",
            format!(
                "{waiting} cannot be sent in this release. Add e-mail, or keep the draft until they come."
            ),
        ),
        (false, false) => report.add(
            State::Warn,
            Place::Basics,
            "channels",
            "Channel",
            format!(
                "Goes out by {}. What it says on {waiting} is kept and not sent in this release.",
                channels::in_words(&ready)
            ),
        ),
        (false, true) => report.add(
            State::Ok,
            Place::Basics,
            "channels",
            "Channel",
            format!("Goes out by {}.", channels::in_words(&ready)),
        ),
    }
}

pub(super) async fn audience(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    words: &Words,
    now: DateTime<Utc>,
) -> Result<()> {
    let (place, field, title) = (Place::Audience, "segmentId", "Audience");
    if campaign.kind == CampaignType::Triggered {
        return super::triggered::audience(report, db, campaign).await;
    }
    if social::only_posts(campaign) {
        let text = "Whoever follows the club’s accounts sees its posts.";
        report.add(State::Ok, place, field, title, text);
        return Ok(());
    }
    let Some(segment) = store::segment(db, campaign.segment_id).await? else {
        report.add(
            State::Error,
            place,
            field,
            title,
            "Choose the segment it goes to.",
        );
        return Ok(());
    };
    let name = &segment.name;
    if let Some(fault) = segments::fault_of(&segment) {
        report.add(State::Error, place, field, title, fault.to_string());
        return Ok(());
    }
    let mut asked = words.personal();
    if asked.is_empty() {
        asked.push(Channel::Email);
    }
    let reach = reach::of(
        db,
        &segment,
        &asked,
        campaign.purpose,
        campaign.topic_id,
        now,
        zone(campaign),
    )
    .await?;
    let (total, people) = (reach.total, asked.iter().map(|c| reach.on(*c)).max().unwrap_or(0));
    match (total, people) {
        (0, _) => report.add(
            State::Error,
            place,
            field,
            title,
            format!("Nobody is in the segment “{name}”."),
        ),
        (_, 0) => report.add(
            State::Error,
            place,
            field,
            title,
            format!(
                "None of the {} people in “{name}” can be reached: {}.",
                group(total),
                skipped_in_words(&reach)
            ),
        ),
        _ => report.add(
            if segment.archived_at.is_some() {
                State::Warn
            } else {
                State::Ok
            },
            place,
            field,
            title,
            format!(
                "{} of {} people in “{name}” can be reached.{}",
                group(people),
                group(total),
                if segment.archived_at.is_some() {
                    " The segment is archived."
                } else {
                    ""
                }
            ),
        ),
    }
    report.reach = Some(reach);
    Ok(())
}

fn skipped_in_words(reach: &Reach) -> String {
    let reasons: Vec<_> = reach
        .channels
        .iter()
        .flat_map(|on| &on.skipped)
        .map(|(reason, number)| format!("{} {}", group(*number), reason.label().to_lowercase()))
        .collect();
    reasons.join(", ")
}

pub(super) async fn content(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    channel: Channel,
    content: Option<&Content>,
) -> Result<()> {
    let (place, field) = (Place::Content, channels::template_field(channel));
    let title = match channel {
        Channel::Email => "Content",
        channel => channel.label(),
    };
    let template = match content {
        Some(Content::Template(id)) => Some(*id),
        _ => None,
    };
    let version = match template {
        Some(id) => templates::current_version(db, id).await?,
        None => None,
    };
    let Some(version) = version else {
        let text = match template {
            Some(_) => "The template is empty: write it first.".to_owned(),
            None => format!(
                "Choose what it says: a template for {}.",
                channels::spoken(channel)
            ),
        };
        report.add(State::Error, place, field, title, text);
        return Ok(());
    };
    let mut vocabulary = templates::vocabulary(db).await?;
    if !campaign.kind.is_open_ended() {
        vocabulary = vocabulary.without_events();
    }
    let source = feed::of(campaign);
    if source.is_none() {
        vocabulary = vocabulary.without_feed();
    }
    let shows_feed = mentions_feed(&version);
    let may_be_empty = shows_feed && source.as_ref().is_some_and(|source| !source.skip_when_empty);
    let subject = version.subject.clone();
    let compiled = tokio::task::spawn_blocking(move || {
        let compiled = compile_with(&version, &vocabulary)?;
        match may_be_empty {
            true => compiled.check_without_items(&version).map(|()| compiled),
            false => Ok(compiled),
        }
    })
    .await;
    match compiled {
        Ok(Ok(compiled)) => {
            let text = match channel {
                Channel::Sms => "There is a text to send.".to_owned(),
                _ => format!("“{subject}”"),
            };
            report.add(State::Ok, place, field, title, text);
            let text = match (compiled.has_own_unsubscribe(), channel) {
                (true, _) => "The template has its own unsubscribe link.",
                (false, Channel::Sms) => "A line with the unsubscribe link is added at the end.",
                (false, _) => "The club’s footer brings the unsubscribe link.",
            };
            report.add(State::Ok, place, field, "Unsubscribe link", text);
            if source.is_some() && !shows_feed {
                let text = "The template shows nothing of the feed. Write {% for item in feed.items %} where its items are to stand.";
                report.add(State::Warn, place, field, "Feed", text);
            }
        }
        Ok(Err(problems)) => {
            for problem in problems.iter().take(MOST_TEMPLATE_PROBLEMS) {
                report.add(State::Error, place, field, title, in_words(problem));
            }
        }
        // A library that panics on a template is that template's trouble, and the log has it.
        Err(_) => report.add(
            State::Error,
            place,
            field,
            title,
            "The template cannot be read. Open it, make it simpler, and save it again.",
        ),
    }
    Ok(())
}

/// Texts stay here until a provider carries them, and nobody is to believe otherwise.
pub(super) async fn carrier(report: &mut Report, db: &impl ConnectionTrait) -> Result<()> {
    let (place, field, title) = (Place::Basics, "channels", "Text messages");
    match providers::active(db, Channel::Sms).await?.first() {
        Some(provider) => report.add(
            State::Ok,
            place,
            field,
            title,
            format!("Go by “{}”.", provider.name),
        ),
        None => report.add(
            State::Warn,
            place,
            field,
            title,
            "No provider of text messages is active: texts are kept in the mailbox here and reach nobody. An \
             administrator sets one up under Settings, Channels.",
        ),
    }
    Ok(())
}

/// More of them help nobody.
const MOST_TEMPLATE_PROBLEMS: usize = 10;

fn in_words(problem: &TemplateProblem) -> String {
    format!("The template cannot be sent. {problem}")
}

pub(super) fn sender(report: &mut Report, campaign: &campaigns::Model, club: &Club) {
    let own = campaign.sender_email.as_deref().filter(|email| !email.is_empty());
    match own.or_else(|| Some(club.sender.email.as_str()).filter(|email| !email.is_empty())) {
        Some(email) => report.add(
            State::Ok,
            Place::Content,
            "sender.email",
            "Sender",
            format!("Comes from {email}."),
        ),
        None => report.add(
            State::Error,
            Place::Content,
            "sender.email",
            "Sender",
            "Nobody to send as: give the campaign a sender, or ask an administrator to set the club’s.",
        ),
    }
    if campaign.purpose != Purpose::Marketing {
        return;
    }
    let (place, field, title) = (Place::Settings, "postalAddress", "Postal address");
    match club.postal_address.trim().is_empty() {
        true => report.add(
            State::Error,
            place,
            field,
            title,
            "The club’s settings have no postal address, which the law wants in every marketing mail.",
        ),
        false => report.add(State::Ok, place, field, title, "In the footer of every mail."),
    }
}

pub(super) fn time(report: &mut Report, campaign: &campaigns::Model, now: DateTime<Utc>) {
    if campaign.kind == CampaignType::Recurring {
        return super::repetition::check(report, campaign, now);
    }
    let (place, field, title) = (Place::Schedule, "scheduledAt", "Time");
    let zone = zone(campaign);
    if campaign.kind == CampaignType::Triggered && (campaign.send_now || campaign.scheduled_at.is_none()) {
        let text = "Listens from the moment you confirm it, until you finish it.";
        return report.add(State::Ok, place, field, title, text);
    }
    match (campaign.send_now, campaign.scheduled_at) {
        (true, _) => report.add(State::Ok, place, field, title, "Starts as soon as you confirm."),
        (false, None) => report.add(State::Error, place, field, title, "Choose when it is sent."),
        (false, Some(at)) => match schedule::refusal(at.0, now, zone) {
            Some(refusal) => report.add(State::Error, place, field, title, refusal),
            None => report.add(State::Ok, place, field, title, format!("{}.", local(at.0, zone))),
        },
    }
}
