//! A segment as it comes in: from the editor's form, and as JSON.

use super::catalogue::Catalogue;
use super::commands::{LONGEST_NAME, MOST_LINES, Members, NewSegment};
use super::draft::{Mistake, Node};
use crate::domain::segment::Rule;
use crate::domain::slug;
use crate::web::FormErrors;
use serde_json::Value;

/// The editor's form, as it was typed.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentForm {
    pub name: String,
    pub key: String,
    /// A list by hand instead of a rule.
    pub is_list: bool,
    pub root: Node,
    /// The button that was pressed.
    pub button: String,
}

impl SegmentForm {
    /// The form of a new segment.
    pub fn fresh(is_list: bool) -> Self {
        Self {
            name: String::new(),
            key: String::new(),
            is_list,
            root: Node::fresh(),
            button: String::new(),
        }
    }

    /// The posted fields.
    pub fn read(pairs: &[(String, String)]) -> Self {
        let text = |name: &str| {
            let found = pairs.iter().rev().find(|(other, _)| other == name);
            found.map_or_else(String::new, |(_, value)| value.clone())
        };
        Self {
            name: text("name"),
            key: text("key"),
            is_list: text("kind") == "list",
            root: Node::read(pairs),
            button: text("do"),
        }
    }

    /// Whether the form asks to be kept, and not only to be shown again.
    pub fn is_save(&self) -> bool {
        matches!(self.button.as_str(), "" | "save")
    }

    /// The key and the segment, or what is wrong; a condition's mistake stands under the name of
    /// its field, such as `r.0.1.value`. Without a key, one is made of the name.
    pub fn parse(&self, catalogue: &Catalogue) -> Result<(String, NewSegment), FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.text("name", &self.name, LONGEST_NAME);
        let key = match self.key.trim() {
            "" => slug::of(&name),
            key => key.to_owned(),
        };
        match (name.is_empty(), key.is_empty()) {
            (false, true) => errors.add(
                "key",
                "Write a key in Latin letters; none could be made of the name.",
            ),
            (false, false) => {
                if let Err(message) = slug::check(&key) {
                    errors.add("key", message);
                }
            }
            (true, _) => {}
        }
        let members = match self.is_list {
            true => Members::Contacts(Vec::new()),
            false => match self.root.rule(catalogue) {
                Ok(rule) => Members::Rule(rule),
                Err(mistakes) => {
                    for Mistake { at, part, message } in mistakes {
                        errors.add(&field_name(&at, part), message);
                    }
                    return Err(errors);
                }
            },
        };
        errors.or(|| (key, NewSegment { name, members }))
    }
}

/// `r.0.1.value`.
pub fn field_name(at: &[usize], part: &str) -> String {
    let mut name = "r".to_owned();
    for step in at {
        name.push_str(&format!(".{step}"));
    }
    if !part.is_empty() {
        name.push('.');
        name.push_str(part);
    }
    name
}

impl NewSegment {
    /// `{name, rule}` or `{name, contacts: [keys or e-mail addresses]}`.
    pub fn from_json(json: &Value) -> Result<Self, FormErrors> {
        let Value::Object(object) = json else {
            return Err(FormErrors::one(
                "",
                "A segment is an object: {name, rule} or {name, contacts}.",
            ));
        };
        let mut errors = FormErrors::default();
        for key in object.keys() {
            if !matches!(key.as_str(), "name" | "rule" | "contacts") {
                errors.add(
                    key,
                    "This is not known here; a segment has name, and rule or contacts.",
                );
            }
        }
        let name = match object.get("name") {
            Some(Value::String(name)) => errors.text("name", name, LONGEST_NAME),
            Some(_) => {
                errors.add("name", "This is text.");
                String::new()
            }
            None => errors.text("name", "", LONGEST_NAME),
        };
        let members = match (object.get("rule"), object.get("contacts")) {
            (Some(rule), None) => rule_of(rule, &mut errors).map(Members::Rule),
            (None, Some(contacts)) => Some(Members::Contacts(contacts_of(contacts, &mut errors))),
            (None, None) => {
                errors.add("rule", "A segment has a rule, or a list of contacts.");
                None
            }
            (Some(_), Some(_)) => {
                errors.add(
                    "contacts",
                    "A segment has a rule or a list of contacts, not both.",
                );
                None
            }
        };
        match members {
            Some(members) => errors.or(|| Self { name, members }),
            None => Err(errors),
        }
    }
}

fn rule_of(json: &Value, errors: &mut FormErrors) -> Option<Rule> {
    match Rule::parse(json) {
        Ok(rule) => Some(rule),
        Err(wrong) => {
            for error in wrong.0 {
                let field = match error.path() {
                    path if path.is_empty() => "rule".to_owned(),
                    path => format!("rule.{path}"),
                };
                errors.add(&field, error.message);
            }
            None
        }
    }
}

fn contacts_of(json: &Value, errors: &mut FormErrors) -> Vec<String> {
    let Value::Array(items) = json else {
        errors.add("contacts", "This is a list of keys or e-mail addresses.");
        return Vec::new();
    };
    if items.len() > MOST_LINES {
        errors.add(
            "contacts",
            format!("At most {MOST_LINES} contacts at once; this has {}.", items.len()),
        );
        return Vec::new();
    }
    let mut contacts = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        match item.as_str().map(str::trim) {
            Some(text) if !text.is_empty() && text.len() <= 320 && !text.contains('\0') => {
                contacts.push(text.to_owned());
            }
            _ => {
                errors.add(
                    &format!("contacts[{place}]"),
                    "This is a contact's key or e-mail address.",
                );
                break;
            }
        }
    }
    contacts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_segment_is_read_from_json_or_refused_field_by_field() {
        let fine = NewSegment::from_json(&json!({"name": " Golfers ", "rule": {"all": []}})).unwrap();
        assert_eq!(fine.name, "Golfers");
        let fine =
            NewSegment::from_json(&json!({"name": "List", "contacts": ["M-1", " a@b.example "]})).unwrap();
        assert_eq!(
            fine.members,
            Members::Contacts(vec!["M-1".into(), "a@b.example".into()])
        );
        for (json, field) in [
            (json!([]), ""),
            (json!({"rule": {"all": []}}), "name"),
            (json!({"name": "", "rule": {"all": []}}), "name"),
            (json!({"name": "x".repeat(101), "rule": {"all": []}}), "name"),
            (json!({"name": "x"}), "rule"),
            (
                json!({"name": "x", "rule": {"all": []}, "contacts": []}),
                "contacts",
            ),
            (
                json!({"name": "x", "rule": {"all": [{"field": "y", "op": "eq"}]}}),
                "rule.all[0].field",
            ),
            (json!({"name": "x", "rule": 3}), "rule"),
            (json!({"name": "x", "contacts": "M-1"}), "contacts"),
            (json!({"name": "x", "contacts": ["M-1", 3]}), "contacts[1]"),
            (json!({"name": "x", "rule": {"all": []}, "kind": "y"}), "kind"),
        ] {
            let errors = NewSegment::from_json(&json).unwrap_err();
            assert_eq!(errors.0[0].field, field, "{json}");
        }
    }
}
