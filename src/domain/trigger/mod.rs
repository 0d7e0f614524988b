//! What sets off a TRIGGERED campaign: an event that a club system reports, when the message is due
//! then, what calls it off, and how often one person may get it. Everything is decided here from
//! the event alone; what is in the ledger already is asked by `scheduler::events`.

mod decide;
mod due;
mod parse;
mod span;
#[cfg(test)]
mod tests;

pub use decide::{Facts, Verdict};
pub use due::{LATE_AFTER_EVENT, LATE_FOR_PROPERTY, Missed};
pub use span::{LONGEST_DAYS, Span};

use super::condition::{About, Condition, is_equal, property};
use super::terms::UnknownTerm;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// How many properties a cancelling event may be told by.
pub const MOST_MATCHES: usize = 5;

/// When a TRIGGERED campaign sends.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Such as `booking.confirmed`.
    pub event: String,
    pub condition: Option<Where>,
    pub delay: Delay,
    pub cancel_on: Option<CancelOn>,
    pub repeat: Repeat,
}

/// A condition, and what it was written as.
#[derive(Clone, Debug, PartialEq)]
pub struct Where {
    pub json: Value,
    pub condition: Condition,
}

/// When the message is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delay {
    /// With the event, or so long after it.
    AfterEvent(Span),
    /// So long before or after a time that the event names.
    Around {
        side: Side,
        span: Span,
        /// The property's name, such as `tee_time`.
        property: String,
    },
}

super::terms::term!(
    /// On which side of a time.
    Side {
        Before = "before",
        After = "after",
    }
);

/// The event that calls off what waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelOn {
    pub event: String,
    /// Properties that must be the same in both events, such as `booking_id`. Without any, every
    /// such event about the person calls off what waits for them.
    pub matching: Vec<String>,
}

/// How often one person may get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    EveryEvent,
    /// At most once in any stretch this long.
    OncePer(Span),
    /// Once for as long as the campaign runs.
    Once,
}

super::terms::term!(
    /// What an event came to in one campaign.
    Outcome {
        /// A message was put into the ledger, which says the rest.
        Queued = "queued",
        ConditionNotMet = "condition_not_met",
        /// The person is not in the segment that the campaign is for.
        NotInSegment = "not_in_segment",
        /// The person had one, or one waits, as often as the campaign allows.
        AlreadyHad = "already_had",
        /// Its time was past when the event came.
        TooLate = "too_late",
        /// The event does not say the time that the message depends on.
        NoTime = "no_time",
        /// Nobody whom the club knows.
        UnknownContact = "unknown_contact",
        /// It was called off before it came.
        CalledOff = "called_off",
        /// This event called off what waited.
        Cancelled = "cancelled",
        NothingToCancel = "nothing_to_cancel",
        /// It brought the person into a journey.
        CameIn = "came_in",
        /// It might have, and the person was inside, was there before, or opted out.
        NotLetIn = "not_let_in",
        /// It was what the person waited for in a journey.
        MovedOn = "moved_on",
        /// It was the goal, and with it the person left a journey.
        GoalReached = "goal_reached",
    }
);

impl Outcome {
    /// What staff read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Queued => "matched",
            Self::ConditionNotMet => "condition not met",
            Self::NotInSegment => "not in the segment",
            Self::AlreadyHad => "had one already",
            Self::TooLate => "came too late",
            Self::NoTime => "names no time",
            Self::UnknownContact => "nobody we know",
            Self::CalledOff => "called off before",
            Self::Cancelled => "called off what waited",
            Self::NothingToCancel => "nothing waited to be called off",
            Self::CameIn => "came in",
            Self::NotLetIn => "not let in",
            Self::MovedOn => "moved on",
            Self::GoalReached => "reached the goal and left",
        }
    }

    /// Whether a journey made this of an event.
    pub const fn is_of_journey(self) -> bool {
        matches!(
            self,
            Self::CameIn | Self::NotLetIn | Self::MovedOn | Self::GoalReached
        )
    }
}

/// An event, as triggers look at it.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    pub name: &'a str,
    pub properties: &'a Value,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
}

impl Heard<'_> {
    /// Whether whoever reported it said when it happened; else it is taken for now.
    fn is_time_told(&self) -> bool {
        self.occurred_at != self.received_at
    }
}

impl Trigger {
    /// Whether an event, about this person, is one that the campaign answers.
    pub fn is_met(&self, properties: &Value, about: About) -> bool {
        let condition = self.condition.as_ref();
        condition.is_none_or(|part| part.condition.holds_for(properties, Some(about)))
    }

    /// The trigger as a sentence.
    pub fn words(&self) -> String {
        let mut text = format!("When {} is reported", self.event);
        if let Some(part) = &self.condition {
            text.push_str(&format!(" where {}", part.condition.words()));
        }
        text.push_str(&match &self.delay {
            Delay::AfterEvent(span) if span.is_zero() => ", at once".to_owned(),
            Delay::AfterEvent(span) => format!(", {} after it", span.words()),
            Delay::Around { span, property, .. } if span.is_zero() => format!(", at {property}"),
            Delay::Around { side, span, property } => format!(", {} {side} {property}", span.words()),
        });
        text.push_str(&match self.repeat {
            Repeat::EveryEvent => String::new(),
            Repeat::OncePer(span) => format!(", at most once in {} for each person", span.words()),
            Repeat::Once => ", once for each person".to_owned(),
        });
        text.push('.');
        if let Some(cancel) = &self.cancel_on {
            text.push_str(&match cancel.matching.is_empty() {
                true => format!(" Called off by {} about the same person.", cancel.event),
                false => format!(
                    " Called off by {} with the same {}.",
                    cancel.event,
                    cancel.matching.join(" and ")
                ),
            });
        }
        text
    }
}

impl CancelOn {
    /// Whether two events about one person are told to be of the same thing.
    pub fn is_same(&self, one: &Value, other: &Value) -> bool {
        self.matching.iter().all(|name| {
            let value = property(one, name);
            !value.is_null() && is_equal(value, property(other, name))
        })
    }

    /// Whether a cancelling event, whenever it came, calls off what an event sets off. One that
    /// happened before the event does not: it was of an earlier booking. But where nobody said when
    /// the event happened and both are of the same thing, they merely came in the wrong order.
    pub fn undoes(&self, cancelling: &Heard, event: &Heard) -> bool {
        if cancelling.name != self.event || !self.is_same(event.properties, cancelling.properties) {
            return false;
        }
        let is_in_order = cancelling.occurred_at >= event.occurred_at;
        is_in_order || (!self.matching.is_empty() && !event.is_time_told())
    }
}

impl Repeat {
    /// Whether a person for whom messages are due or were sent at `others` may get one at `due`.
    pub fn allows(self, due: DateTime<Utc>, others: &[DateTime<Utc>], zone: chrono_tz::Tz) -> bool {
        match self {
            Self::EveryEvent => true,
            Self::Once => others.is_empty(),
            Self::OncePer(span) => others
                .iter()
                .all(|other| span.after(due.min(*other), zone) <= due.max(*other)),
        }
    }
}
