//! Providers that are spoken to over HTTP: what their answers mean for a message.

use super::SendError;
use crate::outbound::{CallError, Outbound, Reply};
use reqwest::RequestBuilder;

/// The longest answer that is read, in bytes. Providers answer a message with a few hundred.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Sends a request that hands over a message.
///
/// # Errors
/// `Unreachable` where nothing was sent, `Ambiguous` where it may have been taken.
pub async fn hand_over(outbound: &Outbound, request: RequestBuilder) -> Result<Reply, SendError> {
    Ok(outbound.send(request, LONGEST_ANSWER).await?)
}

impl From<CallError> for SendError {
    fn from(error: CallError) -> Self {
        let reply = error.to_string();
        match error {
            CallError::Refused(_) | CallError::Unreached(_) => Self::Unreachable { reply },
            CallError::Broken(_) | CallError::TooLarge(_) => Self::Ambiguous { reply },
        }
    }
}

/// What an answer other than success means where the provider’s own words say no more. `said` is
/// what stands in the ledger.
pub fn refusal(answer: &Reply, said: &str) -> SendError {
    let reply = format!("{} {said}", answer.status);
    match answer.status {
        // Nothing will go until somebody sets it right: a password, a number, an address.
        401 | 403 | 404 | 405 => SendError::Unreachable { reply },
        // A gateway lost the answer of what stands behind it.
        502 | 504 => SendError::Ambiguous { reply },
        408 | 425 | 429 | 500..=599 => SendError::Temporary {
            reply,
            retry_after: answer.retry_after(),
        },
        _ => SendError::Permanent { reply },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
    use std::time::Duration;

    fn answer(status: u16) -> Reply {
        Reply {
            status,
            headers: HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]),
            body: Vec::new(),
            url: "https://provider.example/".parse().unwrap(),
        }
    }

    #[test]
    fn an_answers_status_says_whether_trying_again_helps() {
        let word = |status| match refusal(&answer(status), "no") {
            SendError::Temporary { .. } => "temporary",
            SendError::Permanent { .. } => "permanent",
            SendError::Unreachable { .. } => "unreachable",
            SendError::Ambiguous { .. } => "ambiguous",
            _ => "other",
        };
        #[rustfmt::skip]
        let cases = [
            (400, "permanent"), (401, "unreachable"), (403, "unreachable"), (404, "unreachable"),
            (422, "permanent"), (429, "temporary"), (500, "temporary"), (502, "ambiguous"),
            (503, "temporary"), (504, "ambiguous"), (302, "permanent"),
        ];
        for (status, expected) in cases {
            assert_eq!(word(status), expected, "{status}");
        }
    }

    #[test]
    fn the_providers_own_rest_is_kept() {
        let SendError::Temporary { retry_after, .. } = refusal(&answer(429), "slow") else {
            panic!("429 passes");
        };
        assert_eq!(retry_after, Some(Duration::from_secs(7)));
    }
}
