//! One channel's desk in this process: claims, hands what it claimed to as many workers as the
//! channel has connections, and keeps their leases alive. It holds no transaction while they send.

use super::claim::{self, Claimed, Lease, Waiting};
use super::clerk::{self, Entry};
use super::decide::Word;
use super::gate::Gate;
use super::lanes::{Ends, Lanes, Takes};
use super::leases::Leases;
use super::ledger;
use super::prepare::{Batch, Contents, LoadError};
use super::worker::{self, Item};
use crate::campaigns::lifecycle;
use crate::context::Context;
use crate::db::Sql;
use crate::domain::Channel;
use crate::messaging::Adapter;
use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ConnectionTrait as _, DbErr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Rows of one claim.
const BATCH: usize = 200;
/// It claims more when it holds fewer than this.
const LOW: usize = 100;
/// It never holds more, however much events set off.
const MOST: usize = 2_000;
/// Making a message is work for a core.
const COMPOSERS: usize = 2;
/// How long a claim is held without a sign of life.
const LEASE: TimeDelta = TimeDelta::seconds(60);
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// It looks by itself at least so often: another node may have made work.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub struct Desk {
    pub cx: Context,
    pub channel: Channel,
    pub adapter: Arc<dyn Adapter>,
    pub gate: Gate,
    /// Rung when there may be something to send.
    pub wake: Notify,
    pub contents: Contents,
    leases: Arc<Leases>,
    listens: AtomicBool,
}

/// Until when a desk works.
#[derive(Clone)]
pub enum Until {
    Stopped(CancellationToken),
    /// Nothing is due any more, or there is no connection.
    Idle,
}

impl Until {
    pub fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped(token) if token.is_cancelled())
    }

    pub async fn stopped(&self) {
        match self {
            Self::Stopped(token) => token.cancelled().await,
            Self::Idle => std::future::pending().await,
        }
    }
}

impl Desk {
    pub fn new(cx: Context, channel: Channel, adapter: Arc<dyn Adapter>) -> Arc<Self> {
        Arc::new(Self {
            cx,
            channel,
            adapter,
            gate: Gate::default(),
            wake: Notify::new(),
            contents: Contents::default(),
            leases: Arc::default(),
            listens: AtomicBool::new(false),
        })
    }

    /// Whether some campaign waits for events, so that something may have to go out at once.
    pub fn listens(&self) -> bool {
        self.listens.load(Ordering::Relaxed)
    }

    /// Claims and sends. Ends with nothing held: what was on a connection is settled, the rest is
    /// given back. Dropped before its end, it leaves what a process leaves that was killed.
    pub async fn work(self: Arc<Self>, until: Until) -> Result<()> {
        let connections = self.adapter.connections().max(1);
        let (first, firsts) = mpsc::unbounded_channel();
        let (bulk, bulks) = mpsc::unbounded_channel();
        let (give, items) = (Ends { first, bulk }, Lanes::new(firsts, bulks));
        let (first, firsts) = mpsc::channel(connections);
        let (bulk, bulks) = mpsc::channel(connections);
        let ready = Lanes::new(firsts, bulks);
        let (say, entries) = mpsc::channel(1024);
        let mut workers = JoinSet::new();
        // Those of the bulk wait while every connection is busy, so the other lane has one of its own.
        let composers = (0..COMPOSERS).map(|_| (Takes::Bulk, bulk.clone()));
        for (takes, put) in composers.chain([(Takes::First, first.clone())]) {
            workers.spawn(worker::compose(
                self.clone(),
                items.clone(),
                takes,
                put,
                say.clone(),
                until.clone(),
            ));
        }
        for number in 0..connections {
            let is_reserved = number == 0 && connections > 1;
            workers.spawn(worker::work(
                self.clone(),
                ready.clone(),
                is_reserved,
                say.clone(),
                until.clone(),
            ));
        }
        drop((first, bulk));
        let mut clerk = JoinSet::new();
        clerk.spawn(clerk::run(self.cx.clone(), entries));
        let fed = self.feed(&give, &say, &until).await;
        drop((give, say));
        while let Some(ended) = workers.join_next().await {
            ended?;
        }
        while let Some(ended) = clerk.join_next().await {
            ended?;
        }
        fed
    }

    async fn feed(
        &self,
        give: &Ends<mpsc::UnboundedSender<Item>>,
        say: &mpsc::Sender<Entry>,
        until: &Until,
    ) -> Result<()> {
        let mut last_run = 0;
        let mut has_worked = false;
        let mut renewed_at = Instant::now();
        let mut is_woken = true;
        while !until.is_stopped() {
            if renewed_at.elapsed() >= RENEW_EVERY {
                renewed_at = Instant::now();
                let lease = self.cx.clock.now() + LEASE;
                if let Err(error) = ledger::renew(&self.cx.db, &self.leases.tokens(), lease).await {
                    tracing::warn!(%error, "leases were not renewed");
                }
            }
            // Enough of the bulk is held; but what an event set off does not wait behind it.
            let is_low = self.leases.count() < LOW;
            let looked = match is_low || is_woken {
                true => self.look(give, say, &mut last_run, is_low).await,
                false => Ok(Looked::Held),
            };
            is_woken = false;
            if matches!(looked, Ok(Looked::Claimed)) {
                has_worked = true;
                is_woken = !is_low && self.leases.count() < MOST;
                continue;
            }
            if has_worked && self.leases.count() == 0 {
                has_worked = false;
                self.cx.bell.ring_scheduler();
            }
            let wait = match (looked, until) {
                (Ok(Looked::Nothing(_)), Until::Idle) if self.leases.count() == 0 => return Ok(()),
                (Ok(Looked::Nothing(next)), _) => next.min(LOOK_EVERY),
                (Ok(Looked::Held | Looked::Claimed), _) => LOOK_EVERY,
                (Err(error), Until::Idle) => return Err(error),
                (Err(error), _) => {
                    tracing::error!(error = format!("{error:#}"), channel = %self.channel, "nothing was claimed");
                    tokio::select! {
                        () = until.stopped() => {}
                        () = tokio::time::sleep(LOOK_EVERY) => {}
                    }
                    continue;
                }
            };
            tokio::select! {
                () = until.stopped() => {}
                () = self.wake.notified() => is_woken = true,
                () = self.leases.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        Ok(())
    }

    /// Looks for something that is due and claims some of it.
    async fn look(
        &self,
        give: &Ends<mpsc::UnboundedSender<Item>>,
        say: &mpsc::Sender<Entry>,
        last_run: &mut i64,
        is_low: bool,
    ) -> Result<Looked> {
        let mut waiting = claim::waiting(&self.cx.db, self.channel).await?;
        let listens = claim::is_listening(&self.cx.db).await?;
        self.listens.store(listens, Ordering::Relaxed);
        let now = self.cx.clock.now();
        self.tell(&waiting, now).await?;
        let to = |at: DateTime<Utc>| (at - now).to_std().unwrap_or_default();
        if let Some(until) = self.gate.shut_until(now) {
            return Ok(Looked::Nothing(to(until)));
        }
        if !is_low {
            waiting.retain(|run| run.lane > 0);
            if !waiting.iter().any(|run| run.due_at.0 <= now) {
                return Ok(Looked::Held);
            }
        }
        let Some(picked) = claim::pick(&waiting, *last_run, now) else {
            let next = waiting.iter().map(|run| run.due_at.0).min();
            return Ok(Looked::Nothing(next.map_or(LOOK_EVERY, to)));
        };
        let token = self.leases.new_token();
        let lease = Lease {
            token: &token,
            until: now + LEASE,
        };
        let claimed = claim::claim(&self.cx.db, self.channel, picked, BATCH, lease, now).await?;
        *last_run = picked.run_id;
        if claimed.is_empty() {
            // Another dispatcher was quicker; what is left is locked by it for a moment.
            return Ok(Looked::Nothing(Duration::from_millis(50)));
        }
        self.give(claimed, &token, give, say).await?;
        Ok(Looked::Claimed)
    }

    async fn give(
        &self,
        claimed: Vec<Claimed>,
        token: &str,
        give: &Ends<mpsc::UnboundedSender<Item>>,
        say: &mpsc::Sender<Entry>,
    ) -> Result<()> {
        let tickets: Vec<_> = claimed.iter().map(|_| self.leases.hold(token)).collect();
        let batch = Batch::load(&self.cx, self.channel, &self.contents, &claimed).await;
        let campaign = claimed.first().map(|delivery| delivery.campaign_id);
        let pairs = claimed.into_iter().zip(tickets);
        match batch {
            Ok(batch) => {
                let batch = Arc::new(batch);
                for (delivery, ticket) in pairs {
                    let batch = batch.clone();
                    give.of(delivery.lane).send(Item {
                        delivery,
                        ticket,
                        batch,
                    })?;
                }
                Ok(())
            }
            Err(error) => {
                if let (LoadError::Content(problem), Some(campaign)) = (&error, campaign) {
                    self.pause(campaign, problem).await?;
                }
                for (delivery, ticket) in pairs {
                    say.send(Entry::of(delivery.id, ticket, Word::Back)).await?;
                }
                match error {
                    LoadError::Content(_) => Ok(()),
                    LoadError::Passing(error) => Err(error),
                }
            }
        }
    }

    /// Pauses a campaign that cannot go on.
    pub async fn pause(&self, campaign: i64, problem: &str) -> Result<()> {
        let tx = self.cx.db.begin().await?;
        lifecycle::pause_because(&tx, campaign, problem, self.cx.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Says on the runs' pages why nothing goes out, and unsays it.
    async fn tell(&self, waiting: &[Waiting], now: DateTime<Utc>) -> Result<(), DbErr> {
        let sentence = match self.gate.why(now) {
            Some(why) => Some(format!("Waiting for {}: {why}", place(self.channel))),
            None if self.gate.is_proven(now) => None,
            // Nothing was tried yet; what is said there may still be true.
            None => return Ok(()),
        };
        let stale: Vec<i64> = waiting
            .iter()
            .filter(|run| run.waiting != sentence && (sentence.is_none() || run.due_at.0 <= now))
            .map(|run| run.run_id)
            .collect();
        if stale.is_empty() {
            return Ok(());
        }
        let tx = self.cx.db.begin().await?;
        let mut sql = Sql::new(tx.get_database_backend());
        let text = sql.bind(sentence);
        let runs = stale
            .iter()
            .map(|run| sql.bind(*run))
            .collect::<Vec<_>>()
            .join(", ");
        tx.execute_raw(sql.statement(format!("UPDATE runs SET waiting = {text} WHERE id IN ({runs})")))
            .await?;
        tx.commit().await
    }
}

/// What a look at the ledger came to.
enum Looked {
    Claimed,
    /// Enough is held already.
    Held,
    /// Nothing can be claimed for so long.
    Nothing(Duration),
}

const fn place(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "the mail server",
        _ => "the provider",
    }
}
