//! When a message is due, and when it is too late for it.

use super::{Delay, Heard, Outcome, Side, Trigger};
use crate::domain::condition::property;
use crate::domain::schedule::resolve;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// How long after its time a message is still sent that follows an event. A club system that was
/// down for a night still gets its confirmations out; a history that somebody imports sends nothing.
pub const LATE_AFTER_EVENT: TimeDelta = TimeDelta::hours(24);
/// How long after its time a message is still sent that is timed by a property, such as a reminder
/// two days before the tee time. Who books later needs no reminder.
pub const LATE_FOR_PROPERTY: TimeDelta = TimeDelta::hours(1);
/// When a day without a time is taken for: nobody wants to be written to at midnight.
const MORNING: NaiveTime = NaiveTime::from_hms_opt(9, 0, 0).expect("nine in the morning");

/// Why an event sends nothing, with a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    pub outcome: Outcome,
    pub sentence: String,
}

impl Trigger {
    /// When the message is due that an event sets off. What is past already, but within the limits
    /// above, is due then and so at once.
    ///
    /// # Errors
    /// `TooLate` where its time is past for longer, or what it is before; `NoTime` where the
    /// property holds no time.
    pub fn due(&self, event: &Heard, now: DateTime<Utc>, zone: Tz) -> Result<DateTime<Utc>, Missed> {
        let too_late = |sentence: String| Missed {
            outcome: Outcome::TooLate,
            sentence,
        };
        match &self.delay {
            Delay::AfterEvent(span) => {
                let due = span.after(event.occurred_at, zone);
                match now - due > LATE_AFTER_EVENT {
                    true => Err(too_late(format!(
                        "It was due {}, more than a day ago.",
                        said(due, zone)
                    ))),
                    false => Ok(due),
                }
            }
            Delay::Around {
                side,
                span,
                property: name,
            } => {
                let at = time(property(event.properties, name), zone).ok_or_else(|| Missed {
                    outcome: Outcome::NoTime,
                    sentence: no_time(name, property(event.properties, name)),
                })?;
                let due = match side {
                    Side::Before => span.before(at, zone),
                    Side::After => span.after(at, zone),
                };
                if *side == Side::Before && at <= now && due < now {
                    return Err(too_late(format!("Its {name} is past: {}.", said(at, zone))));
                }
                match now - due > LATE_FOR_PROPERTY {
                    true => Err(too_late(format!(
                        "It was due {}, more than an hour ago.",
                        said(due, zone)
                    ))),
                    false => Ok(due),
                }
            }
        }
    }
}

fn said(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%-d %B %Y, %H:%M").to_string()
}

fn no_time(name: &str, value: &Value) -> String {
    match value {
        Value::Null => format!("The event has no {name}."),
        other => {
            let text: String = other.to_string().chars().take(60).collect();
            format!("Its {name} is {text}, which is no time such as 2026-03-07T09:10:00+02:00.")
        }
    }
}

/// A time as club systems write it: an instant (RFC 3339), a time on the wall of the zone, or a
/// day, which is taken for its morning.
fn time(value: &Value, zone: Tz) -> Option<DateTime<Utc>> {
    let text = value.as_str()?.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let wall = [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
    ]
    .iter()
    .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    .or_else(|| {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(day.and_time(MORNING))
    })?;
    Some(resolve(wall, zone).instant())
}
