//! Any other text gateway that takes a message by one HTTP request: its address, headers and body
//! are templates. It fits Clickatell, BulkSMS, Africa's Talking and those that a club runs itself;
//! `docs/text-gateways.md` says how.

mod reports;
mod template;

pub use reports::Reports;
pub use template::unknown_places;

use super::{CONNECTIONS, Senders};
use crate::messaging::hooks::Hook;
use crate::messaging::http::{hand_over, refusal};
use crate::messaging::{Adapter, Checking, Outgoing, Reading, Receipt, SendError, Sending};
use crate::outbound::{Outbound, Reply};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use template::{fill, fill_json};
use url::Url;

/// What may stand in the templates.
pub const PLACES: &[&str] = &[
    "to",
    "to_digits",
    "from",
    "text",
    "id",
    "status_url",
    "user",
    "secret",
    "basic",
];

/// What the request carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Nothing: all is in the address.
    Empty,
    /// JSON whose texts are templates.
    Json(Value),
    /// Form fields whose values are templates.
    Form(Vec<(String, String)>),
}

/// Where an answer says that the message was taken. Many gateways say 200 to everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Where its id stands, as a JSON Pointer (RFC 6901) such as `/messages/0/apiMessageId`.
    pub id_at: Option<String>,
    /// Where a word stands that says so, and the words that do.
    pub word_at: Option<String>,
    pub words: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// A template whose values are percent-encoded where they stand.
    pub url: String,
    pub method: Method,
    /// Such as `Authorization`, with a template.
    pub headers: Vec<(HeaderName, String)>,
    pub body: Body,
    pub user: String,
    pub secret: SecretString,
    pub senders: Senders,
    pub taken: Taken,
    /// An address that answers 200 to the same headers, to test them with.
    pub test_url: Option<String>,
    pub reports: Reports,
}

pub struct Gateway {
    outbound: Outbound,
    settings: GatewaySettings,
}

impl Gateway {
    pub const fn new(settings: GatewaySettings, outbound: Outbound) -> Self {
        Self { outbound, settings }
    }

    /// The headers, the secrets among them.
    fn with_headers(
        &self,
        mut request: RequestBuilder,
        values: &[(&str, &str)],
    ) -> Result<RequestBuilder, SendError> {
        for (name, template) in &self.settings.headers {
            let text = fill(template, values, str::to_owned);
            let mut value = HeaderValue::from_str(&text).map_err(|_| SendError::Unreachable {
                reply: format!("The header {name} cannot be sent: it holds what headers cannot."),
            })?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        Ok(request)
    }

    async fn send_text(&self, message: &Outgoing) -> Result<Receipt, SendError> {
        let settings = &self.settings;
        let basic = self.basic();
        let digits: String = message.to.chars().filter(char::is_ascii_digit).collect();
        let values = [
            ("to", message.to.as_str()),
            ("to_digits", &digits),
            ("from", settings.senders.of(&message.to)),
            ("text", &message.text),
            ("id", &message.message_id),
            ("status_url", message.status_url.as_deref().unwrap_or_default()),
            ("user", &settings.user),
            ("secret", settings.secret.expose_secret()),
            ("basic", &basic),
        ];
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let url = fill(&settings.url, &values, encoded);
        let request = self.outbound.request(settings.method.clone(), &url)?;
        let request = self.with_headers(request, &values)?;
        let request = match &settings.body {
            Body::Empty => request,
            Body::Json(template) => request.json(&fill_json(template, &values)),
            Body::Form(fields) => {
                let fields = fields.iter();
                let filled: Vec<_> = fields
                    .map(|(name, value)| (name, fill(value, &values, str::to_owned)))
                    .collect();
                request.form(&filled)
            }
        };
        let answer = hand_over(&self.outbound, request).await?;
        let is_delivered = !self.has_receipts() || message.status_url.is_none();
        settings.taken.read(&answer, is_delivered)
    }

    fn basic(&self) -> String {
        STANDARD.encode(format!(
            "{}:{}",
            self.settings.user,
            self.settings.secret.expose_secret()
        ))
    }

    async fn ask(&self) -> Result<(), SendError> {
        let Some(url) = &self.settings.test_url else {
            return Ok(());
        };
        let basic = self.basic();
        let values = [
            ("user", self.settings.user.as_str()),
            ("secret", self.settings.secret.expose_secret()),
            ("basic", &basic),
        ];
        let request = self.outbound.request(Method::GET, url)?;
        let request = self.with_headers(request, &values)?;
        let answer = hand_over(&self.outbound, request).await?;
        let reply = match answer.status {
            200..=299 => return Ok(()),
            401 | 403 => format!(
                "The gateway does not take the user and the secret. It said {} “{}”.",
                answer.status,
                said(&answer)
            ),
            404 => "Nothing is at the address to test with.".to_owned(),
            status => format!("The gateway answered {status} “{}”.", said(&answer)),
        };
        Err(SendError::Unreachable { reply })
    }
}

impl Taken {
    /// What an answer means for the message.
    fn read(&self, answer: &Reply, is_delivered: bool) -> Result<Receipt, SendError> {
        let said = said(answer);
        if !answer.is_success() {
            return Err(refusal(answer, &said));
        }
        let json = answer.json();
        let permanent = |what: String| {
            Err(SendError::Permanent {
                reply: format!("{} {what}: {said}", answer.status),
            })
        };
        if let Some(at) = &self.word_at {
            let word = json.pointer(at).and_then(text);
            if !word.as_ref().is_some_and(|word| is_among(word, &self.words)) {
                return permanent(format!("with “{}” at {at}", word.unwrap_or_default()));
            }
        }
        let provider_id = match &self.id_at {
            None => None,
            Some(at) => match json.pointer(at).and_then(text).filter(|id| !id.is_empty()) {
                Some(id) => Some(id),
                None => return permanent(format!("without an id at {at}")),
            },
        };
        Ok(Receipt {
            reply: match &provider_id {
                Some(id) => format!("{} {id}", answer.status),
                None => format!("{} {said}", answer.status).trim_end().to_owned(),
            },
            is_delivered,
            provider_id,
            ..Receipt::default()
        })
    }
}

/// A value as text: gateways write ids as numbers too.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn is_among(word: &str, words: &[String]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// The beginning of an answer, for the ledger.
fn said(answer: &Reply) -> String {
    let text = answer.text();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(200).collect()
}

impl Adapter for Gateway {
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(self.send_text(message))
    }

    fn check(&self) -> Checking<'_> {
        Box::pin(self.ask())
    }

    fn parse_webhook<'a>(&'a self, hook: &'a Hook<'a>) -> Reading<'a> {
        Box::pin(std::future::ready(self.settings.reports.read(hook)))
    }

    fn has_receipts(&self) -> bool {
        self.settings.reports.has_receipts()
    }

    fn connections(&self) -> usize {
        CONNECTIONS
    }

    fn place(&self) -> String {
        let url = Url::parse(&self.settings.url).ok();
        match url.as_ref().and_then(Url::host_str) {
            Some(host) => format!("the text gateway at {host}"),
            None => "the text gateway".into(),
        }
    }
}
