//! The demo club's last weeks, run by the engine itself, event after event: a journey and the
//! campaigns that bookings set off, so that whoever is inside and whatever waits is where it would be.

mod bookings;
mod welcome;

use super::people::Known;
use crate::accounts::Actor;
use crate::campaigns::commands;
use crate::campaigns::draft::NewCampaign;
use crate::clock::Clock;
use crate::content::commands as templates;
use crate::content::draft::NewTemplate;
use crate::content::store;
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::{BodyKind, Channel};
use crate::entity::{Timestamp, links, runs};
use crate::scheduler::{self, events as outbox, journeys};
use crate::tracking::events::{self, NewEvent};
use crate::tracking::{Hit, record};
use anyhow::{Context as _, Result, anyhow};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt as _;
use rand::rngs::StdRng;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _};
use serde_json::Value;
use std::collections::BTreeMap;

/// How long it has been running.
const WEEKS: i64 = 6;
/// From one look of the engine to the next.
const STEP: TimeDelta = TimeDelta::hours(3);
/// How long a mail server takes.
const ON_THE_WAY: i64 = 900;

/// What somebody does, and the club's system reports.
struct Happening {
    name: &'static str,
    contact: String,
    properties: Value,
}

/// What happens when.
type Diary = BTreeMap<DateTime<Utc>, Vec<Happening>>;

fn note(diary: &mut Diary, at: DateTime<Utc>, happening: Happening) {
    diary.entry(at).or_default().push(happening);
}

/// How people take a campaign's messages.
struct Habits {
    opens: f64,
    /// The longest that somebody takes to open it.
    within: TimeDelta,
    /// Of those who opened it.
    clicks: f64,
    /// How the address ends of the link that they follow.
    link: fn(&Sent) -> &'static str,
    /// What the message leads to; the click, where there was one.
    then: fn(&mut StdRng, &Sent, Option<DateTime<Utc>>, &mut Diary),
}

/// A campaign of these weeks.
struct Live {
    campaign: i64,
    /// The addresses in its messages.
    links: Vec<(i64, String)>,
    habits: Habits,
}

/// Tells the weeks up to now.
pub async fn load(cx: &Context, people: &[Known], rng: &mut StdRng, now: DateTime<Utc>) -> Result<()> {
    let start = now - TimeDelta::weeks(WEEKS);
    let past = Context {
        clock: Clock::manual(start),
        ..cx.clone()
    };
    let mut begun = vec![welcome::begin(&past).await?];
    begun.extend(bookings::begin(&past).await?);
    past.clock.advance(TimeDelta::minutes(10));
    scheduler::tick(&past).await?;
    let mut diary = Diary::new();
    welcome::join(&mut diary, rng, people, (start, now));
    bookings::book(&mut diary, rng, people, (start, now));
    let mut story = Story {
        cx: &past,
        rng,
        live: Vec::new(),
        reads: BTreeMap::new(),
        diary,
    };
    for (campaign, habits) in begun {
        story.live.push(live(&past, campaign, habits).await?);
    }
    let mut look = start;
    while look + STEP < now {
        look += STEP;
        story.turn(look).await?;
    }
    Ok(())
}

async fn live(past: &Context, campaign: i64, habits: Habits) -> Result<Live> {
    let run = runs::Entity::find()
        .filter(runs::Column::CampaignId.eq(campaign))
        .one(&*past.db)
        .await?
        .with_context(|| format!("campaign {campaign} of the demo did not begin"))?;
    let links = links::Entity::find()
        .filter(links::Column::RunId.eq(run.id))
        .all(&*past.db)
        .await?;
    Ok(Live {
        campaign,
        links: links.into_iter().map(|link| (link.id, link.url)).collect(),
        habits,
    })
}

/// Makes a campaign that says this on e-mail and schedules it, as staff would.
async fn begin(past: &Context, new: NewCampaign) -> Result<i64> {
    let staff = super::campaigns::staff();
    let campaign = commands::create(past, new, &staff)
        .await
        .map_err(|error| anyhow!("{error}"))?;
    commands::schedule(past, campaign.id, &staff)
        .await
        .map_err(|error| anyhow!("{}: {error:?}", campaign.name))?;
    Ok(campaign.id)
}

/// A letter of a heading-less template with one link.
struct Letter {
    key: &'static str,
    name: &'static str,
    subject: &'static str,
    text: &'static str,
    /// The link's address and words.
    link: (&'static str, &'static str),
}

/// Keeps templates; answers their ids.
async fn keep_letters(past: &Context, letters: &[Letter], by: &Actor) -> Result<Vec<i64>> {
    let tx = past.db.begin().await?;
    let mut ids = Vec::new();
    for letter in letters {
        let draft = NewTemplate {
            channel: Channel::Email,
            name: letter.name.into(),
            subject: letter.subject.into(),
            preheader: String::new(),
            kind: BodyKind::Html,
            body: format!(
                "<p>Dear {{{{ contact.first_name | default(\"member\") }}}},</p><p>{}</p>\
                 <p><a href=\"https://www.greenside.example/{}\">{}</a></p>",
                letter.text, letter.link.0, letter.link.1
            ),
            text: None,
        };
        let kept = templates::create(&tx, letter.key, draft, by, past.clock.now())
            .await
            .map_err(|error| anyhow!("{error}"))?;
        ids.push(kept.id);
    }
    tx.commit().await?;
    Ok(ids)
}

/// The template of a key, which the demo has by now.
async fn template(past: &Context, key: &str) -> Result<i64> {
    let found = store::by_key_or_id(&*past.db, key).await?;
    Ok(found
        .with_context(|| format!("the demo has no template {key}"))?
        .id)
}

/// The weeks as they go by.
struct Story<'a> {
    cx: &'a Context,
    rng: &'a mut StdRng,
    live: Vec<Live>,
    /// Who opens which message when, or follows a link in it.
    reads: BTreeMap<DateTime<Utc>, Vec<(i64, Option<i64>)>>,
    diary: Diary,
}

/// A message that went out.
#[derive(FromQueryResult)]
struct Sent {
    id: i64,
    campaign_id: i64,
    run_id: i64,
    contact_id: Option<i64>,
    step: String,
    variant: i32,
    sent_at: Timestamp,
}

impl Story<'_> {
    /// What happens until the engine's next look, and the look.
    async fn turn(&mut self, look: DateTime<Utc>) -> Result<()> {
        self.cx.clock.set(look);
        self.read(look).await?;
        self.report(look).await?;
        while journeys::work(self.cx).await? {}
        self.send(look).await
    }

    /// What people did with messages.
    async fn read(&mut self, until: DateTime<Utc>) -> Result<()> {
        let mut reads = Vec::new();
        while let Some(first) = self.reads.first_entry().filter(|entry| *entry.key() <= until) {
            let at = *first.key();
            let hit = |(delivery, link)| Hit { delivery, link, at };
            reads.extend(first.remove().into_iter().map(hit));
        }
        if !reads.is_empty() {
            record(self.cx, &reads).await?;
        }
        Ok(())
    }

    /// What the club's system reported meanwhile, each at its moment.
    async fn report(&mut self, until: DateTime<Utc>) -> Result<()> {
        let mut batch = Vec::new();
        while let Some(first) = self.diary.first_entry().filter(|entry| *entry.key() <= until) {
            let at = *first.key();
            batch.extend(first.remove().into_iter().map(|happening| NewEvent {
                external_id: Some(format!(
                    "{}-{}-{}",
                    happening.name,
                    at.timestamp_millis(),
                    happening.contact
                )),
                name: happening.name.into(),
                contact: happening.contact,
                properties: happening.properties,
                occurred_at: at,
            }));
        }
        if batch.is_empty() {
            return Ok(());
        }
        events::record(self.cx, batch).await?;
        // They came when they happened, not when the engine looked.
        let tx = self.cx.db.begin().await?;
        tx.execute_unprepared("UPDATE events SET received_at = occurred_at WHERE pending")
            .await?;
        tx.commit().await?;
        outbox::handle_pending(self.cx).await?;
        Ok(())
    }

    /// The mail server takes what is due, each at its time.
    async fn send(&mut self, now: DateTime<Utc>) -> Result<()> {
        let tx = self.cx.db.begin().await?;
        let mut sql = Sql::new(tx.get_database_backend());
        let ids: Vec<_> = self.live.iter().map(|live| sql.bind(live.campaign)).collect();
        let due = sql.bind(now.timestamp_millis());
        // With its event where it was due before; the engine looked later.
        let since = "COALESCE((SELECT e.occurred_at FROM events e WHERE e.id = event_id), created_at)";
        let from = format!("CASE WHEN due_at > {since} THEN due_at ELSE {since} END");
        let at = format!("{from} + {ON_THE_WAY}");
        let text = format!(
            "UPDATE deliveries SET state = 'SENT', attempt = 1, sent_at = {at}, delivered_at = {at}, handed_at = {at}, \
               created_at = CASE WHEN created_at > {from} THEN {from} ELSE created_at END, \
               reply = '250 2.0.0 Ok' WHERE campaign_id IN ({}) AND state = 'QUEUED' AND due_at <= {due} \
             RETURNING id, campaign_id, run_id, contact_id, step, variant, sent_at",
            ids.join(", ")
        );
        let mut sent = Sent::find_by_statement(sql.statement(text)).all(&*tx).await?;
        sent.sort_by_key(|row| row.id);
        for row in &sent {
            count(&tx, row).await?;
            self.await_reader(row, now);
        }
        tx.commit().await?;
        Ok(())
    }

    /// What the person will do with it, from the engine's next look on.
    fn await_reader(&mut self, row: &Sent, now: DateTime<Utc>) {
        let Some(live) = self.live.iter().find(|live| live.campaign == row.campaign_id) else {
            return;
        };
        let habits = &live.habits;
        let mut clicked = None;
        if self.rng.random_bool(habits.opens) {
            let wait = self.rng.random_range(3..habits.within.num_minutes());
            let at = (row.sent_at.0 + TimeDelta::minutes(wait)).max(now);
            self.reads.entry(at).or_default().push((row.id, None));
            let end = (habits.link)(row);
            let link = live.links.iter().find(|(_, url)| url.ends_with(end));
            if let Some((link, _)) = link.filter(|_| self.rng.random_bool(habits.clicks)) {
                let at = at + TimeDelta::seconds(self.rng.random_range(20..900));
                self.reads.entry(at).or_default().push((row.id, Some(*link)));
                clicked = Some(at);
            }
        }
        (habits.then)(self.rng, row, clicked, &mut self.diary);
    }
}

/// Moves the sums with the row.
async fn count(tx: &Tx, row: &Sent) -> Result<()> {
    tx.execute_raw(tx.sql(
        "UPDATE run_counts SET queued = queued - 1, sent = sent + 1, delivered = delivered + 1 \
         WHERE run_id = $1 AND channel = 'EMAIL' AND step = $2 AND variant = $3",
        [row.run_id.into(), row.step.clone().into(), row.variant.into()],
    ))
    .await?;
    let hour = super::history::hour_of(row.sent_at.0);
    tx.execute_raw(tx.sql(
        "INSERT INTO run_hours (run_id, channel, hour, sent, opened, clicked) VALUES ($1, 'EMAIL', $2, 1, 0, 0) \
         ON CONFLICT (run_id, channel, hour) DO UPDATE SET sent = run_hours.sent + 1",
        [row.run_id.into(), hour.into()],
    ))
    .await?;
    Ok(())
}
