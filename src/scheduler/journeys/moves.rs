//! Moving people on. A batch is one transaction: the messages in the ledger and the new places of
//! everyone who moved stand together, or not at all, so a crash at any line sends nothing twice and
//! loses nobody.

use super::effects::{self, Message};
use super::rows::{self, Walk};
use super::{Running, look};
use crate::campaigns::journey::counts::Tally;
use crate::campaigns::journey::leave;
use crate::campaigns::journey::store::{self, Version};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::Channel;
use crate::domain::journey::{Action, Did, Facts, Kind, Position, Reason, Step, Test};
use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use sea_orm::DbErr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Walks of one batch.
const BATCH: usize = 500;
/// Steps that a walk goes in one batch. A checked journey has a wait before so many.
const MOST_MOVES: usize = 200;

/// Moves a batch of those who are due; whether there are more.
pub async fn move_due(cx: &Context, campaign: i64) -> Result<bool> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let Some(running) = Running::lock(&tx, campaign).await? else {
        return Ok(false);
    };
    let rows = rows::due(&tx, campaign, BATCH, now).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let is_more = rows.len() == BATCH;
    let mut versions = BTreeMap::new();
    let mut walks = Vec::with_capacity(rows.len());
    for row in rows {
        let version = match versions.get(&row.version_id) {
            Some(version) => Arc::clone(version),
            None => {
                let found = store::version(&*tx, row.version_id, row.run_id).await?;
                let version = Arc::new(found.context("a walk without its version")?);
                versions.insert(row.version_id, Arc::clone(&version));
                version
            }
        };
        walks.push(Walk::new(row, version));
    }
    let mut batch = Batch {
        tx: &tx,
        running: &running,
        now,
        tally: Tally::default(),
        has_sent: false,
    };
    batch.refuse(&mut walks).await?;
    batch.walk(&mut walks).await?;
    let (tally, has_sent) = (batch.tally, batch.has_sent);
    rows::write(&tx, &walks).await?;
    tally.write(&tx).await?;
    tx.commit().await?;
    if has_sent {
        cx.bell.ring_dispatch();
    }
    Ok(is_more)
}

struct Batch<'a> {
    tx: &'a Tx,
    running: &'a Running,
    now: DateTime<Utc>,
    tally: Tally,
    has_sent: bool,
}

impl Batch<'_> {
    /// Who opted out or was erased goes no further.
    async fn refuse(&mut self, walks: &mut [Walk]) -> Result<(), DbErr> {
        let people: Vec<i64> = walks.iter().filter_map(|walk| walk.row.contact_id).collect();
        let campaign = &self.running.campaign;
        let out = leave::opted_out(self.tx, campaign, &self.running.version.journey, &people).await?;
        for walk in walks {
            let reason = match walk.row.contact_id {
                None => Some(Reason::Erased),
                Some(id) => out.contains(&id).then_some(Reason::OptedOut),
            };
            if reason.is_some() {
                walk.end(reason, self.now, &mut self.tally);
            }
        }
        Ok(())
    }

    /// Everyone as far as they come, step by step, those at the same step together.
    async fn walk(&mut self, walks: &mut [Walk]) -> Result<(), DbErr> {
        for _ in 0..MOST_MOVES {
            let mut at = BTreeMap::<(i64, String), Vec<&mut Walk>>::new();
            for walk in walks.iter_mut().filter(|walk| !walk.rests) {
                at.entry((walk.version.id, walk.row.step.clone()))
                    .or_default()
                    .push(walk);
            }
            if at.is_empty() {
                return Ok(());
            }
            for ((_, step), group) in at {
                self.act(&step, group).await?;
            }
        }
        Ok(())
    }

    /// One step for everyone who is at it.
    async fn act(&mut self, step: &str, mut group: Vec<&mut Walk>) -> Result<(), DbErr> {
        let Some(version) = group.first().map(|walk| Arc::clone(&walk.version)) else {
            return Ok(());
        };
        let known = match version.journey.step(step) {
            Some(step) => self.look(step, &group).await?,
            None => Looked::default(),
        };
        let (mut sent, mut changed) = (None, None);
        for walk in &mut group {
            let position = Position {
                enrollment: walk.row.id,
                step,
                arrived: walk.row.arrived_at.0,
            };
            let properties = walk.kept.properties().clone();
            let facts = Facts {
                now: self.now,
                zone: self.running.zone,
                event: &properties,
                has_come: walk.kept.has_come,
                holds: walk.row.contact_id.is_some_and(|id| known.holding.contains(&id)),
                did: known.of(walk, step, &version),
                called: walk.kept.outcome(),
            };
            match version.journey.next(&position, &facts) {
                Action::Stay(until) => walk.stay(until),
                Action::Go(to) => walk.go(to, self.now, &mut self.tally),
                Action::Send { channel, to, .. } => sent = Some((channel, to)),
                Action::Change(to) => changed = Some(to),
                Action::Call(_) => walk.call(),
                Action::End => walk.end(None, self.now, &mut self.tally),
                Action::Lost => walk.end(Some(Reason::StepGone), self.now, &mut self.tally),
            }
        }
        // A step that sends or changes does so for everyone at it.
        if let Some((channel, to)) = sent {
            self.send(step, &version, &mut group, channel, to).await?;
        }
        if let (Some(to), Some(step)) = (changed, version.journey.step(step)) {
            self.change(step, &mut group, to).await?;
        }
        Ok(())
    }

    /// What the step asks about, of everyone at it.
    async fn look(&self, step: &Step, group: &[&mut Walk]) -> Result<Looked, DbErr> {
        match &step.kind {
            Kind::Branch(test @ (Test::Segment(_) | Test::Rule { .. })) => {
                let people: Vec<i64> = group.iter().filter_map(|walk| walk.row.contact_id).collect();
                let holding = look::holding(self.tx, test, &people, self.now, self.running.zone).await?;
                Ok(Looked {
                    holding,
                    ..Looked::default()
                })
            }
            Kind::Branch(Test::Message { step, .. }) => {
                let sent = group.iter().filter_map(|walk| walk.kept.sent.get(step).copied());
                Ok(Looked {
                    did: look::did(self.tx, &sent.collect::<Vec<_>>()).await?,
                    ..Looked::default()
                })
            }
            _ => Ok(Looked::default()),
        }
    }

    async fn send(
        &mut self,
        step: &str,
        version: &Version,
        group: &mut [&mut Walk],
        channel: Channel,
        to: &str,
    ) -> Result<(), DbErr> {
        let variant = version.variants.get(&(step.to_owned(), channel)).copied();
        let message = Message {
            campaign: &self.running.campaign,
            step,
            channel,
            variant: variant.unwrap_or_default(),
            now: self.now,
        };
        message.send(self.tx, group).await?;
        self.has_sent = true;
        for walk in group {
            walk.go(to, self.now, &mut self.tally);
        }
        Ok(())
    }

    async fn change(&mut self, step: &Step, group: &mut [&mut Walk], to: &str) -> Result<(), DbErr> {
        let people: Vec<i64> = group.iter().filter_map(|walk| walk.row.contact_id).collect();
        effects::change(self.tx, &step.kind, &people, self.now).await?;
        for walk in group {
            walk.go(to, self.now, &mut self.tally);
        }
        Ok(())
    }
}

/// What was found out for a step.
#[derive(Default)]
struct Looked {
    holding: BTreeSet<i64>,
    did: BTreeMap<i64, Vec<Did>>,
}

impl Looked {
    /// What a person did with the message that the step asks about.
    fn of(&self, walk: &Walk, step: &str, version: &Version) -> &[Did] {
        let asked = match version.journey.step(step).map(|step| &step.kind) {
            Some(Kind::Branch(Test::Message { step, .. })) => step,
            _ => return &[],
        };
        walk.kept
            .sent
            .get(asked)
            .and_then(|delivery| self.did.get(delivery))
            .map_or(&[], Vec::as_slice)
    }
}
