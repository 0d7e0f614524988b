//! The demo club's campaigns: what was sent in the last months, and what waits to be.

use super::history::{self, Rows, Told};
use super::people::Known;
use super::recurring::Newsletter;
use super::{club, experiment};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::content::commands as templates;
use crate::content::draft::NewTemplate;
use crate::content::starters::STARTERS;
use crate::content::{compile, store};
use crate::db::Tx;
use crate::domain::{
    BodyKind, CampaignType, Channel, ConsentStatus, DeliveryState, InDoubt, Purpose, RunState, Status,
};
use crate::entity::{campaign_contents, campaigns, links, run_contents, runs};
use crate::web::Result;
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The people of a segment, as the history takes them.
pub(super) type Audience = fn(&Known) -> bool;

/// A campaign that ran.
struct Past {
    name: &'static str,
    template: &'static str,
    hours_ago: i64,
    segment: i64,
    audience: Audience,
    topic: Option<i64>,
    purpose: Purpose,
    status: Status,
    appeal: f64,
    sent_up_to: Option<i64>,
    rest: DeliveryState,
    has_goal: bool,
    /// Whether two subjects were tried on a part first.
    is_tried: bool,
}

const ACTIVE: Audience = |person| person.is_active && person.has_handicap;
pub(super) const MEMBERS: Audience = |person| person.is_member;

/// Everything that ran to its end, unless it says otherwise.
const PAST: Past = Past {
    name: "",
    template: "announcement-email",
    hours_ago: 0,
    segment: club::ALL_MEMBERS,
    audience: MEMBERS,
    topic: Some(club::NEWSLETTER),
    purpose: Purpose::Marketing,
    status: Status::Completed,
    appeal: 1.0,
    sent_up_to: None,
    rest: DeliveryState::Cancelled,
    has_goal: false,
    is_tried: false,
};

/// Oldest first, so that an opt-out after one is respected by the next.
const HISTORY: &[Past] = &[
    Past {
        name: "Captain’s Day: entries are open",
        template: "tournament-invite-email",
        hours_ago: 62 * 24 + 3,
        segment: club::ACTIVE_GOLFERS,
        audience: ACTIVE,
        topic: Some(club::TOURNAMENTS),
        appeal: 1.15,
        has_goal: true,
        ..PAST
    },
    Past {
        name: "Newsletter, October",
        template: "weekly-newsletter-email",
        hours_ago: 41 * 24 + 5,
        ..PAST
    },
    Past {
        name: "Hollow-tining: temporary greens this week",
        hours_ago: 27 * 24 + 2,
        topic: None,
        purpose: Purpose::Transactional,
        appeal: 1.3,
        ..PAST
    },
    Past {
        name: "Pro-shop clearance",
        hours_ago: 19 * 24 + 6,
        topic: Some(club::OFFERS),
        appeal: 0.7,
        status: Status::Cancelled,
        sent_up_to: Some(640),
        ..PAST
    },
    Past {
        name: "Newsletter, November",
        template: "weekly-newsletter-email",
        hours_ago: 11 * 24 + 5,
        ..PAST
    },
    Past {
        name: "From the pro’s desk: winter coaching",
        template: "weekly-newsletter-email",
        hours_ago: 6 * 24 + 4,
        topic: Some(club::OFFERS),
        is_tried: true,
        ..PAST
    },
    Past {
        name: "Twilight league: last places",
        template: "tournament-invite-email",
        hours_ago: 30,
        segment: club::ACTIVE_GOLFERS,
        audience: ACTIVE,
        topic: Some(club::TOURNAMENTS),
        appeal: 0.9,
        has_goal: true,
        ..PAST
    },
    Past {
        name: "Members’ dinner: reserve your table",
        hours_ago: 3,
        topic: Some(club::NEWSLETTER),
        appeal: 0.8,
        status: Status::Paused,
        sent_up_to: Some(900),
        rest: DeliveryState::Queued,
        ..PAST
    },
];

/// A campaign that waits.
struct Coming {
    name: &'static str,
    kind: CampaignType,
    template: &'static str,
    segment: Option<i64>,
    topic: Option<i64>,
    purpose: Purpose,
    /// In how many days; `None` is a draft.
    in_days: Option<i64>,
    send_now: bool,
}

const COMING: &[Coming] = &[
    Coming {
        name: "Summer Tournament",
        kind: CampaignType::OneTime,
        template: "tournament-invite-email",
        segment: Some(club::ACTIVE_GOLFERS),
        topic: Some(club::TOURNAMENTS),
        purpose: Purpose::Marketing,
        in_days: None,
        send_now: true,
    },
    Coming {
        name: "Year-end greetings",
        kind: CampaignType::OneTime,
        template: "announcement-email",
        segment: Some(club::ALL_MEMBERS),
        topic: Some(club::NEWSLETTER),
        purpose: Purpose::Marketing,
        in_days: Some(16),
        send_now: false,
    },
    Coming {
        name: "Booking confirmation",
        kind: CampaignType::Triggered,
        template: "booking-confirmation-email",
        segment: Some(club::ALL_MEMBERS),
        topic: None,
        purpose: Purpose::Transactional,
        in_days: None,
        send_now: false,
    },
];

/// The templates' ids and versions by key.
pub(super) type Templates = BTreeMap<&'static str, (i64, i64)>;

/// Loads templates, history and what is to come. Answers the rows of the ledger and who opted out.
pub async fn load(tx: &Tx, rng: &mut StdRng, people: &mut [Known], now: DateTime<Utc>) -> Result<Rows> {
    let templates = keep_templates(tx, now - TimeDelta::days(70)).await?;
    let mut rows = Rows::default();
    let mut first_link = 1;
    for (past, id) in HISTORY.iter().zip(1..) {
        let links = begin(tx, past, id, &templates, first_link, now).await?;
        let audience: Vec<&Known> = people.iter().filter(|person| (past.audience)(person)).collect();
        let before = rows.left.len();
        let told = |variant, appeal, later| Told {
            run: id,
            campaign: id,
            variant,
            purpose: past.purpose,
            started: now - TimeDelta::hours(past.hours_ago) + later,
            links: &links,
            appeal,
            sent_up_to: past.sent_up_to,
            rest: past.rest,
            has_goal: past.has_goal,
        };
        match past.is_tried {
            false => rows.tell(rng, &told(0, past.appeal, TimeDelta::zero()), &audience, now),
            true => {
                for part in experiment::parts() {
                    let is_in = |person: &&&Known| experiment::split(id).variant(person.id) == part.variant;
                    let people: Vec<&Known> = audience.iter().filter(is_in).copied().collect();
                    rows.tell(rng, &told(part.variant, part.appeal, part.later), &people, now);
                }
                experiment::decide(tx, id, &rows, now - TimeDelta::hours(past.hours_ago)).await?;
            }
        }
        let left: Vec<i64> = rows.left[before..].iter().map(|(id, _)| *id).collect();
        for person in people.iter_mut().filter(|person| left.contains(&person.id)) {
            person.email_consent = ConsentStatus::Unsubscribed;
        }
        first_link += i64::try_from(links.len()).unwrap_or_default();
    }
    for (coming, id) in COMING.iter().zip(HISTORY.len() as i64 + 1..) {
        plan(tx, coming, id, &templates, now).await?;
    }
    let newsletter = Newsletter {
        id: (HISTORY.len() + COMING.len()) as i64 + 1,
        templates: &templates,
        first_link,
        now,
    };
    newsletter.load(tx, rng, people, &mut rows).await?;
    Ok(rows)
}

async fn keep_templates(tx: &Tx, at: DateTime<Utc>) -> Result<Templates> {
    let mut kept = Templates::new();
    let invite = NewTemplate {
        channel: Channel::Sms,
        name: "Tournament invitation, short".into(),
        subject: String::new(),
        preheader: String::new(),
        kind: BodyKind::Text,
        body: "{{ contact.first_name | default(\"Golfer\") }}, entries for the Summer Tournament at {{ club.name }} are \
               open: https://www.greenside.example/tournament/enter"
            .into(),
        text: None,
    };
    let designed = STARTERS.iter().map(|starter| (starter.key, starter.draft()));
    for (key, draft) in designed.chain([("tournament-invite-sms", invite)]) {
        let template = templates::create(tx, key, draft, &Actor::fairway(), at).await?;
        kept.insert(key, (template.id, template.version_id.unwrap_or_default()));
    }
    Ok(kept)
}

/// Who made the demo's campaigns.
pub(super) fn staff() -> Actor {
    Actor {
        user_id: None,
        name: "Demo".into(),
    }
}

pub(super) fn campaign(id: i64, name: &str, kind: CampaignType, at: DateTime<Utc>) -> campaigns::ActiveModel {
    campaigns::ActiveModel {
        id: Set(id),
        name: Set(name.to_owned()),
        kind: Set(kind),
        channels: Set(json!([Channel::Email])),
        timezone: Set(club::ZONE.name().to_owned()),
        send_now: Set(false),
        in_doubt: Set(InDoubt::Retry),
        revision: Set(1),
        created_at: Set(at.into()),
        updated_at: Set(at.into()),
        ..Default::default()
    }
}

/// The campaign, its run and its links; answers the links' ids.
async fn begin(
    tx: &Tx,
    past: &Past,
    id: i64,
    templates: &Templates,
    first_link: i64,
    now: DateTime<Utc>,
) -> Result<Vec<i64>> {
    let started = now - TimeDelta::hours(past.hours_ago);
    let written = started - TimeDelta::hours(26);
    let is_paused = past.status == Status::Paused;
    let lasted = match past.is_tried {
        true => TimeDelta::minutes(4 * 60 + 3),
        false => TimeDelta::minutes(4),
    };
    let ended = (!is_paused).then(|| started + lasted);
    let goal = json!({"event": "tournament.entered", "window": "P7D", "value": "fee"});
    campaigns::Entity::insert(campaigns::ActiveModel {
        status: Set(past.status),
        purpose: Set(past.purpose),
        topic_id: Set(past.topic),
        segment_id: Set(Some(past.segment)),
        scheduled_at: Set(Some(started.into())),
        goal: Set(past.has_goal.then_some(goal)),
        experiment: Set(past.is_tried.then(experiment::to_json)),
        started_at: Set(Some(started.into())),
        finished_at: Set(ended.map(Into::into)),
        updated_at: Set(ended.unwrap_or(started).into()),
        revision: Set(6),
        ..campaign(id, past.name, CampaignType::OneTime, written)
    })
    .exec_without_returning(&**tx)
    .await?;
    let (template, version) = templates.get(past.template).copied().unwrap_or_default();
    content(tx, id, Channel::Email, Some(template), json!({})).await?;
    runs::Entity::insert(runs::ActiveModel {
        id: Set(id),
        campaign_id: Set(id),
        number: Set(1),
        state: Set(match past.status {
            Status::Paused => RunState::Sending,
            Status::Cancelled => RunState::Cancelled,
            _ => RunState::Finished,
        }),
        scheduled_for: Set(started.into()),
        cursor: Set(super::people::HOW_MANY),
        started_at: Set(started.into()),
        expanded_at: Set(Some(started.into())),
        finished_at: Set(ended.map(Into::into)),
        waiting: Set(None),
        ..Default::default()
    })
    .exec_without_returning(&**tx)
    .await?;
    run_contents::Entity::insert(run_contents::ActiveModel {
        run_id: Set(id),
        channel: Set(Channel::Email),
        step: Set(String::new()),
        variant: Set(0),
        template_version_id: Set(version),
        said: Set(None),
    })
    .exec_without_returning(&**tx)
    .await?;
    if past.is_tried {
        experiment::keep(tx, id, version).await?;
    }
    trail(tx, past, id, written, started).await?;
    keep_links(tx, id, version, first_link).await
}

pub(super) async fn keep_links(tx: &Tx, run: i64, version: i64, first: i64) -> Result<Vec<i64>> {
    let version = store::version(&**tx, version)
        .await?
        .ok_or_else(|| anyhow::anyhow!("a demo template has no version"))?;
    let compiled = compile(&version)
        .map_err(|problems| anyhow::anyhow!("a demo template cannot be sent: {problems:?}"))?;
    let mut distinct: Vec<(&String, &String)> = Vec::new();
    for (url, label) in compiled.links().iter().zip(compiled.labels()) {
        if !distinct.iter().any(|(known, _)| *known == url) {
            distinct.push((url, label));
        }
    }
    let ids: Vec<i64> = (first..).take(distinct.len()).collect();
    if !ids.is_empty() {
        let rows = ids
            .iter()
            .zip(&distinct)
            .map(|(id, (url, label))| history::link(*id, run, url, label));
        links::Entity::insert_many(rows)
            .exec_without_returning(&**tx)
            .await?;
    }
    Ok(ids)
}

/// What was done to the campaign, as its page tells it.
async fn trail(tx: &Tx, past: &Past, id: i64, written: DateTime<Utc>, started: DateTime<Utc>) -> Result<()> {
    let staff = staff();
    let fairway = Actor::fairway();
    let step = |from: Status, to: Status| json!({"from": from, "to": to});
    let mut steps: Vec<(DateTime<Utc>, &Actor, &str, Value)> = vec![
        (written, &staff, "created", json!({})),
        (
            started - TimeDelta::hours(20),
            &staff,
            "scheduled",
            step(Status::Draft, Status::Scheduled),
        ),
        (
            started,
            &fairway,
            "started",
            step(Status::Scheduled, Status::Active),
        ),
    ];
    let end = started + TimeDelta::minutes(4);
    match past.status {
        Status::Completed => steps.push((
            end,
            &fairway,
            "completed",
            step(Status::Active, Status::Completed),
        )),
        _ => steps.push((end, &staff, "paused", step(Status::Active, Status::Paused))),
    }
    if past.status == Status::Cancelled {
        steps.push((end, &staff, "cancelled", step(Status::Paused, Status::Cancelled)));
    }
    for (at, actor, action, detail) in steps {
        audit::record(tx, at, actor, action, Subject("campaign", Some(id)), detail).await?;
    }
    Ok(())
}

async fn plan(tx: &Tx, coming: &Coming, id: i64, templates: &Templates, now: DateTime<Utc>) -> Result<()> {
    let at = coming.in_days.map(|days| next_morning(now, days));
    campaigns::Entity::insert(campaigns::ActiveModel {
        status: Set(if at.is_some() {
            Status::Scheduled
        } else {
            Status::Draft
        }),
        purpose: Set(coming.purpose),
        topic_id: Set(coming.topic),
        segment_id: Set(coming.segment),
        send_now: Set(coming.send_now),
        scheduled_at: Set(at.map(Into::into)),
        goal: Set((coming.topic == Some(club::TOURNAMENTS))
            .then(|| json!({"event": "tournament.entered", "window": "P7D", "value": "fee"}))),
        trigger: Set((coming.kind == CampaignType::Triggered).then(|| {
            json!({
                "event": "booking.confirmed",
                "cancelOn": {"event": "booking.cancelled", "match": ["booking_id"]},
                "repeat": "EVERY_EVENT",
            })
        })),
        ..campaign(id, coming.name, coming.kind, now - TimeDelta::hours(5))
    })
    .exec_without_returning(&**tx)
    .await?;
    let template = templates.get(coming.template).map(|(id, _)| *id);
    content(tx, id, Channel::Email, template, json!({})).await?;
    let staff = staff();
    let made = now - TimeDelta::hours(5);
    audit::record(
        tx,
        made,
        &staff,
        "created",
        Subject("campaign", Some(id)),
        json!({}),
    )
    .await?;
    Ok(())
}

/// 09:00 in the club's zone, some days on. Johannesburg has no daylight saving, so there is one.
fn next_morning(now: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    let day = (now.with_timezone(&club::ZONE) + TimeDelta::days(days)).date_naive();
    day.and_hms_opt(9, 0, 0)
        .and_then(|morning| morning.and_local_timezone(club::ZONE).earliest())
        .map_or(now, |morning| morning.to_utc())
}

pub(super) async fn content(
    tx: &Tx,
    campaign: i64,
    channel: Channel,
    template: Option<i64>,
    body: Value,
) -> Result<()> {
    campaign_contents::Entity::insert(campaign_contents::ActiveModel {
        campaign_id: Set(campaign),
        channel: Set(channel),
        template_id: Set(template),
        body: Set(body),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}
