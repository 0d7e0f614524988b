//! What all platforms have in common over HTTP: what an answer means for a post, and whether one
//! that is found is the one that was sent.

use super::Published;
use crate::messaging::SendError;
use crate::outbound::{CallError, Outbound, Reply};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Method, RequestBuilder};
use std::time::Duration;
use unicode_normalization::UnicodeNormalization as _;

/// The longest answer that is read, in bytes: a page of an account's own posts.
const LONGEST: usize = 4 * 1024 * 1024;

/// How far a platform's clock may be behind ours.
const SKEW: TimeDelta = TimeDelta::minutes(10);

/// What a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is published by it, so it may always be made again.
    Before,
    /// It publishes.
    Publishes,
}

/// Begins a request.
pub fn request(outbound: &Outbound, method: Method, url: &str) -> Result<RequestBuilder, SendError> {
    // An address that is not called is a setting to be put right, and nothing was sent.
    outbound
        .request(method, url)
        .map_err(|error| passing(error.to_string(), None))
}

/// Makes a call.
pub async fn call(outbound: &Outbound, step: Step, request: RequestBuilder) -> Result<Reply, SendError> {
    outbound.send(request, LONGEST).await.map_err(|error| {
        let reply = error.to_string();
        match (step, error) {
            (Step::Publishes, CallError::Broken(_) | CallError::TooLarge(_)) => {
                SendError::Ambiguous { reply }
            }
            _ => passing(reply, None),
        }
    })
}

/// It is not there, and may be tried again. One account's trouble is not the others', so it is never
/// the channel's.
pub fn passing(reply: String, retry_after: Option<Duration>) -> SendError {
    SendError::Temporary { reply, retry_after }
}

/// What an answer other than success means, with the platform's own words.
pub fn refusal(step: Step, answer: &Reply, said: &str, retry_after: Option<Duration>) -> SendError {
    let reply = format!("{} {said}", answer.status).trim().to_owned();
    let retry_after = retry_after.or_else(|| answer.retry_after());
    match (answer.status, step) {
        // Put right by an administrator meanwhile, it goes out.
        (401, _) => passing(format!("The account’s access was refused: {reply}"), retry_after),
        (408 | 425 | 429, _) => passing(reply, retry_after),
        // A server that failed may have done it before.
        (500..=599, Step::Publishes) => SendError::Ambiguous { reply },
        (500..=599, Step::Before) => passing(reply, retry_after),
        _ => SendError::Permanent { reply },
    }
}

/// The answer where it is a success.
pub fn expect(
    step: Step,
    answer: Reply,
    said: impl FnOnce(&Reply) -> String,
    retry_after: Option<Duration>,
) -> Result<Reply, SendError> {
    match answer.is_success() {
        true => Ok(answer),
        false => {
            let said = said(&answer);
            Err(refusal(step, &answer, &said, retry_after))
        }
    }
}

/// A success that does not say what was published.
pub fn unsaid(platform: &str) -> SendError {
    SendError::Ambiguous {
        reply: format!("{platform} answered without the post’s id."),
    }
}

/// Whether two texts are the same but for white space and how letters are put together: platforms
/// change both.
pub fn is_same(one: &str, other: &str) -> bool {
    let bare = |text: &str| text.nfc().filter(|c| !c.is_whitespace()).collect::<String>();
    bare(one) == bare(other)
}

/// One of an account's own posts.
#[derive(Debug)]
pub struct Own {
    pub published: Published,
    pub text: String,
    pub at: Option<DateTime<Utc>>,
}

/// The post with this text that was made since `made_at`.
pub fn pick(own: impl IntoIterator<Item = Own>, text: &str, made_at: DateTime<Utc>) -> Option<Published> {
    own.into_iter()
        .find(|post| post.at.is_none_or(|at| at >= made_at - SKEW) && is_same(&post.text, text))
        .map(|post| post.published)
}

/// An instant as platforms write it: RFC 3339, or with an offset without its colon.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    let parsed =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z"));
    parsed.ok().map(|at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderMap;

    fn answer(status: u16) -> Reply {
        Reply {
            status,
            headers: HeaderMap::new(),
            body: Vec::new(),
            url: "https://platform.example/".parse().unwrap(),
        }
    }

    #[test]
    fn only_what_publishes_can_leave_a_doubt() {
        let word = |step, status| match refusal(step, &answer(status), "no", None) {
            SendError::Temporary { .. } => "temporary",
            SendError::Permanent { .. } => "permanent",
            SendError::Ambiguous { .. } => "ambiguous",
            _ => "other",
        };
        for (status, before, publishes) in [
            (400, "permanent", "permanent"),
            (401, "temporary", "temporary"),
            (403, "permanent", "permanent"),
            (429, "temporary", "temporary"),
            (500, "temporary", "ambiguous"),
            (503, "temporary", "ambiguous"),
        ] {
            assert_eq!(word(Step::Before, status), before, "{status}");
            assert_eq!(word(Step::Publishes, status), publishes, "{status}");
        }
    }

    #[test]
    fn a_post_is_known_by_its_text_and_not_by_an_older_one() {
        let made = instant("2026-03-02T08:00:00Z").unwrap();
        let own = |id: &str, text: &str, at: &str| Own {
            published: Published {
                id: id.into(),
                permalink: None,
            },
            text: text.into(),
            at: instant(at),
        };
        let posts = || {
            [
                own("other", "Winter Cup", "2026-03-02T08:00:05+0000"),
                own("old", "Summer  Cup", "2026-03-01T08:00:00+0000"),
                own("it", "Summer\nCup", "2026-03-02T08:00:05.000Z"),
            ]
        };
        let id = |text| pick(posts(), text, made).map(|found| found.id);
        assert_eq!(id("Summer Cup").as_deref(), Some("it"));
        assert_eq!(id("Spring Cup"), None);
    }
}
