//! How values are written on pages. Use in a template module by `use crate::web::filters;`.

use askama::Values;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// `12345` as `12,345`.
#[askama::filter_fn]
pub fn grouped(number: &i64, _: &dyn Values) -> askama::Result<String> {
    Ok(group(*number))
}

/// `0.4237` as `42.4 %`; a rate without a value as `–`.
#[askama::filter_fn]
pub fn percent(rate: &Option<f64>, _: &dyn Values) -> askama::Result<String> {
    Ok(rate.map_or_else(|| "–".to_owned(), |rate| format!("{:.1} %", rate * 100.0)))
}

/// An instant in a zone, which is said: `Tue 3 Mar 2026, 09:00 (Africa/Johannesburg)`.
#[askama::filter_fn]
pub fn when(at: &DateTime<Utc>, _: &dyn Values, zone: &Tz) -> askama::Result<String> {
    Ok(local(*at, *zone))
}

/// An instant for a `datetime` attribute.
#[askama::filter_fn]
pub fn iso(at: &DateTime<Utc>, _: &dyn Values) -> askama::Result<String> {
    Ok(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

/// What `grouped` does, for Rust.
pub fn group(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    match number < 0 {
        true => format!("−{text}"),
        false => text,
    }
}

/// What `when` does, for Rust.
pub fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format(&format!("%a %-d %b %Y, %H:%M ({})", zone.name()))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1234567, "1,234,567"),
            (-1000, "−1,000"),
        ] {
            assert_eq!(group(number), text);
        }
    }

    #[test]
    fn an_instant_is_written_in_its_zone_and_says_it() {
        let at = "2026-03-03T07:00:00Z".parse().unwrap();
        assert_eq!(
            local(at, chrono_tz::Africa::Johannesburg),
            "Tue 3 Mar 2026, 09:00 (Africa/Johannesburg)"
        );
    }
}
