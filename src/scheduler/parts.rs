//! Which part of a run each person is in, and when that part is due: the variants of an
//! experiment, and the rest that waits for the winner. Without one there is a single part, 0.

use super::timing::{Asked, From, NEVER, Timing};
use crate::campaigns::winner;
use crate::db::{Sql, Tx};
use crate::domain::experiment::{Experiment, Metric, Split};
use crate::domain::{CampaignType, Channel};
use crate::entity::{campaigns, runs};
use chrono::TimeDelta;
use sea_orm::{ConnectionTrait as _, DbErr};
use std::collections::BTreeMap;

pub use crate::campaigns::winner::TRIED;

/// The parts of a run on a channel.
pub struct Parts {
    /// For the first, and for all that are due with it.
    usual: Timing,
    /// Variants with a time of their own.
    late: BTreeMap<i32, Timing>,
    split: Option<Split>,
    has_rest: bool,
}

/// A campaign's experiment on a channel. One that cannot be read any more is none.
pub fn experiment(campaign: &campaigns::Model, channel: Channel) -> Option<Experiment> {
    let has_parts = matches!(campaign.kind, CampaignType::OneTime | CampaignType::Recurring);
    winner::experiment(campaign).filter(|_| has_parts && channel == TRIED)
}

impl Parts {
    pub async fn of(
        tx: &Tx,
        campaign: &campaigns::Model,
        run: &runs::Model,
        channel: Channel,
    ) -> Result<Self, DbErr> {
        let asked = |delay| Asked {
            campaign,
            run,
            channel,
            from: From::Start,
            delay,
        };
        let experiment = experiment(campaign, channel);
        let mut late = BTreeMap::new();
        let variants = experiment.as_ref().map(|experiment| &experiment.variants[..]);
        for (number, variant) in (1..).zip(variants.unwrap_or_default()) {
            if variant.delay > TimeDelta::zero() {
                late.insert(number, Timing::of(&**tx, &asked(variant.delay)).await?);
            }
        }
        Ok(Self {
            usual: Timing::of(&**tx, &asked(TimeDelta::zero())).await?,
            late,
            split: experiment
                .as_ref()
                .map(|experiment| Split::of(experiment, run.id)),
            has_rest: experiment.as_ref().is_some_and(Experiment::has_rest),
        })
    }

    /// The variant of a contact `c`.
    pub fn variant(&self) -> String {
        let Some(split) = self.split else {
            return "0".to_owned();
        };
        let Split {
            coefficients,
            tested,
            variants,
        } = split;
        let prime = crate::domain::experiment::PRIME;
        let x = format!("(c.id % {prime})");
        let [first, rest @ ..] = coefficients;
        let hash = rest.iter().fold(first.to_string(), |sum, next| {
            format!("(({sum} * {x} + {next}) % {prime})")
        });
        format!("(CASE WHEN {hash} < {tested} THEN 1 + {hash} * {variants} / {tested} ELSE 0 END)")
    }

    /// How much later than the first a contact `c` is in the spread, in milliseconds.
    pub fn later(&self) -> String {
        self.usual.offset()
    }

    /// When a person is due, of the columns `variant`, `zone` and `later` of `x`.
    pub fn due(&self, sql: &mut Sql) -> String {
        let usual = self.usual.due(sql);
        let mut cases = Vec::new();
        if self.has_rest {
            cases.push(format!("WHEN 0 THEN {NEVER}"));
        }
        for (variant, timing) in &self.late {
            cases.push(format!("WHEN {variant} THEN {}", timing.due(sql)));
        }
        match cases.is_empty() {
            true => usual,
            false => format!("(CASE x.variant {} ELSE {usual} END)", cases.join(" ")),
        }
    }
}

/// Once everybody is in the ledger, it is known when the last mail of the test is due, and so when
/// the winner is chosen.
pub async fn plan_decision(tx: &Tx, campaign: &campaigns::Model, run: &runs::Model) -> Result<(), DbErr> {
    let Some(experiment) = experiment(campaign, TRIED) else {
        return Ok(());
    };
    let Some(wait) = experiment.wait.filter(|_| experiment.metric != Metric::Manual) else {
        return Ok(());
    };
    if !experiment.has_rest() {
        return Ok(());
    }
    tx.execute_raw(tx.sql(
        "UPDATE runs SET decide_at = $1 + COALESCE((SELECT MAX(d.due_at) FROM deliveries d \
           WHERE d.run_id = $2 AND d.channel = $3 AND d.variant > 0 AND d.state <> 'SKIPPED'), started_at) \
         WHERE id = $2",
        [wait.num_milliseconds().into(), run.id.into(), TRIED.into()],
    ))
    .await?;
    Ok(())
}
