//! The dispatcher: claims deliveries, sends them, settles what came of it. Knows no page.
//!
//! Nothing is lost, and nothing is sent twice but what was on a connection when the process died
//! and its campaign wants retried; the ledger names those.

mod claim;
mod clerk;
mod decide;
mod desk;
pub mod engagement;
mod gate;
mod lanes;
mod leases;
mod ledger;
mod manners;
mod post;
mod prepare;
mod rescue;
mod worker;

pub use rescue::{Of, rescue};

use crate::context::Context;
use crate::domain::Channel;
use crate::messaging::Channels;
use anyhow::Result;
use desk::{Desk, Until};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often it looks for what others left when they died.
const RESCUE_EVERY: Duration = Duration::from_secs(15);

/// The ledger's workers in this process, a desk for each channel.
pub struct Dispatcher {
    cx: Context,
    desks: Vec<Arc<Desk>>,
}

impl Dispatcher {
    pub fn new(cx: Context, channels: &Channels) -> Self {
        let desks = Channel::ALL
            .iter()
            .filter_map(|channel| {
                let adapter = channels.get(*channel)?.clone();
                Some(Desk::new(cx.clone(), *channel, adapter))
            })
            .collect();
        Self { cx, desks }
    }

    /// Works until `stop`, then finishes what is on a connection and gives back the rest.
    pub async fn run(&self, stop: CancellationToken) {
        let mut desks = JoinSet::new();
        for desk in &self.desks {
            desks.spawn(keep_working(desk.clone(), stop.clone()));
        }
        let mut rescues = tokio::time::interval(RESCUE_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.cx.bell.dispatch() => self.wake(),
                _ = rescues.tick() => match rescue(&self.cx, Of::Expired).await {
                    Ok(0) => {}
                    Ok(_) => self.wake(),
                    Err(error) => tracing::warn!(%error, "expired leases were not looked for"),
                },
            }
        }
        desks.join_all().await;
    }

    /// Works until nothing is due, or what is due waits for a connection.
    pub async fn drain(&self) -> Result<()> {
        rescue(&self.cx, Of::Expired).await?;
        let mut desks = JoinSet::new();
        for desk in &self.desks {
            desks.spawn(desk.clone().work(Until::Idle));
        }
        while let Some(ended) = desks.join_next().await {
            ended??;
        }
        Ok(())
    }

    fn wake(&self) {
        for desk in &self.desks {
            desk.wake.notify_one();
        }
    }
}

/// Begins again where a worker panicked: what it held is let go when its lease ends.
async fn keep_working(desk: Arc<Desk>, stop: CancellationToken) {
    loop {
        match desk.clone().work(Until::Stopped(stop.clone())).await {
            Ok(()) => return,
            Err(error) => tracing::error!(error = format!("{error:#}"), "a desk stopped; it begins again"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
