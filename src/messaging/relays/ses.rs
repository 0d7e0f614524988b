//! Amazon SES, which speaks through SNS: JSON signed with RSA by a certificate that is fetched from
//! Amazon alone (docs.aws.amazon.com, "Verifying the signatures of Amazon SNS messages" and "Amazon
//! SNS notification contents for Amazon SES").

use super::{About, ProviderEvent, Refusal, What, bare, event, failed, instant, json};
use crate::messaging::hooks::Hook;
use crate::outbound::Outbound;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use url::Url;
use x509_parser::pem::parse_x509_pem;

/// A certificate has about two thousand bytes.
const LONGEST_CERTIFICATE: usize = 16 * 1024;
/// Certificates that are kept; Amazon has one for each region and year.
const KEPT: usize = 8;

/// Reads SES's notifications on one SNS topic.
pub struct Ses {
    topic: String,
    outbound: Outbound,
    /// Public keys by the address of their certificate.
    keys: Mutex<HashMap<String, Vec<u8>>>,
}

/// An SNS message over HTTP.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    #[serde(rename = "Type")]
    kind: String,
    message_id: String,
    topic_arn: String,
    message: String,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    certificate: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    token: Option<String>,
    #[serde(rename = "SubscribeURL", default)]
    subscribe: Option<String>,
}

impl Envelope {
    /// What was signed: names and values in a fixed order, a line each.
    fn signed(&self) -> String {
        let mut fields = vec![
            ("Message", Some(&self.message)),
            ("MessageId", Some(&self.message_id)),
        ];
        match self.kind.as_str() {
            "Notification" => fields.push(("Subject", self.subject.as_ref())),
            _ => fields.push(("SubscribeURL", self.subscribe.as_ref())),
        }
        fields.push(("Timestamp", Some(&self.timestamp)));
        if self.kind != "Notification" {
            fields.push(("Token", self.token.as_ref()));
        }
        fields.extend([("TopicArn", Some(&self.topic_arn)), ("Type", Some(&self.kind))]);
        let mut text = String::new();
        for (name, value) in fields {
            if let Some(value) = value {
                text.extend([name, "\n", value.as_str(), "\n"]);
            }
        }
        text
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    /// "eventType" where an event destination publishes it.
    #[serde(alias = "eventType")]
    notification_type: String,
    mail: Mail,
    #[serde(default)]
    bounce: Option<Bounce>,
    #[serde(default)]
    complaint: Option<Complaint>,
    #[serde(default)]
    delivery: Option<Delivery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    #[serde(default)]
    bounced_recipients: Vec<Bounced>,
    #[serde(default)]
    timestamp: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounced {
    #[serde(default)]
    diagnostic_code: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    timestamp: String,
}

#[derive(Deserialize)]
struct Delivery {
    #[serde(default)]
    timestamp: String,
}

impl Ses {
    /// For one topic alone, because anybody may have a topic at Amazon.
    pub fn new(topic: String, outbound: Outbound) -> Self {
        Self {
            topic,
            outbound,
            keys: Mutex::default(),
        }
    }

    /// Reads a notification. Amazon's request to confirm the subscription is answered here too.
    ///
    /// # Errors
    /// A refusal, which changes nothing.
    pub async fn parse(&self, hook: &Hook<'_>) -> Result<Vec<ProviderEvent>, Refusal> {
        let envelope: Envelope = json(hook.body)?;
        if envelope.topic_arn != self.topic || !is_amazons(&envelope.certificate) {
            return Err(Refusal::Signature);
        }
        let key = self.key(&envelope.certificate).await?;
        verify(&envelope, &key)?;
        match envelope.kind.as_str() {
            "Notification" => read(&envelope.message),
            "SubscriptionConfirmation" => self.confirm(&envelope).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn confirm(&self, envelope: &Envelope) -> Result<Vec<ProviderEvent>, Refusal> {
        let url = envelope.subscribe.as_deref().filter(|url| is_amazons(url));
        let url = url.ok_or_else(|| Refusal::Malformed("It has no address to confirm at.".into()))?;
        match self.outbound.fetch(url, &[], LONGEST_CERTIFICATE).await {
            Ok(reply) if reply.is_success() => Ok(Vec::new()),
            Ok(reply) => Err(Refusal::Unavailable(format!(
                "Amazon answered {} when the subscription was confirmed.",
                reply.status
            ))),
            Err(error) => Err(Refusal::Unavailable(error.to_string())),
        }
    }

    async fn key(&self, url: &str) -> Result<Vec<u8>, Refusal> {
        let kept = self
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(url)
            .cloned();
        if let Some(key) = kept {
            return Ok(key);
        }
        let reply = self.outbound.fetch(url, &[], LONGEST_CERTIFICATE).await;
        let reply = reply.map_err(|error| Refusal::Unavailable(error.to_string()))?;
        if !reply.is_success() {
            return Err(Refusal::Unavailable(format!(
                "The certificate was not there: {}.",
                reply.status
            )));
        }
        let key = public_key(&reply.body).ok_or(Refusal::Signature)?;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEPT {
            keys.clear();
        }
        keys.insert(url.to_owned(), key.clone());
        Ok(key)
    }
}

/// Whether an address is one of SNS itself: `sns.REGION.amazonaws.com` over TLS.
fn is_amazons(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let region = url.host_str().and_then(|host| {
        let host = host.strip_prefix("sns.")?;
        host.strip_suffix(".amazonaws.com")
            .or_else(|| host.strip_suffix(".amazonaws.com.cn"))
    });
    let is_region = region.is_some_and(|region| {
        !region.is_empty() && region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    url.scheme() == "https" && url.port().is_none() && is_region
}

/// The RSA key in a certificate. That it came over TLS from Amazon is what makes it Amazon's.
fn public_key(pem: &[u8]) -> Option<Vec<u8>> {
    let (_, pem) = parse_x509_pem(pem).ok()?;
    let certificate = pem.parse_x509().ok()?;
    Some(certificate.public_key().subject_public_key.data.to_vec())
}

fn verify(envelope: &Envelope, key: &[u8]) -> Result<(), Refusal> {
    let signature = STANDARD
        .decode(&envelope.signature)
        .map_err(|_| Refusal::Signature)?;
    let algorithm = match envelope.signature_version.as_str() {
        "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        "2" => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(Refusal::Signature),
    };
    UnparsedPublicKey::new(algorithm, key)
        .verify(envelope.signed().as_bytes(), &signature)
        .map_err(|_| Refusal::Signature)
}

fn read(message: &str) -> Result<Vec<ProviderEvent>, Refusal> {
    // Amazon sends a sentence when a topic is connected, to see that it arrives.
    if !message.trim_start().starts_with('{') {
        return Ok(Vec::new());
    }
    let said: Notification = json(message.as_bytes())?;
    let (what, at) = match (
        said.notification_type.as_str(),
        said.bounce,
        said.complaint,
        said.delivery,
    ) {
        ("Delivery", _, _, Some(delivery)) => (What::Delivered, delivery.timestamp),
        ("Bounce", Some(bounce), _, _) => {
            let reply = bounce
                .bounced_recipients
                .into_iter()
                .find_map(|one| one.diagnostic_code.or(one.status))
                .unwrap_or_default();
            (
                failed(&reply, bounce.bounce_type == "Permanent"),
                bounce.timestamp,
            )
        }
        ("Complaint", _, Some(complaint), _) => (What::Complained, complaint.timestamp),
        _ => return Ok(Vec::new()),
    };
    Ok(vec![event(about(said.mail), instant(&at), what)])
}

/// The Message-ID that we gave, where the identity is set to include headers; SES's own id is also
/// in its reply over SMTP.
fn about(mail: Mail) -> About {
    let ours = mail
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("message-id"));
    match ours {
        Some(header) => About::MessageId(bare(&header.value)),
        None => About::Provider(mail.message_id),
    }
}

/// The id that SES gave to a message, from its reply over SMTP such as `Ok 0102018d…-000000`.
pub fn id_in(reply: &str) -> Option<&str> {
    let id = reply.split_whitespace().last()?;
    let is_id =
        id.len() >= 40 && id.ends_with("-000000") && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    is_id.then_some(id)
}

#[cfg(test)]
mod tests;
