//! The kinds of providers: what each is asked for, and the adapter made of the answers. A new one
//! is a file beside the adapters and a line in `ALL`; pages, keeping and tests follow from it.

mod checks;
mod field;
mod gateway;
mod mail;
mod sms;
pub mod social;

pub use field::{Field, Group, Values};

use crate::context::Context;
use crate::domain::Channel;
use crate::messaging::Adapter;
use crate::web::FormErrors;
use std::sync::Arc;

/// What a provider does for its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Carries the channel's messages. One is active at a time.
    Carrier,
    /// Is itself what messages go to, as an account that posts. Any number is active.
    Account,
    /// Only says what became of messages that others carry. Any number is active.
    Reporter,
}

/// Makes an adapter of the answers. The errors are named by field.
pub type Build = fn(&Values, &Context) -> Result<Arc<dyn Adapter>, FormErrors>;

/// A kind of providers.
pub struct Kind {
    /// How the database and addresses say it.
    pub word: &'static str,
    pub channel: Channel,
    pub part: Part,
    pub label: &'static str,
    /// A sentence for whoever chooses among the kinds.
    pub about: &'static str,
    /// What is to be done with the address of its webhooks; "" where it takes none.
    pub hook: &'static str,
    /// Whether they are signed. Else their address carries a word that proves whose they are.
    pub signs: bool,
    pub groups: &'static [Group],
    /// Makes the adapter. The errors are named by field.
    pub build: Build,
}

/// All that there are, in the order in which they are offered.
pub const ALL: &[&Kind] = &[
    &mail::MAILGUN,
    &mail::POSTMARK,
    &mail::SENDGRID,
    &mail::SES,
    &sms::TWILIO,
    &gateway::GATEWAY,
    &social::FACEBOOK,
    &social::INSTAGRAM,
    &social::LINKEDIN_PAGE,
    &social::X_ACCOUNT,
    &social::MASTODON,
    &social::BLUESKY,
];

/// A kind by its word.
pub fn find(word: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.word == word)
}

impl Kind {
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.groups.iter().flat_map(|group| group.fields)
    }

    /// The fields' own values, before anybody wrote others.
    pub fn usual(&self) -> Values {
        let fields = self.fields().filter(|field| !field.usual.is_empty());
        fields
            .map(|field| (field.name.to_owned(), field.usual.to_owned()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_has_a_word_of_its_own_and_fields_that_can_be_told_apart() {
        let words: BTreeSet<_> = ALL.iter().map(|kind| kind.word).collect();
        assert_eq!(words.len(), ALL.len());
        for kind in ALL {
            assert!(crate::domain::slug::check(kind.word).is_ok(), "{}", kind.word);
            let names: BTreeSet<_> = kind.fields().map(|field| field.name).collect();
            assert_eq!(names.len(), kind.fields().count(), "{}", kind.word);
            // These are fields of every provider's form.
            for taken in ["name", "key", "hook_word", "kind", "revision", "_csrf"] {
                assert!(!names.contains(taken), "{} has a field {taken}", kind.word);
            }
        }
    }
}
