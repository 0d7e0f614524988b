//! Fetching a feed, or hearing that it did not change.

use super::{LARGEST, TOO_LARGE};
use crate::outbound::{CallError, Outbound, Reply};
use reqwest::header::{
    ACCEPT, ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
};

/// Longer ones are not kept.
const LONGEST_VALIDATOR: usize = 500;

/// By what a server knows the body that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// What a fetch came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    New(Vec<u8>, Validators),
    /// What is kept is still what is there (RFC 9110 §15.4.5).
    Unchanged,
}

/// Fetches what is at an address; with `kept`, where it changed since.
///
/// # Errors
/// A sentence.
pub async fn fetch(outbound: &Outbound, url: &str, kept: Option<&Validators>) -> Result<Answer, String> {
    let accepted =
        "application/rss+xml, application/atom+xml, application/feed+json, text/calendar, */*;q=0.5";
    let mut headers = vec![(ACCEPT, HeaderValue::from_static(accepted))];
    let kept = kept.cloned().unwrap_or_default();
    let mut add = |name: HeaderName, value: Option<String>| {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.push((name, value));
        }
    };
    add(IF_NONE_MATCH, kept.etag);
    add(IF_MODIFIED_SINCE, kept.last_modified);
    let is_conditional = headers.len() > 1;
    let reply = outbound
        .fetch(url, &headers, LARGEST)
        .await
        .map_err(|error| match error {
            CallError::TooLarge(_) => TOO_LARGE.to_owned(),
            other => other.to_string(),
        })?;
    match reply.status {
        304 if is_conditional => Ok(Answer::Unchanged),
        200..300 => {
            let validators = Validators {
                etag: header(&reply, ETAG),
                last_modified: header(&reply, LAST_MODIFIED),
            };
            Ok(Answer::New(reply.body, validators))
        }
        401 | 403 => Err(format!(
            "Its server wants somebody to sign in first (it answered {}).",
            reply.status
        )),
        404 | 410 => Err(format!(
            "There is nothing at this address (its server answered {}).",
            reply.status
        )),
        status => Err(format!("Its server answered {status}.")),
    }
}

fn header(reply: &Reply, name: HeaderName) -> Option<String> {
    let value = reply.headers.get(name)?.to_str().ok()?;
    (value.len() <= LONGEST_VALIDATOR).then(|| value.to_owned())
}
