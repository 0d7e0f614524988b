//! The Messaging Service: adapters that hand one message to a server or provider. They know no
//! database and keep no state but their connections; `app` configures them, `dispatch` and test
//! sends call them.

pub mod capture;
pub mod hooks;
pub mod http;
pub mod mime;
pub mod post;
pub mod relays;
pub mod sms;
pub mod smtp;

pub use post::Post;

use crate::config::Settings;
use crate::domain::Channel;
use hooks::{Hook, HookAnswer, ProviderEvent, Refusal};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// One message, rendered, for one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The address: an e-mail address for EMAIL.
    pub to: String,
    /// The person's name, as it may stand beside the address; may be empty.
    pub to_name: String,
    pub from_name: String,
    pub from_email: String,
    pub reply_to: Option<String>,
    pub subject: String,
    pub html: String,
    pub text: String,
    /// Without the angle brackets. The same for every attempt of one delivery.
    pub message_id: String,
    /// `List-Id` (RFC 2919): a name and the identifier, for marketing mail.
    pub list_id: Option<(String, String)>,
    /// The one-click address (RFC 8058), for marketing mail.
    pub unsubscribe_url: Option<String>,
    /// Seconds since 1970, for `Date`.
    pub date: i64,
    /// Where the provider is to say what became of it.
    pub status_url: Option<String>,
    /// Its row in the ledger; `None` for a test.
    pub delivery: Option<i64>,
    /// Of the channel SOCIAL: the post.
    pub post: Option<Box<Post>>,
}

/// The server or provider took the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Its last words.
    pub reply: String,
    /// Taking it counts as delivered until a bounce says otherwise (e-mail), or delivery will be
    /// confirmed apart (SMS).
    pub is_delivered: bool,
    /// The whole message, where it was captured instead of sent.
    pub captured: Option<String>,
    /// What the provider calls it.
    pub provider_id: Option<String>,
    /// Where a post can be seen.
    pub permalink: Option<String>,
}

/// The message was not taken, or nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// This message may be taken later: a 4xx reply.
    #[error("{reply}")]
    Temporary {
        reply: String,
        retry_after: Option<Duration>,
    },
    /// This message will never be taken: a 5xx reply.
    #[error("{reply}")]
    Permanent { reply: String },
    /// No message from this sender will ever be taken: a 5xx reply to the sender's address.
    #[error("{reply}")]
    Sender { reply: String },
    /// The server hung up or fell silent over this message before it had all of it. Not taken; it
    /// was an attempt, because some messages do that to a server every time.
    #[error("{reply}")]
    Interrupted { reply: String },
    /// It may have been taken: the connection ended between the message and the reply.
    #[error("{reply}")]
    Ambiguous { reply: String },
    /// Nothing was handed over, and the trouble is the server's, not the message's: no connection,
    /// no TLS, a refused password. Waits, and counts as no attempt.
    #[error("{reply}")]
    Unreachable { reply: String },
}

pub type Checking<'a> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'a>>;

/// What a provider says when it is asked whether it had a message already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Taken(Receipt),
    Not,
    /// It cannot say.
    Unknown,
}

/// What a platform says came of a post; `None` where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Engagement {
    pub likes: Option<i64>,
    pub comments: Option<i64>,
    pub shares: Option<i64>,
}

pub type Engaging<'a> = Pin<Box<dyn Future<Output = Result<Option<Engagement>, SendError>> + Send + 'a>>;

pub type LookingUp<'a> = Pin<Box<dyn Future<Output = Result<Found, SendError>> + Send + 'a>>;

pub type Reading<'a> = Pin<Box<dyn Future<Output = Result<Vec<ProviderEvent>, Refusal>> + Send + 'a>>;
/// Waiting for one's turn.
pub type Turn<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Receipt, SendError>> + Send + 'a>>;

/// A way to hand over messages of one channel. A new one is a file here and a line in `Channels`.
pub trait Adapter: Send + Sync {
    /// Waits until the pace that is set lets another message go. Awaited before leave is asked for
    /// it, so that what waits here can still be called back.
    fn turn(&self) -> Turn<'_> {
        Box::pin(std::future::ready(()))
    }

    /// Hands over one message. Bounded in time by the adapter's own deadlines.
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a>;

    /// Does all that comes before a message, such as connecting and signing in, and sends none.
    fn check(&self) -> Checking<'_> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Asks whether a message whose hand-over is in doubt was taken, before it is ever repeated.
    fn look_up<'a>(&'a self, _message: &'a Outgoing) -> LookingUp<'a> {
        Box::pin(std::future::ready(Ok(Found::Unknown)))
    }

    /// What came of an account's post since, by the id that its receipt gave; `None` where nobody can
    /// say.
    fn engagement<'a>(&'a self, _account: &'a str, _id: &'a str) -> Engaging<'a> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Checks who sent a webhook and reads what it says.
    ///
    /// # Errors
    /// A refusal, which changes nothing.
    fn parse_webhook<'a>(&'a self, _hook: &'a Hook<'a>) -> Reading<'a> {
        Box::pin(std::future::ready(Err(Refusal::NotTaken)))
    }

    /// What a webhook is answered, where the provider wants more than a 200.
    fn answer(&self, _hook: &Hook<'_>) -> Option<HookAnswer> {
        None
    }

    /// Whether it says later which messages arrived.
    fn has_receipts(&self) -> bool {
        false
    }

    /// How many messages it takes at once.
    fn connections(&self) -> usize;

    /// Where the messages go, for staff and the log: `mail.club.example:587`. Never a password.
    fn place(&self) -> String;
}

/// The adapters by channel.
#[derive(Clone, Default)]
pub struct Channels(BTreeMap<Channel, Arc<dyn Adapter>>);

impl Channels {
    /// The adapters that the settings name: SMTP where a server is set, else the capture mailbox.
    pub fn of(settings: &Settings) -> anyhow::Result<Self> {
        let email: Arc<dyn Adapter> = match &settings.smtp_url {
            Some(url) => Arc::new(smtp::Smtp::new(url)?),
            None => Arc::new(capture::Capture),
        };
        Ok(Self::default()
            .with(Channel::Email, email)
            .with(Channel::Sms, Arc::new(capture::CaptureText))
            .with(Channel::Social, Arc::new(capture::CapturePost)))
    }

    pub fn with(mut self, channel: Channel, adapter: Arc<dyn Adapter>) -> Self {
        self.0.insert(channel, adapter);
        self
    }

    pub fn get(&self, channel: Channel) -> Option<&Arc<dyn Adapter>> {
        self.0.get(&channel)
    }
}
