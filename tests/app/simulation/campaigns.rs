//! What the club plans: campaigns of all four types, made by the product's own commands.

use super::club::Club;

use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, Utc, Weekday};
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::campaigns::draft::Changes;
use fairway::domain::journey::Journey;
use fairway::domain::manners::Pacing;
use fairway::domain::recurrence::Recurrence;
use fairway::domain::{CampaignType, InDoubt, Purpose};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// When and to whom it sends.
#[derive(Clone, Debug)]
pub enum What {
    OneTime {
        at: DateTime<Utc>,
        is_local: bool,
    },
    Recurring {
        occurrences: BTreeSet<DateTime<Utc>>,
        grace: TimeDelta,
    },
    Triggered(Trigger),
    /// Who joins the segment, or for whom `member.joined` is reported.
    Journey {
        is_by_event: bool,
    },
}

/// What sets off a message, of the events with a `course` or of orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A booking of this course by two or more: at once.
    Confirmation { course: i64 },
    /// A booking of this course: a day before; called off with the booking.
    Reminder { course: i64 },
    /// An order by somebody of the segment: half an hour later.
    Thanks,
    /// The first order.
    First,
}

/// A campaign as it is known here.
pub struct Planned {
    pub id: i64,
    pub what: What,
    pub purpose: Purpose,
    pub segment: Option<usize>,
    pub ignores_cap: bool,
    pub in_doubt: InDoubt,
    /// At which step it is scheduled.
    pub scheduled_in: i64,
    pub scheduled: Option<DateTime<Utc>>,
    pub paused: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    pub cancelled: Option<DateTime<Utc>>,
}

impl Planned {
    pub fn is_paused(&self, at: DateTime<Utc>) -> bool {
        let holds =
            |(from, to): &(DateTime<Utc>, Option<DateTime<Utc>>)| *from <= at && to.is_none_or(|to| at < to);
        self.paused.iter().any(holds)
    }

    pub fn is_cancelled(&self, at: DateTime<Utc>) -> bool {
        self.cancelled.is_some_and(|cancelled| cancelled <= at)
    }

    pub fn is_marketing(&self) -> bool {
        self.purpose == Purpose::Marketing
    }
}

/// The campaign of a number, as a draft.
pub async fn plan(club: &mut Club, number: usize) -> Planned {
    let nth = i64::try_from(number / 10).unwrap();
    let (what, mut changes) = match number % 10 {
        0..=4 => one_time(club, number),
        5 | 6 => recurring(club, number),
        7 | 8 => triggered(club, number),
        _ => journey(club, nth).await,
    };
    let kind = match what {
        What::OneTime { .. } => CampaignType::OneTime,
        What::Recurring { .. } => CampaignType::Recurring,
        What::Triggered(_) => CampaignType::Triggered,
        What::Journey { .. } => CampaignType::Journey,
    };
    let needs_segment = !matches!(
        what,
        What::Triggered(Trigger::Confirmation { .. } | Trigger::Reminder { .. } | Trigger::First)
            | What::Journey { is_by_event: true }
    );
    // Everyone now and then, the members, else a list.
    let segment = needs_segment.then(|| match number % 25 {
        0 => 0,
        3 | 9 => 1,
        _ => 2 + club.dice.below(club.segments.len() - 2),
    });
    let purpose = match &what {
        What::Triggered(Trigger::Reminder { .. } | Trigger::First) => Purpose::Transactional,
        What::Triggered(Trigger::Confirmation { course }) if course % 2 == 0 => Purpose::Transactional,
        What::OneTime { .. } if number % 20 == 4 => Purpose::Transactional,
        _ => Purpose::Marketing,
    };
    let in_doubt = match number % 4 {
        1 => InDoubt::Leave,
        _ => InDoubt::Retry,
    };
    changes.purpose = Some(purpose);
    changes.in_doubt = Some(in_doubt);
    let ignores_cap = changes.pacing.is_some_and(|pacing| pacing.ignores_cap);
    let template = club
        .app
        .template(
            "From the club",
            "<p>Dear {{ contact.first_name }}, play well.</p>",
        )
        .await;
    let mut draft = club.app.draft().name(&format!("Campaign {number}")).kind(kind);
    if !matches!(what, What::Journey { .. }) {
        draft = draft.template(template);
    }
    draft = match &what {
        What::OneTime { at, .. } => draft.at(*at),
        What::Recurring { .. } => draft,
        _ => draft.now(),
    };
    if let Some(segment) = segment {
        draft = draft.segment(club.segments[segment].id);
    }
    let draft = draft.create().await;
    commands::edit(&club.app.cx, draft.id, None, &changes, &Actor::fairway())
        .await
        .unwrap();
    let scheduled_in = match what {
        // Everything by the first evening, so that what is due is not past.
        What::OneTime { .. } | What::Recurring { .. } => i64::try_from(club.dice.below(4)).unwrap(),
        _ => i64::try_from(club.dice.below(30)).unwrap(),
    };
    Planned {
        id: draft.id,
        what,
        purpose,
        segment,
        ignores_cap,
        in_doubt,
        scheduled_in,
        scheduled: None,
        paused: Vec::new(),
        cancelled: None,
    }
}

fn one_time(club: &mut Club, number: usize) -> (What, Changes) {
    // From Tuesday on, at any minute of the week that is left.
    let minutes = i64::try_from(club.dice.below(5 * 24 * 60)).unwrap();
    let at = super::at("2026-03-03T09:00:00Z") + TimeDelta::minutes(minutes);
    let is_local = number % 10 == 2;
    let pacing = Pacing {
        local_time: is_local,
        spread_minutes: if number % 10 == 3 { 240 } else { 0 },
        ignores_cap: number % 20 == 1,
    };
    let changes = Changes {
        pacing: Some(pacing),
        ..Changes::default()
    };
    (What::OneTime { at, is_local }, changes)
}

fn recurring(club: &mut Club, number: usize) -> (What, Changes) {
    let minutes = u32::try_from(club.dice.below(24 * 60)).unwrap();
    let time = NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0).unwrap();
    let is_daily = number % 20 < 10 && number % 10 == 5;
    let (rule, days) = match is_daily {
        true => ("FREQ=DAILY", &[][..]),
        false => ("FREQ=WEEKLY;BYDAY=TU,FR", &[Weekday::Tue, Weekday::Fri][..]),
    };
    let first = super::at("2026-03-03T00:00:00Z").date_naive();
    let exception = first + TimeDelta::days(3);
    // London keeps Greenwich time until the end of March.
    let occurrences = first
        .iter_days()
        .take(6)
        .filter(|day| is_daily || days.contains(&day.weekday()))
        .filter(|day| !number.is_multiple_of(3) || *day != exception)
        .map(|day| day.and_time(time).and_utc());
    let occurrences: BTreeSet<_> = occurrences.collect();
    let json = json!({
        "rule": rule,
        "start": format!("{first}T{}", time.format("%H:%M")),
        "exceptions": if number.is_multiple_of(3) { vec![exception.to_string()] } else { vec![] },
        "until": (first + TimeDelta::days(5)).to_string(),
        "grace": "PT6H",
    });
    let changes = Changes {
        recurrence: Some(Some(Recurrence::parse(&json).unwrap())),
        ..Changes::default()
    };
    let grace = TimeDelta::hours(6);
    (What::Recurring { occurrences, grace }, changes)
}

fn triggered(club: &mut Club, number: usize) -> (What, Changes) {
    let course = i64::try_from(club.dice.below(10)).unwrap();
    let of_course = json!({"field": "event.course", "op": "eq", "value": course});
    // All four kinds also in a small club.
    let kind = 2 * (number / 10 % 2) + number % 10 - 7;
    let (trigger, json) = match kind {
        0 => (
            Trigger::Confirmation { course },
            json!({"event": "booking.confirmed", "where": {"all": [
                of_course, {"field": "event.players", "op": "gte", "value": 2},
            ]}}),
        ),
        1 => (
            Trigger::Reminder { course },
            json!({
                "event": "booking.confirmed", "where": of_course,
                "delay": {"before": "P1D", "of": "event.tee_time"},
                "cancelOn": {"event": "booking.cancelled", "match": ["booking_id"]},
            }),
        ),
        2 => (
            Trigger::Thanks,
            json!({"event": "shop.ordered", "delay": "PT30M"}),
        ),
        _ => (Trigger::First, json!({"event": "shop.ordered", "repeat": "ONCE"})),
    };
    let trigger_json = fairway::domain::trigger::Trigger::parse(&json).unwrap();
    let changes = Changes {
        trigger: Some(Some(trigger_json)),
        ..Changes::default()
    };
    (What::Triggered(trigger), changes)
}

async fn journey(club: &mut Club, nth: i64) -> (What, Changes) {
    let (hello, tips) = (club.app.message("Welcome").await, club.app.message("Tips").await);
    let is_by_event = nth % 2 == 1;
    let entry: Value = match is_by_event {
        true => json!({"by": "EVENT", "event": "member.joined"}),
        false => json!({"by": "SEGMENT", "existing": true}),
    };
    let json = json!({
        "entry": entry,
        "reentry": "NEVER",
        "exit": {"onGoal": false, "onLeavingSegment": false},
        "steps": [
            {"id": "hello", "kind": "message", "channel": "EMAIL", "template": hello, "next": "pause"},
            {"id": "pause", "kind": "wait", "for": "P1D", "next": "tips"},
            {"id": "tips", "kind": "message", "channel": "EMAIL", "template": tips, "next": "end"},
            {"id": "end", "kind": "end"},
        ],
    });
    let changes = Changes {
        journey: Some(Some(Journey::parse(&json).unwrap())),
        ..Changes::default()
    };
    (What::Journey { is_by_event }, changes)
}
