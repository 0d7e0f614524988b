//! One move. The engine finds out what is so, and asks here what follows from it.

use super::{Journey, Kind, Step, Test};
use crate::domain::schedule::resolve;
use crate::domain::{Channel, UnknownTerm};
use chrono::{DateTime, Datelike as _, Days, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

super::super::terms::term!(
    /// What a person may have done with an earlier message.
    Did {
        Sent = "SENT",
        Opened = "OPENED",
        Clicked = "CLICKED",
    }
);

/// Where a person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// Sets the person's walk apart from all others.
    pub enrollment: i64,
    pub step: &'a str,
    /// When the person came to the step.
    pub arrived: DateTime<Utc>,
}

/// What the engine knows at the moment of a move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts<'a> {
    pub now: DateTime<Utc>,
    /// The campaign's.
    pub zone: Tz,
    /// The properties of the event that the person came in by, or that was waited for last.
    pub event: &'a Value,
    /// Whether the event that this step waits for came since the person arrived.
    pub has_come: bool,
    /// Whether the segment or rule that this branch asks about holds.
    pub holds: bool,
    /// What the person did with the message that this branch asks about.
    pub did: &'a [Did],
    /// What came of the webhook of this step.
    pub called: Option<Outcome>,
}

impl<'a> Facts<'a> {
    /// Nothing but the time is known.
    pub const fn at(now: DateTime<Utc>, zone: Tz, event: &'a Value) -> Self {
        Self {
            now,
            zone,
            event,
            has_come: false,
            holds: false,
            did: &[],
            called: None,
        }
    }
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action<'a> {
    /// Look again then, or when something comes.
    Stay(DateTime<Utc>),
    /// On to another step.
    Go(&'a str),
    /// Send, and go on.
    Send {
        channel: Channel,
        template: &'a str,
        to: &'a str,
    },
    /// Change the person as the step says, and go on.
    Change(&'a str),
    /// Call the address, and ask again with what came of it.
    Call(&'a str),
    /// The end.
    End,
    /// The step is not there, or leads nowhere: the version was not checked.
    Lost,
}

impl Journey {
    /// What a person does next.
    pub fn next<'a>(&'a self, position: &Position<'_>, facts: &Facts<'_>) -> Action<'a> {
        let Some(step) = self.step(position.step) else {
            return Action::Lost;
        };
        match step.kind {
            Kind::End => Action::End,
            _ => step.next(position, facts).unwrap_or(Action::Lost),
        }
    }
}

impl Step {
    fn next<'a>(&'a self, position: &Position<'_>, facts: &Facts<'_>) -> Option<Action<'a>> {
        let way = |place: usize| self.to.get(place).and_then(Option::as_deref);
        let wait = |until: DateTime<Utc>, place: usize| match facts.now < until {
            true => Some(Action::Stay(until)),
            false => way(place).map(Action::Go),
        };
        let either = |is_so: bool| way(usize::from(!is_so)).map(Action::Go);
        match &self.kind {
            Kind::Message { channel, template } => way(0).map(|to| Action::Send {
                channel: *channel,
                template,
                to,
            }),
            Kind::Wait(span) => wait(span.after(position.arrived, facts.zone), 0),
            Kind::Until { weekdays, at } => wait(next_such(position.arrived, facts.zone, weekdays, *at), 0),
            Kind::Await { at_most, .. } => match facts.has_come {
                true => way(0).map(Action::Go),
                false => wait(at_most.after(position.arrived, facts.zone), 1),
            },
            Kind::Branch(Test::Segment(_) | Test::Rule { .. }) => either(facts.holds),
            Kind::Branch(Test::Event(matching)) => either(matching.condition.holds(facts.event)),
            Kind::Branch(Test::Message { did, .. }) => either(facts.did.contains(did)),
            Kind::Split(weights) => way(drawn(position, weights)).map(Action::Go),
            Kind::Tag { .. } | Kind::Attribute { .. } => way(0).map(Action::Change),
            Kind::Webhook { url } => match facts.called {
                None => Some(Action::Call(url)),
                Some(Outcome::Done) => way(0).map(Action::Go),
                Some(Outcome::Failed) => way(1).or_else(|| way(0)).map(Action::Go),
            },
            Kind::End => Some(Action::End),
        }
    }
}

/// Which way a person is drawn: by a hash of the walk and the step, so that it is the same however
/// often it is asked.
fn drawn(position: &Position<'_>, weights: &[u32]) -> usize {
    let digest = Sha256::digest(format!("{}:{}", position.enrollment, position.step));
    let number = digest
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let mut left = number % sum.max(1);
    for (place, weight) in weights.iter().enumerate() {
        match left.checked_sub(u64::from(*weight)) {
            Some(rest) => left = rest,
            None => return place,
        }
    }
    weights.len().saturating_sub(1)
}

/// The first instant after `arrived` at which the clocks show this time on one of these weekdays.
fn next_such(arrived: DateTime<Utc>, zone: Tz, weekdays: &[Weekday], at: NaiveTime) -> DateTime<Utc> {
    let today = arrived.with_timezone(&zone).date_naive();
    (0..=14)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .filter(|day| weekdays.is_empty() || weekdays.contains(&day.weekday()))
        .map(|day| resolve(day.and_time(at), zone).instant())
        .find(|at| *at > arrived)
        .unwrap_or(arrived)
}
