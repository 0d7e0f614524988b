//! Mailgun's webhooks: JSON signed with HMAC-SHA-256 over timestamp and token
//! (documentation.mailgun.com, "Webhooks", "Securing Webhooks").

use super::{About, ProviderEvent, Refusal, What, bare, event, failed, is_same, json, seconds};
use crate::messaging::hooks::Hook;
use crate::secret::sign;
use chrono::TimeDelta;
use serde::Deserialize;

/// Mailgun tries a webhook again for eight hours; one that is older is somebody else's copy.
const OLDEST: TimeDelta = TimeDelta::hours(12);

#[derive(Deserialize)]
struct Body {
    signature: Signature,
    #[serde(rename = "event-data")]
    data: Data,
}

#[derive(Deserialize)]
struct Signature {
    timestamp: String,
    token: String,
    signature: String,
}

#[derive(Deserialize)]
struct Data {
    event: String,
    #[serde(default)]
    timestamp: Option<f64>,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    recipient: Option<String>,
    #[serde(default)]
    message: Option<Message>,
    #[serde(rename = "delivery-status", default)]
    status: Status,
}

#[derive(Deserialize)]
struct Message {
    headers: Headers,
}

#[derive(Deserialize)]
struct Headers {
    #[serde(rename = "message-id")]
    message_id: String,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

/// Reads a webhook that was signed with `key`, the account's HTTP webhook signing key.
///
/// # Errors
/// A refusal, which changes nothing.
pub fn parse(hook: &Hook<'_>, key: &str) -> Result<Vec<ProviderEvent>, Refusal> {
    let Body { signature, data } = json(hook.body)?;
    let signed = format!("{}{}", signature.timestamp, signature.token);
    let expected = hex(&sign(key.as_bytes(), signed.as_bytes()));
    let is_old = match signature.timestamp.parse::<f64>().ok().and_then(seconds) {
        Some(at) => (hook.now - at).abs() > OLDEST,
        None => true,
    };
    if is_old || !is_same(expected.as_bytes(), signature.signature.as_bytes()) {
        return Err(Refusal::Signature);
    }
    let reply = [data.status.message, data.status.description, data.reason.clone()]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    let what = match (data.event.as_str(), data.severity.as_deref()) {
        ("delivered", _) => What::Delivered,
        // Temporary failures are tried again by Mailgun; the last of them is permanent.
        ("failed", Some("permanent")) => {
            // "old" is given up after tries; the others name a fault of the address.
            let is_dead = matches!(data.reason.as_deref(), Some("bounce" | "suppress-bounce"));
            failed(&reply, is_dead)
        }
        ("complained", _) => What::Complained,
        ("unsubscribed", _) => What::OptedOut,
        _ => return Ok(Vec::new()),
    };
    let about = match (data.message, data.recipient) {
        (Some(message), _) => About::MessageId(bare(&message.headers.message_id)),
        (None, Some(recipient)) => About::Address(recipient),
        (None, None) => return Err(Refusal::Malformed("It names no message and no recipient.".into())),
    };
    Ok(vec![event(about, data.timestamp.and_then(seconds), what)])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
