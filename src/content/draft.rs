//! A template as it is asked for, by form or by API, parsed at the door.

use super::render::{MAX_SOURCE, MAX_SUBJECT};
use crate::domain::{BodyKind, Channel};
use crate::web::FormErrors;
use serde::Deserialize;

/// The longest name, in characters.
pub const LONGEST_NAME: usize = 100;

/// What a template is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTemplate {
    pub channel: Channel,
    pub name: String,
    pub subject: String,
    pub preheader: String,
    pub kind: BodyKind,
    pub body: String,
    /// The plain-text part; `None`: made of the HTML.
    pub text: Option<String>,
}

/// `PUT /api/v1/templates/{key}`: `{channel: "EMAIL", name, subject, mjml | html, text?}`, or
/// `{channel: "SMS", name, text}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateInput {
    channel: String,
    name: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    preheader: String,
    mjml: Option<String>,
    html: Option<String>,
    text: Option<String>,
}

impl TemplateInput {
    pub fn parse(self) -> Result<NewTemplate, FormErrors> {
        let mut errors = FormErrors::default();
        let channel = match self.channel.parse() {
            Ok(Channel::Social) => {
                errors.add(
                    "channel",
                    "Social posts have no template: their content stands in the campaign.",
                );
                Channel::Social
            }
            Ok(channel) => channel,
            Err(_) => {
                errors.add("channel", "Name one of EMAIL, SMS, PUSH, WHATSAPP.");
                return Err(errors);
            }
        };
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let (kind, body, text) = match (channel, filled(self.mjml), filled(self.html)) {
            (Channel::Email, Some(_), Some(_)) => {
                errors.add("mjml", "Give mjml or html, not both.");
                (BodyKind::Mjml, String::new(), None)
            }
            (Channel::Email, Some(mjml), None) => (BodyKind::Mjml, mjml, filled(self.text)),
            (Channel::Email, None, Some(html)) => (BodyKind::Html, html, filled(self.text)),
            (Channel::Email, None, None) => match filled(self.text) {
                Some(text) => (BodyKind::Text, text, None),
                None => {
                    errors.add("mjml", "An e-mail template needs mjml, html or text.");
                    (BodyKind::Mjml, String::new(), None)
                }
            },
            (_, mjml, html) => {
                if mjml.is_some() || html.is_some() {
                    errors.add("html", "Only e-mail has mjml or html; give text.");
                }
                let text = filled(self.text);
                if text.is_none() {
                    errors.add("text", "Fill this in.");
                }
                (BodyKind::Text, text.unwrap_or_default(), None)
            }
        };
        let draft = NewTemplate {
            channel,
            name: self.name,
            subject: self.subject,
            preheader: self.preheader,
            kind,
            body,
            text,
        };
        match draft.checked() {
            Ok(draft) => errors.or(|| draft),
            Err(more) => {
                errors.0.extend(more.0);
                Err(errors)
            }
        }
    }
}

impl NewTemplate {
    /// The draft with its text tidied, or everything that is wrong with it. What the engine thinks
    /// of it is not asked: a draft may be unfinished, and the checklist keeps it from being sent.
    pub fn checked(self) -> Result<Self, FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.text("name", &self.name, LONGEST_NAME);
        let subject = match self.channel {
            Channel::Email => errors.text("subject", &self.subject, MAX_SUBJECT),
            _ => errors.optional("subject", &self.subject, MAX_SUBJECT),
        };
        let preheader = errors.optional("preheader", &self.preheader, MAX_SUBJECT);
        if self.channel == Channel::Email && self.body.trim().is_empty() {
            errors.add("body", "Fill this in.");
        }
        for (field, text) in [("body", Some(&self.body)), ("text", self.text.as_ref())] {
            if text.is_some_and(|text| text.len() > MAX_SOURCE) {
                errors.add(field, "This is larger than 512 kB.");
            }
        }
        let kind = match self.channel {
            Channel::Email => self.kind,
            _ => BodyKind::Text,
        };
        errors.or(|| Self {
            name,
            subject,
            preheader,
            kind,
            body: self.body.replace("\r\n", "\n"),
            text: self
                .text
                .map(|text| text.replace("\r\n", "\n"))
                .filter(|text| !text.trim().is_empty() && kind != BodyKind::Text),
            channel: self.channel,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: serde_json::Value) -> Result<NewTemplate, FormErrors> {
        serde_json::from_value::<TemplateInput>(json).unwrap().parse()
    }

    #[test]
    fn the_contracts_shapes_are_taken() {
        let email = parse(serde_json::json!({
            "channel": "EMAIL", "name": "Invite", "subject": "Hello", "mjml": "<mjml></mjml>"
        }))
        .unwrap();
        assert_eq!((email.channel, email.kind), (Channel::Email, BodyKind::Mjml));
        let sms = parse(serde_json::json!({"channel": "SMS", "name": "Invite", "text": "Hi"})).unwrap();
        assert_eq!((sms.kind, sms.body.as_str()), (BodyKind::Text, "Hi"));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let errors = parse(serde_json::json!({
            "channel": "EMAIL", "name": " ", "mjml": "<mjml/>", "html": "<p>"
        }))
        .unwrap_err();
        for field in ["name", "subject", "mjml"] {
            assert!(errors.of(field).is_some(), "{field}: {errors:?}");
        }
        assert!(parse(serde_json::json!({"channel": "SOCIAL", "name": "x", "text": "y"})).is_err());
        assert!(parse(serde_json::json!({"channel": "FAX", "name": "x", "text": "y"})).is_err());
    }
}
