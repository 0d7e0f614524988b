//! Whether an event sets off a message, once everything about its person is known.

use super::{Heard, Outcome, Trigger};
use crate::domain::condition::About;
use crate::domain::segment::Person;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// What is known of an event's person, as far as the trigger asks.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// `None`: nobody whom the club knows.
    pub person: Option<&'a Person>,
    /// Whether the person is in the campaign's segment; true where it has none.
    pub is_in_segment: bool,
    /// When other messages of the campaign are due to the person, or were sent.
    pub others: &'a [DateTime<Utc>],
    /// Whether an event that came before, or came with it, calls it off.
    pub is_called_off: bool,
}

/// What an event sets off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A message that is due then.
    Send(DateTime<Utc>),
    /// None; why, and a sentence where the word does not say it all.
    Not(Outcome, Option<String>),
}

impl Trigger {
    /// Decides. Asks first what depends on the event alone, and last what depends on what was sent.
    pub fn decide(&self, event: &Heard, facts: &Facts, now: DateTime<Utc>, zone: Tz) -> Verdict {
        let Some(person) = facts.person else {
            return Verdict::Not(Outcome::UnknownContact, None);
        };
        if !self.is_met(event.properties, About { person, now, zone }) {
            return Verdict::Not(Outcome::ConditionNotMet, None);
        }
        if !facts.is_in_segment {
            return Verdict::Not(Outcome::NotInSegment, None);
        }
        let due = match self.due(event, now, zone) {
            Ok(due) => due,
            Err(missed) => return Verdict::Not(missed.outcome, Some(missed.sentence)),
        };
        if facts.is_called_off {
            return Verdict::Not(Outcome::CalledOff, None);
        }
        if !self.repeat.allows(due, facts.others, zone) {
            return Verdict::Not(Outcome::AlreadyHad, None);
        }
        Verdict::Send(due)
    }
}
