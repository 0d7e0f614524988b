//! The demo club's experiment: two subjects on a part of the members, and the better one to the
//! rest, with what came of it.

use super::history::Rows;
use crate::db::Tx;
use crate::domain::Channel;
use crate::domain::experiment::{Cell, Experiment, Metric, Split, Variant, choose};
use crate::entity::run_contents;
use crate::web::Result;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use serde_json::{Value, json};

/// The subject that did better.
const BETTER: &str = "{{ contact.first_name | default(\"Golfer\") }}, lower your handicap this winter";
/// How long the test ran.
const WAIT: TimeDelta = TimeDelta::hours(4);

fn experiment() -> Experiment {
    Experiment {
        variants: vec![
            Variant::default(),
            Variant {
                subject: Some(BETTER.to_owned()),
                ..Variant::default()
            },
        ],
        share: 40,
        metric: Metric::Open,
        wait: Some(WAIT),
    }
}

/// As the campaign keeps it.
pub fn to_json() -> Value {
    experiment().to_json()
}

/// A part of the run: how well it went, and how much later than the campaign it was sent.
pub struct Part {
    pub variant: i32,
    pub appeal: f64,
    pub later: TimeDelta,
}

/// The two that are tried, then the rest.
pub fn parts() -> [Part; 3] {
    let part = |variant, appeal, later| Part {
        variant,
        appeal,
        later,
    };
    [
        part(1, 0.8, TimeDelta::zero()),
        part(2, 1.2, TimeDelta::zero()),
        part(0, 1.15, WAIT),
    ]
}

/// Which part somebody is in.
pub fn split(run: i64) -> Split {
    Split::of(&experiment(), run)
}

/// What the variants said, beside what the rest was sent.
pub async fn keep(tx: &Tx, run: i64, version: i64) -> Result<()> {
    for (variant, said) in [(1, None), (2, Some(json!({ "subject": BETTER })))] {
        run_contents::Entity::insert(run_contents::ActiveModel {
            run_id: Set(run),
            channel: Set(Channel::Email),
            step: Set(String::new()),
            variant: Set(variant),
            template_version_id: Set(version),
            said: Set(said),
        })
        .exec_without_returning(&**tx)
        .await?;
    }
    Ok(())
}

/// Writes the choice down that its numbers lead to.
pub async fn decide(tx: &Tx, run: i64, rows: &Rows, started: DateTime<Utc>) -> Result<()> {
    let cell = |variant: i32| {
        let row = rows
            .counts
            .iter()
            .find(|row| row.run_id.as_ref() == &run && row.variant.as_ref() == &variant);
        row.map_or_else(Cell::default, |row| Cell {
            people: *row.delivered.as_ref(),
            hits: *row.opened.as_ref(),
        })
    };
    let choice = choose(Metric::Open, &[cell(1), cell(2)]);
    let at = (started + WAIT).timestamp_millis();
    tx.execute_raw(tx.sql(
        "UPDATE runs SET decide_at = $1, decided_at = $1, winner = $2, decision = $3 WHERE id = $4",
        [at.into(), choice.variant.into(), choice.why.into(), run.into()],
    ))
    .await?;
    tx.execute_raw(tx.sql(
        "UPDATE run_contents SET said = (SELECT w.said FROM run_contents w WHERE w.run_id = $1 \
           AND w.channel = run_contents.channel AND w.variant = $2) WHERE run_id = $1 AND variant = 0",
        [run.into(), choice.variant.into()],
    ))
    .await?;
    Ok(())
}
