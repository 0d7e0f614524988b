//! What `feed` stands for in a template: the items that a run took, the same for everyone. Their
//! HTML was cleaned when it was read and is written as it is; everything else is escaped like any
//! value.

use super::engine::{HTML, PLAIN};
use super::events::{fields_of, loops};
use super::links;
use super::placeholders::{Kind, pieces};
use super::problem::{Part, Problem};
use super::values::{Properties, of_json};
use crate::domain::feed::{Edition, Item};
use crate::entity::template_versions;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Output, Value};
use serde_json::{Value as Json, json};
use std::fmt;
use std::sync::Arc;

/// Made once for a run.
#[derive(Clone, Debug)]
pub struct FeedValues {
    pub(super) value: Value,
    /// Times of events are read by the club's clocks, wherever the reader lives.
    pub(super) zone: String,
}

impl FeedValues {
    pub fn new(edition: &Edition, zone: &str) -> Self {
        let items: Vec<Value> = edition.items.iter().map(item).collect();
        let fields = Properties::of([
            ("title", of_json(&json!(edition.title))),
            ("url", of_json(&json!(edition.url))),
            ("items", items.into()),
        ]);
        Self {
            value: Value::from_object(fields),
            zone: zone.to_owned(),
        }
    }

    /// Made up, for trying a template out.
    pub(super) fn sample() -> Self {
        Self::new(&sample_edition(), "Africa/Johannesburg")
    }

    /// Made up, to be looked at: without pictures, which nobody has.
    pub fn shown(zone: &str) -> Self {
        let mut edition = sample_edition();
        for item in &mut edition.items {
            item.image.clear();
        }
        Self::new(&edition, zone)
    }

    /// With no item.
    pub(super) fn empty() -> Self {
        Self::new(&Edition::default(), "UTC")
    }

    /// The least that there may be of it.
    pub(super) fn bare() -> Self {
        let edition = Edition {
            items: vec![Item::default()],
            ..Edition::default()
        };
        Self::new(&edition, "UTC")
    }
}

fn item(item: &Item) -> Value {
    let clean = Clean {
        marked: links::mark_foreign(&item.html),
        html: links::without_marks(&item.html),
        text: item.summary.clone(),
    };
    let mut fields: Vec<(&str, Value)> = vec![("html", Value::from_object(clean))];
    if let Ok(Json::Object(said)) = serde_json::to_value(item) {
        for name in NAMES {
            fields.push((name, said.get(name).map(of_json).unwrap_or_default()));
        }
    }
    Value::from_object(Properties::of(fields))
}

/// The fields of an item beside its HTML.
const NAMES: [&str; 11] = [
    "id",
    "title",
    "url",
    "summary",
    "image",
    "published",
    "starts",
    "ends",
    "location",
    "author",
    "categories",
];

/// HTML that was cleaned. In texts, and wherever a filter takes it, it is its summary.
#[derive(Debug)]
pub(super) struct Clean {
    /// With its links marked.
    marked: String,
    html: String,
    text: String,
}

impl Object for Clean {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.html.is_empty()
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Clean {
    /// Writes it where it may stand as HTML; `false` where it may not.
    pub(super) fn write(&self, template: &str, out: &mut Output) -> Result<bool, fmt::Error> {
        match template {
            HTML => out.write_str(&self.marked)?,
            PLAIN => out.write_str(&self.html)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Adds a problem for each field that items do not have, of loops over a feed's items.
pub(super) fn check(part: Part, source: &str, problems: &mut Vec<Problem>) {
    for (item, _) in loops(source, "feed.items") {
        for field in fields_of(source, &item) {
            let name = field.split('.').next().unwrap_or_default();
            if name == "html" || NAMES.contains(&name) {
                continue;
            }
            let asked = format!("{item}.{name}");
            let line = pieces(source)
                .iter()
                .find(|piece| piece.source.contains(&asked))
                .map_or(1, |piece| piece.line);
            let text = format!(
                "An item of a feed has no “{name}”; there are {} and html.",
                NAMES.join(", ")
            );
            problems.push(Problem::error(part, line, text));
        }
    }
}

/// Whether a version's texts use the feed.
pub fn mentions_feed(version: &template_versions::Model) -> bool {
    let text = version.text.as_deref().unwrap_or_default();
    [
        &version.subject,
        &version.preheader,
        super::body_of(version),
        text,
    ]
    .into_iter()
    .any(names_feed)
}

fn names_feed(source: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    pieces(source)
        .iter()
        .filter(|piece| matches!(piece.kind, Kind::Value | Kind::Block) && piece.block_word() != Some("raw"))
        .any(|piece| {
            piece.source.match_indices("feed").any(|(at, _)| {
                let before = piece.source[..at].chars().next_back();
                let after = piece.source[at + 4..].chars().next();
                !before.is_some_and(|c| is_part(c) || c == '.' || c == '"' || c == '\'')
                    && !after.is_some_and(is_part)
            })
        })
}

fn sample_edition() -> Edition {
    let item = |n: i64, title: &str, text: &str| Item {
        id: format!("sample-{n}"),
        title: title.into(),
        url: format!("https://example.org/news/{n}"),
        summary: text.into(),
        html: format!("<p>{text}</p>"),
        image: format!("https://example.org/news/{n}.jpg"),
        published: format!("2026-03-0{n}T07:00:00Z"),
        starts: format!("2026-03-1{n}T07:10:00Z"),
        ends: format!("2026-03-1{n}T15:00:00Z"),
        location: "The club house".into(),
        author: "Anna Sample".into(),
        categories: vec!["Course".into()],
    };
    Edition {
        title: "News of the club".into(),
        url: "https://example.org/news".into(),
        items: vec![
            item(
                2,
                "The greens are open again",
                "After the winter the greens are back on the course.",
            ),
            item(
                1,
                "Juniors win the league",
                "Our juniors are champions of the league this year.",
            ),
        ],
    }
}
