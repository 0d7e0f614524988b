//! What a newsletter takes from a feed: how the feed is asked, what an item is, and which items are
//! new since the last run.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// The longest address of a feed, in characters.
pub const LONGEST_URL: usize = 2_000;
/// The most items that a run takes, and how many where nobody said.
pub const MOST_ITEMS: usize = 50;
pub const USUAL_ITEMS: usize = 10;
/// The furthest that a calendar is looked ahead, in days, and how far where nobody said.
pub const MOST_DAYS: i64 = 366;
pub const USUAL_DAYS: i64 = 14;

/// Where a campaign's items come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub url: String,
    pub max_items: usize,
    /// An occurrence with nothing new is not sent.
    pub skip_when_empty: bool,
    /// Of a calendar: the events that start within so many days.
    pub days: i64,
}

/// Fields of the JSON API that are wrong, each with a sentence.
pub type Wrong = Vec<(&'static str, String)>;

impl Source {
    /// Reads `{url, maxItems?, skipWhenEmpty?, days?}`.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn parse(json: &Value) -> Result<Self, Wrong> {
        let Some(fields) = json.as_object() else {
            return Err(vec![(
                "feed",
                "This is an object with the feed’s address: {\"url\": \"https://…\"}.".into(),
            )]);
        };
        let mut wrong = Wrong::new();
        for name in fields.keys() {
            if !["url", "maxItems", "skipWhenEmpty", "days"].contains(&name.as_str()) {
                wrong.push(("feed", format!("There is no field “{name}”.")));
            }
        }
        let url = fields.get("url").and_then(Value::as_str).unwrap_or_default();
        let url = address(url).unwrap_or_else(|sentence| {
            wrong.push(("feed.url", sentence));
            String::new()
        });
        let max_items = number(fields, "maxItems", USUAL_ITEMS as i64, MOST_ITEMS as i64);
        let days = number(fields, "days", USUAL_DAYS, MOST_DAYS);
        let skip = match fields.get("skipWhenEmpty") {
            None | Some(Value::Null) => Some(true),
            Some(given) => given.as_bool(),
        };
        if max_items.is_none() {
            wrong.push((
                "feed.maxItems",
                format!("This is a number from 1 to {MOST_ITEMS}."),
            ));
        }
        if days.is_none() {
            wrong.push(("feed.days", format!("This is a number from 1 to {MOST_DAYS}.")));
        }
        if skip.is_none() {
            wrong.push(("feed.skipWhenEmpty", "This is true or false.".into()));
        }
        match (wrong.is_empty(), max_items, days, skip) {
            (true, Some(max_items), Some(days), Some(skip_when_empty)) => Ok(Self {
                url,
                max_items: usize::try_from(max_items).unwrap_or(USUAL_ITEMS),
                skip_when_empty,
                days,
            }),
            _ => Err(wrong),
        }
    }

    pub fn to_json(&self) -> Value {
        json!({
            "url": self.url,
            "maxItems": self.max_items,
            "skipWhenEmpty": self.skip_when_empty,
            "days": self.days,
        })
    }
}

fn number(fields: &Map<String, Value>, name: &str, usual: i64, most: i64) -> Option<i64> {
    match fields.get(name) {
        None | Some(Value::Null) => Some(usual),
        Some(given) => given.as_i64().filter(|number| (1..=most).contains(number)),
    }
}

/// An address as somebody wrote it; `webcal:`, under which calendars offer themselves, is https.
///
/// # Errors
/// A sentence.
pub fn address(text: &str) -> Result<String, String> {
    let text = text.trim();
    let text = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("webcal") => format!("https://{rest}"),
        _ => text.to_owned(),
    };
    if text.is_empty() {
        return Err("Enter the feed’s address.".into());
    }
    if text.chars().count() > LONGEST_URL {
        return Err(format!("An address has at most {LONGEST_URL} characters."));
    }
    let is_web = url::Url::parse(&text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    match is_web {
        true => Ok(text),
        false => Err("This is no address of the web; it begins with https://.".into()),
    }
}

/// One thing of a feed. What it does not say is empty, so that a template asks by `{% if %}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Item {
    /// The same whenever the feed is read.
    pub id: String,
    pub title: String,
    pub url: String,
    /// Plain text.
    pub summary: String,
    /// Cleaned: nothing in it can act.
    pub html: String,
    /// A picture's address.
    pub image: String,
    /// An instant (RFC 3339).
    pub published: String,
    /// Of an event: an instant, or a day of an event that lasts whole days.
    pub starts: String,
    /// The same; of whole days the last one.
    pub ends: String,
    pub location: String,
    pub author: String,
    pub categories: Vec<String>,
}

/// What a feed is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Things that were published: new is what was not there at an earlier run.
    #[default]
    News,
    /// Events to come: all of the coming days are told of, each time.
    Events,
}

/// A feed as it was read: news newest first, events by their start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    pub kind: Kind,
    pub title: String,
    /// The page that it is the feed of; empty where it does not say.
    pub url: String,
    pub items: Vec<Item>,
}

/// What a run says of a feed, kept with the run: everyone gets the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Edition {
    pub title: String,
    pub url: String,
    pub items: Vec<Item>,
}

impl Feed {
    /// What a run takes of it. Of news, what is not among the ids that were `seen` at earlier runs;
    /// what is beyond the number of items that a run takes is passed over for good, because it was
    /// there to be seen.
    pub fn edition(&self, source: &Source, seen: &HashSet<String>) -> Edition {
        let is_new = |item: &&Item| self.kind == Kind::Events || !seen.contains(&item.id);
        Edition {
            title: self.title.clone(),
            url: self.url.clone(),
            items: self
                .items
                .iter()
                .filter(is_new)
                .take(source.max_items)
                .cloned()
                .collect(),
        }
    }
}

/// Why an occurrence is not sent of which the feed has nothing.
pub const NOTHING_NEW: &str = "Nothing new in the feed.";

/// When a feed that could not be read is tried again, after so many attempts.
pub fn again(attempts: u32) -> TimeDelta {
    TimeDelta::minutes(match attempts {
        0 | 1 => 1,
        2 => 2,
        3 => 5,
        4 => 10,
        5 => 15,
        _ => 30,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(max_items: usize) -> Source {
        Source {
            url: "https://club.example/feed".into(),
            max_items,
            skip_when_empty: true,
            days: USUAL_DAYS,
        }
    }

    fn feed(kind: Kind, ids: &[&str]) -> Feed {
        Feed {
            kind,
            items: ids
                .iter()
                .map(|id| Item {
                    id: (*id).into(),
                    ..Item::default()
                })
                .collect(),
            ..Feed::default()
        }
    }

    #[test]
    fn of_news_only_what_was_not_seen_is_new_and_of_events_all_are_told_of() {
        for (kind, there, seen, max, expected) in [
            (Kind::News, vec!["c", "b", "a"], vec![], 10, vec!["c", "b", "a"]),
            (Kind::News, vec!["c", "b", "a"], vec!["a", "b"], 10, vec!["c"]),
            (Kind::News, vec!["c", "b", "a"], vec!["a", "b", "c"], 10, vec![]),
            (Kind::News, vec!["c", "b", "a"], vec![], 2, vec!["c", "b"]),
            (Kind::News, vec![], vec!["a"], 10, vec![]),
            (Kind::Events, vec!["x", "y"], vec!["x"], 10, vec!["x", "y"]),
            (Kind::Events, vec!["x", "y"], vec!["x"], 1, vec!["x"]),
        ] {
            let seen: HashSet<_> = seen.into_iter().map(str::to_owned).collect();
            let edition = feed(kind, &there).edition(&source(max), &seen);
            let ids: Vec<_> = edition.items.iter().map(|item| item.id.as_str()).collect();
            assert_eq!(ids, expected, "{kind:?} {there:?} {seen:?}");
        }
    }

    #[test]
    fn a_source_is_read_with_what_is_usual_and_refused_with_all_that_is_wrong() {
        let read = Source::parse(&json!({ "url": "webcal://club.example/events.ics" })).unwrap();
        assert_eq!(read.url, "https://club.example/events.ics");
        assert_eq!((read.max_items, read.skip_when_empty, read.days), (10, true, 14));
        assert_eq!(Source::parse(&read.to_json()), Ok(read));
        let wrong = Source::parse(&json!({
            "url": "ftp://x", "maxItems": 51, "skipWhenEmpty": "no", "days": 0, "colour": 1
        }));
        let fields: Vec<_> = wrong.unwrap_err().into_iter().map(|(field, _)| field).collect();
        assert_eq!(
            fields,
            [
                "feed",
                "feed.url",
                "feed.maxItems",
                "feed.days",
                "feed.skipWhenEmpty"
            ]
        );
    }

    #[test]
    fn it_is_tried_again_ever_more_rarely() {
        let minutes: Vec<_> = (1..=7).map(|attempt| again(attempt).num_minutes()).collect();
        assert_eq!(minutes, [1, 2, 5, 10, 15, 30, 30]);
    }
}
