//! E-mail over SMTP: a small pool of kept connections to one server.
//!
//! What comes of a message is told exactly, because the ledger lives on it: refused for now, refused
//! for good, not handed over at all, or nobody knows.

mod connect;
mod connection;
mod reply;
mod server;
mod tls;

pub use server::{Encryption, Server};

use super::relays::{postmark, ses};
use super::{Adapter, Checking, Outgoing, Receipt, SendError, Sending, mime};
use anyhow::Result;
use connection::Connection;
use reply::Failure;
use secrecy::SecretString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tls::Tls;
use tokio::sync::Semaphore;

/// How long each step may take. Shorter than RFC 5321, 4.5.3.2, allows for all but the greeting
/// of a server that is overloaded anyway: a message waits for its next turn instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    pub connect: Duration,
    pub tls: Duration,
    /// Of each write: a command, or a message's content.
    pub write: Duration,
    /// Of the greeting and the reply to each command.
    pub reply: Duration,
    /// Of the reply to a whole message. Generous, because giving up leaves it in doubt.
    pub verdict: Duration,
    /// How long a connection is kept without use.
    pub idle: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(15),
            write: Duration::from_secs(60),
            reply: Duration::from_secs(60),
            verdict: Duration::from_secs(120),
            idle: Duration::from_secs(60),
        }
    }
}

/// After so many messages a connection is replaced, so that a relay behind a load balancer gets
/// its share of fresh ones.
const MESSAGES: usize = 1000;

/// The adapter for EMAIL.
pub struct Smtp {
    server: Server,
    tls: Tls,
    deadlines: Deadlines,
    turns: Semaphore,
    /// Ready for a message, the last used one last.
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Smtp {
    /// Reads the URL; connects to nothing yet. Errors are sentences for the operator.
    pub fn new(url: &SecretString) -> Result<Self> {
        let server = Server::parse(url)?;
        Ok(Self {
            tls: Tls::new(&server)?,
            deadlines: Deadlines::default(),
            turns: Semaphore::new(server.connections),
            idle: Arc::default(),
            server,
        })
    }

    /// The same with other deadlines.
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    async fn deliver(&self, message: &Outgoing) -> Result<Receipt, SendError> {
        let mail = mime::build_for(message, &self.headers(message))?;
        let _turn = self.turns.acquire().await.map_err(|_| SendError::Unreachable {
            reply: "Fairway is stopping".into(),
        })?;
        if let Some(mut kept) = self.take() {
            match kept.send(&mail).await {
                // Nothing was handed over, and the fault may be the idle connection's alone.
                Err(failure) if failure.is_stale() => tracing::debug!(?failure, "a kept connection was dead"),
                outcome => return self.settle(kept, outcome),
            }
        }
        let mut fresh = connect::connect(&self.server, &self.tls, self.deadlines).await?;
        let outcome = fresh.send(&mail).await;
        self.settle(fresh, outcome)
    }

    /// Headers by which the server's webhooks will name a message.
    fn headers<'a>(&self, message: &'a Outgoing) -> Vec<(&'static str, &'a str)> {
        match self.server.host.ends_with(".postmarkapp.com") {
            true => vec![(postmark::METADATA_HEADER, &message.message_id)],
            false => Vec::new(),
        }
    }

    fn settle(
        &self,
        connection: Connection,
        outcome: Result<lettre::transport::smtp::response::Response, Failure>,
    ) -> Result<Receipt, SendError> {
        if outcome.as_ref().err().is_none_or(Failure::leaves_connection) {
            self.keep(connection);
        }
        let text = reply::text(&outcome.map_err(Failure::of_message)?);
        Ok(Receipt {
            is_delivered: true,
            provider_id: ses::id_in(&text).map(str::to_owned),
            reply: text,
            ..Receipt::default()
        })
    }

    /// A kept connection that seems alive: the last used, so that surplus ones grow old.
    fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = locked(&self.idle).pop()?;
            if connection.used_at.elapsed() < self.deadlines.idle && !connection.is_dead() {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: Connection) {
        if connection.carried >= MESSAGES {
            tokio::spawn(connection.quit());
            return;
        }
        let mut idle = locked(&self.idle);
        idle.push(connection);
        if idle.len() == 1 {
            tokio::spawn(close_old(Arc::downgrade(&self.idle), self.deadlines.idle));
        }
    }
}

/// Takes leave of connections that nobody used for a while, until none is left.
async fn close_old(idle: Weak<Mutex<Vec<Connection>>>, limit: Duration) {
    loop {
        tokio::time::sleep(limit / 2).await;
        let Some(idle) = idle.upgrade() else { return };
        let old = {
            let mut idle = locked(&idle);
            let old = idle
                .extract_if(.., |connection| connection.used_at.elapsed() >= limit)
                .collect::<Vec<_>>();
            if idle.is_empty() && old.is_empty() {
                return;
            }
            old
        };
        for connection in old {
            connection.quit().await;
        }
    }
}

/// No code that holds the lock can leave the list half-changed, so a panic elsewhere is no reason
/// to stop sending.
fn locked(idle: &Mutex<Vec<Connection>>) -> MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// `mail.club.example:587`, for staff and the log.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl Adapter for Smtp {
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(self.deliver(message))
    }

    fn check(&self) -> Checking<'_> {
        Box::pin(async {
            let connection = connect::connect(&self.server, &self.tls, self.deadlines).await?;
            self.keep(connection);
            Ok(())
        })
    }

    fn connections(&self) -> usize {
        self.server.connections
    }

    fn place(&self) -> String {
        self.server.place()
    }
}
