//! The demo club's welcome series: a journey of some weeks for whoever joins.

use super::{Diary, Habits, Happening, Letter, Sent, begin as begin_campaign, keep_letters, note};
use crate::campaigns::draft::{Changes, NewCampaign, When};
use crate::context::Context;
use crate::demo::club;
use crate::demo::people::Known;
use crate::domain::goal::Goal;
use crate::domain::journey::Journey;
use crate::domain::{CampaignType, ConsentStatus};
use anyhow::{Result, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

fn definition() -> Value {
    json!({
        "entry": { "by": "EVENT", "event": "member.joined" },
        "reentry": "NEVER",
        "exit": { "onGoal": true, "onLeavingSegment": false },
        "steps": [
            { "id": "welcome", "kind": "message", "template": "welcome-email", "next": "settle" },
            { "id": "settle", "kind": "wait", "for": "P3D", "next": "read" },
            { "id": "read", "kind": "branch", "if": { "message": "welcome", "did": "OPENED" }, "yes": "first-round", "no": "morning" },
            { "id": "morning", "kind": "until", "weekdays": ["TUESDAY", "THURSDAY"], "at": "09:00", "next": "again" },
            { "id": "again", "kind": "message", "template": "welcome-again-email", "next": "breathe" },
            { "id": "breathe", "kind": "wait", "for": "P2D", "next": "first-round" },
            { "id": "first-round", "kind": "message", "template": "first-round-email", "next": "lesson" },
            { "id": "lesson", "kind": "await", "event": "lesson.booked", "atMost": "P14D", "next": "coached", "otherwise": "lot" },
            { "id": "coached", "kind": "tag", "add": ["coached"], "remove": [], "next": "end" },
            { "id": "lot", "kind": "split", "ways": [{ "weight": 50, "next": "offer" }, { "weight": 50, "next": "end" }] },
            { "id": "offer", "kind": "message", "template": "lesson-offer-email", "next": "end" },
            { "id": "end", "kind": "end" },
        ],
    })
}

const BOOK: (&str, &str) = ("book", "Book a time");

const LETTERS: [Letter; 3] = [
    Letter {
        key: "welcome-again-email",
        name: "Welcome, once more",
        subject: "In case it slipped by: welcome to {{ club.name }}",
        text: "You joined us a few days ago, and we would not want you to miss how things work here: when the \
               course is open, how to book, and whom to ask.",
        link: BOOK,
    },
    Letter {
        key: "first-round-email",
        name: "Your first round",
        subject: "Your first round at {{ club.name }}",
        text: "The course is quietest on weekday afternoons. Book a time, come half an hour early, and somebody \
               from the pro shop will show you round.",
        link: BOOK,
    },
    Letter {
        key: "lesson-offer-email",
        name: "A lesson on us",
        subject: "Half an hour with our professional, on us",
        text: "New members have a lesson free in their first two months. Pick a time that suits you.",
        link: BOOK,
    },
];

/// Makes and schedules it.
pub(super) async fn begin(past: &Context) -> Result<(i64, Habits)> {
    keep_letters(past, &LETTERS, &crate::demo::campaigns::staff()).await?;
    let parsed = Journey::parse(&definition()).map_err(|problems| anyhow!("{problems:?}"))?;
    let goal = Goal::parse(&json!({ "event": "handicap.opened" })).map_err(|(_, text)| anyhow!(text))?;
    let new = NewCampaign {
        name: "Welcome to the club".into(),
        kind: CampaignType::Journey,
        timezone: club::ZONE,
        rest: Changes {
            topic_id: Some(Some(club::NEWSLETTER)),
            when: Some(When::Now),
            journey: Some(Some(parsed)),
            goal: Some(Some(goal)),
            ..Changes::default()
        },
    };
    let habits = Habits {
        opens: 0.68,
        within: TimeDelta::hours(40),
        clicks: 0.3,
        link: |sent| match sent.step.as_str() {
            "welcome" => "welcome",
            _ => BOOK.0,
        },
        then: lead_on,
    };
    Ok((begin_campaign(past, new).await?, habits))
}

/// Somebody joins now and then.
pub(super) fn join(
    diary: &mut Diary,
    rng: &mut StdRng,
    people: &[Known],
    (start, now): (DateTime<Utc>, DateTime<Utc>),
) {
    let mut comers = people
        .iter()
        .rev()
        .filter(|person| !person.email.is_empty() && person.email_consent == ConsentStatus::Subscribed);
    let mut at = start;
    while at < now {
        at += TimeDelta::minutes(rng.random_range(30..620));
        let Some(person) = comers.next() else { return };
        let happening = Happening {
            name: "member.joined",
            contact: person.key(),
            properties: json!({ "membership": "Full" }),
        };
        note(diary, at, happening);
    }
}

/// After the letter about the first round some take a lesson, and some play for a handicap.
fn lead_on(rng: &mut StdRng, sent: &Sent, clicked: Option<DateTime<Utc>>, diary: &mut Diary) {
    let Some(contact) = sent.contact_id.filter(|_| sent.step == "first-round") else {
        return;
    };
    let name = match (rng.random_range(0..10), clicked) {
        (0..4, _) => "lesson.booked",
        (4, _) | (5..8, Some(_)) => "handicap.opened",
        _ => return,
    };
    let since = clicked.unwrap_or(sent.sent_at.0);
    let happening = Happening {
        name,
        contact: Known::key_of(contact),
        properties: json!({}),
    };
    note(
        diary,
        since + TimeDelta::minutes(rng.random_range(1_200..18_000)),
        happening,
    );
}
