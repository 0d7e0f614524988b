//! The webhooks of mail providers through whose SMTP servers the club sends: what was delivered,
//! what bounced, who complained. Each file checks one provider's signature and reads its words.

pub mod mailgun;
pub mod postmark;
mod reporter;
pub mod sendgrid;
pub mod ses;

pub use reporter::Reporter;

use super::hooks::{About, ProviderEvent, Refusal, What};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq as _;

/// The longest reason that is kept, in characters.
const LONGEST_REPLY: usize = 500;

/// Reads JSON of a known shape.
fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::Malformed(format!("It is not what the provider documents: {error}.")))
}

/// Compares secrets in a time that says nothing of them.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// A `Message-ID` without its angle brackets.
fn bare(id: &str) -> String {
    id.trim().trim_start_matches('<').trim_end_matches('>').to_owned()
}

fn seconds(at: f64) -> Option<DateTime<Utc>> {
    // Providers send fractions of seconds; what is lost beyond a millisecond is no matter.
    #[expect(clippy::cast_possible_truncation)]
    let millis = (at * 1000.0) as i64;
    DateTime::from_timestamp_millis(millis)
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc())
}

fn failed(reply: &str, is_dead: bool) -> What {
    What::Failed {
        reply: reply.chars().take(LONGEST_REPLY).collect(),
        is_dead,
    }
}

fn event(about: About, at: Option<DateTime<Utc>>, what: What) -> ProviderEvent {
    ProviderEvent { about, at, what }
}

#[cfg(test)]
mod tests;
