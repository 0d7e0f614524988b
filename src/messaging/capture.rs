//! The channel of an instance without a mail server: every message is made as it would be sent,
//! and handed back instead. Whoever called keeps it in the mailbox with the rest of what it writes.

use super::{Adapter, Found, LookingUp, Outgoing, Receipt, Sending, mime};

const PLACE: &str = "the capture mailbox";

#[derive(Clone, Copy, Debug, Default)]
pub struct Capture;

impl Adapter for Capture {
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(async move {
            let mail = mime::build(message)?;
            Ok(Receipt {
                reply: "captured".into(),
                is_delivered: true,
                captured: Some(String::from_utf8_lossy(&mail.data).into_owned()),
                ..Receipt::default()
            })
        })
    }

    /// Making a mail is work for a core and waits for nobody.
    fn connections(&self) -> usize {
        4
    }

    fn place(&self) -> String {
        PLACE.into()
    }
}

/// The same for posts: what would have been published, as JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct CapturePost;

impl Adapter for CapturePost {
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        let post = message
            .post
            .as_deref()
            .and_then(|post| serde_json::to_string(post).ok());
        Box::pin(std::future::ready(Ok(Receipt {
            reply: "captured".into(),
            is_delivered: true,
            captured: Some(post.unwrap_or_default()),
            ..Receipt::default()
        })))
    }

    /// What is captured is kept in the transaction that says so: where that was not written, it is
    /// not there.
    fn look_up<'a>(&'a self, _: &'a Outgoing) -> LookingUp<'a> {
        Box::pin(std::future::ready(Ok(Found::Not)))
    }

    fn connections(&self) -> usize {
        2
    }

    fn place(&self) -> String {
        PLACE.into()
    }
}

/// The same for channels whose message is its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct CaptureText;

impl Adapter for CaptureText {
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(std::future::ready(Ok(Receipt {
            reply: "captured".into(),
            is_delivered: true,
            captured: Some(message.text.clone()),
            ..Receipt::default()
        })))
    }

    fn connections(&self) -> usize {
        4
    }

    fn place(&self) -> String {
        PLACE.into()
    }
}
