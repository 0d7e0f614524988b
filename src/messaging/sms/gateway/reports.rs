//! What a gateway reports by calling us: as JSON, as a form or in the address, with names of its
//! own. Gateways do not sign; their address carries a word that only they were told.

use super::{is_among, text};
use crate::messaging::hooks::{About, Hook, ProviderEvent, Refusal, What};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

/// Where a gateway's words stand: a JSON Pointer, or the name of a field.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// The word in our address.
    pub word: SecretString,
    pub id_at: String,
    pub status_at: String,
    /// Which words of `status_at` say that a message arrived, or never will.
    pub delivered: Vec<String>,
    pub failed: Vec<String>,
    pub from_at: String,
    pub text_at: String,
    /// Where the id of a message from a person stands.
    pub inbound_id_at: String,
}

impl Reports {
    /// Whether it says of messages that they arrived.
    pub fn has_receipts(&self) -> bool {
        !self.status_at.is_empty() && !self.delivered.is_empty()
    }

    pub(super) fn read(&self, hook: &Hook<'_>) -> Result<Vec<ProviderEvent>, Refusal> {
        let given = hook.query("s").unwrap_or_default();
        let expected = self.word.expose_secret();
        if expected.is_empty() || !bool::from(given.as_bytes().ct_eq(expected.as_bytes())) {
            return Err(Refusal::Signature);
        }
        let said = said(hook)?;
        // One request may hold several reports.
        let events: Vec<Option<ProviderEvent>> = match &said {
            Value::Array(list) => list
                .iter()
                .map(|one| self.event(hook, one))
                .collect::<Result<_, _>>()?,
            one => vec![self.event(hook, one)?],
        };
        Ok(events.into_iter().flatten().collect())
    }

    /// `None` for a word between taking and delivering.
    fn event(&self, hook: &Hook<'_>, said: &Value) -> Result<Option<ProviderEvent>, Refusal> {
        let at = |place: &str| find(said, place);
        if let (Some(from), Some(text)) = (at(&self.from_at), at(&self.text_at)) {
            let id = at(&self.inbound_id_at);
            return Ok(Some(ProviderEvent {
                about: id.map_or(About::Called, About::Provider),
                at: None,
                what: What::Inbound {
                    from,
                    text,
                    is_answered: false,
                },
            }));
        }
        let Some(status) = at(&self.status_at) else {
            return Err(Refusal::Malformed(format!(
                "There is neither a message from a person nor a status at “{}” in it.",
                self.status_at
            )));
        };
        let about = match (hook.query("d"), at(&self.id_at)) {
            (Some(_), _) => About::Called,
            (None, Some(id)) => About::Provider(id),
            (None, None) => {
                return Err(Refusal::Malformed(format!(
                    "There is no id at “{}” in it.",
                    self.id_at
                )));
            }
        };
        let what = match (
            is_among(&status, &self.delivered),
            is_among(&status, &self.failed),
        ) {
            (true, _) => What::Delivered,
            (_, true) => What::Failed {
                reply: status,
                is_dead: false,
            },
            _ => return Ok(None),
        };
        Ok(Some(ProviderEvent {
            about,
            at: None,
            what,
        }))
    }
}

/// A value at a JSON Pointer, or by the name of a field; `None` where the place is "".
fn find(said: &Value, place: &str) -> Option<String> {
    let found = match place {
        "" => None,
        pointer if pointer.starts_with('/') => said.pointer(pointer),
        name => said.get(name),
    };
    found.and_then(text)
}

/// The request as JSON, whatever it is written in.
fn said(hook: &Hook<'_>) -> Result<Value, Refusal> {
    let is_json = hook
        .header("content-type")
        .is_some_and(|kind| kind.contains("json"))
        || matches!(hook.body.trim_ascii_start().first(), Some(b'{' | b'['));
    if is_json {
        return serde_json::from_slice(hook.body)
            .map_err(|error| Refusal::Malformed(format!("It is no JSON: {error}.")));
    }
    let query = hook
        .url
        .split_once('?')
        .map(|(_, query)| query)
        .unwrap_or_default();
    let fields = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(hook.body));
    let fields: Map<String, Value> = fields
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    Ok(Value::Object(fields))
}
