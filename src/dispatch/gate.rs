//! Whether a channel has a connection. While it has none, nothing is claimed on it: it rests, a
//! little longer each time, and is tried again.

use crate::domain::retry;
use chrono::{DateTime, Utc};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A failed connection beside one that carried a message just now is that connection's trouble
/// (a limit of the server, say), not the channel's.
const RECENT: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    shut_until: Option<DateTime<Utc>>,
    why: Option<String>,
    carried_at: Option<Instant>,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can leave the state half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when nothing is sent, if so.
    pub fn shut_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.state().shut_until.filter(|until| *until > now)
    }

    /// Why there is no connection, until there is one again.
    pub fn why(&self) -> Option<String> {
        self.state().why.clone()
    }

    /// Whether a message went through and none failed since for want of a connection.
    pub fn is_proven(&self) -> bool {
        let state = self.state();
        state.why.is_none() && state.carried_at.is_some()
    }

    /// A message was handed over, or refused by a server that listened.
    pub fn carried(&self) {
        let mut state = self.state();
        if state.why.take().is_some() {
            tracing::info!("messages go out again");
        }
        state.failures = 0;
        state.shut_until = None;
        state.carried_at = Some(Instant::now());
    }

    /// There was no connection. Answers how long to rest, and whether the whole channel does.
    pub fn failed(&self, reply: &str, now: DateTime<Utc>) -> (Duration, bool) {
        let mut state = self.state();
        if state.carried_at.is_some_and(|at| at.elapsed() < RECENT) {
            return (retry::rest(1), false);
        }
        if let Some(until) = state.shut_until.filter(|until| *until > now) {
            return ((until - now).to_std().unwrap_or_default(), true);
        }
        state.failures += 1;
        let rest = retry::rest(state.failures);
        state.shut_until = Some(now + rest);
        state.why = Some(reply.to_owned());
        tracing::warn!(reply, seconds = rest.as_secs(), "no connection; messages wait");
        (rest, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_channel_without_a_connection_rests_once_however_many_workers_notice() {
        let gate = Gate::default();
        assert_eq!(gate.failed("refused", at(0)), (Duration::from_secs(1), true));
        assert_eq!(gate.failed("refused", at(0)), (Duration::from_secs(1), true));
        assert_eq!(gate.shut_until(at(0)), Some(at(1)));
        assert_eq!(gate.shut_until(at(1)), None);
        assert_eq!(gate.failed("refused", at(1)), (Duration::from_secs(2), true));
        assert_eq!(gate.why().as_deref(), Some("refused"));
        gate.carried();
        assert_eq!(gate.shut_until(at(1)), None);
        assert!(gate.is_proven());
    }

    #[test]
    fn one_bad_connection_among_good_ones_does_not_stop_the_channel() {
        let gate = Gate::default();
        gate.carried();
        assert_eq!(gate.failed("too many", at(0)), (Duration::from_secs(1), false));
        assert_eq!(gate.shut_until(at(0)), None);
    }
}
