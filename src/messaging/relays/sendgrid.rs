//! SendGrid's event webhook: a list of events, signed with ECDSA on P-256 over timestamp and body
//! (twilio.com/docs/sendgrid, "Event Webhook Security Features").

use super::{About, ProviderEvent, Refusal, What, bare, event, failed, json, seconds};
use crate::messaging::hooks::Hook;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;

/// An uncompressed point of P-256 (SEC 1, 2.3.3), with which the key's DER form ends.
const POINT: usize = 65;

#[derive(Deserialize)]
struct Event {
    event: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    timestamp: Option<f64>,
    #[serde(default, rename = "smtp-id")]
    smtp_id: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// Whether a text is a public key as SendGrid shows it.
pub fn is_key(key: &str) -> bool {
    point(key).is_some()
}

fn point(key: &str) -> Option<Vec<u8>> {
    let der = STANDARD.decode(key.trim()).ok()?;
    let at = der.len().checked_sub(POINT)?;
    let point = der.get(at..)?;
    (point.first() == Some(&4)).then(|| point.to_vec())
}

/// Reads a webhook that was signed for `key`, the verification key in base64.
///
/// # Errors
/// A refusal, which changes nothing.
pub fn parse(hook: &Hook<'_>, key: &str) -> Result<Vec<ProviderEvent>, Refusal> {
    let header = |name| hook.header(name).unwrap_or_default();
    let signature = STANDARD
        .decode(header("x-twilio-email-event-webhook-signature"))
        .map_err(|_| Refusal::Signature)?;
    let mut signed = header("x-twilio-email-event-webhook-timestamp")
        .as_bytes()
        .to_vec();
    signed.extend_from_slice(hook.body);
    let point = point(key).ok_or(Refusal::Signature)?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(&signed, &signature)
        .map_err(|_| Refusal::Signature)?;
    let events: Vec<Event> = json(hook.body)?;
    Ok(events.into_iter().filter_map(read).collect())
}

fn read(said: Event) -> Option<ProviderEvent> {
    let reply = said.reason.as_deref().unwrap_or_default();
    let what = match (said.event.as_str(), said.kind.as_deref()) {
        ("delivered", _) => What::Delivered,
        // Blocked by the receiving server this time; the address may be good.
        ("bounce", Some("blocked")) => failed(reply, false),
        ("bounce", _) => failed(reply, true),
        // Not even tried, such as for an address on SendGrid's own lists.
        ("dropped", _) => failed(reply, reply == "Bounced Address" || reply == "Invalid"),
        ("spamreport", _) => What::Complained,
        ("unsubscribe" | "group_unsubscribe", _) => What::OptedOut,
        _ => return None,
    };
    let about = match (said.smtp_id, said.email) {
        (Some(id), _) => About::MessageId(bare(&id)),
        (None, Some(email)) => About::Address(email),
        (None, None) => return None,
    };
    Some(event(about, said.timestamp.and_then(seconds), what))
}
