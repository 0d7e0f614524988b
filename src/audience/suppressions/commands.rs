//! Putting an address on the list by hand, and taking one off it. Each is called in a transaction
//! that the caller commits, and leaves its line in the audit trail there.

use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::accounts::staff_commands::parse_email;
use crate::audience::consent::commands as consent;
use crate::db::Tx;
use crate::domain::Channel;
use crate::entity::suppressions;
use crate::web::{FormErrors, Result};
use chrono::{DateTime, Utc};
use sea_orm::ModelTrait as _;
use serde_json::json;

/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 500;

/// An address to be put on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSuppression {
    pub channel: Channel,
    /// As contacts have it: an e-mail address in lower case, a phone number in E.164.
    pub address: String,
    pub note: String,
}

impl NewSuppression {
    /// Reads the form's fields, or tells what is wrong with each.
    pub fn parse(channel: &str, address: &str, note: &str) -> Result<Self, FormErrors> {
        let mut errors = FormErrors::default();
        let channel = match channel.parse() {
            Ok(channel @ (Channel::Email | Channel::Sms | Channel::WhatsApp)) => channel,
            _ => {
                errors.add("channel", "Choose the channel.");
                Channel::Email
            }
        };
        let address = match channel {
            Channel::Email => parse_email(&mut errors, "address", address),
            _ => parse_phone(&mut errors, address),
        };
        let note = errors.optional("note", note, LONGEST_NOTE);
        errors.or(|| Self {
            channel,
            address,
            note,
        })
    }
}

fn parse_phone(errors: &mut FormErrors, text: &str) -> String {
    let text = errors.text("address", text, 40);
    if errors.of("address").is_some() {
        return text;
    }
    match phonenumber::parse(None, &text) {
        Ok(number) if number.is_valid() => number.format().mode(phonenumber::Mode::E164).to_string(),
        _ => {
            errors.add(
                "address",
                "This is no phone number with its country, such as +353 1 234 5678.",
            );
            text
        }
    }
}

/// Puts an address on the list. Says whether it was not on it before.
pub async fn add(tx: &Tx, new: NewSuppression, actor: &Actor, now: DateTime<Utc>) -> Result<bool> {
    let (channel, address, note) = (new.channel, &new.address, &new.note);
    let is_new = consent::suppress(tx, channel, address, "manual", &actor.name, note, now).await?;
    if is_new {
        let detail = json!({"channel": channel, "address": address, "note": note});
        audit::record(tx, now, actor, "added", Subject("suppression", None), detail).await?;
    }
    Ok(is_new)
}

/// Takes an address off the list: it may be contacted again where consent allows.
pub async fn remove(tx: &Tx, row: suppressions::Model, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let detail =
        json!({"channel": row.channel, "address": row.address, "reason": row.reason, "note": row.note});
    let subject = Subject("suppression", Some(row.id));
    audit::record(tx, now, actor, "removed", subject, detail).await?;
    row.delete(&**tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_as_contacts_have_it() {
        let parsed = |channel, address| NewSuppression::parse(channel, address, "").map(|new| new.address);
        assert_eq!(
            parsed("EMAIL", " Ada@Club.example "),
            Ok("ada@club.example".into())
        );
        assert_eq!(parsed("SMS", "+353 (0)86 123 4567"), Ok("+353861234567".into()));
        for (channel, address, field) in [
            ("EMAIL", "", "address"),
            ("EMAIL", "+353861234567", "address"),
            ("SMS", "ada@club.example", "address"),
            ("SMS", "086 123 4567", "address"),
            ("PUSH", "ada@club.example", "channel"),
            ("", "ada@club.example", "channel"),
        ] {
            let errors = NewSuppression::parse(channel, address, "").unwrap_err();
            assert!(errors.of(field).is_some(), "{channel} {address}");
        }
        let long = NewSuppression::parse("EMAIL", "a@b.example", &"x".repeat(501)).unwrap_err();
        assert!(long.of("note").is_some());
    }
}
