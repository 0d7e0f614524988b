//! When each person of an audience is sent to: from a beginning, spread over a while, around the
//! quiet hours of their zone. The ledger's SQL says the same, from the same numbers.

use super::Manners;
use crate::domain::Channel;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

/// The plan of one zone. Somebody at `offset` of the spread is due at `begin + offset`, and later
/// by the pauses that come before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plan {
    pub begin: DateTime<Utc>,
    /// In the order of their offsets.
    pub pauses: Vec<Pause>,
}

/// From this offset on, everybody is later by so much in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pause {
    pub from: TimeDelta,
    pub shift: TimeDelta,
}

impl Plan {
    /// Everybody at once, at any hour.
    pub const fn at(begin: DateTime<Utc>) -> Self {
        Self {
            begin,
            pauses: Vec::new(),
        }
    }

    /// Spread over `span` of the time in which the club writes to people of a zone: when quiet
    /// hours begin the rest waits, and nobody's turn falls to their end with everybody else's.
    pub fn around(
        manners: &Manners,
        channel: Channel,
        zone: Tz,
        begin: DateTime<Utc>,
        span: TimeDelta,
    ) -> Self {
        let mut plan = Self::at(manners.next_open(channel, zone, begin));
        let (mut from, mut at) = (TimeDelta::zero(), plan.begin);
        let mut shift = TimeDelta::zero();
        while from < span {
            let Some((closes, opens)) = next_pause(manners, channel, zone, at, span - from) else {
                break;
            };
            from += closes - at;
            shift += opens - closes;
            plan.pauses.push(Pause { from, shift });
            at = opens;
        }
        plan
    }

    /// When somebody at this offset is due.
    pub fn due(&self, offset: TimeDelta) -> DateTime<Utc> {
        let before = self.pauses.iter().rfind(|pause| pause.from <= offset);
        self.begin + offset + before.map_or_else(TimeDelta::zero, |pause| pause.shift)
    }
}

/// The next time within `ahead` of an open instant at which it becomes quiet, and when that ends.
fn next_pause(
    manners: &Manners,
    channel: Channel,
    zone: Tz,
    at: DateTime<Utc>,
    ahead: TimeDelta,
) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if !manners.has_pauses(channel) {
        return None;
    }
    // In quarters of an hour first: clocks and holidays change on these, and quiet hours are longer.
    let (minute, quarter) = (TimeDelta::minutes(1), TimeDelta::minutes(15));
    let full = |step: TimeDelta, at: DateTime<Utc>| {
        let over = at.timestamp_millis().rem_euclid(step.num_milliseconds());
        at - TimeDelta::milliseconds(over) + step
    };
    let is_quiet = |at| manners.quiet_until(channel, zone, at);
    let mut before = at;
    while before <= at + ahead {
        let look = full(quarter, before);
        if is_quiet(look).is_some() {
            let mut closes = full(minute, before);
            while closes < look && is_quiet(closes).is_none() {
                closes += minute;
            }
            let opens = is_quiet(closes)?;
            return (closes <= at + ahead).then_some((closes, opens));
        }
        before = look;
    }
    None
}
