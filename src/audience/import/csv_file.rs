//! A CSV file as clubs' programs write them: commas, semicolons or tabs, any order of columns.
//! A column that no field has is an attribute, of one kind for the whole column.

use super::{Line, Options, parse};
use crate::audience::contacts::input::{ConsentInput, ContactInput};
use crate::domain::{AttributeKind, Channel, contact};
use crate::entity::attribute_definitions;
use crate::web::{AppError, Result};
use csv::{ReaderBuilder, StringRecord};
use serde_json::{Map, Value};

/// The most columns of a file: every attribute, and every field there is.
pub(super) const MOST_COLUMNS: usize = 200;
/// How much of a refused value is repeated, in characters.
const QUOTED: usize = 60;

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
enum Column {
    Key,
    Email,
    Phone,
    FirstName,
    LastName,
    Timezone,
    Locale,
    Tags,
    Consent(Channel),
    Attribute(String, AttributeKind),
    /// Without a header.
    Nothing,
}

pub(super) fn read(
    text: &str,
    known: &[attribute_definitions::Model],
    options: &Options,
) -> Result<Vec<Line>> {
    let (headers, records) = split(text)?;
    lines(&headers, records, known, options)
}

/// The first line, and the others less those that are empty.
pub(super) fn split(text: &str) -> Result<(StringRecord, Vec<StringRecord>)> {
    let mut reader = ReaderBuilder::new()
        .delimiter(separator(text))
        .flexible(true)
        .from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| AppError::BadRequest(format!("The file cannot be read: {error}."));
    let headers = reader.headers().map_err(unreadable)?.clone();
    let mut records = reader
        .records()
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    records.retain(|record| record.iter().any(|field| !field.trim().is_empty()));
    for record in &mut records {
        let number = line_of(record, text);
        if let Some(mut position) = record.position().cloned() {
            record.set_position(Some(position.set_line(number).clone()));
        }
    }
    Ok((headers, records))
}

/// What the records say under these headers; a column with an empty header is left out.
pub(super) fn lines(
    headers: &StringRecord,
    records: Vec<StringRecord>,
    known: &[attribute_definitions::Model],
    options: &Options,
) -> Result<Vec<Line>> {
    let columns = columns(headers, &records, known)?;
    Ok(records
        .into_iter()
        .map(|record| Line {
            number: record.position().map_or(0, csv::Position::line),
            contact: contact_of(&record, &columns).and_then(|input| parse(input, options)),
            fields: record.iter().map(str::to_owned).collect(),
        })
        .collect())
}

/// The line on which a record begins. The reader's own count is of where the one before ended,
/// which blank lines and the second half of a line end may part from it.
fn line_of(record: &StringRecord, text: &str) -> u64 {
    let Some(position) = record.position() else {
        return 0;
    };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + ends.filter(|byte| **byte == b'\n').count() as u64
}

/// The one of `,`, `;` and tab that the first line has most of.
fn separator(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    let mut best = b',';
    for other in [b';', b'\t'] {
        if count(other) > count(best) {
            best = other;
        }
    }
    best
}

fn columns(
    headers: &StringRecord,
    records: &[StringRecord],
    known: &[attribute_definitions::Model],
) -> Result<Vec<Column>> {
    if headers.len() > MOST_COLUMNS {
        let message = format!(
            "A file has at most {MOST_COLUMNS} columns; this has {}.",
            headers.len()
        );
        return Err(AppError::BadRequest(message));
    }
    let mut columns = Vec::with_capacity(headers.len());
    for (place, header) in headers.iter().enumerate() {
        let name = name_of(header);
        let column = match name.as_str() {
            "" => Column::Nothing,
            "key" => Column::Key,
            "email" | "e_mail" => Column::Email,
            "phone" => Column::Phone,
            "first_name" => Column::FirstName,
            "last_name" => Column::LastName,
            "timezone" => Column::Timezone,
            "locale" => Column::Locale,
            "tags" => Column::Tags,
            other => match other.strip_prefix("consent_").map(|c| c.to_uppercase().parse()) {
                Some(Ok(channel)) => Column::Consent(channel),
                _ => attribute(header, name, place, records, known)?,
            },
        };
        if column != Column::Nothing && columns.contains(&column) {
            let message = format!(
                "Two columns are called “{}”; a file has one of each.",
                quoted(header)
            );
            return Err(AppError::BadRequest(message));
        }
        columns.push(column);
    }
    let names_people = |column: &Column| matches!(column, Column::Key | Column::Email | Column::Phone);
    match columns.iter().any(names_people) {
        true => Ok(columns),
        false => Err(AppError::BadRequest(
            "The first line must name the columns, and one of them must be key, email or phone.".into(),
        )),
    }
}

/// `First name` and `first-name` are `first_name`.
pub(super) fn name_of(header: &str) -> String {
    let letters = header.trim().to_lowercase();
    letters
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

fn attribute(
    header: &str,
    name: String,
    place: usize,
    records: &[StringRecord],
    known: &[attribute_definitions::Model],
) -> Result<Column> {
    contact::attribute_name(&name).map_err(|message| {
        AppError::BadRequest(format!(
            "The column “{}” has no name to keep. {message}",
            quoted(header)
        ))
    })?;
    let kind = match known.iter().find(|row| row.name == name) {
        Some(row) => row.kind,
        None => kind_of_column(records.iter().filter_map(|record| record.get(place))),
    };
    Ok(Column::Attribute(name, kind))
}

/// The kind that every value of a column has; text where they differ, or where there is none.
fn kind_of_column<'a>(values: impl Iterator<Item = &'a str>) -> AttributeKind {
    let mut kinds = values.map(str::trim).filter(|text| !text.is_empty()).map(|text| {
        match (yes_or_no(text), number(text)) {
            (Some(_), _) => AttributeKind::Boolean,
            (None, Some(_)) => AttributeKind::Number,
            (None, None) => contact::kind_of(&text.into()).unwrap_or(AttributeKind::Text),
        }
    });
    let Some(first) = kinds.next() else {
        return AttributeKind::Text;
    };
    match kinds.all(|kind| kind == first) {
        true => first,
        false => AttributeKind::Text,
    }
}

/// A number, but no code that only looks like one: `007` and `+27` stay text.
fn number(text: &str) -> Option<Value> {
    let digits = text.trim_start_matches('-');
    let is_code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    match is_code || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        true => None,
        false => serde_json::from_str::<serde_json::Number>(text)
            .ok()
            .map(Value::Number),
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

fn contact_of(record: &StringRecord, columns: &[Column]) -> std::result::Result<ContactInput, String> {
    if record.len() != columns.len() {
        return Err(format!(
            "This line has {} fields and the first line {}.",
            record.len(),
            columns.len()
        ));
    }
    let mut input = ContactInput {
        attributes: Map::new(),
        ..ContactInput::default()
    };
    for (column, field) in columns.iter().zip(record) {
        let field = field.trim();
        if field.is_empty() {
            continue;
        }
        let text = Some(field.to_owned());
        match column {
            Column::Key => input.key = text,
            Column::Email => input.email = text,
            Column::Phone => input.phone = text,
            Column::FirstName => input.first_name = text,
            Column::LastName => input.last_name = text,
            Column::Timezone => input.timezone = text,
            Column::Locale => input.locale = text,
            Column::Tags => input.tags = Some(field.split(';').map(str::to_owned).collect()),
            Column::Consent(channel) => {
                let status = match yes_or_no(field) {
                    Some(true) => "SUBSCRIBED",
                    Some(false) => "UNSUBSCRIBED",
                    None => {
                        let name = channel.as_str().to_lowercase();
                        return Err(format!("consent_{name}: Write yes or no."));
                    }
                };
                let consent = ConsentInput {
                    status: status.into(),
                    source: String::new(),
                };
                input.consents.insert(channel.to_string(), consent);
            }
            Column::Attribute(name, kind) => {
                let value = value_of(field, *kind)
                    .ok_or_else(|| format!("{name}: “{}” is no {kind}.", quoted(field)))?;
                input.attributes.insert(name.clone(), value);
            }
            Column::Nothing => {}
        }
    }
    Ok(input)
}

fn quoted(field: &str) -> String {
    match field.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &field[..end]),
        None => field.to_owned(),
    }
}

fn value_of(field: &str, kind: AttributeKind) -> Option<Value> {
    match kind {
        AttributeKind::Text => Some(field.into()),
        AttributeKind::Boolean => yes_or_no(field).map(Value::Bool),
        AttributeKind::Number => number(field),
        AttributeKind::Date => {
            let value = Value::from(field);
            contact::fits(kind, &value).then_some(value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of_za() -> Options {
        Options {
            country: Some("ZA".into()),
            ..Options::default()
        }
    }

    fn contacts(text: &str) -> Vec<std::result::Result<contact::NewContact, String>> {
        let lines = read(text, &[], &of_za()).unwrap();
        lines.into_iter().map(|line| line.contact).collect()
    }

    #[test]
    fn a_column_of_its_own_has_one_kind_and_codes_stay_text() {
        let people = contacts(
            "E-mail;First name;handicap;locker;joined;senior\n\
             a@club.example;Ada;12.5;007;2026-01-02;yes\n\
             b@club.example;Bo;-1;12;;no\n",
        );
        let ada = people[0].as_ref().unwrap();
        assert_eq!(ada.first_name, "Ada");
        assert_eq!(
            Value::Object(ada.attributes.clone()),
            json!({"handicap": 12.5, "locker": "007", "joined": "2026-01-02", "senior": true})
        );
        let bo = people[1].as_ref().unwrap();
        assert_eq!(
            Value::Object(bo.attributes.clone()),
            json!({"handicap": -1, "locker": "12", "senior": false})
        );
    }

    #[test]
    fn each_wrong_line_is_refused_with_its_reason_and_number() {
        let lines = read(
            "email,phone,consent_email\nnobody,,\n\na@club.example,082 123 4567,perhaps\n\"b@club.example\",,yes,more\n",
            &[],
            &of_za(),
        )
        .unwrap();
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.contact.clone().unwrap_err()))
            .collect();
        assert_eq!(told.len(), 3);
        assert_eq!(told[0].0, 2);
        assert!(told[0].1.starts_with("email: This is no e-mail"), "{}", told[0].1);
        assert_eq!(told[1], (4, "consent_email: Write yes or no.".to_owned()));
        assert_eq!(
            told[2],
            (5, "This line has 4 fields and the first line 3.".to_owned())
        );
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for end in ["\n", "\r\n"] {
            let text = [
                "email,city",
                "a@b.example,\"Two",
                "lines\"",
                "",
                "",
                "c@d.example,",
                "e@f.example,",
            ];
            let lines = read(&text.join(end), &[], &Options::default()).unwrap();
            let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
            assert_eq!(numbers, [2, 6, 7], "{end:?}");
        }
    }

    #[test]
    fn a_file_that_names_nobody_is_refused_as_a_whole() {
        for text in ["", "name\nAda\n", "email,email\na@b.example,\n"] {
            assert!(read(text, &[], &Options::default()).is_err(), "{text}");
        }
    }
}
