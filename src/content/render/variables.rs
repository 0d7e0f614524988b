//! The names that templates may use, and finding the ones they may not.

use super::placeholders::{Kind, pieces};
use super::problem::{Part, Problem};
use crate::domain::AttributeKind;
use minijinja::Template;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A variable as the editor lists it: its name and what it may stand for.
pub struct Variable {
    pub name: &'static str,
    pub example: &'static str,
}

/// Every variable but the club's own attributes.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "contact.first_name",
        example: "Anna",
    },
    Variable {
        name: "contact.last_name",
        example: "Botha",
    },
    Variable {
        name: "contact.email",
        example: "anna@example.org",
    },
    Variable {
        name: "contact.phone",
        example: "+27 82 123 4567",
    },
    Variable {
        name: "contact.key",
        example: "1001",
    },
    Variable {
        name: "contact.timezone",
        example: "Africa/Johannesburg",
    },
    Variable {
        name: "contact.locale",
        example: "en-ZA",
    },
    Variable {
        name: "contact.tags",
        example: "member, seniors",
    },
    Variable {
        name: "club.name",
        example: "Fynbos Golf Club",
    },
    Variable {
        name: "club.postal_address",
        example: "1 Fairway, Hermanus",
    },
    Variable {
        name: "club.address_line",
        example: "1 Fairway, Hermanus",
    },
    Variable {
        name: "club.website",
        example: "https://club.example",
    },
    Variable {
        name: "club.logo",
        example: "https://club.example/logo.png",
    },
    Variable {
        name: "club.accent",
        example: "#1f6f4a",
    },
    Variable {
        name: "club.accent_pale",
        example: "#ecf2ef",
    },
    Variable {
        name: "club.accent_light",
        example: "#a1c3b3",
    },
    Variable {
        name: "club.accent_dark",
        example: "#154b32",
    },
    Variable {
        name: "campaign.name",
        example: "Spring Open",
    },
    Variable {
        name: "unsubscribe_url",
        example: "https://…/u/…",
    },
    Variable {
        name: "preferences_url",
        example: "https://…/preferences/…",
    },
    Variable {
        name: "view_url",
        example: "https://…/v/…",
    },
];

/// The attributes that the club defined. The default accepts any name.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    attributes: Option<Arc<BTreeMap<String, AttributeKind>>>,
    is_without_events: bool,
    is_without_feed: bool,
}

impl Vocabulary {
    pub fn of(attributes: impl IntoIterator<Item = (String, AttributeKind)>) -> Self {
        Self {
            attributes: Some(Arc::new(attributes.into_iter().collect())),
            ..Self::default()
        }
    }

    /// For a campaign that no event sets off: `event` is refused.
    pub fn without_events(mut self) -> Self {
        self.is_without_events = true;
        self
    }

    /// For a campaign that has no feed: `feed` is refused.
    pub fn without_feed(mut self) -> Self {
        self.is_without_feed = true;
        self
    }

    /// The attributes in the order of their names.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .flat_map(|known| known.keys().map(String::as_str))
    }

    pub(super) fn kind(&self, attribute: &str) -> Option<AttributeKind> {
        self.attributes.as_ref()?.get(attribute).copied()
    }

    fn refusal(&self, name: &str) -> Option<String> {
        let (root, field) = name.split_once('.').unwrap_or((name, ""));
        if root == "feed" && self.is_without_feed {
            let text = "This campaign has no feed to fill “feed” from. One that repeats may have one, at the step Schedule; any other needs another template.";
            return Some(text.into());
        }
        if VARIABLES.iter().any(|known| known.name == name) {
            return None;
        }
        match (root, field) {
            // Lists have no fields of ours, but `contact.tags[0]` is fine.
            ("contact", field) if field.starts_with("tags.") => None,
            ("contact", "attributes") => None,
            ("contact", field) if field.starts_with("attributes.") => {
                let attribute = field.split('.').nth(1).unwrap_or_default();
                let known = self.attributes.as_ref()?;
                if known.contains_key(attribute) {
                    return None;
                }
                let near = nearest(attribute, known.keys().map(String::as_str))
                    .map(|near| format!(" Did you mean contact.attributes.{near}?"));
                Some(format!(
                    "No contact has an attribute “{attribute}”.{}",
                    near.unwrap_or_default()
                ))
            }
            ("event", _) if self.is_without_events => Some(
                "What a club system reports, “event”, is known only in triggered campaigns and journeys."
                    .into(),
            ),
            ("event", "") => {
                Some("Say which property of the event you mean, for example event.tee_time.".into())
            }
            ("event", _) | ("loop", _) | ("range", _) => None,
            ("feed", "items" | "title" | "url") => None,
            ("feed", field) if field.starts_with("items.") => None,
            ("feed", "") => Some("Say what of the feed you mean: feed.items, feed.title or feed.url.".into()),
            ("feed", field) => Some(format!(
                "A feed has no “{field}”; there are feed.items, feed.title and feed.url."
            )),
            ("contact" | "club" | "campaign", "") => Some(format!(
                "Say which field of {root} you mean, for example {}.",
                VARIABLES
                    .iter()
                    .find(|known| known.name.starts_with(root))
                    .map_or("", |known| known.name)
            )),
            _ => {
                let near = nearest(name, VARIABLES.iter().map(|known| known.name))
                    .map(|near| format!(" Did you mean {near}?"));
                Some(format!(
                    "There is no variable “{name}”.{}",
                    near.unwrap_or_default()
                ))
            }
        }
    }
}

/// Adds a problem for each unknown name, at every line where it stands.
pub(super) fn check(
    part: Part,
    source: &str,
    template: &Template<'_, '_>,
    vocabulary: &Vocabulary,
    problems: &mut Vec<Problem>,
) {
    let mut names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    names.sort();
    let mut found = Vec::new();
    for name in names {
        let Some(refusal) = vocabulary.refusal(&name) else {
            continue;
        };
        let lines = lines_of(source, &name);
        let lines = match lines.is_empty() {
            true => vec![1],
            false => lines,
        };
        found.extend(
            lines
                .into_iter()
                .map(|line| Problem::error(part, line, refusal.clone())),
        );
    }
    found.sort_by_key(|problem| problem.line);
    problems.extend(found);
}

/// Whether a template's expressions name a variable.
pub(super) fn mentions(source: &str, name: &str) -> bool {
    !lines_of(source, name).is_empty()
}

/// The lines on which expressions name a variable, each once.
fn lines_of(source: &str, name: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    for piece in pieces(source) {
        if !matches!(piece.kind, Kind::Value | Kind::Block) || piece.block_word() == Some("raw") {
            continue;
        }
        for (at, _) in piece.source.match_indices(name) {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            let before = piece.source[..at].chars().next_back();
            let after = piece.source[at + name.len()..].chars().next();
            if before.is_some_and(|c| is_part(c) || c == '.') || after.is_some_and(is_part) {
                continue;
            }
            let line = piece.line + piece.source[..at].matches('\n').count();
            if lines.last() != Some(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

/// The known name that a mistyped one is close to.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|other| (distance(name, other), other))
        .filter(|(distance, _)| *distance <= 2 + name.len() / 8)
        .min()
        .map(|(_, other)| other)
}

/// How many letters must be added, removed or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
