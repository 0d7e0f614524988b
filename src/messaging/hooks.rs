//! What providers say of messages by calling us. An adapter checks the signature and reads the
//! words; what they do to the ledger is decided elsewhere.

use chrono::{DateTime, Utc};

/// A request that a provider made.
#[derive(Clone, Copy, Debug)]
pub struct Hook<'a> {
    pub method: &'a str,
    /// As the provider called it: public base address, path and query.
    pub url: &'a str,
    /// Names in lower case.
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
    pub now: DateTime<Utc>,
}

impl Hook<'_> {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    /// A parameter of the address.
    pub fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.url.split_once('?')?;
        let mut found = url::form_urlencoded::parse(query.as_bytes());
        let (_, value) = found.find(|(known, _)| known == name)?;
        Some(value.into_owned())
    }
}

/// An answer to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookAnswer {
    pub content_type: &'static str,
    pub body: String,
}

/// Why a webhook is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not signed by the provider, or too long ago.
    #[error("The signature is not the provider’s.")]
    Signature,
    /// Signed, and not understood. A sentence for the administrator.
    #[error("{0}")]
    Malformed(String),
    /// Whether it is the provider’s cannot be found out just now. A sentence.
    #[error("{0}")]
    Unavailable(String),
    /// This provider has nothing to say here.
    #[error("Nothing is taken here.")]
    NotTaken,
}

/// Which message an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The one whose `status_url` was called.
    Called,
    /// The provider’s own id: `Receipt::provider_id`.
    Provider(String),
    /// The `Message-ID` that we gave it, without angle brackets.
    MessageId(String),
    /// No message, but an address.
    Address(String),
}

/// One thing that a provider reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    pub about: About,
    /// When it happened, where the provider says so.
    pub at: Option<DateTime<Utc>>,
    pub what: What,
}

/// What happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Delivered,
    /// Read, which counts as an open.
    Read,
    /// Not delivered. `is_dead`: nothing will ever reach this address.
    Failed {
        reply: String,
        is_dead: bool,
    },
    /// The person complained of it as spam.
    Complained,
    /// The person opted out at the provider.
    OptedOut,
    /// A message from a person; `about` is the provider’s own id of it. Where `is_answered`, the
    /// provider has understood the word in it and answered it.
    Inbound {
        from: String,
        text: String,
        is_answered: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_by_their_lower_case_name() {
        let headers = [("x-signature".to_owned(), "abc".to_owned())];
        let hook = Hook {
            method: "POST",
            url: "https://club.example/hooks/twilio",
            headers: &headers,
            body: b"",
            now: DateTime::UNIX_EPOCH,
        };
        assert_eq!(hook.header("x-signature"), Some("abc"));
        assert_eq!(hook.header("authorization"), None);
    }
}
