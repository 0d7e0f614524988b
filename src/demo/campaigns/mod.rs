//! The demo club's campaigns: what was sent in the last months, and what waits to be.

mod coming;
mod past;

use super::club;
use super::history::{self, Rows};
use super::people::{HOW_MANY, Known};
use super::recurring::Newsletter;
use crate::accounts::Actor;
use crate::content::blocks::commands as blocks;
use crate::content::commands as templates;
use crate::content::draft::NewTemplate;
use crate::content::starters::STARTERS;
use crate::content::{compile, store};
use crate::db::Tx;
use crate::domain::{BodyKind, CampaignType, Channel, ConsentStatus, InDoubt, RunState};
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

const ACTIVE: Audience = |person| person.is_active && person.has_handicap;
pub(super) const MEMBERS: Audience = |person| person.is_member;

/// The templates' ids and versions by key.
pub(super) type Templates = BTreeMap<&'static str, (i64, i64)>;

/// Loads templates, history and what is to come. Answers the rows of the ledger and who opted out.
pub async fn load(
    tx: &Tx,
    rng: &mut StdRng,
    people: &mut [Known],
    base: &str,
    now: DateTime<Utc>,
) -> Result<Rows> {
    let templates = keep_templates(tx, base, now - TimeDelta::days(70)).await?;
    let mut rows = Rows::default();
    let mut first_link = 1;
    for (past, id) in past::HISTORY.iter().zip(1..) {
        let links = past.begin(tx, id, &templates, first_link, now).await?;
        let before = rows.left.len();
        past.tell(tx, rng, (id, &links), people, &mut rows, now).await?;
        opt_out(people, &rows.left[before..]);
        first_link += i64::try_from(links.len()).unwrap_or_default();
    }
    let first = past::HISTORY.len() as i64 + 1;
    for (coming, id) in coming::COMING.iter().zip(first..) {
        coming.plan(tx, id, &templates, now).await?;
    }
    let newsletter = Newsletter {
        id: first + coming::COMING.len() as i64,
        templates: &templates,
        first_link,
        now,
    };
    newsletter.load(tx, rng, people, &mut rows).await?;
    Ok(rows)
}

/// Whoever left is not written to by what comes later.
pub(super) fn opt_out(people: &mut [Known], left: &[(i64, DateTime<Utc>)]) {
    for person in people.iter_mut() {
        if left.iter().any(|(id, _)| *id == person.id) {
            person.email_consent = ConsentStatus::Unsubscribed;
        }
    }
}

async fn keep_templates(tx: &Tx, base: &str, at: DateTime<Utc>) -> Result<Templates> {
    let club = club::club();
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
    let designed = STARTERS
        .iter()
        .map(|starter| (starter.key, starter.draft(base, &club)));
    for (key, draft) in designed.chain([("tournament-invite-sms", invite)]) {
        blocks::make_ours(tx, &draft.body, &Actor::fairway(), at).await?;
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

/// A run that was told whole: its state, and when it began and ended.
pub(super) struct Ran {
    pub id: i64,
    pub campaign: i64,
    pub number: usize,
    pub state: RunState,
    pub started: DateTime<Utc>,
    pub ended: Option<DateTime<Utc>>,
    /// The version of the template that it said.
    pub version: i64,
}

/// Keeps a run with what it said.
pub(super) async fn keep_run(tx: &Tx, ran: &Ran) -> Result<()> {
    runs::Entity::insert(runs::ActiveModel {
        id: Set(ran.id),
        campaign_id: Set(ran.campaign),
        number: Set(i32::try_from(ran.number).unwrap_or_default()),
        state: Set(ran.state),
        scheduled_for: Set(ran.started.into()),
        cursor: Set(HOW_MANY),
        started_at: Set(ran.started.into()),
        expanded_at: Set(Some(ran.started.into())),
        finished_at: Set(ran.ended.map(Into::into)),
        waiting: Set(None),
        ..Default::default()
    })
    .exec_without_returning(&**tx)
    .await?;
    run_contents::Entity::insert(run_contents::ActiveModel {
        run_id: Set(ran.id),
        channel: Set(Channel::Email),
        step: Set(String::new()),
        variant: Set(0),
        template_version_id: Set(ran.version),
        said: Set(None),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
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
