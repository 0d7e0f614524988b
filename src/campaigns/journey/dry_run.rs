//! A journey walked through with one person on paper: when each step would come, and what each
//! branch would choose. Nothing is written and nothing is sent.

use super::known;
use crate::audience::{eligibility, segments};
use crate::db::Sql;
use crate::domain::Purpose;
use crate::domain::journey::{Action, Did, Facts, Journey, Kind, Outcome, Position, Step, Test};
use crate::entity::{campaigns, segments as segment};
use crate::web::Result;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use serde_json::Value;

/// More lines than this are a circle.
const MOST_LINES: usize = 60;

/// What is assumed of what only the person can decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assumed {
    /// That messages are opened and clicked.
    pub opens: bool,
    /// That events that are waited for come, at once.
    pub comes: bool,
}

/// One step of the walk.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    pub at: DateTime<Utc>,
    pub step: String,
    pub kind: &'static str,
    pub label: &'static str,
    pub words: String,
    /// What follows: `Yes`, `Would be skipped: no consent`, `Until …`. Empty where nothing is to say.
    pub outcome: String,
    /// Whether it rests on an assumption.
    pub is_assumed: bool,
}

/// Walks a person through from now on. `properties` are those of the event that brings them in.
pub async fn walk(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    journey: &Journey,
    contact: i64,
    assumed: Assumed,
    now: DateTime<Utc>,
) -> Result<Vec<Stop>> {
    let zone: Tz = campaign.timezone.parse().unwrap_or(Tz::UTC);
    let names = known::names(db, journey).await?;
    let mut stops = Vec::new();
    let mut step = journey.first();
    let mut at = now;
    while let Some(current) = step.filter(|_| stops.len() < MOST_LINES) {
        let position = Position {
            enrollment: contact,
            step: &current.id,
            arrived: at,
        };
        let mut facts = Facts::at(at, zone, &Value::Null);
        facts.holds = match &current.kind {
            Kind::Branch(test @ (Test::Segment(_) | Test::Rule { .. })) => {
                holds(db, test, contact, at, zone).await?
            }
            _ => false,
        };
        facts.has_come = assumed.comes;
        facts.did = match assumed.opens {
            true => &[Did::Sent, Did::Opened, Did::Clicked],
            false => &[Did::Sent],
        };
        facts.called = matches!(current.kind, Kind::Webhook { .. }).then_some(Outcome::Done);
        let mut action = journey.next(&position, &facts);
        let came = at;
        let mut outcome = String::new();
        if let Action::Stay(until) = action {
            at = until;
            facts.now = until;
            action = journey.next(&position, &facts);
        }
        if let Action::Send { channel, .. } = action {
            outcome = skipped(db, campaign, contact, channel).await?;
        }
        let to = match action {
            Action::Go(to) | Action::Change(to) | Action::Send { to, .. } => Some(to),
            Action::Stay(_) | Action::Call(_) | Action::End | Action::Lost => None,
        };
        if let Some(to) = to
            && current.kind.ways().len() > 1
        {
            outcome = chosen(current, to);
        }
        stops.push(Stop {
            at: came,
            step: current.id.clone(),
            kind: current.kind.word(),
            label: current.kind.label(),
            words: current.words(journey, &names),
            outcome,
            is_assumed: is_assumed(&current.kind),
        });
        step = to.and_then(|to| journey.step(to));
    }
    Ok(stops)
}

/// Which way it goes, in the words of the flow.
fn chosen(step: &Step, to: &str) -> String {
    let way = step.to.iter().position(|way| way.as_deref() == Some(to));
    way.map_or_else(String::new, |way| step.kind.way_label(way))
}

const fn is_assumed(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Await { .. }
            | Kind::Webhook { .. }
            | Kind::Split(_)
            | Kind::Branch(Test::Message { .. } | Test::Event(_))
    )
}

async fn skipped(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    contact: i64,
    channel: crate::domain::Channel,
) -> Result<String> {
    let skip = eligibility::check(db, contact, channel, campaign.purpose, campaign.topic_id).await?;
    Ok(match (skip, campaign.purpose) {
        (Some(reason), Purpose::Marketing | Purpose::Transactional) => {
            format!("Would not be sent: {}", reason.label().to_lowercase())
        }
        (None, _) => String::new(),
    })
}

async fn holds(
    db: &impl ConnectionTrait,
    test: &Test,
    contact: i64,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<bool> {
    let mut sql = Sql::new(db.get_database_backend());
    let who = match test {
        Test::Segment(key) => {
            let found = segment::Entity::find()
                .filter(segment::Column::Key.eq(key))
                .one(db)
                .await?;
            let Some(found) = found else { return Ok(false) };
            segments::condition(&mut sql, &found, now, zone).map_err(sea_orm::DbErr::from)?
        }
        Test::Rule { rule, .. } => segments::rule_condition(&mut sql, rule, now, zone),
        Test::Event(_) | Test::Message { .. } => return Ok(false),
    };
    let contact = sql.bind(contact);
    let text = format!("SELECT 1 FROM contacts c WHERE c.id = {contact} AND ({who})");
    Ok(db.query_one_raw(sql.statement(text)).await?.is_some())
}
