//! Feeds of other systems: fetched within limits, and read into items. RSS, Atom, JSON Feed and
//! iCalendar are told apart by what they are, not by what they call themselves. Knows no campaign.

mod clean;
mod events;
mod fetch;
mod news;
#[cfg(test)]
mod tests;

pub use fetch::{Answer, Validators, fetch};

use crate::domain::feed::Feed;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// The largest feed, in bytes.
pub const LARGEST: usize = 2 * 1024 * 1024;
/// Items beyond these are not looked at.
pub const MOST_ITEMS: usize = 500;

/// What a feed is read for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its address, which relative ones in it are relative to.
    pub url: String,
    pub now: DateTime<Utc>,
    /// Of a calendar: how far it is looked ahead.
    pub days: i64,
    /// The zone of times that name none, and of days.
    pub zone: Tz,
}

/// Reads a feed.
///
/// # Errors
/// A sentence.
pub fn parse(body: &[u8], asked: &Asked) -> Result<Feed, String> {
    if body.len() > LARGEST {
        return Err(TOO_LARGE.into());
    }
    let start = &body[..body.len().min(1024)];
    match String::from_utf8_lossy(start)
        .to_ascii_uppercase()
        .find("BEGIN:VCALENDAR")
    {
        Some(_) => events::parse(&String::from_utf8_lossy(body), asked),
        None => news::parse(body, asked),
    }
}

/// The same away from the threads that answer requests, and with what makes a library panic as a
/// feed that cannot be read.
///
/// # Errors
/// A sentence.
pub async fn read(body: Vec<u8>, asked: Asked) -> Result<Feed, String> {
    let read = tokio::task::spawn_blocking(move || parse(&body, &asked)).await;
    read.unwrap_or_else(|_| Err(UNREADABLE.into()))
}

const TOO_LARGE: &str = "The feed is larger than 2 MB.";
const UNREADABLE: &str =
    "What is there is no feed that can be read: it must be RSS, Atom, JSON Feed or iCalendar.";
