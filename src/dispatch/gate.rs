//! Whether a channel can be sent on. While it has no connection, nothing is claimed on it: it rests,
//! a little longer each time, and is tried again. A provider that asks for a rest gets it.

use crate::domain::retry;
use chrono::{DateTime, Utc};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A failed connection beside one that carried a message just now is that connection's trouble
/// (a limit of the server, say), not the channel's.
const RECENT: Duration = Duration::from_secs(5);

/// No provider is left alone for longer, whatever it asks.
const LONGEST_REST: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    shut_until: Option<DateTime<Utc>>,
    why: Option<String>,
    carried_at: Option<Instant>,
    /// What the provider asked for, and its words.
    rest: Option<(DateTime<Utc>, String)>,
}

impl State {
    fn rest(&self, now: DateTime<Utc>) -> Option<&(DateTime<Utc>, String)> {
        self.rest.as_ref().filter(|(until, _)| *until > now)
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can leave the state half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when nothing is sent, if so.
    pub fn shut_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let state = self.state();
        let failed = state.shut_until.filter(|until| *until > now);
        failed.max(state.rest(now).map(|(until, _)| *until))
    }

    /// Why nothing is sent: no connection until there is one again, or a rest until its end.
    pub fn why(&self, now: DateTime<Utc>) -> Option<String> {
        let state = self.state();
        let rest = state.rest(now).map(|(_, reply)| reply.clone());
        state.why.clone().or(rest)
    }

    /// Whether a message went through and none failed since for want of a connection.
    pub fn is_proven(&self, now: DateTime<Utc>) -> bool {
        let state = self.state();
        state.why.is_none() && state.carried_at.is_some() && state.rest(now).is_none()
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

    /// The provider asked that nothing be sent for so long.
    pub fn rest(&self, reply: &str, now: DateTime<Utc>, rest: Duration) {
        let until = now + rest.min(LONGEST_REST);
        let mut state = self.state();
        if state.rest(now).is_none_or(|(known, _)| *known < until) {
            tracing::warn!(reply, seconds = rest.as_secs(), "the provider asks for a rest");
            state.rest = Some((until, reply.to_owned()));
        }
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
        assert_eq!(gate.why(at(1)).as_deref(), Some("refused"));
        gate.carried();
        assert_eq!(gate.shut_until(at(1)), None);
        assert!(gate.is_proven(at(1)));
    }

    #[test]
    fn a_rest_that_was_asked_for_is_kept_whatever_else_goes_through() {
        let gate = Gate::default();
        gate.rest("slow down", at(0), Duration::from_secs(30));
        gate.rest("slow down", at(0), Duration::from_secs(10));
        gate.carried();
        assert_eq!(gate.shut_until(at(1)), Some(at(30)));
        assert_eq!(gate.why(at(1)).as_deref(), Some("slow down"));
        assert!(!gate.is_proven(at(1)));
        assert_eq!(gate.shut_until(at(30)), None);
        assert_eq!(gate.why(at(30)), None);
        gate.rest("for ever", at(30), Duration::from_secs(1_000_000));
        assert_eq!(gate.shut_until(at(31)), Some(at(30 + 3600)));
    }

    #[test]
    fn one_bad_connection_among_good_ones_does_not_stop_the_channel() {
        let gate = Gate::default();
        gate.carried();
        assert_eq!(gate.failed("too many", at(0)), (Duration::from_secs(1), false));
        assert_eq!(gate.shut_until(at(0)), None);
    }
}
