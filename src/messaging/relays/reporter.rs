//! A mail provider as what reports: it reads webhooks and carries nothing.

use super::ses::Ses;
use super::{ProviderEvent, Refusal, mailgun, postmark, sendgrid};
use crate::messaging::hooks::Hook;
use crate::messaging::{Adapter, Outgoing, Reading, SendError, Sending};
use secrecy::{ExposeSecret as _, SecretString};

/// Whose webhooks are read, and what proves that they are theirs.
pub enum Reporter {
    Mailgun {
        key: SecretString,
    },
    Postmark {
        name: String,
        password: SecretString,
    },
    /// The key is a public one.
    SendGrid {
        key: String,
    },
    Ses(Ses),
}

impl Reporter {
    const fn name(&self) -> &'static str {
        match self {
            Self::Mailgun { .. } => "Mailgun",
            Self::Postmark { .. } => "Postmark",
            Self::SendGrid { .. } => "SendGrid",
            Self::Ses(_) => "Amazon SES",
        }
    }

    async fn read(&self, hook: &Hook<'_>) -> Result<Vec<ProviderEvent>, Refusal> {
        if hook.method != "POST" {
            return Err(Refusal::NotTaken);
        }
        match self {
            Self::Mailgun { key } => mailgun::parse(hook, key.expose_secret()),
            Self::Postmark { name, password } => postmark::parse(hook, name, password.expose_secret()),
            Self::SendGrid { key } => sendgrid::parse(hook, key),
            Self::Ses(ses) => ses.parse(hook).await,
        }
    }
}

impl Adapter for Reporter {
    /// Mail goes by SMTP; nobody hands any over here.
    fn send<'a>(&'a self, _: &'a Outgoing) -> Sending<'a> {
        let reply = format!("{} only reports here; mail goes by SMTP.", self.name());
        Box::pin(std::future::ready(Err(SendError::Unreachable { reply })))
    }

    fn parse_webhook<'a>(&'a self, hook: &'a Hook<'a>) -> Reading<'a> {
        Box::pin(self.read(hook))
    }

    fn has_receipts(&self) -> bool {
        true
    }

    fn connections(&self) -> usize {
        1
    }

    fn place(&self) -> String {
        format!("the reports of {}", self.name())
    }
}
