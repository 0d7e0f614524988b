//! The wizard's forms: text as it was typed, and what it is parsed into. The fields have the names
//! that the JSON API gives them, so that one checklist speaks to both.

mod conditions;
mod experiment;
mod feed;
mod once;
mod outcome;
mod pacing;
mod recurring;
mod sender;
mod social;
mod triggered;

pub use conditions::Conditions;
pub use experiment::ExperimentForm;
pub use feed::FeedForm;
pub use once::OnceForm;
pub use outcome::OutcomeForm;
pub use pacing::PacingForm;
pub use recurring::{NEVER, RecurringForm};
pub use sender::SenderForm;
pub use social::SocialForm;
pub use triggered::TriggeredForm;

use super::channels::{Word, Words, template_field};
use super::draft::{self, Changes, Content};
use super::store;
use crate::content::store as templates;
use crate::domain::{CampaignType, Channel, Purpose};
use crate::entity::campaigns;
use crate::web::{FormErrors, Result, zones};
use chrono_tz::Tz;
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Step 1: what it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BasicsForm {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub channels: Vec<String>,
    /// A topic's id; empty for none.
    pub topic: String,
    pub purpose: String,
    pub revision: i64,
}

impl BasicsForm {
    /// As a new campaign begins.
    pub fn blank() -> Self {
        Self {
            kind: CampaignType::OneTime.as_str().into(),
            channels: vec![Channel::Email.as_str().into()],
            purpose: Purpose::Marketing.as_str().into(),
            ..Self::default()
        }
    }

    pub fn of(campaign: &campaigns::Model) -> Self {
        Self {
            name: campaign.name.clone(),
            kind: campaign.kind.as_str().into(),
            channels: Words::of(campaign)
                .iter()
                .map(|word| word.as_str().to_owned())
                .collect(),
            topic: campaign.topic_id.map(|id| id.to_string()).unwrap_or_default(),
            purpose: campaign.purpose.as_str().into(),
            revision: campaign.revision,
        }
    }

    pub fn has_channel(&self, channel: &Channel) -> bool {
        let words = self.channels.iter().filter_map(|word| Word::parse(word));
        words.map(Word::channel).any(|named| named == *channel)
    }

    /// `before` is the campaign as it is, if it is there already: what came through the API and is
    /// not ready stays.
    pub async fn parse(
        &self,
        db: &impl ConnectionTrait,
        before: Option<&campaigns::Model>,
    ) -> Result<Result<Changes, FormErrors>> {
        let mut errors = FormErrors::default();
        let name = draft::name(&mut errors, &self.name);
        let kind = self.kind.parse::<CampaignType>().ok();
        let kept = before.map(|campaign| campaign.kind);
        match kind {
            Some(kind) if kind.is_ready() || Some(kind) == kept => {}
            Some(kind) => errors.add("type", format!("{} campaigns are not ready yet.", kind.label())),
            None => errors.add("type", "Choose a type."),
        }
        let words = before.map(Words::of).unwrap_or_default();
        // From the last to the first, because what comes in stands in front.
        let ready = Channel::ALL.iter().rev().filter(|channel| channel.is_ready());
        let channels = ready.fold(words, |words, channel| {
            words.with(*channel, self.has_channel(channel))
        });
        if channels.is_empty() {
            errors.add("channels", "Choose a channel to send on.");
        }
        let purpose = self.purpose.parse::<Purpose>().ok();
        if purpose.is_none() {
            errors.add("purpose", "Choose a purpose.");
        }
        let topic = match self.topic.is_empty() {
            true => None,
            false => store::topic(db, &self.topic).await?.map(|topic| topic.id),
        };
        if !self.topic.is_empty() && topic.is_none() {
            errors.add("topic", "This topic is gone. Choose another one.");
        }
        Ok(errors.or(|| Changes {
            name: Some(name),
            kind,
            channels: Some(channels),
            purpose,
            topic_id: Some(topic),
            ..Changes::default()
        }))
    }
}

/// Step 2: whom it is for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AudienceForm {
    /// A segment's id; empty while none is chosen.
    #[serde(rename = "segmentId")]
    pub segment: String,
    /// `yes` where a repeated campaign goes only to those who have not had it.
    #[serde(rename = "onlyNew")]
    pub only_new: String,
    pub revision: i64,
}

impl AudienceForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        Self {
            segment: campaign.segment_id.map(|id| id.to_string()).unwrap_or_default(),
            only_new: if campaign.only_new {
                "yes".into()
            } else {
                String::new()
            },
            revision: campaign.revision,
        }
    }

    /// A journey needs no segment: people may come in by an event, a date or staff; a triggered
    /// campaign none: it is for whoever an event is about; and one that only posts none either.
    pub async fn parse(
        &self,
        db: &impl ConnectionTrait,
        campaign: &campaigns::Model,
    ) -> Result<Result<Changes, FormErrors>> {
        let segment = store::segment(db, self.segment.parse().ok()).await?;
        Ok(match segment {
            Some(segment) => Ok(Changes {
                segment_id: Some(Some(segment.id)),
                only_new: Some(self.only_new == "yes"),
                ..Changes::default()
            }),
            None if needs_no_segment(campaign) && self.segment.is_empty() => Ok(Changes {
                segment_id: Some(None),
                ..Changes::default()
            }),
            None => Err(FormErrors::one("segmentId", "Choose the segment it goes to.")),
        })
    }
}

/// Step 3: what it says, and who says it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContentForm {
    /// A template's id; empty while none is chosen.
    #[serde(rename = "email.templateId")]
    pub email: String,
    #[serde(rename = "sms.templateId")]
    pub sms: String,
    #[serde(flatten)]
    pub sender: SenderForm,
    pub revision: i64,
}

impl ContentForm {
    pub fn of(campaign: &campaigns::Model, contents: &BTreeMap<Channel, Content>) -> Self {
        let template = |channel| match contents.get(&channel) {
            Some(Content::Template(id)) => id.to_string(),
            _ => String::new(),
        };
        Self {
            email: template(Channel::Email),
            sms: template(Channel::Sms),
            sender: SenderForm::of(campaign),
            revision: campaign.revision,
        }
    }

    /// The template that is chosen for a channel; empty while none is.
    pub fn template(&self, channel: &Channel) -> &str {
        match channel {
            Channel::Email => &self.email,
            Channel::Sms => &self.sms,
            _ => "",
        }
    }

    /// `asked` are the channels that the campaign is sent on; what it says on others stays.
    pub async fn parse(
        &self,
        db: &impl ConnectionTrait,
        asked: &[Channel],
    ) -> Result<Result<Changes, FormErrors>> {
        let mut errors = FormErrors::default();
        let mut contents = BTreeMap::new();
        for &channel in asked.iter().filter(|channel| channel.is_personal()) {
            let template = match self.template(&channel) {
                "" => None,
                text => templates::by_key_or_id(db, text).await?,
            };
            let template = template.filter(|template| template.channel == channel);
            if template.is_none() {
                errors.add(template_field(channel), "Choose the template it is made of.");
            }
            contents.insert(channel, template.map(|template| Content::Template(template.id)));
        }
        let mut changes = Changes {
            contents,
            ..Changes::default()
        };
        self.sender.add_to(&mut changes, &mut errors);
        Ok(errors.or(|| changes))
    }
}

/// Whether a campaign can go out without a segment.
pub fn needs_no_segment(campaign: &campaigns::Model) -> bool {
    campaign.kind.is_open_ended() || super::social::only_posts(campaign)
}

/// The zone that a form names.
fn zone_of(text: &str, errors: &mut FormErrors) -> Option<Tz> {
    zones::parse(text)
        .map_err(|sentence| errors.add("timezone", sentence))
        .ok()
}
