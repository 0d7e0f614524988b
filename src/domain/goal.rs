//! What a campaign wants people to do, how long after a click (or an open) it counts, and what it
//! is worth: `{event, where?, window: "P7D", after?: "open", value?: "amount"}`.

use super::condition::{self, Condition};
use super::money::Currency;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

/// The longest event name, in characters.
pub const LONGEST_EVENT: usize = 100;
/// How long after a click an event counts where the goal does not say.
pub const USUAL_WINDOW: TimeDelta = TimeDelta::days(7);
/// The longest window.
pub const LONGEST_WINDOW: TimeDelta = TimeDelta::days(365);

/// What an event is counted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    #[default]
    Click,
    /// An open too, which is a weaker sign: some mail programs open by themselves.
    Open,
}

impl After {
    pub const ALL: [Self; 2] = [Self::Click, Self::Open];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Open => "open",
        }
    }
}

impl std::str::FromStr for After {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|after| after.as_str() == text);
        found.ok_or_else(|| "An event counts after a “click” or after an “open”.".into())
    }
}

/// A conversion: an event that a club system reports within a window after a click.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// Such as `booking.confirmed`.
    pub event: String,
    /// A `domain::condition::Condition`, as it was written.
    pub condition: Option<Value>,
    pub window: TimeDelta,
    pub after: After,
    /// The property that holds the amount, in the club's currency.
    pub value: Option<String>,
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
            .find(|name| !matches!(name.as_str(), "event" | "where" | "window" | "after" | "value"))
        {
            return Err((
                "goal",
                format!("A goal has event, where, window, after and value, and no “{unknown}”."),
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
        let after = match text("after") {
            None => After::Click,
            Some(word) => word
                .as_str()
                .unwrap_or_default()
                .parse()
                .map_err(|sentence| ("goal.after", sentence))?,
        };
        let value = match text("value") {
            None => None,
            Some(name) => {
                let name = name.as_str().unwrap_or_default().trim().to_owned();
                check_property(&name).map_err(|sentence| ("goal.value", sentence))?;
                Some(name)
            }
        };
        Ok(Self {
            event,
            condition,
            window,
            after,
            value,
        })
    }

    /// Whether an event is what the campaign is for.
    pub fn is_met(&self, event: &str, properties: &Value) -> bool {
        let holds = |rule| Condition::parse(rule).is_ok_and(|condition| condition.holds(properties));
        self.event == event && self.condition.as_ref().is_none_or(holds)
    }

    /// The condition as a sentence without its full stop.
    pub fn condition_in_words(&self) -> Option<String> {
        let condition = Condition::parse(self.condition.as_ref()?).ok()?;
        Some(condition.words())
    }

    /// What an event with these properties is worth, in minor units of the club's currency; `None`
    /// where the goal asks for no money, the property is no amount, or the event says that it is in
    /// another currency.
    pub fn worth(&self, properties: &Value, currency: Currency) -> Option<i64> {
        let name = self.value.as_deref()?;
        let is_ours = match properties.get("currency") {
            Some(Value::String(code)) => code.trim().eq_ignore_ascii_case(currency.code()),
            _ => true,
        };
        let amount = condition::property(properties, name);
        is_ours.then(|| currency.minor_units(amount)).flatten()
    }

    /// What `parse` reads.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("event".into(), json!(self.event));
        if let Some(condition) = &self.condition {
            fields.insert("where".into(), condition.clone());
        }
        fields.insert("window".into(), json!(write_window(self.window)));
        if self.after != After::default() {
            fields.insert("after".into(), json!(self.after.as_str()));
        }
        if let Some(value) = &self.value {
            fields.insert("value".into(), json!(value));
        }
        Value::Object(fields)
    }
}

/// A message that somebody touched before an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Touched {
    pub delivery: i64,
    pub goal: Goal,
    pub opened: DateTime<Utc>,
    /// The last click that is known from before the event.
    pub clicked: Option<DateTime<Utc>>,
}

impl Touched {
    fn touch(&self) -> Option<DateTime<Utc>> {
        match self.goal.after {
            After::Click => self.clicked,
            After::Open => Some(self.clicked.map_or(self.opened, |at| at.max(self.opened))),
        }
    }
}

/// Which message an event is the conversion of: of all whose goal it meets within its window, the
/// one that was touched last. It depends on the event and on what came before it, never on other
/// events, so it does not matter in which order events come in.
pub fn last_touch<'a>(
    event: &str,
    properties: &Value,
    at: DateTime<Utc>,
    touched: &'a [Touched],
) -> Option<&'a Touched> {
    let counting = touched.iter().filter_map(|message| {
        let touch = message.touch().filter(|touch| *touch <= at)?;
        let counts = at - touch <= message.goal.window && message.goal.is_met(event, properties);
        counts.then_some((touch, message.delivery, message))
    });
    counting
        .max_by_key(|(touch, delivery, _)| (*touch, *delivery))
        .map(|(_, _, message)| message)
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

/// Whether a text may name a property of an event, such as `amount` or `order.total`.
pub fn check_property(name: &str) -> Result<(), String> {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
    };
    match name.chars().count() <= LONGEST_EVENT && name.split('.').all(is_part) {
        true => Ok(()),
        false => Err(
            "A property’s name is letters, digits, hyphens and underscores, such as amount or order.total."
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
            json!({"event": "sale", "window": "P7D", "after": "open", "value": "order.total"}),
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
            (json!({"event": "a", "after": "delivery"}), "goal.after"),
            (json!({"event": "a", "after": 1}), "goal.after"),
            (json!({"event": "a", "value": 1}), "goal.value"),
            (json!({"event": "a", "value": "order..total"}), "goal.value"),
        ] {
            assert_eq!(Goal::parse(&json).unwrap_err().0, field, "{json}");
        }
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn touched(delivery: i64, after: &str, opened: i64, clicked: Option<i64>) -> Touched {
        let goal = json!({"event": "sale", "window": "PT60M", "after": after});
        Touched {
            delivery,
            goal: Goal::parse(&goal).unwrap(),
            opened: at(opened),
            clicked: clicked.map(at),
        }
    }

    #[test]
    fn an_event_belongs_to_the_message_that_was_touched_last() {
        #[rustfmt::skip]
        let cases = [
            ("the later click", vec![touched(1, "click", 0, Some(10)), touched(2, "click", 0, Some(20))], 30, Some(2)),
            ("of one instant the younger message", vec![touched(2, "click", 0, Some(10)), touched(1, "click", 0, Some(10))], 30, Some(2)),
            ("not a click after the event", vec![touched(1, "click", 0, Some(10)), touched(2, "click", 0, Some(20))], 15, Some(1)),
            ("an open is no click", vec![touched(1, "click", 0, None)], 30, None),
            ("an open, where the goal says so", vec![touched(1, "open", 0, None)], 30, Some(1)),
            ("a later open beats a click", vec![touched(1, "click", 0, Some(10)), touched(2, "open", 20, None)], 30, Some(2)),
            ("a click counts as an open", vec![touched(1, "open", 0, Some(20)), touched(2, "open", 10, None)], 30, Some(1)),
            ("the window's last minute", vec![touched(1, "click", 0, Some(10))], 70, Some(1)),
            ("past the window", vec![touched(1, "click", 0, Some(10))], 71, None),
        ];
        for (name, messages, event, expected) in cases {
            let found = last_touch("sale", &json!({}), at(event), &messages);
            assert_eq!(found.map(|message| message.delivery), expected, "{name}");
        }
        assert!(last_touch("booking", &json!({}), at(30), &[touched(1, "click", 0, Some(10))]).is_none());
    }

    #[test]
    fn an_event_is_worth_what_its_property_says_in_the_clubs_currency() {
        let goal = Goal::parse(&json!({"event": "sale", "value": "order.total"})).unwrap();
        for (properties, expected) in [
            (json!({"order": {"total": 45.5}}), Some(4550)),
            (json!({"order": {"total": 45.5}, "currency": "eur"}), Some(4550)),
            (json!({"order": {"total": 45.5}, "currency": "USD"}), None),
            (json!({"order": {}}), None),
            (json!({"total": 5}), None),
        ] {
            assert_eq!(
                goal.worth(&properties, Currency::default()),
                expected,
                "{properties}"
            );
        }
        let without = Goal::parse(&json!({"event": "sale"})).unwrap();
        assert_eq!(without.worth(&json!({"amount": 5}), Currency::default()), None);
    }
}
