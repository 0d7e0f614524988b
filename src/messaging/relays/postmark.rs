//! Postmark's webhooks: JSON, unsigned, behind HTTP basic authentication
//! (postmarkapp.com/developer, "Webhooks overview"). Mail that goes through Postmark carries its
//! Message-ID as metadata, because Postmark speaks of messages by ids of its own.

use super::{About, ProviderEvent, Refusal, What, event, failed, instant, is_same, json};
use crate::messaging::hooks::Hook;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// The metadata's name in webhooks, and the header that sets it
/// ("Custom metadata", postmarkapp.com/support).
pub const METADATA: &str = "fairway";
pub const METADATA_HEADER: &str = "X-PM-Metadata-fairway";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    record_type: String,
    #[serde(default)]
    recipient: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    delivered_at: Option<String>,
    #[serde(default)]
    bounced_at: Option<String>,
    #[serde(default)]
    changed_at: Option<String>,
    #[serde(default, rename = "Type")]
    kind: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    details: Option<String>,
    #[serde(default)]
    suppress_sending: Option<bool>,
    #[serde(default)]
    suppression_reason: Option<String>,
    #[serde(default)]
    metadata: serde_json::Map<String, serde_json::Value>,
}

/// Reads a webhook that came with this name and password.
///
/// # Errors
/// A refusal, which changes nothing.
pub fn parse(hook: &Hook<'_>, name: &str, password: &str) -> Result<Vec<ProviderEvent>, Refusal> {
    let expected = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
    let given = hook.header("authorization").unwrap_or_default();
    if password.is_empty() || !is_same(expected.as_bytes(), given.as_bytes()) {
        return Err(Refusal::Signature);
    }
    let body: Body = json(hook.body)?;
    let reply = [&body.details, &body.description]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty())
        .cloned()
        .unwrap_or_default();
    let what = match body.record_type.as_str() {
        "Delivery" => What::Delivered,
        "Bounce" => match body.kind.as_deref() {
            Some("HardBounce" | "BadEmailAddress") => failed(&reply, true),
            // A report of a message that is still being tried, and notes that are no bounces.
            Some("Transient" | "AutoResponder" | "AddressChange" | "Subscribe" | "ChallengeVerification") => {
                return Ok(Vec::new());
            }
            Some("SpamComplaint") => What::Complained,
            Some("Unsubscribe") => What::OptedOut,
            _ => failed(&reply, false),
        },
        "SpamComplaint" => What::Complained,
        // Postmark says so too of what it suppressed after a bounce, which came by itself.
        "SubscriptionChange"
            if body.suppress_sending == Some(true)
                && body.suppression_reason.as_deref() == Some("ManualSuppression") =>
        {
            What::OptedOut
        }
        _ => return Ok(Vec::new()),
    };
    let at = [&body.delivered_at, &body.bounced_at, &body.changed_at]
        .into_iter()
        .flatten()
        .find_map(|text| instant(text));
    let about = match (
        body.metadata.get(METADATA).and_then(serde_json::Value::as_str),
        body.recipient.or(body.email),
    ) {
        (Some(id), _) => About::MessageId(id.to_owned()),
        (None, Some(address)) => About::Address(address),
        (None, None) => return Err(Refusal::Malformed("It names no message and no recipient.".into())),
    };
    Ok(vec![event(about, at, what)])
}
