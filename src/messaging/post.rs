//! What a post on a social platform is made of, for the adapter that publishes it.

use crate::domain::Platform;
use crate::domain::social::Kind;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One post, for one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    pub platform: Platform,
    /// The account's key; empty where the platform has none and the post is captured.
    pub account: String,
    /// As its author wrote it, with the addresses that readers are to see.
    pub text: String,
    /// The addresses in the text that are tracked, in their order.
    pub links: Vec<Tracked>,
    pub media: Vec<Media>,
    /// When it was made: the same at each attempt.
    pub made_at: DateTime<Utc>,
}

/// An address in the text, by the bytes it takes, and the one that counts its clicks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    pub start: usize,
    pub end: usize,
    pub url: String,
}

/// A picture or a film, by its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    pub url: String,
}

impl Media {
    pub fn kind(&self) -> Kind {
        Kind::of(&self.url)
    }
}

impl Post {
    /// The text with the addresses that count clicks in the place of those that were written.
    pub fn tracked_text(&self) -> String {
        let mut text = String::with_capacity(self.text.len());
        let mut from = 0;
        for link in &self.links {
            // Made for this text; another's are left out rather than cut it wrongly.
            let Some(before) = self.text.get(from..link.start) else {
                continue;
            };
            text.push_str(before);
            text.push_str(&link.url);
            from = link.end;
        }
        text.push_str(self.text.get(from..).unwrap_or_default());
        text
    }

    /// The first address of the text as it counts clicks: what a platform makes a card of.
    pub fn first_link(&self) -> Option<&str> {
        self.links.first().map(|link| link.url.as_str())
    }

    pub fn videos(&self) -> impl Iterator<Item = &Media> {
        self.media.iter().filter(|media| media.kind().is_video())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_replaced_where_they_stand() {
        let text = "Für alle: https://a.example. Or https://b.example!";
        let links = crate::domain::social::links(text);
        let post = Post {
            platform: Platform::Mastodon,
            account: String::new(),
            text: text.into(),
            links: links
                .iter()
                .enumerate()
                .map(|(n, link)| Tracked {
                    start: link.start,
                    end: link.end,
                    url: format!("https://c.example/{n}"),
                })
                .collect(),
            media: Vec::new(),
            made_at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(
            post.tracked_text(),
            "Für alle: https://c.example/0. Or https://c.example/1!"
        );
        assert_eq!(post.first_link(), Some("https://c.example/0"));
    }
}
