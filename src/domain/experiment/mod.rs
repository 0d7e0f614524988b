//! A/B: two to five ways of sending a campaign, tried on a share of its audience; the rest is sent
//! the one that did best.

mod split;
mod verdict;

pub use split::{PRIME, Split};
pub use verdict::{Cell, Choice, Difference, choose, compare};

use super::UnknownTerm;
use super::goal::parse_window;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};

/// How many variants there are at least and at most.
pub const VARIANTS: std::ops::RangeInclusive<usize> = 2..=5;
/// The longest subject and name of a sender, in characters.
const LONGEST_SUBJECT: usize = 200;
const LONGEST_SENDER: usize = 100;
/// How long after the last mail of the test a winner is chosen, unless it is said.
const USUAL_WAIT: &str = "PT4H";
const LONGEST_WAIT: TimeDelta = TimeDelta::days(14);
const LONGEST_DELAY: TimeDelta = TimeDelta::days(7);
const USUAL_SHARE: u32 = 20;

super::terms::term!(
    /// By what the winner is chosen.
    Metric {
        Open = "OPEN",
        Click = "CLICK",
        Conversion = "CONVERSION",
        /// Staff choose.
        Manual = "MANUAL",
    }
);

impl Metric {
    /// What people do that counts.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Open | Self::Manual => "opened",
            Self::Click => "clicked",
            Self::Conversion => "converted",
        }
    }

    /// What staff read: `the open rate`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open | Self::Manual => "open rate",
            Self::Click => "click rate",
            Self::Conversion => "conversion rate",
        }
    }
}

/// One of the ways. What it does not say is as the campaign says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    pub subject: Option<String>,
    pub sender_name: Option<String>,
    /// A template's id.
    pub template: Option<i64>,
    /// How much later than the campaign it is sent.
    pub delay: TimeDelta,
}

/// The whole experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// In their order: the first is A.
    pub variants: Vec<Variant>,
    /// Percent of the audience that the variants are tried on, all of them together.
    pub share: u32,
    pub metric: Metric,
    /// How long after the last mail of the test was due the winner is chosen. `None` where staff
    /// choose.
    pub wait: Option<TimeDelta>,
}

/// The name of a variant by its number, which counts from 1: A, B, C, D, E. The rest is 0.
pub fn letter(variant: i32) -> String {
    match u8::try_from(variant) {
        Ok(number @ 1..=26) => char::from(b'A' + number - 1).to_string(),
        _ => "the rest".to_owned(),
    }
}

/// The number of a letter, where it is one of so many variants.
pub fn number(text: &str, variants: usize) -> Option<i32> {
    let text = text.trim();
    (1..=i32::try_from(variants).ok()?).find(|variant| letter(*variant).eq_ignore_ascii_case(text))
}

/// The field that is wrong, and a sentence.
pub type Wrong = (String, String);

impl Experiment {
    /// Reads an experiment's JSON, in which templates are named by their ids.
    ///
    /// # Errors
    /// Everything that is wrong, by the field's name.
    pub fn parse(json: &Value) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let fields = object(&mut wrong, "experiment", json, &["variants", "share", "winner"]);
        let list = fields.get("variants").and_then(Value::as_array);
        let variants: Vec<_> = list
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .enumerate()
            .map(|(index, json)| variant(&mut wrong, index, json))
            .collect();
        if !VARIANTS.contains(&variants.len()) {
            wrong.push(said("experiment.variants", "Give two to five variants."));
        }
        for (index, one) in variants.iter().enumerate() {
            if let Some(other) = variants.iter().take(index).position(|other| other == one) {
                let [other, one] = [other, index].map(|index| letter(index as i32 + 1));
                wrong.push((
                    "experiment.variants".to_owned(),
                    format!("Variants {other} and {one} are the same; there is nothing to compare."),
                ));
            }
        }
        let share = match fields.get("share") {
            None | Some(Value::Null) => USUAL_SHARE,
            Some(share) => share
                .as_u64()
                .and_then(|share| u32::try_from(share).ok())
                .filter(|share| (1..=100).contains(share))
                .unwrap_or_else(|| {
                    wrong.push(said(
                        "experiment.share",
                        "Say how many percent of the audience are in the test: a whole number from 1 to 100.",
                    ));
                    USUAL_SHARE
                }),
        };
        let (metric, wait) = winner(&mut wrong, fields.get("winner"));
        match wrong.is_empty() {
            true => Ok(Self {
                variants,
                share,
                metric,
                wait,
            }),
            false => Err(wrong),
        }
    }

    /// What `parse` reads.
    pub fn to_json(&self) -> Value {
        let mut winner = Map::new();
        winner.insert("by".into(), json!(self.metric));
        if let Some(wait) = self.wait {
            winner.insert("after".into(), json!(written(wait)));
        }
        json!({
            "variants": self.variants.iter().map(Variant::to_json).collect::<Vec<_>>(),
            "share": self.share,
            "winner": winner,
        })
    }

    /// Whether somebody waits for the winner.
    pub const fn has_rest(&self) -> bool {
        self.share < 100
    }

    /// A variant by its number.
    pub fn variant(&self, number: i32) -> Option<&Variant> {
        self.variants.get(usize::try_from(number - 1).ok()?)
    }

    /// The templates that it names.
    pub fn templates(&self) -> impl Iterator<Item = i64> {
        self.variants.iter().filter_map(|variant| variant.template)
    }

    /// In a sentence: `A, B and C on 20 % of the audience; the rest is sent …`
    pub fn words(&self) -> String {
        let letters: Vec<_> = (1..).take(self.variants.len()).map(letter).collect();
        let (last, others) = letters
            .split_last()
            .map_or(("", &[][..]), |(last, others)| (last, others));
        let names = format!("{} and {last}", others.join(", "));
        let wait = self.wait.map(in_words).unwrap_or_default();
        match (self.has_rest(), self.metric) {
            (false, _) => format!("{names}, each to an equal part of everybody"),
            (true, Metric::Manual) => format!(
                "{names} on {} % of the audience; the rest is sent what you choose",
                self.share
            ),
            (true, metric) => format!(
                "{names} on {} % of the audience; {wait} later the rest is sent the one with the best {}",
                self.share,
                metric.label()
            ),
        }
    }
}

impl Variant {
    fn to_json(&self) -> Value {
        let mut fields = Map::new();
        if let Some(subject) = &self.subject {
            fields.insert("subject".into(), json!(subject));
        }
        if let Some(name) = &self.sender_name {
            fields.insert("senderName".into(), json!(name));
        }
        if let Some(template) = self.template {
            fields.insert("templateId".into(), json!(template));
        }
        if self.delay > TimeDelta::zero() {
            fields.insert("delay".into(), json!(written(self.delay)));
        }
        Value::Object(fields)
    }
}

fn said(field: &str, sentence: &str) -> Wrong {
    (field.to_owned(), sentence.to_owned())
}

/// The fields of an object; what it is not and what it has too much is said.
fn object(wrong: &mut Vec<Wrong>, field: &str, json: &Value, names: &[&str]) -> Map<String, Value> {
    let Value::Object(fields) = json else {
        wrong.push(said(field, "This is an object."));
        return Map::new();
    };
    if let Some(unknown) = fields.keys().find(|name| !names.contains(&name.as_str())) {
        wrong.push((
            field.to_owned(),
            format!("This has {}, and no “{unknown}”.", names.join(", ")),
        ));
    }
    fields.clone()
}

fn variant(wrong: &mut Vec<Wrong>, index: usize, json: &Value) -> Variant {
    let field = format!("experiment.variants.{index}");
    let names = ["subject", "senderName", "templateId", "delay"];
    let fields = object(wrong, &field, json, &names);
    let given = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let text = |wrong: &mut Vec<Wrong>, name: &str, max: usize| {
        let value = given(name)?;
        let text = value.as_str().map(str::trim).unwrap_or_default();
        let is_line = !text.chars().any(char::is_control) && text.chars().count() <= max;
        if !is_line || !value.is_string() {
            let sentence = format!("This is a line of at most {max} characters.");
            wrong.push((format!("{field}.{name}"), sentence));
        }
        (!text.is_empty()).then(|| text.to_owned())
    };
    let subject = text(wrong, "subject", LONGEST_SUBJECT);
    let sender_name = text(wrong, "senderName", LONGEST_SENDER);
    let template = given("templateId").map(|id| {
        id.as_i64().unwrap_or_else(|| {
            wrong.push((
                format!("{field}.templateId"),
                "There is no such template.".to_owned(),
            ));
            0
        })
    });
    let delay = match given("delay").map(|value| (value.as_str(), value)) {
        None => TimeDelta::zero(),
        Some((Some("" | "PT0S" | "PT0M" | "PT0H"), _)) => TimeDelta::zero(),
        Some((text, _)) => text
            .and_then(|text| parse_window(text).ok())
            .filter(|delay| *delay <= LONGEST_DELAY)
            .unwrap_or_else(|| {
                wrong.push((
                    format!("{field}.delay"),
                    "Write how much later it is sent, such as PT2H, at most P7D.".to_owned(),
                ));
                TimeDelta::zero()
            }),
    };
    Variant {
        subject,
        sender_name,
        template,
        delay,
    }
}

fn winner(wrong: &mut Vec<Wrong>, json: Option<&Value>) -> (Metric, Option<TimeDelta>) {
    let nothing = Value::Object(Map::new());
    let json = json.filter(|json| !json.is_null()).unwrap_or(&nothing);
    let fields = object(wrong, "experiment.winner", json, &["by", "after"]);
    let text = |name: &str| fields.get(name).filter(|value| !value.is_null());
    let metric = match text("by").map(|by| by.as_str().unwrap_or_default().parse()) {
        None => Metric::Open,
        Some(Ok(metric)) => metric,
        Some(Err(UnknownTerm { .. })) => {
            wrong.push(said(
                "experiment.winner.by",
                "This is one of OPEN, CLICK, CONVERSION and MANUAL.",
            ));
            Metric::Open
        }
    };
    if metric == Metric::Manual {
        return (metric, None);
    }
    let after = text("after").map_or(Some(USUAL_WAIT), Value::as_str);
    let wait = after
        .and_then(|text| parse_window(text).ok())
        .filter(|wait| *wait <= LONGEST_WAIT);
    if wait.is_none() {
        wrong.push(said(
            "experiment.winner.after",
            "Write how long after the test the winner is chosen, such as PT4H or P1D, at most P14D.",
        ));
    }
    (metric, wait)
}

/// As ISO 8601 writes it.
fn written(span: TimeDelta) -> String {
    let minutes = span.num_minutes();
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (days, 0, 0) => format!("P{days}D"),
        (0, hours, 0) => format!("PT{hours}H"),
        _ => format!("PT{minutes}M"),
    }
}

/// `4 hours`
pub fn in_words(span: TimeDelta) -> String {
    let of = |number: i64, unit: &str| match number {
        1 => format!("1 {unit}"),
        number => format!("{number} {unit}s"),
    };
    let minutes = span.num_minutes();
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (days, 0, 0) => of(days, "day"),
        (0, hours, 0) => of(hours, "hour"),
        (0, 0, minutes) => of(minutes, "minute"),
        (0, hours, minutes) => format!("{} {}", of(hours, "hour"), of(minutes, "minute")),
        (days, hours, _) => format!("{} {}", of(days, "day"), of(hours, "hour")),
    }
}

#[cfg(test)]
mod tests;
