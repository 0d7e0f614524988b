//! What a campaign wants people to do, and how long after a click it counts:
//! `{event, where?, window: "P7D"}`.

use super::condition::Condition;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

/// The longest event name, in characters.
pub const LONGEST_EVENT: usize = 100;
/// How long after a click an event counts where the goal does not say.
pub const USUAL_WINDOW: TimeDelta = TimeDelta::days(7);
/// The longest window.
pub const LONGEST_WINDOW: TimeDelta = TimeDelta::days(365);

/// A conversion: an event that a club system reports within a window after a click.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// Such as `booking.confirmed`.
    pub event: String,
    /// A `domain::condition::Condition`, as it was written.
    pub condition: Option<Value>,
    pub window: TimeDelta,
}

impl Goal {
    /// Reads a goal's JSON.
    ///
    /// # Errors
    /// The field below `goal` that is wrong, and a sentence.
    pub fn parse(json: &Value) -> Result<Self, (&'static str, String)> {
        let Value::Object(fields) = json else {
            return Err((
                "goal",
                "A goal is an object such as {\"event\": \"booking.confirmed\", \"window\": \"P7D\"}.".into(),
            ));
        };
        if let Some(unknown) = fields
            .keys()
            .find(|name| !matches!(name.as_str(), "event" | "where" | "window"))
        {
            return Err((
                "goal",
                format!("A goal has event, where and window, and no “{unknown}”."),
            ));
        }
        let text = |name: &str| fields.get(name).filter(|value| !value.is_null());
        let event = match text("event") {
            Some(Value::String(event)) => event.trim().to_owned(),
            _ => {
                return Err((
                    "goal.event",
                    "Name the event that counts, such as booking.confirmed.".into(),
                ));
            }
        };
        check_event(&event).map_err(|sentence| ("goal.event", sentence))?;
        let condition = match text("where") {
            None => None,
            Some(rule @ Value::Object(_)) => {
                Condition::parse(rule).map_err(|sentence| ("goal.where", sentence))?;
                Some(rule.clone())
            }
            Some(_) => return Err(("goal.where", "This is a rule, an object.".into())),
        };
        let window = match text("window") {
            None => USUAL_WINDOW,
            Some(Value::String(window)) => {
                parse_window(window).map_err(|sentence| ("goal.window", sentence))?
            }
            Some(_) => return Err(("goal.window", WINDOW.into())),
        };
        Ok(Self {
            event,
            condition,
            window,
        })
    }

    /// Whether an event is what the campaign is for.
    pub fn is_met(&self, event: &str, properties: &Value) -> bool {
        let holds = |rule| Condition::parse(rule).is_ok_and(|condition| condition.holds(properties));
        self.event == event && self.condition.as_ref().is_none_or(holds)
    }

    /// What `parse` reads.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("event".into(), json!(self.event));
        if let Some(condition) = &self.condition {
            fields.insert("where".into(), condition.clone());
        }
        fields.insert("window".into(), json!(write_window(self.window)));
        Value::Object(fields)
    }
}

const WINDOW: &str = "Write how long as days or hours, such as P7D or PT12H, at most a year.";

/// Whether a text may name an event.
pub fn check_event(event: &str) -> Result<(), String> {
    if event.chars().count() > LONGEST_EVENT {
        return Err(format!("An event’s name has at most {LONGEST_EVENT} characters."));
    }
    let is_plain = event
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ':'));
    match !event.is_empty() && is_plain {
        true => Ok(()),
        false => Err(
            "An event’s name is letters, digits, dots, hyphens and underscores, such as booking.confirmed."
                .into(),
        ),
    }
}

/// An ISO 8601 duration of weeks, days, hours and minutes: `P7D`, `PT12H`, `P1W`, `P1DT6H`.
pub fn parse_window(text: &str) -> Result<TimeDelta, String> {
    let refuse = || WINDOW.to_owned();
    let rest = text.trim().strip_prefix('P').ok_or_else(refuse)?;
    let (days, hours) = match rest.split_once('T') {
        Some((_, "")) => return Err(refuse()),
        Some(parts) => parts,
        None => (rest, ""),
    };
    let minutes = sum(days, &[('W', 7 * 24 * 60), ('D', 24 * 60)])
        .zip(sum(hours, &[('H', 60), ('M', 1)]))
        .and_then(|(days, hours)| days.checked_add(hours))
        .ok_or_else(refuse)?;
    match minutes {
        1.. if minutes <= LONGEST_WINDOW.num_minutes() => Ok(TimeDelta::minutes(minutes)),
        _ => Err(refuse()),
    }
}

/// The sum of numbers with their units, each unit at most once and in this order.
fn sum(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    for (unit, minutes) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(*minutes)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

/// What `parse_window` reads.
pub fn write_window(window: TimeDelta) -> String {
    let minutes = window.num_minutes();
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (days, 0, 0) => format!("P{days}D"),
        (0, hours, 0) => format!("PT{hours}H"),
        (0, hours, minutes) => format!("PT{}M", hours * 60 + minutes),
        (days, hours, minutes) => format!("P{days}DT{hours}H{minutes}M"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_iso_8601_durations() {
        for (text, minutes, written) in [
            ("P7D", 7 * 1440, "P7D"),
            ("P1W", 7 * 1440, "P7D"),
            ("PT12H", 720, "PT12H"),
            ("PT30M", 30, "PT30M"),
            ("P1DT6H", 1800, "P1DT6H0M"),
            ("PT36H", 2160, "P1DT12H0M"),
            ("PT90M", 90, "PT90M"),
        ] {
            let window = parse_window(text).unwrap();
            assert_eq!(window.num_minutes(), minutes, "{text}");
            assert_eq!(write_window(window), written);
            assert_eq!(parse_window(written), Ok(window), "{written}");
        }
        for text in [
            "",
            "P",
            "PT",
            "7D",
            "P0D",
            "P-7D",
            "P7",
            "P7DD",
            "P1D2W",
            "P366D",
            "PT1S",
            "P99999999999999999999D",
            "P7DT",
        ] {
            assert!(parse_window(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_goal_survives_being_written_and_read() {
        for json in [
            json!({"event": "booking.confirmed", "window": "P7D"}),
            json!({"event": "tee_time", "where": {"field": "event.holes", "op": "eq", "value": 18}, "window": "PT12H"}),
        ] {
            assert_eq!(Goal::parse(&json).unwrap().to_json(), json);
        }
        let usual = Goal::parse(&json!({"event": "booking.confirmed"})).unwrap();
        assert_eq!(usual.window, USUAL_WINDOW);
    }

    #[test]
    fn a_goal_that_cannot_be_read_says_at_which_field() {
        for (json, field) in [
            (json!("booking.confirmed"), "goal"),
            (json!({"event": "a", "until": 1}), "goal"),
            (json!({"window": "P7D"}), "goal.event"),
            (json!({"event": "a b"}), "goal.event"),
            (json!({"event": "x".repeat(101)}), "goal.event"),
            (json!({"event": "a", "where": []}), "goal.where"),
            (
                json!({"event": "a", "where": {"field": "contact.tag", "op": "eq", "value": 1}}),
                "goal.where",
            ),
            (json!({"event": "a", "window": 7}), "goal.window"),
            (json!({"event": "a", "window": "P400D"}), "goal.window"),
        ] {
            assert_eq!(Goal::parse(&json).unwrap_err().0, field, "{json}");
        }
    }
}
