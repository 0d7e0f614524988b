//! What good manners and experiments mean for a campaign, before it is scheduled.

use super::{Place, Report, State, zone};
use crate::accounts::Club;
use crate::audience::{reach, zones};
use crate::campaigns::channels::Words;
use crate::campaigns::draft::{self, Content};
use crate::campaigns::{feed, store, winner};
use crate::content::said::Said;
use crate::content::store as templates;
use crate::domain::experiment::{Metric, in_words, letter};
use crate::domain::manners::Plan;
use crate::domain::{CampaignType, Channel, Purpose, schedule};
use crate::entity::campaigns;
use crate::web::Result;
use crate::web::filters::{group, local};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ConnectionTrait;
use std::collections::BTreeMap;

/// By local time, spread, and what the quiet hours make of the time that was chosen.
pub(super) async fn pacing(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    club: &Club,
    now: DateTime<Utc>,
) -> Result<()> {
    if campaign.kind.is_open_ended() {
        one_by_one(report, campaign, club);
        return Ok(());
    }
    let home = zone(campaign);
    let at = campaign
        .scheduled_at
        .filter(|_| !campaign.send_now)
        .map(|at| at.0);
    if campaign.local_time {
        local_time(report, db, campaign, at, now).await?;
    }
    let spread = draft::pacing(campaign).spread();
    if spread > TimeDelta::zero() {
        let text = format!("Spread evenly over {}.", in_words(spread));
        report.add(State::Ok, Place::Schedule, "delivery.spreadOver", "Pace", text);
    }
    let begin = at.unwrap_or(now).max(now);
    let quiet = club.sending.quiet_until(Channel::Email, home, begin);
    if let Some(until) = quiet.filter(|_| campaign.purpose == Purpose::Marketing) {
        let day = begin.with_timezone(&home).date_naive();
        let why = match club.sending.holiday(day) {
            Some(holiday) if !holiday.name.is_empty() => holiday.name.clone(),
            Some(_) => "a holiday of the club".to_owned(),
            None => "within the quiet hours".to_owned(),
        };
        let text = format!(
            "The time is {why} in {}. People there get it from {} on.",
            home.name(),
            local(until, home)
        );
        report.add(State::Warn, Place::Schedule, "scheduledAt", "Quiet hours", text);
    } else if spread > TimeDelta::zero() && campaign.purpose == Purpose::Marketing {
        let plan = Plan::around(&club.sending, Channel::Email, home, begin, spread);
        if !plan.pauses.is_empty() {
            let text = format!(
                "It waits through the quiet hours; the last in {} get it about {}.",
                home.name(),
                local(plan.due(spread), home)
            );
            report.add(
                State::Ok,
                Place::Schedule,
                "delivery.spreadOver",
                "Quiet hours",
                text,
            );
        }
    }
    Ok(())
}

/// What good manners make of messages that go out one by one, whenever an event or a step says.
fn one_by_one(report: &mut Report, campaign: &campaigns::Model, club: &Club) {
    if campaign.purpose != Purpose::Marketing {
        return;
    }
    let channels = Words::of(campaign).personal();
    if channels.iter().any(|channel| club.sending.has_pauses(*channel)) {
        let text =
            "What falls into quiet hours or on a holiday, where the person is, waits until they are over.";
        let field = "scheduledAt";
        report.add(State::Ok, Place::Schedule, field, "Quiet hours", text);
    }
    let field = "delivery.ignoreFrequencyCap";
    for cap in channels.iter().filter_map(|channel| club.sending.cap(*channel)) {
        let text = match campaign.ignores_cap {
            true => format!(
                "It goes out also to those who had as much as the club sends: {}.",
                cap.words()
            ),
            false => format!("Whoever had as much is skipped: the club sends {}.", cap.words()),
        };
        report.add(State::Ok, Place::Schedule, field, "Frequency", text);
    }
}

async fn local_time(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    let (place, field, title) = (Place::Schedule, "delivery.localTime", "Local time");
    let Some(at) = at else {
        if campaign.kind == CampaignType::OneTime {
            let text = "Where each person is it is another time: choose the time, not “now”.";
            report.add(State::Error, place, field, title, text);
        }
        return Ok(());
    };
    let home = zone(campaign);
    let wall = at.with_timezone(&home).naive_local();
    let shown = wall.format("%H:%M");
    let zones = zones::all(db).await?;
    let is_past = |wall| {
        zones
            .iter()
            .any(|(_, zone)| schedule::resolve(wall, *zone).instant() < now)
    };
    let text = match campaign.kind {
        CampaignType::OneTime if is_past(wall) => {
            let text = format!(
                "At {shown} where each person is. In some zones that is past already; people there get it as soon as it starts."
            );
            report.add(State::Warn, place, field, title, text);
            return Ok(());
        }
        CampaignType::OneTime => {
            let first = zones::first(db, wall).await?.map_or(at, |first| first.min(at));
            format!(
                "At {shown} where each person is; the first get it {}.",
                local(first, home)
            )
        }
        _ => format!("At {shown} where each person is; whoever is further east gets it when it starts."),
    };
    report.add(State::Ok, place, field, title, text);
    Ok(())
}

/// How many would be skipped because they had as much as the club allows: an estimate, for others
/// may be sent to them until then.
pub(super) async fn cap(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    club: &Club,
    now: DateTime<Utc>,
) -> Result<()> {
    let at = campaign.scheduled_at.map_or(now, |at| at.0.max(now));
    let Some(cap) = club.sending.cap(Channel::Email).filter(|_| {
        campaign.purpose == Purpose::Marketing && !campaign.ignores_cap && !campaign.kind.is_open_ended()
    }) else {
        return Ok(());
    };
    let Some(segment) = store::segment(db, campaign.segment_id).await? else {
        return Ok(());
    };
    if report.reach.is_none() {
        return Ok(());
    }
    let capped = reach::capped(
        db,
        &segment,
        Channel::Email,
        campaign.topic_id,
        now,
        zone(campaign),
        cap,
        at,
    )
    .await?;
    let (state, text) = match capped {
        0 => return Ok(()),
        1 => (
            State::Warn,
            format!("About 1 person will be skipped: the club sends {}.", cap.words()),
        ),
        number => (
            State::Warn,
            format!(
                "About {} people will be skipped: the club sends {}.",
                group(number),
                cap.words()
            ),
        ),
    };
    report.add(
        state,
        Place::Schedule,
        "delivery.ignoreFrequencyCap",
        "Frequency",
        text,
    );
    Ok(())
}

/// Each variant as it will be sent, and whether there is anything to choose by.
pub(super) async fn experiment(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    contents: &BTreeMap<Channel, Content>,
) -> Result<()> {
    let (place, title) = (Place::Content, "Variants");
    let Some(experiment) = winner::experiment(campaign) else {
        return Ok(());
    };
    if campaign.kind.is_open_ended() {
        let text = "A campaign of this type tries nothing; what stands there is kept and not used.";
        report.add(State::Warn, place, "experiment", title, text);
        return Ok(());
    }
    if experiment.metric == Metric::Conversion && campaign.goal.is_none() {
        let text = "The winner is to have the most conversions, and the campaign has no goal. Name one, or choose by opens or clicks.";
        report.add(State::Error, Place::Schedule, "experiment.winner.by", title, text);
    }
    let usual = match contents.get(&Channel::Email) {
        Some(Content::Template(id)) => Some(*id),
        _ => None,
    };
    let mut vocabulary = templates::vocabulary(db).await?;
    if feed::of(campaign).is_none() {
        vocabulary = vocabulary.without_feed();
    }
    let mut is_fine = true;
    for (number, variant) in (1..).zip(&experiment.variants) {
        let version = match variant.template.or(usual) {
            Some(id) => templates::current_version(db, id).await?,
            None => None,
        };
        let Some(version) = version else {
            if variant.template.is_some() {
                let text = format!("Variant {} has no content.", letter(number));
                report.add(State::Error, place, "experiment.variants", title, text);
                is_fine = false;
            }
            continue;
        };
        let said = Said {
            subject: variant.subject.clone(),
            sender_name: None,
        };
        let version = said.version(version);
        let vocabulary = vocabulary.clone();
        let compiled = tokio::task::spawn_blocking(move || {
            crate::content::render::compile_with(&version, &vocabulary).err()
        });
        let problem = match compiled.await {
            Ok(None) => continue,
            Ok(Some(problems)) => problems.first().map(ToString::to_string).unwrap_or_default(),
            Err(_) => "The template cannot be read.".to_owned(),
        };
        is_fine = false;
        let text = format!("Variant {} cannot be sent. {problem}", letter(number));
        report.add(State::Error, place, "experiment.variants", title, text);
    }
    let people = report.people() * i64::from(experiment.share) / 100;
    let each = people / i64::try_from(experiment.variants.len()).unwrap_or(1);
    if is_fine && report.reach.is_some() && each < 100 {
        let text = format!(
            "{}. About {} people get each variant: only a great difference will show.",
            experiment.words(),
            group(each)
        );
        report.add(State::Warn, place, "experiment.share", title, text);
    } else if is_fine {
        report.add(
            State::Ok,
            place,
            "experiment",
            title,
            format!("{}.", experiment.words()),
        );
    }
    Ok(())
}
