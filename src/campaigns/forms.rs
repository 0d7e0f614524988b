//! The wizard's forms: text as it was typed, and what it is parsed into. The fields have the names
//! that the JSON API gives them, so that one checklist speaks to both.

use super::channels::Words;
use super::checklist::zone;
use super::draft::{self, Changes, Content, When};
use super::store;
use crate::content::store as templates;
use crate::domain::goal::{Goal, check_event, parse_window};
use crate::domain::{CampaignType, Channel, InDoubt, Purpose, schedule};
use crate::entity::campaigns;
use crate::web::{FormErrors, Result, zones};
use chrono::{DateTime, Utc};
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
        self.channels.iter().any(|word| word == channel.as_str())
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
        let channels = words.with(Channel::Email, self.has_channel(&Channel::Email));
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
    pub revision: i64,
}

impl AudienceForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        Self {
            segment: campaign.segment_id.map(|id| id.to_string()).unwrap_or_default(),
            revision: campaign.revision,
        }
    }

    pub async fn parse(&self, db: &impl ConnectionTrait) -> Result<Result<Changes, FormErrors>> {
        let segment = store::segment(db, self.segment.parse().ok()).await?;
        Ok(match segment {
            Some(segment) => Ok(Changes {
                segment_id: Some(Some(segment.id)),
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
    pub template: String,
    #[serde(rename = "sender.name")]
    pub sender_name: String,
    #[serde(rename = "sender.email")]
    pub sender_email: String,
    #[serde(rename = "sender.replyTo")]
    pub reply_to: String,
    pub revision: i64,
}

impl ContentForm {
    pub fn of(campaign: &campaigns::Model, contents: &BTreeMap<Channel, Content>) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            template: match contents.get(&Channel::Email) {
                Some(Content::Template(id)) => id.to_string(),
                _ => String::new(),
            },
            sender_name: text(&campaign.sender_name),
            sender_email: text(&campaign.sender_email),
            reply_to: text(&campaign.reply_to),
            revision: campaign.revision,
        }
    }

    pub async fn parse(&self, db: &impl ConnectionTrait) -> Result<Result<Changes, FormErrors>> {
        let mut errors = FormErrors::default();
        let template = match self.template.is_empty() {
            true => None,
            false => templates::by_key_or_id(db, &self.template).await?,
        };
        let template = template.filter(|template| template.channel == Channel::Email);
        if template.is_none() {
            errors.add("email.templateId", "Choose the template it is made of.");
        }
        let sender_name = draft::sender_name(&mut errors, &self.sender_name);
        let sender_email = draft::address(&mut errors, "sender.email", &self.sender_email);
        let reply_to = draft::address(&mut errors, "sender.replyTo", &self.reply_to);
        Ok(errors.or(|| Changes {
            contents: [(
                Channel::Email,
                template.map(|template| Content::Template(template.id)),
            )]
            .into(),
            sender_name: Some(sender_name),
            sender_email: Some(sender_email),
            reply_to: Some(reply_to),
            ..Changes::default()
        }))
    }
}

/// Step 4: when, what for, and what happens in doubt.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ScheduleForm {
    /// `now` or `later`; empty while nobody chose.
    pub when: String,
    pub date: String,
    pub time: String,
    pub timezone: String,
    #[serde(rename = "goal.event")]
    pub goal_event: String,
    /// An ISO 8601 duration.
    #[serde(rename = "goal.window")]
    pub goal_window: String,
    #[serde(rename = "inDoubt")]
    pub in_doubt: String,
    pub revision: i64,
}

/// A wall-clock time as it was entered, and what it is.
pub struct Entered {
    pub at: DateTime<Utc>,
    /// What daylight saving does to it, in a sentence.
    pub explanation: Option<String>,
}

impl ScheduleForm {
    pub fn of(campaign: &campaigns::Model) -> Self {
        let at = campaign
            .scheduled_at
            .map(|at| at.0.with_timezone(&zone(campaign)));
        let goal = campaign.goal.as_ref().and_then(|json| Goal::parse(json).ok());
        Self {
            when: match (campaign.send_now, at) {
                (true, _) => "now".into(),
                (false, Some(_)) => "later".into(),
                (false, None) => String::new(),
            },
            date: at.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default(),
            time: at.map(|at| at.format("%H:%M").to_string()).unwrap_or_default(),
            timezone: campaign.timezone.clone(),
            goal_window: goal
                .as_ref()
                .map_or_else(|| "P7D".into(), |goal| written(goal, "window")),
            goal_event: goal.map(|goal| goal.event).unwrap_or_default(),
            in_doubt: campaign.in_doubt.as_str().into(),
            revision: campaign.revision,
        }
    }

    /// The time that was entered, where it is one.
    pub fn entered(&self, now: DateTime<Utc>) -> Result<Entered, FormErrors> {
        let mut errors = FormErrors::default();
        let zone = self.zone(&mut errors);
        let local = schedule::parse_entry(&self.date, &self.time);
        if let Err(error) = local {
            let field = match error {
                schedule::EntryError::Date => "date",
                schedule::EntryError::Time => "time",
            };
            errors.add(field, error.sentence());
        }
        match (zone, local) {
            (Some(zone), Ok(local)) => {
                let resolved = schedule::resolve(local, zone);
                match schedule::refusal(resolved.instant(), now, zone) {
                    Some(refusal) => Err(FormErrors::one("scheduledAt", refusal)),
                    None => Ok(Entered {
                        at: resolved.instant(),
                        explanation: resolved.explanation(local, zone),
                    }),
                }
            }
            _ => Err(errors),
        }
    }

    fn zone(&self, errors: &mut FormErrors) -> Option<Tz> {
        zones::parse(&self.timezone)
            .map_err(|sentence| errors.add("timezone", sentence))
            .ok()
    }

    /// `before` is the campaign as it is: a condition of its goal that came through the API stays.
    pub fn parse(&self, before: &campaigns::Model, now: DateTime<Utc>) -> Result<Changes, FormErrors> {
        let mut errors = FormErrors::default();
        let zone = self.zone(&mut errors);
        let when = match self.when.as_str() {
            "now" => Some(When::Now),
            "later" => match self.entered(now) {
                Ok(entered) => Some(When::At(entered.at)),
                Err(others) => {
                    let others = others.0.into_iter().filter(|error| error.field != "timezone");
                    errors.0.extend(others);
                    None
                }
            },
            _ => {
                errors.add("scheduledAt", "Choose when it is sent.");
                None
            }
        };
        let goal = self.goal(before, &mut errors);
        let in_doubt = self.in_doubt.parse::<InDoubt>().ok();
        if in_doubt.is_none() {
            errors.add("inDoubt", "Choose one.");
        }
        errors.or(|| Changes {
            when,
            timezone: zone,
            goal: Some(goal),
            in_doubt,
            ..Changes::default()
        })
    }

    fn goal(&self, before: &campaigns::Model, errors: &mut FormErrors) -> Option<Goal> {
        let event = self.goal_event.trim();
        if event.is_empty() {
            return None;
        }
        if let Err(sentence) = check_event(event) {
            errors.add("goal.event", sentence);
        }
        let window = parse_window(&self.goal_window);
        if let Err(sentence) = &window {
            errors.add("goal.window", sentence.clone());
        }
        let kept = before.goal.as_ref().and_then(|json| Goal::parse(json).ok());
        Some(Goal {
            event: event.to_owned(),
            condition: kept
                .filter(|goal| goal.event == event)
                .and_then(|goal| goal.condition),
            window: window.ok()?,
        })
    }

    /// The windows that the form offers, and the one that is chosen.
    pub fn windows(&self) -> Vec<(String, String)> {
        let mut windows: Vec<_> = [
            ("PT1H", "an hour"),
            ("P1D", "a day"),
            ("P3D", "3 days"),
            ("P7D", "a week"),
            ("P14D", "2 weeks"),
            ("P30D", "30 days"),
            ("P90D", "90 days"),
        ]
        .into_iter()
        .map(|(value, label)| (value.to_owned(), label.to_owned()))
        .collect();
        if !self.goal_window.is_empty() && !windows.iter().any(|(value, _)| *value == self.goal_window) {
            windows.push((self.goal_window.clone(), self.goal_window.clone()));
        }
        windows
    }
}

fn written(goal: &Goal, field: &str) -> String {
    goal.to_json()[field].as_str().unwrap_or_default().to_owned()
}
