//! The filters that mails need, beside the engine's own harmless ones.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, State, Value};

/// What the editor lists.
pub const NAMES: &[&str] = &[
    "default",
    "date",
    "upper",
    "lower",
    "title",
    "capitalize",
    "truncate",
    "number",
    "round",
    "trim",
    "length",
    "join",
    "first",
    "last",
];

pub(super) fn add_to(engine: &mut Environment<'static>) {
    engine.add_filter("default", default);
    engine.add_filter("d", default);
    engine.add_filter("date", date);
    engine.add_filter("truncate", truncate);
    engine.add_filter("number", number);
    engine.add_filter("url_part", url_part);
}

/// `contact.first_name | default("golfer")`: also for a name that is there but empty.
fn default(value: Value, other: Option<Value>) -> Value {
    let is_empty = match value.kind() {
        ValueKind::Undefined | ValueKind::None => true,
        ValueKind::String => value.as_str().is_some_and(|text| text.trim().is_empty()),
        ValueKind::Seq => value.len() == Some(0),
        _ => false,
    };
    match is_empty {
        true => other.unwrap_or_else(|| Value::from("")),
        false => value,
    }
}

/// `"Anna" | truncate(3)` is `Ann…`.
fn truncate(value: &Value, length: Option<usize>, end: Option<String>) -> Result<String, Error> {
    let text = known(value)?.to_string();
    let length = length.unwrap_or(80);
    Ok(match text.char_indices().nth(length) {
        Some((at, _)) => format!("{}{}", text[..at].trim_end(), end.as_deref().unwrap_or("…")),
        None => text,
    })
}

/// `12345.678 | number` is `12,346`; `| number(2)` is `12,345.68`. What is no number stays.
fn number(value: &Value, decimals: Option<usize>) -> Result<String, Error> {
    let value = known(value)?;
    let read = match value.kind() {
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        _ => value.as_str().and_then(|text| text.trim().parse().ok()),
    };
    let Some(read) = read.filter(|number| number.is_finite() && number.abs() < 1e15) else {
        return Ok(value.to_string());
    };
    let decimals = decimals.unwrap_or(0).min(9);
    let text = format!("{:.decimals$}", read.abs());
    let (whole, part) = text.split_once('.').unwrap_or((text.as_str(), ""));
    let whole = crate::web::filters::group(whole.parse().unwrap_or(0));
    let sign = match read < 0.0 {
        true => "-",
        false => "",
    };
    Ok(match part.is_empty() {
        true => format!("{sign}{whole}"),
        false => format!("{sign}{whole}.{part}"),
    })
}

/// The letters of a date pattern, as the editor lists them. They are Unicode's (UTS 35): the same
/// letter more often writes it longer; text stands in single quotes.
pub const DATE_LETTERS: &[(&str, &str)] = &[
    ("EEEE", "Saturday"),
    ("EEE", "Sat"),
    ("d", "7"),
    ("dd", "07"),
    ("MMMM", "March"),
    ("MMM", "Mar"),
    ("M", "3"),
    ("MM", "03"),
    ("yyyy", "2026"),
    ("yy", "26"),
    ("HH", "09"),
    ("H", "9"),
    ("h", "9"),
    ("hh", "09"),
    ("mm", "10"),
    ("ss", "00"),
    ("a", "AM"),
    ("'at'", "at"),
];

/// `event.tee_time | date("EEEE d MMMM, HH:mm")`, with the letters above or `%` of strftime, in
/// English. An instant is written in the campaign's zone where an event caused the message, else in
/// the reader's. What is no date stays as it is.
fn date(state: &State, value: &Value, pattern: Option<String>) -> Result<String, Error> {
    let pattern = pattern.as_deref().unwrap_or("d MMMM yyyy");
    let format = match pattern.contains('%') {
        true => pattern.to_owned(),
        false => of_unicode(pattern).map_err(|letter| {
            let text = format!(
                "“{letter}” is no letter of a date pattern; there are E, d, M, y, H, h, m, s and a, and text \
                 stands in single quotes: \"EEEE d MMMM 'at' HH:mm\""
            );
            Error::new(ErrorKind::InvalidOperation, text)
        })?,
    };
    if chrono::format::StrftimeItems::new(&format).any(|item| item == chrono::format::Item::Error) {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("“{pattern}” is no date pattern; write for example \"EEEE d MMMM, HH:mm\""),
        ));
    }
    let value = known(value)?;
    let text = value.to_string();
    let zone = state
        .lookup("zone")
        .and_then(|zone| zone.as_str()?.parse::<Tz>().ok())
        .unwrap_or(Tz::UTC);
    let Some(at) = read_date(text.trim(), zone) else {
        return Ok(text);
    };
    Ok(at.format(&format).to_string())
}

fn read_date(text: &str, zone: Tz) -> Option<NaiveDateTime> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&zone).naive_local());
    }
    ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| {
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .ok()?
                .and_hms_opt(0, 0, 0)
        })
}

/// Unicode's pattern as strftime's, or the first letter that it does not know.
fn of_unicode(pattern: &str) -> Result<String, char> {
    let mut format = String::new();
    let letters: Vec<char> = pattern.chars().collect();
    let mut at = 0;
    while at < letters.len() {
        let letter = letters[at];
        let run = letters[at..].iter().take_while(|other| **other == letter).count();
        match letter {
            '\'' => {
                let text = letters[at + 1..]
                    .iter()
                    .take_while(|c| **c != '\'')
                    .collect::<String>();
                at += text.chars().count() + 2;
                format.push_str(&text);
                continue;
            }
            'E' => format.push_str(if run >= 4 { "%A" } else { "%a" }),
            'd' => format.push_str(if run >= 2 { "%d" } else { "%-d" }),
            'M' | 'L' => format.push_str(match run {
                1 => "%-m",
                2 => "%m",
                3 => "%b",
                _ => "%B",
            }),
            'y' => format.push_str(if run == 2 { "%y" } else { "%Y" }),
            'H' => format.push_str(if run >= 2 { "%H" } else { "%-H" }),
            'h' => format.push_str(if run >= 2 { "%I" } else { "%-I" }),
            'm' => format.push_str("%M"),
            's' => format.push_str("%S"),
            'a' => format.push_str("%p"),
            other if other.is_ascii_alphabetic() => return Err(other),
            other => (0..run).for_each(|_| format.push(other)),
        }
        at += run;
    }
    Ok(format)
}

/// A value as it may stand inside a URL: everything but letters, digits and `-._~/@:` encoded
/// (RFC 3986 §2.1).
fn url_part(value: &Value) -> Result<String, Error> {
    let mut encoded = String::new();
    for byte in known(value)?.to_string().bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~/@:".contains(&byte) {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(encoded)
}

/// A strict engine lets no unknown name through a filter either.
fn known(value: &Value) -> Result<&Value, Error> {
    match value.is_undefined() {
        true => Err(Error::from(ErrorKind::UndefinedError)),
        false => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_by_unicode_or_strftime_patterns() {
        let at = read_date("2026-03-07T07:05:00Z", chrono_tz::Africa::Johannesburg).unwrap();
        for (pattern, text) in [
            ("EEEE d MMMM, HH:mm", "Saturday 7 March, 09:05"),
            ("EEE dd MMM yyyy", "Sat 07 Mar 2026"),
            ("d/M/yy 'at' h:mm a", "7/3/26 at 9:05 AM"),
        ] {
            let format = of_unicode(pattern).unwrap();
            assert_eq!(at.format(&format).to_string(), text);
        }
        for (pattern, letter) in [
            ("EEEE d MMMM at HH:mm", 't'),
            ("dd.MM.YYYY", 'Y'),
            ("HH:mm z", 'z'),
        ] {
            assert_eq!(of_unicode(pattern), Err(letter), "{pattern}");
        }
        for (letters, text) in DATE_LETTERS {
            assert!(of_unicode(letters).is_ok(), "{letters} {text}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (value, decimals, text) in [
            (Value::from(12345.678), None, "12,346"),
            (Value::from("1234.5"), Some(2), "1,234.50"),
            (Value::from(-7), None, "-7"),
            (Value::from("n/a"), None, "n/a"),
        ] {
            assert_eq!(number(&value, decimals).unwrap(), text);
        }
    }
}
