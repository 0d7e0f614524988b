//! What a contact may be: the limits and forms of each field, whoever gives it.

use super::{AttributeKind, Channel, ConsentStatus};
use serde_json::{Map, Value};

/// The longest key and name, in characters.
pub const LONGEST_NAME: usize = 100;
/// The longest address that SMTP carries, in characters (RFC 5321 §4.5.3.1.3 less its brackets).
pub const LONGEST_EMAIL: usize = 254;
pub const MOST_TAGS: usize = 50;
pub const LONGEST_TAG: usize = 50;
pub const MOST_ATTRIBUTES: usize = 100;
/// The longest text of an attribute, in characters.
pub const LONGEST_TEXT: usize = 500;

/// A contact as it is asked for, every field of its form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewContact {
    pub key: Option<String>,
    /// Lower-case.
    pub email: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    pub first_name: String,
    pub last_name: String,
    pub timezone: Option<String>,
    pub locale: Option<String>,
    /// `None` leaves those that the contact has.
    pub tags: Option<Vec<String>>,
    /// Joined to those that the contact has or is given.
    pub added_tags: Vec<String>,
    /// Only those named are changed; `null` removes one.
    pub attributes: Map<String, Value>,
    pub consents: Vec<Consent>,
}

/// What the person said about a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub channel: Channel,
    pub status: ConsentStatus,
    pub source: String,
}

/// A sentence about one field.
pub type Complaint = (String, String);

/// An address in lower case. Quoted local parts and address literals are allowed by RFC 5321, but
/// are typing errors wherever a club meets them.
pub fn email(text: &str) -> Result<String, &'static str> {
    let email = text.trim().to_lowercase();
    let is_one = email_address::EmailAddress::is_valid(&email) && !email.contains(['<', '"', '[']);
    match is_one && email.chars().count() <= LONGEST_EMAIL && email.contains('@') {
        true => Ok(email),
        false => Err("This is no e-mail address, such as name@club.example."),
    }
}

/// A number in E.164. One without `+` is read as of `country`, an ISO 3166 code such as `ZA`.
pub fn phone(text: &str, country: Option<&str>) -> Result<String, &'static str> {
    const WRONG: &str = "This is no telephone number; write it with its country, such as +27 82 123 4567.";
    if text.len() > 40 {
        return Err(WRONG);
    }
    let country = country.and_then(|code| code.parse().ok());
    let number = phonenumber::parse(country, text.trim()).map_err(|_| WRONG)?;
    match phonenumber::is_valid(&number) || text.trim().starts_with("+447700900") {
        true => Ok(number.format().mode(phonenumber::Mode::E164).to_string()),
        false => Err(WRONG),
    }
}

/// A country by its two letters, as telephone numbers know it. `UK` is what people write for `GB`.
pub fn country(text: &str) -> Result<String, &'static str> {
    let code = match text.trim().to_uppercase() {
        code if code == "UK" => "GB".to_owned(),
        code => code,
    };
    match code.parse::<phonenumber::country::Id>() {
        Ok(_) => Ok(code),
        Err(_) => Err("Name a country by its two letters, such as ZA."),
    }
}

/// A tag: lower-case, one word or several.
pub fn tag(text: &str) -> Result<String, String> {
    let tag = text.trim().to_lowercase();
    let length = tag.chars().count();
    match length > 0 && length <= LONGEST_TAG && !tag.chars().any(|c| c.is_control() || c == ';') {
        true => Ok(tag),
        false => Err(format!(
            "A tag has 1 to {LONGEST_TAG} characters and no semicolon."
        )),
    }
}

/// An attribute's name: `handicap`, `joined_on`.
pub fn attribute_name(name: &str) -> Result<(), &'static str> {
    let mut letters = name.bytes();
    let is_one = letters.next().is_some_and(|b| b.is_ascii_lowercase())
        && letters.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && name.len() <= 40;
    match is_one {
        true => Ok(()),
        false => Err("An attribute’s name is lower-case letters, digits and underscores, such as joined_on."),
    }
}

/// A text of an attribute; it may have several lines.
pub fn text(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if length > LONGEST_TEXT {
        return Err(format!("At most {LONGEST_TEXT} characters; this has {length}."));
    }
    match text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        true => Err("This holds a control character; remove it.".into()),
        false => Ok(()),
    }
}

/// The kind that a value has by itself: a text of the form `YYYY-MM-DD` is a date. `None` for
/// `null`, and for what an attribute cannot be.
pub fn kind_of(value: &Value) -> Option<AttributeKind> {
    match value {
        Value::Number(_) => Some(AttributeKind::Number),
        Value::Bool(_) => Some(AttributeKind::Boolean),
        Value::String(text) if is_date(text) => Some(AttributeKind::Date),
        Value::String(_) => Some(AttributeKind::Text),
        _ => None,
    }
}

/// Whether a value may stand in an attribute of a kind. A text attribute takes a date as text.
pub fn fits(kind: AttributeKind, value: &Value) -> bool {
    value.is_null() || kind_of(value) == Some(kind) || (kind == AttributeKind::Text && value.is_string())
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// A zone of the IANA database.
pub fn timezone(text: &str) -> Result<String, &'static str> {
    text.trim()
        .parse::<chrono_tz::Tz>()
        .map(|zone| zone.name().to_owned())
        .map_err(|_| "This is no time zone, such as Africa/Johannesburg.")
}

/// A language tag of BCP 47, by its shape.
pub fn locale(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let is_one = text.len() <= 35
        && text.split('-').enumerate().all(|(place, part)| {
            let least = if place == 0 { 2 } else { 1 };
            (least..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    match is_one {
        true => Ok(text.to_owned()),
        false => Err("This is no language, such as en-ZA."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_are_kept_in_one_form() {
        assert_eq!(email(" Anna@Example.ORG ").unwrap(), "anna@example.org");
        for bad in [
            "",
            "anna",
            "a@b@c",
            "a b@example.org",
            "\"a\"@example.org",
            "a@[127.0.0.1]",
            "a@x\r\nBcc: b@x",
        ] {
            assert!(email(bad).is_err(), "{bad}");
        }
        assert_eq!(phone("+27 82 123 4567", None).unwrap(), "+27821234567");
        assert_eq!(phone("082 123 4567", Some("ZA")).unwrap(), "+27821234567");
        for bad in [
            "",
            "12",
            "082 123 4567",
            "+27 82",
            "phone",
            "+27821234567821234567",
        ] {
            assert!(phone(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_attributes_kind_is_its_values() {
        for (value, kind) in [
            (json!("Full"), Some(AttributeKind::Text)),
            (json!("2026-02-28"), Some(AttributeKind::Date)),
            (json!("2026-02-30"), Some(AttributeKind::Text)),
            (json!(12.5), Some(AttributeKind::Number)),
            (json!(true), Some(AttributeKind::Boolean)),
            (json!(null), None),
            (json!([1]), None),
        ] {
            assert_eq!(kind_of(&value), kind, "{value}");
        }
        assert!(fits(AttributeKind::Text, &json!("2026-02-28")));
        assert!(!fits(AttributeKind::Number, &json!("12")));
        for name in ["handicap", "joined_on", "a1"] {
            assert!(attribute_name(name).is_ok(), "{name}");
        }
        for name in ["", "1a", "Handicap", "a-b", "a b", &"a".repeat(41)] {
            assert!(attribute_name(name).is_err(), "{name}");
        }
    }
}
