//! The Social Publisher: a client for each platform's public API, all behind one `Publisher`. Knows
//! no database; `providers` keeps the accounts, `dispatch` hands it posts.
//!
//! A post must never be there twice. Whatever may have been taken is `Ambiguous`, and is looked up
//! among the account's own posts before it is repeated.

mod account;
mod bluesky;
mod facebook;
mod instagram;
mod linkedin;
mod mastodon;
pub mod media;
mod oauth;
mod talk;
mod x;

pub use account::Account;
pub use bluesky::Bluesky;
pub use facebook::{Facebook, GRAPH, Graph};
pub use instagram::Instagram;
pub use linkedin::{LINKEDIN, LinkedIn};
pub use mastodon::Mastodon;
pub use oauth::Keys;
pub use x::{X, X_HOME};

use crate::domain::Platform;
use crate::messaging::{Engagement, Outgoing, Post, SendError};
use std::future::Future;
use std::pin::Pin;

/// What a platform calls a post, and where it can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub id: String,
    pub permalink: Option<String>,
}

/// A post on its way: with the message it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    pub post: &'a Post,
    pub message: &'a Outgoing,
}

impl Job<'_> {
    /// The same at each attempt, and no other post's.
    pub fn id(&self) -> &str {
        &self.message.message_id
    }
}

pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, SendError>> + Send + 'a>>;

/// One account on one platform.
pub trait Publisher: Send + Sync {
    fn platform(&self) -> Platform;

    /// Publishes a post.
    ///
    /// # Errors
    /// `Ambiguous` where it may be there; else it is not.
    fn publish<'a>(&'a self, job: Job<'a>) -> Answering<'a, Published>;

    /// Looks among the account's own posts whether it is there.
    fn find<'a>(&'a self, job: Job<'a>) -> Answering<'a, Option<Published>>;

    /// What came of a post.
    fn engagement<'a>(&'a self, id: &'a str) -> Answering<'a, Engagement>;

    /// Whether the account may be used.
    fn check(&self) -> Answering<'_, ()>;

    /// Where posts go, for staff and the log. Never a secret.
    fn place(&self) -> String;
}
