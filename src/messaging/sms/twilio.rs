//! Twilio's Programmable Messaging: `POST /2010-04-01/Accounts/{AccountSid}/Messages.json`, form
//! fields, HTTP Basic (https://www.twilio.com/docs/messaging/api/message-resource). Its webhooks are
//! form fields signed in `X-Twilio-Signature` (https://www.twilio.com/docs/usage/webhooks/webhooks-security).

use super::{CONNECTIONS, Senders};
use crate::messaging::hooks::{About, Hook, HookAnswer, ProviderEvent, Refusal, What};
use crate::messaging::http::{hand_over, refusal};
use crate::messaging::{Adapter, Checking, Outgoing, Reading, Receipt, SendError, Sending};
use crate::outbound::{Outbound, Reply};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use url::{Url, form_urlencoded};

/// Where Twilio is, for accounts outside its regions.
pub const HOME: &str = "https://api.twilio.com";

/// What Twilio needs to know.
#[derive(Clone, Debug)]
pub struct TwilioSettings {
    /// Where its API is, without a slash at the end.
    pub home: String,
    /// `AC…`
    pub account: String,
    /// The account's auth token, which also signs webhooks.
    pub token: SecretString,
    /// Numbers in E.164, names of at most eleven characters, or messaging services (`MG…`).
    pub senders: Senders,
}

pub struct Twilio {
    outbound: Outbound,
    settings: TwilioSettings,
}

/// A message as Twilio answers it, an account, or what was wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    sid: Option<String>,
    /// A word of a message or an account; of an error the number of the HTTP status.
    status: serde_json::Value,
    code: Option<u32>,
    message: Option<String>,
}

impl Said {
    fn of(answer: &Reply) -> Self {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    fn in_words(&self) -> String {
        match (self.code, &self.message) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (_, Some(message)) => message.clone(),
            _ => String::new(),
        }
    }
}

impl Twilio {
    pub const fn new(settings: TwilioSettings, outbound: Outbound) -> Self {
        Self { outbound, settings }
    }

    fn url(&self, what: &str) -> String {
        let TwilioSettings { home, account, .. } = &self.settings;
        format!("{home}/2010-04-01/Accounts/{account}{what}")
    }

    async fn call(&self, method: Method, what: &str, form: &[(&str, &str)]) -> Result<Reply, SendError> {
        let request = self
            .outbound
            .request(method, &self.url(what))?
            .basic_auth(&self.settings.account, Some(self.settings.token.expose_secret()));
        let request = match form.is_empty() {
            true => request,
            false => request.form(form),
        };
        hand_over(&self.outbound, request).await
    }

    async fn send_text(&self, message: &Outgoing) -> Result<Receipt, SendError> {
        let sender = self.settings.senders.of(&message.to);
        let from = match sender.starts_with("MG") {
            true => "MessagingServiceSid",
            false => "From",
        };
        let mut form = vec![
            ("To", message.to.as_str()),
            (from, sender),
            ("Body", message.text.as_str()),
        ];
        if let Some(url) = &message.status_url {
            form.push(("StatusCallback", url));
        }
        let answer = self.call(Method::POST, "/Messages.json", &form).await?;
        let said = Said::of(&answer);
        match (answer.is_success(), &said.sid) {
            (true, Some(sid)) => Ok(Receipt {
                reply: format!("{sid} {}", said.status.as_str().unwrap_or("accepted")),
                // Where it was told where to, Twilio says later whether it arrived.
                is_delivered: message.status_url.is_none(),
                provider_id: Some(sid.clone()),
                ..Receipt::default()
            }),
            // Taken, as far as anybody can tell.
            (true, None) => Err(SendError::Ambiguous {
                reply: format!("{} without a message’s SID", answer.status),
            }),
            (false, _) => Err(refused(&answer, &said)),
        }
    }

    async fn ask(&self) -> Result<(), SendError> {
        let answer = self.call(Method::GET, ".json", &[]).await?;
        let said = Said::of(&answer);
        let unreachable = |reply: String| Err(SendError::Unreachable { reply });
        match (answer.status, said.status.as_str()) {
            (200, Some("active")) => Ok(()),
            (200, Some(word @ ("suspended" | "closed"))) => {
                unreachable(format!("Twilio says that the account is {word}."))
            }
            (200, _) => unreachable("What answered is not Twilio. Look at the address of its API.".into()),
            (401 | 403, _) => unreachable(format!(
                "Twilio does not take this account SID with this auth token. It said “{}”.",
                said.in_words()
            )),
            (404, _) => unreachable("Twilio knows no such account.".into()),
            _ => Err(refused(&answer, &said)),
        }
    }

    /// Reads a webhook.
    fn read(&self, hook: &Hook<'_>) -> Result<Vec<ProviderEvent>, Refusal> {
        let body = match hook.method {
            "POST" => hook.body,
            _ => &[],
        };
        let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        if !self.is_signed(hook, &fields) {
            return Err(Refusal::Signature);
        }
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name);
            found
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        let missing = |name: &str| Refusal::Malformed(format!("There is no {name} in it."));
        let sid = field("MessageSid").or_else(|| field("SmsSid"));
        let sid = sid.ok_or_else(|| missing("MessageSid"))?.to_owned();
        let status = field("MessageStatus").or_else(|| field("SmsStatus"));
        let code = field("ErrorCode").unwrap_or_default();
        // Called without our mark it is known by its SID alone.
        let ours = match hook.query("d") {
            Some(_) => About::Called,
            None => About::Provider(sid.clone()),
        };
        let (about, what) = match status.ok_or_else(|| missing("MessageStatus"))? {
            "received" | "receiving" => {
                let from = field("From").ok_or_else(|| missing("From"))?.to_owned();
                // Twilio's own handling of the words says which it was, and has answered.
                let word = field("OptOutType");
                let text = word.or_else(|| field("Body")).unwrap_or_default().to_owned();
                let is_answered = word.is_some();
                (
                    About::Provider(sid),
                    What::Inbound {
                        from,
                        text,
                        is_answered,
                    },
                )
            }
            "delivered" => (ours, What::Delivered),
            "read" => (ours, What::Read),
            "failed" | "undelivered" if code == OPTED_OUT => (ours, What::OptedOut),
            word @ ("failed" | "undelivered") => {
                let said = field("ErrorMessage").unwrap_or_default();
                let reply = format!("{word} {code} {said}").trim_end().to_owned();
                let is_dead = DEAD.contains(&code);
                (ours, What::Failed { reply, is_dead })
            }
            // Between taking and delivering: nothing that the ledger does not know.
            "accepted" | "scheduled" | "queued" | "sending" | "sent" | "canceled" => return Ok(Vec::new()),
            word => return Err(Refusal::Malformed(format!("“{word}” is no status of Twilio’s."))),
        };
        Ok(vec![ProviderEvent {
            about,
            at: None,
            what,
        }])
    }

    /// Whether Twilio signed the request: HMAC-SHA-1 of the address, and of the form's fields one
    /// after another in the order of their names. Twilio signs the address with the port or
    /// without, whatever it called.
    fn is_signed(&self, hook: &Hook<'_>, fields: &[(String, String)]) -> bool {
        let Some(given) = hook.header("x-twilio-signature") else {
            return false;
        };
        let Ok(given) = STANDARD.decode(given) else {
            return false;
        };
        let mut sorted: Vec<_> = fields.iter().collect();
        sorted.sort();
        let fields: String = sorted
            .iter()
            .flat_map(|(name, value)| [name.as_str(), value])
            .collect();
        let key = self.settings.token.expose_secret().as_bytes();
        addresses(hook.url).iter().any(|url| {
            let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
            mac.update(url.as_bytes());
            mac.update(fields.as_bytes());
            bool::from(mac.finalize().into_bytes().as_slice().ct_eq(&given))
        })
    }
}

/// An address as it is, and with its usual port written out.
fn addresses(url: &str) -> Vec<String> {
    let mut list = vec![url.to_owned()];
    if let Ok(parsed) = Url::parse(url)
        && let (None, Some(port), Some(host)) =
            (parsed.port(), parsed.port_or_known_default(), parsed.host_str())
    {
        let rest = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let rest = rest.map(|(_, rest)| rest).unwrap_or_default();
        list.push(format!("{}://{host}:{port}/{rest}", parsed.scheme()));
    }
    list
}

/// Twilio's own number of an error says more than the status
/// (https://www.twilio.com/docs/api/errors).
fn refused(answer: &Reply, said: &Said) -> SendError {
    let words = said.in_words();
    let reply = format!("{} {words}", answer.status);
    match said.code {
        // The sender is not ours, cannot send texts, or may not send there.
        Some(21_212 | 21_603 | 21_606 | 21_659 | 21_660 | 21_661 | 21_703) => SendError::Sender { reply },
        // The account or the sender may send no more just now.
        Some(20_429 | 21_611 | 14_107) => SendError::Temporary {
            reply,
            retry_after: answer.retry_after(),
        },
        // The account has no money or is suspended: nothing goes until somebody sets it right.
        Some(20_003 | 20_005 | 30_002 | 90_010) => SendError::Unreachable { reply },
        _ => refusal(answer, &words),
    }
}

/// What Twilio's numbers of what went wrong on the way mean for the number
/// (https://www.twilio.com/docs/api/errors): these do not pass.
const DEAD: &[&str] = &["30005", "30006", "21211", "21614"];
/// The person texted STOP to Twilio.
const OPTED_OUT: &str = "21610";

impl Adapter for Twilio {
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(self.send_text(message))
    }

    fn check(&self) -> Checking<'_> {
        Box::pin(self.ask())
    }

    fn parse_webhook<'a>(&'a self, hook: &'a Hook<'a>) -> Reading<'a> {
        Box::pin(std::future::ready(self.read(hook)))
    }

    /// TwiML that says nothing: any other text would be sent to the person.
    fn answer(&self, _: &Hook<'_>) -> Option<HookAnswer> {
        Some(HookAnswer {
            content_type: "text/xml",
            body: "<Response/>".into(),
        })
    }

    fn has_receipts(&self) -> bool {
        true
    }

    fn connections(&self) -> usize {
        CONNECTIONS
    }

    fn place(&self) -> String {
        format!("Twilio, account {}", self.settings.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twilio(token: &str) -> Twilio {
        let settings = TwilioSettings {
            home: HOME.into(),
            account: "AC00000000000000000000000000000001".into(),
            token: token.into(),
            senders: Senders::default(),
        };
        Twilio::new(settings, Outbound::new(false).unwrap())
    }

    /// The example of Twilio's documentation.
    #[test]
    fn a_signature_is_checked_as_twilio_makes_it() {
        let fields = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+12349013030"),
            ("Digits", "1234"),
            ("From", "+12349013030"),
            ("To", "+18005551212"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = [(
            "x-twilio-signature".to_owned(),
            "0/KCTR6DLpKmkAf8muzZqo1nDgQ=".to_owned(),
        )];
        let hook = Hook {
            method: "POST",
            url: "https://mycompany.com/myapp.php?foo=1&bar=2",
            headers: &headers,
            body: b"",
            now: chrono::DateTime::UNIX_EPOCH,
        };
        assert!(twilio("12345").is_signed(&hook, &fields));
        assert!(!twilio("12346").is_signed(&hook, &fields));
        assert!(!twilio("12345").is_signed(&hook, &fields[1..]));
    }

    #[test]
    fn an_address_is_tried_with_its_usual_port_too() {
        assert_eq!(
            addresses("https://club.example/hooks/twilio?d=a/b"),
            [
                "https://club.example/hooks/twilio?d=a/b",
                "https://club.example:443/hooks/twilio?d=a/b"
            ]
        );
        assert_eq!(addresses("http://127.0.0.1:8080/hooks/x").len(), 1);
    }
}
