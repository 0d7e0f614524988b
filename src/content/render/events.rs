//! What a template asks of the event that caused its message, and an event made up to try the
//! template out on: it has every property that the template names.

use super::placeholders::{Kind, pieces};
use crate::entity::template_versions;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Whether a version's texts name the event.
pub fn mentions_event(version: &template_versions::Model) -> bool {
    sources(version).iter().any(|source| !names(source).is_empty())
}

/// An event with a value for every property that a version names.
pub fn sample_event(version: &template_versions::Model) -> Value {
    sample(&sources(version))
}

fn sources(version: &template_versions::Model) -> [&str; 4] {
    let text = version.text.as_deref().unwrap_or_default();
    [
        &version.subject,
        &version.preheader,
        super::body_of(version),
        text,
    ]
}

pub(super) fn sample(sources: &[&str]) -> Value {
    let mut event = json!({});
    for source in sources {
        for name in names(source) {
            put(&mut event, &name, made_up(&name));
        }
        for (item, name) in loops(source, "event.") {
            let mut element = json!({});
            for field in fields_of(source, &item) {
                put(&mut element, &field, made_up(&field));
            }
            let element = match element.as_object().is_some_and(Map::is_empty) {
                true => json!("sample"),
                false => element,
            };
            put(&mut event, &name, json!([element]));
        }
    }
    event
}

/// The properties that expressions name behind `event.`, such as `tee_time` and `course.name`.
fn names(source: &str) -> BTreeSet<String> {
    fields_of(source, "event")
}

/// What expressions name behind a variable and a dot.
pub(super) fn fields_of(source: &str, variable: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    for piece in pieces(source) {
        if !matches!(piece.kind, Kind::Value | Kind::Block) || piece.block_word() == Some("raw") {
            continue;
        }
        for (at, _) in piece.source.match_indices(variable) {
            let before = piece.source[..at].chars().next_back();
            let Some(rest) = piece.source[at + variable.len()..].strip_prefix('.') else {
                continue;
            };
            if before.is_some_and(|c| is_part(c) || c == '.') {
                continue;
            }
            let end = rest.find(|c: char| !is_part(c) && c != '.').unwrap_or(rest.len());
            let name = rest[..end].trim_end_matches('.');
            if !name.is_empty() && !name.contains("..") {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// The variables of loops over what begins so, and what that is: `{% for player in event.players %}`.
pub(super) fn loops(source: &str, over: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for piece in pieces(source) {
        if piece.block_word() != Some("for") {
            continue;
        }
        let inside = piece.source[2..].trim_start_matches(['-', '+']).trim_start();
        let Some((item, rest)) = inside
            .strip_prefix("for")
            .and_then(|rest| rest.split_once(" in "))
        else {
            continue;
        };
        if let Some(name) = rest.trim_start().strip_prefix(over) {
            let end = name
                .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
                .unwrap_or(name.len());
            found.push((item.trim().to_owned(), name[..end].to_owned()));
        }
    }
    found
}

/// Puts a value at a dotted name. Where the name goes on, what stood there becomes an object.
fn put(event: &mut Value, name: &str, value: Value) {
    let mut at = event;
    let mut parts = name.split('.').peekable();
    while let Some(part) = parts.next() {
        if !at.is_object() {
            *at = json!({});
        }
        let Some(fields) = at.as_object_mut() else { return };
        let next = fields.entry(part.to_owned()).or_insert(Value::Null);
        if parts.peek().is_none() {
            if !next.is_object() || value.is_array() {
                *next = value;
            }
            return;
        }
        at = next;
    }
}

/// A value that fits a property of that name, so that previews read well.
fn made_up(name: &str) -> Value {
    let last = name.rsplit('.').next().unwrap_or(name).to_lowercase();
    let is = |words: &[&str]| words.iter().any(|word| last.contains(word));
    if is(&["time", "date", "until", "_at"]) || last == "day" {
        return json!("2026-03-07T09:10:00+02:00");
    }
    if is(&["name", "title", "text", "course", "url", "type", "status", "note"]) {
        return json!("sample");
    }
    match is(&["_id", "reference", "code"]) || last == "id" {
        true => json!("B-1007"),
        false => json!(4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_made_up_that_has_all_that_the_template_names() {
        let source = "{{ event.tee_time | date }} {{ event.players + 1 }} {{ event.course.name }} {{ my_event.x }} \
                      {% for guest in event.guests %}{{ guest.name }}{% endfor %} event.plain \
                      {% for row in event.rows %}{{ row }}{% endfor %}";
        assert_eq!(
            sample(&[source]),
            json!({
                "tee_time": "2026-03-07T09:10:00+02:00",
                "players": 4,
                "course": {"name": "sample"},
                "guests": [{"name": "sample"}],
                "rows": ["sample"],
            })
        );
    }
}
