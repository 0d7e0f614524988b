//! The demo club's welcome series: run by the engine itself over the last weeks, day after day, so
//! that everybody inside is where they would be.

use super::club;
use super::people::Known;
use crate::accounts::Actor;
use crate::campaigns::draft::{Changes, NewCampaign, When};
use crate::campaigns::{commands, journey};
use crate::clock::Clock;
use crate::content::commands as templates;
use crate::content::draft::NewTemplate;
use crate::context::Context;
use crate::db::Tx;
use crate::domain::goal::Goal;
use crate::domain::journey::Journey;
use crate::domain::{BodyKind, CampaignType, Channel, ConsentStatus};
use crate::entity::{events, links};
use crate::scheduler::{self, journeys};
use crate::tracking::{Hit, record};
use anyhow::{Context as _, Result, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rand::rngs::StdRng;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, FromQueryResult,
    QueryFilter as _,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long it has been running.
const WEEKS: i64 = 6;
/// From one look of the engine to the next.
const STEP: TimeDelta = TimeDelta::hours(3);

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

/// Its own templates: key, name, subject, what it says.
const LETTERS: [(&str, &str, &str, &str); 3] = [
    (
        "welcome-again-email",
        "Welcome, once more",
        "In case it slipped by: welcome to {{ club.name }}",
        "You joined us a few days ago, and we would not want you to miss how things work here: when the course \
         is open, how to book, and whom to ask.",
    ),
    (
        "first-round-email",
        "Your first round",
        "Your first round at {{ club.name }}",
        "The course is quietest on weekday afternoons. Book a time, come half an hour early, and somebody from \
         the pro shop will show you round.",
    ),
    (
        "lesson-offer-email",
        "A lesson on us",
        "Half an hour with our professional, on us",
        "New members have a lesson free in their first two months. Pick a time that suits you.",
    ),
];

/// Tells the series up to now.
pub async fn load(cx: &Context, people: &[Known], rng: &mut StdRng, now: DateTime<Utc>) -> Result<()> {
    let start = now - TimeDelta::weeks(WEEKS);
    let past = Context {
        clock: Clock::manual(start),
        ..cx.clone()
    };
    let campaign = begin(&past, start).await?;
    past.clock.advance(TimeDelta::minutes(10));
    scheduler::tick(&past).await?;
    let mut comers: Vec<&Known> = people
        .iter()
        .filter(|person| !person.email.is_empty() && person.email_consent == ConsentStatus::Subscribed)
        .collect();
    comers.reverse();
    let running = journey::store::running(&*past.db, campaign).await?;
    let run = running.context("the welcome series did not begin")?.run_id;
    let found = links::Entity::find()
        .filter(links::Column::RunId.eq(run))
        .all(&*past.db)
        .await?;
    let mut story = Story {
        cx: &past,
        campaign,
        rng,
        links: found.into_iter().map(|link| (link.id, link.url)).collect(),
        reads: BTreeMap::new(),
        books: BTreeMap::new(),
    };
    while past.clock.now() + STEP < now {
        past.clock.advance(STEP);
        story.turn(&mut comers).await?;
    }
    Ok(())
}

async fn begin(past: &Context, at: DateTime<Utc>) -> Result<i64> {
    let staff = Actor {
        user_id: None,
        name: "Demo".into(),
    };
    let tx = past.db.begin().await?;
    for (key, name, subject, text) in LETTERS {
        let draft = NewTemplate {
            channel: Channel::Email,
            name: name.into(),
            subject: subject.into(),
            preheader: String::new(),
            kind: BodyKind::Html,
            body: format!(
                "<p>Dear {{{{ contact.first_name | default(\"member\") }}}},</p><p>{text}</p>\
                 <p><a href=\"https://www.greenside.example/book\">Book a time</a></p>"
            ),
            text: None,
        };
        templates::create(&tx, key, draft, &staff, at)
            .await
            .map_err(|error| anyhow!("{error}"))?;
    }
    tx.commit().await?;
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
    let campaign = commands::create(past, new, &staff)
        .await
        .map_err(|error| anyhow!("{error}"))?;
    commands::schedule(past, campaign.id, &staff)
        .await
        .map_err(|error| anyhow!("the welcome series: {error:?}"))?;
    Ok(campaign.id)
}

/// The weeks as they go by.
struct Story<'a> {
    cx: &'a Context,
    campaign: i64,
    rng: &'a mut StdRng,
    /// The addresses in its messages.
    links: Vec<(i64, String)>,
    /// Who opens which message when, or follows a link in it.
    reads: BTreeMap<DateTime<Utc>, Vec<(i64, Option<i64>)>>,
    /// Who reports what when.
    books: BTreeMap<DateTime<Utc>, Vec<(i64, &'static str)>>,
}

#[derive(FromQueryResult)]
struct Sent {
    id: i64,
    contact_id: Option<i64>,
    step: String,
    variant: i32,
}

impl Story<'_> {
    async fn turn(&mut self, comers: &mut Vec<&Known>) -> Result<()> {
        let now = self.cx.clock.now();
        // Somebody joins now and then.
        if self.rng.random_bool(0.55)
            && let Some(person) = comers.pop()
        {
            self.books
                .entry(now)
                .or_default()
                .push((person.id, "member.joined"));
        }
        let mut reads = Vec::new();
        while let Some(first) = self.reads.first_entry().filter(|entry| *entry.key() <= now) {
            let at = *first.key();
            reads.extend(
                first
                    .remove()
                    .into_iter()
                    .map(|(delivery, link)| Hit { delivery, link, at }),
            );
        }
        if !reads.is_empty() {
            record(self.cx, &reads).await?;
        }
        self.report(now).await?;
        while journeys::work(self.cx).await? {}
        let tx = self.cx.db.begin().await?;
        self.send(&tx, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What the club's system reports in these hours.
    async fn report(&mut self, now: DateTime<Utc>) -> Result<()> {
        let tx = self.cx.db.begin().await?;
        let mut batch = Vec::new();
        while let Some(first) = self.books.first_entry().filter(|entry| *entry.key() <= now) {
            for (contact, name) in first.remove() {
                let event = events::ActiveModel {
                    id: NotSet,
                    external_id: Set(Some(format!("demo-{name}-{contact}"))),
                    name: Set(name.into()),
                    contact_id: Set(Some(contact)),
                    contact_ref: Set(contact.to_string()),
                    properties: Set(json!({})),
                    occurred_at: Set(now.into()),
                    received_at: Set(now.into()),
                    ..Default::default()
                };
                batch.push(event.insert(&*tx).await?);
            }
        }
        journeys::events::handle(&tx, &batch, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The mail server takes what waits.
    async fn send(&mut self, tx: &Tx, now: DateTime<Utc>) -> Result<()> {
        let at = now.timestamp_millis();
        let sent = Sent::find_by_statement(tx.sql(
            "UPDATE deliveries SET state = 'SENT', attempt = 1, sent_at = $1, delivered_at = $1, handed_at = $1, \
               reply = '250 2.0.0 Ok' WHERE campaign_id = $2 AND state = 'QUEUED' \
             RETURNING id, contact_id, step, variant",
            [at.into(), self.campaign.into()],
        ))
        .all(&**tx)
        .await?;
        for row in &sent {
            tx.execute_raw(tx.sql(
                "UPDATE run_counts SET queued = queued - 1, sent = sent + 1, delivered = delivered + 1 \
                 WHERE campaign_id = $1 AND step = $2 AND variant = $3",
                [self.campaign.into(), row.step.clone().into(), row.variant.into()],
            ))
            .await?;
            self.read(row, now);
        }
        if !sent.is_empty() {
            let running = journey::store::running(&**tx, self.campaign).await?;
            let run = running.context("the welcome series did not begin")?.run_id;
            tx.execute_raw(tx.sql(
                "INSERT INTO run_hours (run_id, channel, hour, sent, opened, clicked) VALUES ($1, 'EMAIL', $2, $3, 0, 0) \
                 ON CONFLICT (run_id, channel, hour) DO UPDATE SET sent = run_hours.sent + excluded.sent",
                [
                    run.into(),
                    (at.div_euclid(3_600_000) * 3_600_000).into(),
                    i64::try_from(sent.len()).unwrap_or_default().into(),
                ],
            ))
            .await?;
        }
        Ok(())
    }

    /// What the person will do with it.
    fn read(&mut self, row: &Sent, now: DateTime<Utc>) {
        if self.rng.random_bool(0.68) {
            let at = now + TimeDelta::minutes(self.rng.random_range(20..2_400));
            self.reads.entry(at).or_default().push((row.id, None));
            if self.rng.random_bool(0.3) {
                let word = match row.step.as_str() {
                    "welcome" => "welcome",
                    _ => "book",
                };
                let link = self
                    .links
                    .iter()
                    .find(|(_, url)| url.ends_with(word))
                    .map(|(id, _)| *id);
                let at = at + TimeDelta::minutes(self.rng.random_range(1..30));
                self.reads.entry(at).or_default().push((row.id, link));
            }
        }
        let Some(contact) = row.contact_id.filter(|_| row.step == "first-round") else {
            return;
        };
        let at = now + TimeDelta::hours(self.rng.random_range(20..300));
        match self.rng.random_range(0..10) {
            0..4 => self.books.entry(at).or_default().push((contact, "lesson.booked")),
            4 => self
                .books
                .entry(at)
                .or_default()
                .push((contact, "handicap.opened")),
            _ => {}
        }
    }
}
