//! What an experiment showed: each variant beside the best, with what chance may have made of the
//! difference.

use super::store::Figures;
use crate::domain::Channel;
use crate::domain::experiment::{Cell, Difference, Experiment, Metric, Variant, compare, in_words, letter};
use crate::domain::stats::Counts;
use crate::entity::{campaigns, run_counts, runs};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde::Serialize;

/// One variant, for pages and the API.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// Its letter.
    pub variant: String,
    /// What it says otherwise, in words.
    #[serde(skip)]
    pub what: String,
    #[serde(flatten)]
    pub figures: Figures,
    /// What counts, of those whom it was delivered to.
    pub rate: Option<f64>,
    /// To the best; `None` for that one itself, and where either reached nobody.
    pub difference: Option<Gap>,
    #[serde(skip)]
    pub is_leader: bool,
}

/// How far a variant is behind the best, and between what and what that lies with 95 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    pub is_within_chance: bool,
}

impl From<Difference> for Gap {
    fn from(difference: Difference) -> Self {
        Self {
            value: difference.value,
            low: difference.low,
            high: difference.high,
            is_within_chance: difference.is_chance(),
        }
    }
}

impl Gap {
    /// `−4.2 points (−8.0 to −0.5)`
    pub fn words(&self) -> String {
        let points = |share: f64| format!("{:+.1}", share * 100.0).replace('-', "−");
        format!(
            "{} points ({} to {})",
            points(self.value),
            points(self.low),
            points(self.high)
        )
    }
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    pub metric: Metric,
    pub words: String,
    pub variants: Vec<Tried>,
    /// Those who waited for the winner, where there are any.
    pub rest: Option<Counts>,
    /// What can be said of it, plainly.
    pub verdict: String,
    pub decide_at: Option<DateTime<Utc>>,
    /// The letter of the winner, and why.
    pub decision: Option<(String, String)>,
    /// Whether the rest waits, for a time or for staff.
    pub is_open: bool,
}

/// The experiment of a campaign, over all its runs; the decision is the newest's. `None` where it
/// tries nothing, or has not begun.
pub async fn of(db: &impl ConnectionTrait, campaign: i64) -> Result<Option<Trial>, DbErr> {
    let row = campaigns::Entity::find_by_id(campaign).one(db).await?;
    let json = row.and_then(|campaign| campaign.experiment);
    let Some(experiment) = json.and_then(|json| Experiment::parse(&json).ok()) else {
        return Ok(None);
    };
    let rows = run_counts::Entity::find()
        .filter(run_counts::Column::CampaignId.eq(campaign))
        .filter(run_counts::Column::Channel.eq(Channel::Email))
        .filter(run_counts::Column::Step.eq(""))
        .all(db)
        .await?;
    let run = runs::Entity::find()
        .filter(runs::Column::CampaignId.eq(campaign))
        .order_by_desc(runs::Column::Id)
        .one(db)
        .await?;
    let Some(run) = run.filter(|_| rows.iter().any(|row| row.variant > 0)) else {
        return Ok(None);
    };
    let sum = |variant: i32| -> Counts {
        let rows = rows.iter().filter(|row| row.variant == variant);
        rows.map(Counts::from).sum()
    };
    let rest = Some(sum(0)).filter(|rest| experiment.has_rest() && rest.target > 0);
    let variants = tried(&experiment, &sum);
    Ok(Some(Trial {
        metric: experiment.metric,
        words: experiment.words(),
        verdict: verdict(&variants, experiment.metric),
        is_open: run.decided_at.is_none() && rest.as_ref().is_some_and(|rest| rest.queued > 0),
        variants,
        rest,
        decide_at: run.decide_at.map(|at| at.0),
        decision: run.winner.map(letter).zip(run.decision),
    }))
}

fn tried(experiment: &Experiment, sum: &impl Fn(i32) -> Counts) -> Vec<Tried> {
    let cells: Vec<(i32, Counts, Cell)> = (1..)
        .take(experiment.variants.len())
        .map(|number| {
            let counts = sum(number);
            (number, counts, Cell::of(&counts, experiment.metric))
        })
        .collect();
    let rate = |cell: &Cell| cell.rate().unwrap_or(-1.0);
    let best = cells.iter().map(|(_, _, cell)| rate(cell)).fold(-1.0, f64::max);
    let leader = cells.iter().find(|(_, _, cell)| rate(cell) >= best);
    cells
        .iter()
        .map(|(number, counts, cell)| {
            let is_leader = leader.is_some_and(|(leader, ..)| leader == number) && best > 0.0;
            let other = leader.filter(|_| !is_leader).map(|(_, _, cell)| *cell);
            Tried {
                variant: letter(*number),
                what: experiment.variant(*number).map(what).unwrap_or_default(),
                figures: (*counts).into(),
                rate: cell.rate(),
                difference: other.and_then(|other| compare(*cell, other)).map(Gap::from),
                is_leader,
            }
        })
        .collect()
}

/// What a variant says otherwise than the campaign.
fn what(variant: &Variant) -> String {
    let mut parts = Vec::new();
    if let Some(subject) = &variant.subject {
        parts.push(format!("“{subject}”"));
    }
    if let Some(name) = &variant.sender_name {
        parts.push(format!("from {name}"));
    }
    if variant.template.is_some() {
        parts.push("another template".to_owned());
    }
    if variant.delay > TimeDelta::zero() {
        parts.push(format!("{} later", in_words(variant.delay)));
    }
    match parts.is_empty() {
        true => "as the campaign says it".to_owned(),
        false => parts.join(", "),
    }
}

fn verdict(variants: &[Tried], metric: Metric) -> String {
    let label = metric.label();
    let Some(leader) = variants.iter().find(|tried| tried.is_leader) else {
        return format!("There is no {label} yet to compare.");
    };
    let is_near =
        |tried: &&Tried| !tried.is_leader && tried.difference.is_none_or(|gap| gap.is_within_chance);
    let near: Vec<_> = variants
        .iter()
        .filter(is_near)
        .map(|tried| tried.variant.as_str())
        .collect();
    let name = &leader.variant;
    match near.is_empty() {
        true => format!("{name} has the best {label}, and the difference to every other is beyond chance."),
        false => format!(
            "{name} has the best {label}, but the difference to {} is within chance: it may be none.",
            near.join(" and ")
        ),
    }
}
