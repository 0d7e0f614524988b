//! What each event ought to come to in each campaign that listens, and who ought to come into each
//! journey: reckoned when it is reported, from what is known here.

use super::campaigns::{Trigger, What};
use super::club::Club;
use super::post::is_refused;
use chrono::{DateTime, TimeDelta, Utc};
use fairway::domain::trigger::Outcome;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An event that was reported.
#[derive(Clone, Debug)]
pub struct Reported {
    /// Its number, from which its id is made.
    pub number: usize,
    pub name: &'static str,
    pub contact: Option<i64>,
    pub course: i64,
    pub players: i64,
    pub occurred: DateTime<Utc>,
    pub tee_time: DateTime<Utc>,
    /// The booking that it makes or calls off: the number of the event that made it.
    pub booking: usize,
    pub at: DateTime<Utc>,
}

/// What an event ought to come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Comes {
    /// A message to this person, not before then.
    Queued {
        contact: i64,
        due: DateTime<Utc>,
    },
    Not(Outcome),
    /// Whether the first one counts depends on whether the mail server refused it by then.
    QueuedOrHad {
        contact: i64,
        due: DateTime<Utc>,
    },
    /// It calls off the message of that booking, if that waits.
    CallsOff {
        booking: usize,
    },
}

#[derive(Default)]
pub struct Expected {
    /// By campaign and event.
    pub outcomes: HashMap<(i64, usize), Comes>,
    /// Who had their first order, by campaign.
    firsts: HashSet<(i64, i64)>,
    /// By journey.
    pub comers: BTreeMap<i64, HashSet<i64>>,
    /// Who was in the segment of a journey when it was looked at last.
    known: HashMap<i64, HashSet<i64>>,
}

/// A day, for which what follows on an event is made up for.
const LATE: TimeDelta = TimeDelta::hours(24);

impl Club {
    /// Reckons what these events come to, which were reported and acted upon just now.
    pub fn expect(&mut self, reported: &[Reported]) {
        let now = self.now();
        let mut expected = std::mem::take(&mut self.expected);
        let live: Vec<(i64, usize)> = self
            .audiences
            .values()
            .filter_map(|run| {
                let place = self.campaigns.iter().position(|one| one.id == run.campaign)?;
                (!self.campaigns[place].is_cancelled(now)).then_some((run.campaign, place))
            })
            .collect();
        for (id, place) in live {
            let planned = &self.campaigns[place];
            match &planned.what {
                What::Triggered(trigger) => {
                    for event in reported {
                        if let Some(comes) = self.comes(id, place, *trigger, event, &mut expected) {
                            expected.outcomes.insert((id, event.number), comes);
                        }
                    }
                }
                What::Journey { is_by_event: true } => {
                    let comers = expected.comers.entry(id).or_default();
                    for event in reported.iter().filter(|event| event.name == "member.joined") {
                        let outcome = match event.contact {
                            None => Outcome::UnknownContact,
                            Some(contact) if self.is_out(contact, now) => Outcome::NotLetIn,
                            Some(contact) if !comers.insert(contact) => Outcome::NotLetIn,
                            Some(_) => Outcome::CameIn,
                        };
                        expected.outcomes.insert((id, event.number), Comes::Not(outcome));
                    }
                }
                // While it is paused nobody looks who joins.
                What::Journey { is_by_event: false } if !planned.is_paused(now) => {
                    let members = &self.segments[planned.segment.unwrap()].members;
                    let known = expected.known.entry(id).or_default();
                    let joined = members.difference(known).copied();
                    let comers: Vec<i64> = joined.filter(|contact| !self.is_out(*contact, now)).collect();
                    known.clone_from(members);
                    expected.comers.entry(id).or_default().extend(comers);
                }
                _ => {}
            }
        }
        self.expected = expected;
    }

    fn comes(
        &self,
        id: i64,
        place: usize,
        trigger: Trigger,
        event: &Reported,
        expected: &mut Expected,
    ) -> Option<Comes> {
        let listens = match trigger {
            Trigger::Confirmation { .. } => event.name == "booking.confirmed",
            Trigger::Reminder { .. } => event.name.starts_with("booking."),
            Trigger::Thanks | Trigger::First => event.name == "shop.ordered",
        };
        if !listens {
            return None;
        }
        let Some(contact) = event.contact else {
            return Some(Comes::Not(Outcome::UnknownContact));
        };
        let is_past = |due: DateTime<Utc>, by: TimeDelta| event.at - due > by;
        let queued = |due| Comes::Queued { contact, due };
        Some(match trigger {
            Trigger::Confirmation { course } if event.course != course || event.players < 2 => {
                Comes::Not(Outcome::ConditionNotMet)
            }
            Trigger::Reminder { .. } if event.name == "booking.cancelled" => Comes::CallsOff {
                booking: event.booking,
            },
            Trigger::Reminder { course } if event.course != course => Comes::Not(Outcome::ConditionNotMet),
            Trigger::Reminder { .. } => {
                let due = whole_second(event.tee_time) - TimeDelta::days(1);
                match is_past(due, TimeDelta::hours(1)) {
                    true => Comes::Not(Outcome::TooLate),
                    false => queued(due),
                }
            }
            Trigger::Thanks => {
                let segment = self.campaigns[place].segment.unwrap();
                let due = event.occurred + TimeDelta::minutes(30);
                match self.segments[segment].members.contains(&contact) {
                    false => Comes::Not(Outcome::NotInSegment),
                    true if is_past(due, LATE) => Comes::Not(Outcome::TooLate),
                    true => queued(due),
                }
            }
            Trigger::Confirmation { .. } | Trigger::First if is_past(event.occurred, LATE) => {
                Comes::Not(Outcome::TooLate)
            }
            Trigger::Confirmation { .. } => queued(event.occurred),
            Trigger::First => {
                let is_first = expected.firsts.insert((id, contact));
                match (is_first, is_refused(contact)) {
                    (true, _) => queued(event.occurred),
                    (false, true) => Comes::QueuedOrHad {
                        contact,
                        due: event.occurred,
                    },
                    (false, false) => Comes::Not(Outcome::AlreadyHad),
                }
            }
        })
    }
}

fn whole_second(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap()
}
