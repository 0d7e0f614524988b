//! What a mail server says, and what it means for the message.

use crate::messaging::SendError;
use lettre::transport::smtp::response::{Response, Severity};

/// How much of a reply is kept.
const LONGEST: usize = 500;

/// Where in the conversation a reply was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Greeting, EHLO, STARTTLS, AUTH: says nothing of any message.
    Session,
    /// MAIL, of a message that asks nothing special of the server.
    Sender,
    /// RCPT and DATA, before the content.
    Envelope,
    /// After the content.
    Content,
}

/// Why a conversation did not end with the message taken.
#[derive(Debug)]
pub enum Failure {
    /// The server said no. Unless it is closing, the connection is still good.
    Refused { stage: Stage, reply: Response },
    /// The connection ended, a deadline passed, or what came was no SMTP.
    Lost {
        why: String,
        /// Whether the server may have read the whole message.
        is_handed_over: bool,
    },
}

impl Failure {
    /// Lost before the message was complete at the server.
    pub fn lost(why: impl Into<String>) -> Self {
        Self::Lost {
            why: why.into(),
            is_handed_over: false,
        }
    }

    pub fn refused(stage: Stage, reply: Response) -> Self {
        Self::Refused { stage, reply }
    }

    /// Whether the connection can carry another message.
    pub fn leaves_connection(&self) -> bool {
        match self {
            Self::Refused { stage, reply } => *stage != Stage::Session && !is_closing(reply),
            Self::Lost { .. } => false,
        }
    }

    /// On a kept connection: it was dead already, or the server took its leave, so the message
    /// may simply go over a fresh one.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Refused { stage, reply } => {
                matches!(stage, Stage::Sender | Stage::Envelope) && is_closing(reply)
            }
            Self::Lost { is_handed_over, .. } => !is_handed_over,
        }
    }

    /// What it means for the message that was being handed over on a connection that stood.
    pub fn of_message(self) -> SendError {
        match self {
            Self::Lost {
                why,
                is_handed_over: false,
            } => SendError::Interrupted { reply: why },
            other => other.into(),
        }
    }
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Lost {
                why,
                is_handed_over: true,
            } => Self::Ambiguous { reply: why },
            Failure::Lost { why, .. } => Self::Unreachable { reply: why },
            Failure::Refused { stage, reply } => {
                let text = text(&reply);
                if stage == Stage::Session || asks_for_sign_in(&reply) {
                    return Self::Unreachable { reply: text };
                }
                match reply.code().severity {
                    Severity::TransientNegativeCompletion => Self::Temporary {
                        reply: text,
                        retry_after: None,
                    },
                    Severity::PermanentNegativeCompletion
                        if stage == Stage::Sender || stage == Stage::Envelope && blames_sender(&text) =>
                    {
                        Self::Sender { reply: text }
                    }
                    // A positive reply where it has no meaning is as final as a refusal.
                    _ => Self::Permanent { reply: text },
                }
            }
        }
    }
}

/// 421: the server takes its leave, whatever was asked (RFC 5321, 3.8).
pub fn is_closing(reply: &Response) -> bool {
    reply.has_code(421)
}

/// 530, 534, 535, 538: the trouble is our sign-in and not this message (RFC 4954, 6).
fn asks_for_sign_in(reply: &Response) -> bool {
    [530, 534, 535, 538].iter().any(|code| reply.has_code(*code))
}

/// Many servers judge the sender only when they hear of a recipient: 5.1.7 and 5.1.8 (RFC 3463,
/// 3.2) say that the fault is the sender's address.
fn blames_sender(text: &str) -> bool {
    matches!(text.split(' ').nth(1), Some("5.1.7" | "5.1.8"))
}

/// A reply in one line, such as `550 5.1.1 No such user`.
pub fn text(reply: &Response) -> String {
    let mut line = reply.code().to_string();
    for part in reply.message() {
        line.push(' ');
        line.extend(part.trim().chars().filter(|c| !c.is_control()));
    }
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.trim_end().to_owned(),
    }
}
