//! Conditions on an event as rows of a form: field, comparison, value. Goals and triggers share
//! them, with `campaigns/_conditions.html`.

use crate::domain::condition::{Condition, Scope};
use crate::web::Result;
use crate::web::forms::read;
use serde_json::{Value, json};

/// The most rows of a form.
pub const MOST_ROWS: usize = 20;
/// How many empty rows a form shows below those that are filled.
const BLANK: usize = 2;

/// The comparisons, with what staff read. The last asks about a person.
const OPS: [(&str, &str); 11] = [
    ("eq", "is"),
    ("ne", "is not"),
    ("gt", "is more than"),
    ("gte", "is at least"),
    ("lt", "is less than"),
    ("lte", "is at most"),
    ("contains", "contains"),
    ("in", "is one of"),
    ("exists", "is there"),
    ("missing", "is not there"),
    ("has", "has the tag"),
];

/// One condition as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub field: String,
    pub op: String,
    pub value: String,
}

impl Row {
    pub fn is_op(&self, op: &str) -> bool {
        self.op == op
    }
}

/// The rows of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    scope: Scope,
    /// Whether one of them is enough.
    pub is_any: bool,
    pub rows: Vec<Row>,
    /// A condition that has no such rows, because it is nested: said in words and kept.
    pub beyond: Option<Beyond>,
}

/// A condition that a program made and rows cannot show.
#[derive(Clone, Debug, PartialEq)]
pub struct Beyond {
    pub words: String,
    json: Value,
}

/// As a form posts them under a name: three lists of equal length, `all` or `any`, and whether one
/// that has no rows stays.
#[derive(Default)]
struct Posted {
    matching: String,
    fields: Vec<String>,
    ops: Vec<String>,
    values: Vec<String>,
    kept: String,
}

impl Conditions {
    /// None yet.
    pub const fn none(scope: Scope) -> Self {
        Self {
            scope,
            is_any: false,
            rows: Vec::new(),
            beyond: None,
        }
    }

    /// As they come in, beside the other fields of a form, under the API's name of the condition.
    /// `before` is the condition as it is kept, which may stay.
    pub fn read(body: &[u8], name: &str, before: Option<&Value>, scope: Scope) -> Result<Self> {
        let mut posted = Posted::default();
        for (field, value) in read::<Vec<(String, String)>>(body)? {
            match field.strip_prefix(name) {
                Some(".match") => posted.matching = value,
                Some(".field") => posted.fields.push(value),
                Some(".op") => posted.ops.push(value),
                Some(".value") => posted.values.push(value),
                Some(".kept") => posted.kept = value,
                _ => {}
            }
        }
        Ok(Self::posted(&posted, before, scope))
    }

    fn posted(posted: &Posted, before: Option<&Value>, scope: Scope) -> Self {
        let kept = Self::of_json(before, scope);
        if !posted.kept.is_empty() && kept.beyond.is_some() {
            return kept;
        }
        let text = |list: &[String], place: usize| list.get(place).cloned().unwrap_or_default();
        let rows = posted
            .fields
            .iter()
            .enumerate()
            .take(MOST_ROWS)
            .map(|(place, field)| Row {
                field: field.trim().to_owned(),
                op: text(&posted.ops, place),
                value: text(&posted.values, place),
            });
        Self {
            is_any: posted.matching == "any",
            rows: rows
                .filter(|row| !(row.field.is_empty() && row.value.trim().is_empty()))
                .collect(),
            ..Self::none(scope)
        }
    }

    /// As they are kept.
    pub fn of_json(json: Option<&Value>, scope: Scope) -> Self {
        let none = Self::none(scope);
        let Some(json) = json else { return none };
        let (is_any, parts) = match (json["all"].as_array(), json["any"].as_array()) {
            (Some(parts), _) => (false, parts.clone()),
            (_, Some(parts)) => (true, parts.clone()),
            _ => (false, vec![json.clone()]),
        };
        let rows: Vec<Row> = parts.iter().filter_map(|part| none.row(part)).collect();
        match rows.len() == parts.len() && rows.len() <= MOST_ROWS {
            true => Self { is_any, rows, ..none },
            false => Self {
                beyond: Condition::read(json, scope).ok().map(|condition| Beyond {
                    words: condition.words(),
                    json: json.clone(),
                }),
                ..none
            },
        }
    }

    /// The comparisons that its rows offer.
    pub fn ops(&self) -> &'static [(&'static str, &'static str)] {
        match self.scope {
            Scope::Event => &OPS[..OPS.len() - 1],
            Scope::EventAndContact => &OPS,
        }
    }

    /// Whether a row may ask about the person.
    pub fn asks_of_people(&self) -> bool {
        self.scope == Scope::EventAndContact
    }

    /// The rows that the form shows: some empty ones below.
    pub fn shown(&self) -> Vec<Row> {
        let blank = BLANK.min(MOST_ROWS.saturating_sub(self.rows.len()));
        let blank = std::iter::repeat_n(Row::default(), blank);
        self.rows.iter().cloned().chain(blank).collect()
    }

    /// The condition that they are; `None` where there is none.
    ///
    /// # Errors
    /// A sentence that names the row.
    pub fn parse(&self) -> std::result::Result<Option<Value>, String> {
        if let Some(beyond) = &self.beyond {
            return Ok(Some(beyond.json.clone()));
        }
        let mut parts = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            let json = condition(row);
            Condition::read(&json, self.scope).map_err(|mistakes| {
                let sentence = mistakes.into_iter().next().map(|(_, sentence)| sentence);
                format!("Row {}: {}", place + 1, sentence.unwrap_or_default())
            })?;
            parts.push(json);
        }
        Ok(match (parts.len(), self.is_any) {
            (0, _) => None,
            (1, _) => parts.pop(),
            (_, true) => Some(json!({"any": parts})),
            (_, false) => Some(json!({"all": parts})),
        })
    }

    /// A condition as a row, where it is a comparison that a row can say.
    fn row(&self, json: &Value) -> Option<Row> {
        let field = json["field"].as_str()?;
        let op = json["op"].as_str()?;
        let (op, value) = match (op, &json["value"]) {
            ("exists", value) => match value.as_bool().unwrap_or(true) {
                true => ("exists", String::new()),
                false => ("missing", String::new()),
            },
            ("in", Value::Array(values)) => {
                let values = values.iter().map(written).collect::<Option<Vec<_>>>()?;
                if values.iter().any(|text| text.contains(',')) {
                    return None;
                }
                ("in", values.join(", "))
            }
            ("contains" | "has", Value::String(text)) => (op, text.clone()),
            (op, value) => (op, written(value)?),
        };
        self.ops().iter().any(|(known, _)| *known == op).then(|| Row {
            field: field.strip_prefix("event.").unwrap_or(field).to_owned(),
            op: op.to_owned(),
            value,
        })
    }
}

/// A row as a condition. A name without a dot is the event's property.
fn condition(row: &Row) -> Value {
    let is_whole = ["event.", "contact."]
        .iter()
        .any(|start| row.field.starts_with(start));
    let field = match is_whole || row.field.is_empty() {
        true => row.field.clone(),
        false => format!("event.{}", row.field),
    };
    match row.op.as_str() {
        "exists" => json!({"field": field, "op": "exists", "value": true}),
        "missing" => json!({"field": field, "op": "exists", "value": false}),
        "in" => {
            let values: Vec<Value> = row
                .value
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(value)
                .collect();
            json!({"field": field, "op": "in", "value": values})
        }
        op @ ("contains" | "has") => json!({"field": field, "op": op, "value": row.value.trim()}),
        op if field == "contact.tags" => json!({"field": field, "op": op, "value": row.value.trim()}),
        op => json!({"field": field, "op": op, "value": value(row.value.trim())}),
    }
}

/// A number where it reads as one, `true` and `false`, else a text. Quotation marks make any of
/// them a text.
fn value(text: &str) -> Value {
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match (quoted, text) {
        (Some(text), _) => json!(text),
        (_, "true") => json!(true),
        (_, "false") => json!(false),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| json!(text), Value::Number)
        }
        _ => json!(text),
    }
}

/// A value so that `value` reads it back.
fn written(json: &Value) -> Option<String> {
    match json {
        Value::String(text) => match value(text) == *json && text.trim() == text {
            true => Some(text.clone()),
            false => Some(format!("\"{text}\"")),
        },
        Value::Number(_) | Value::Bool(_) => Some(json.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, &str, &str)], matching: &str, scope: Scope) -> Conditions {
        let list = |at: fn(&(&str, &str, &str)) -> String| rows.iter().map(at).collect::<Vec<_>>();
        let posted = Posted {
            matching: matching.into(),
            fields: list(|row| row.0.into()),
            ops: list(|row| row.1.into()),
            values: list(|row| row.2.into()),
            kept: String::new(),
        };
        Conditions::posted(&posted, None, scope)
    }

    #[test]
    fn rows_become_a_condition_and_rows_again() {
        for (typed, matching, expected) in [
            (vec![("", "eq", "")], "all", None),
            (
                vec![("players", "gte", "2"), ("", "eq", "")],
                "all",
                Some(json!({"field": "event.players", "op": "gte", "value": 2})),
            ),
            (
                vec![
                    ("kind", "eq", "cup"),
                    ("event.code", "eq", "\"18\""),
                    ("paid", "eq", "true"),
                ],
                "any",
                Some(json!({"any": [
                    {"field": "event.kind", "op": "eq", "value": "cup"},
                    {"field": "event.code", "op": "eq", "value": "18"},
                    {"field": "event.paid", "op": "eq", "value": true},
                ]})),
            ),
            (
                vec![("course", "in", "North, South, 3"), ("note", "missing", "")],
                "all",
                Some(json!({"all": [
                    {"field": "event.course", "op": "in", "value": ["North", "South", 3]},
                    {"field": "event.note", "op": "exists", "value": false},
                ]})),
            ),
        ] {
            let form = rows(&typed, matching, Scope::Event);
            let json = form.parse().unwrap();
            assert_eq!(json, expected);
            let back = Conditions::of_json(json.as_ref(), Scope::Event);
            assert_eq!(back.parse().unwrap(), expected);
            assert!(back.beyond.is_none());
        }
    }

    #[test]
    fn rows_of_a_trigger_may_ask_about_the_person() {
        let typed = [
            ("contact.tags", "has", "18"),
            ("contact.attributes.handicap", "lt", "10"),
        ];
        let form = rows(&typed, "all", Scope::EventAndContact);
        let json = form.parse().unwrap();
        assert_eq!(
            json,
            Some(json!({"all": [
                {"field": "contact.tags", "op": "has", "value": "18"},
                {"field": "contact.attributes.handicap", "op": "lt", "value": 10},
            ]}))
        );
        let back = Conditions::of_json(json.as_ref(), Scope::EventAndContact);
        assert_eq!(back.rows, form.rows);
    }

    #[test]
    fn a_wrong_row_is_named() {
        for wrong in [
            ("", "eq", "2"),
            ("a", "like", "2"),
            ("a", "gt", "true"),
            ("contact.x", "eq", "1"),
        ] {
            let sentence = rows(&[("a", "eq", "1"), wrong], "all", Scope::Event)
                .parse()
                .unwrap_err();
            assert!(sentence.starts_with("Row 2: "), "{wrong:?} {sentence}");
        }
    }

    #[test]
    fn what_rows_cannot_show_is_said_and_kept() {
        let nested = json!({"all": [{"any": [{"field": "event.a", "op": "exists"}]}]});
        let form = Conditions::of_json(Some(&nested), Scope::Event);
        assert_eq!(
            form.beyond.as_ref().map(|beyond| beyond.words.as_str()),
            Some("a is there")
        );
        assert_eq!(form.parse().unwrap(), Some(nested.clone()));
        // Ticked, it stays; and is shown again where something else is refused.
        let read = |body: &[u8]| Conditions::read(body, "where", Some(&nested), Scope::Event).unwrap();
        assert_eq!(read(b"where.kept=yes&event=a"), form);
        let gone = read(b"where.match=all&goal.where.kept=yes");
        assert_eq!(gone.parse().unwrap(), None);
    }
}
