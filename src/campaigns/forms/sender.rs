//! Who a campaign comes from, where that is not the club's usual sender. Beside other forms.

use crate::accounts::Club;
use crate::campaigns::draft::{self, Changes};
use crate::entity::campaigns;
use crate::web::FormErrors;
use serde::Deserialize;

/// The sender as it was typed; empty means the club's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SenderForm {
    #[serde(rename = "sender.name")]
    pub name: String,
    #[serde(rename = "sender.email")]
    pub email: String,
    #[serde(rename = "sender.replyTo")]
    pub reply_to: String,
}

impl SenderForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            name: text(&campaign.sender_name),
            email: text(&campaign.sender_email),
            reply_to: text(&campaign.reply_to),
        }
    }

    /// Adds what the form changes. Everything that is wrong goes into `errors`.
    pub fn add_to(&self, changes: &mut Changes, errors: &mut FormErrors) {
        changes.sender_name = Some(draft::sender_name(errors, &self.name));
        changes.sender_email = Some(draft::address(errors, "sender.email", &self.email));
        changes.reply_to = Some(draft::address(errors, "sender.replyTo", &self.reply_to));
    }

    /// The club's sender, which stands where the campaign says nothing; empty where it has none.
    pub fn usual(club: &Club) -> String {
        match (club.sender.name.as_str(), club.sender.email.as_str()) {
            (_, "") => String::new(),
            ("", email) => email.to_owned(),
            (name, email) => format!("{name} <{email}>"),
        }
    }
}
