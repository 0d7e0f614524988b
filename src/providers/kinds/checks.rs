//! What fields of several kinds are checked for.

use super::Values;
use crate::providers::pace::{FASTEST, Pace, SLOWEST};
use crate::web::FormErrors;
use url::Url;

/// The pace.
pub fn pace(errors: &mut FormErrors, values: &Values) {
    if Pace::parse(values.get("rate")).is_none() {
        errors.add(
            "rate",
            format!("Write a number from {SLOWEST} to {FASTEST}, or nothing."),
        );
    }
}

/// The address of a server, without a slash at the end.
pub fn web_address(errors: &mut FormErrors, field: &str, text: &str) -> String {
    let is_right = Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if !is_right {
        errors.add(
            field,
            "This is no address of a server, such as https://api.example.com.",
        );
    }
    text.trim_end_matches('/').to_owned()
}
