//! Campaigns as the JSON API takes them. Reading looks up what is named by key or id, and says
//! everything that is wrong at once, under the field's own name.

use super::channels::{Word, Words, template_field};
use super::draft::{self, Changes, Content, NewCampaign, When};
use super::store;
use crate::accounts::Club;
use crate::audience::segments;
use crate::content::store as templates;
use crate::domain::experiment::Experiment;
use crate::domain::feed::Source;
use crate::domain::goal::Goal;
use crate::domain::journey::{Journey, Kind};
use crate::domain::manners::Pacing;
use crate::domain::recurrence::Recurrence;
use crate::domain::social::Draft;
use crate::domain::trigger::Trigger;
use crate::domain::{Channel, Platform};
use crate::web::{FormErrors, Result, zones};
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// A field that may be missing (`None`), `null` (`Some(None)`) or there.
pub type Given<T> = Option<Option<T>>;

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Given<T>, D::Error> {
    Option::deserialize(field).map(Some)
}

/// An opaque id, or a key. Clients that kept a number may send a number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Name {
    Text(String),
    Number(i64),
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text.trim()),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// The body of `POST /campaigns` and of `PATCH /campaigns/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CampaignInput {
    pub name: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// A key or an id.
    #[serde(deserialize_with = "given")]
    pub segment_id: Given<Name>,
    pub channels: Option<Vec<String>>,
    /// An instant with its offset (RFC 3339). Without one it starts as soon as it is scheduled.
    #[serde(deserialize_with = "given")]
    pub scheduled_at: Given<String>,
    pub timezone: Option<String>,
    #[serde(deserialize_with = "given")]
    pub recurrence: Given<Value>,
    #[serde(deserialize_with = "given")]
    pub trigger: Given<Value>,
    #[serde(deserialize_with = "given")]
    pub journey: Given<Value>,
    #[serde(deserialize_with = "given")]
    pub goal: Given<Value>,
    /// A key or an id.
    #[serde(deserialize_with = "given")]
    pub topic: Given<Name>,
    pub purpose: Option<String>,
    #[serde(deserialize_with = "given")]
    pub sender: Given<SenderInput>,
    pub in_doubt: Option<String>,
    /// `{localTime?, spreadOver?, ignoreFrequencyCap?}`
    #[serde(deserialize_with = "given")]
    pub delivery: Given<Value>,
    /// `{variants, share?, winner?}`
    #[serde(deserialize_with = "given")]
    pub experiment: Given<Value>,
    /// A repeated campaign goes only to those who have not had it.
    pub only_new: Option<bool>,
    /// `{url, maxItems?, skipWhenEmpty?, days?}`: what a repeated campaign fills itself from.
    #[serde(deserialize_with = "given")]
    pub feed: Given<Value>,
}

/// Who it comes from, where that is not the club's usual sender.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SenderInput {
    pub name: Option<String>,
    pub email: Option<String>,
    pub reply_to: Option<String>,
}

/// The largest JSON of a recurrence, trigger or journey, in bytes.
const LARGEST_PLAN: usize = 64 * 1024;

impl CampaignInput {
    /// A new campaign.
    ///
    /// # Errors
    /// `Invalid`, with every field that is wrong or missing.
    pub async fn parse_new(&self, db: &impl ConnectionTrait, club: &Club) -> Result<NewCampaign> {
        let mut errors = FormErrors::default();
        if self.name.is_none() {
            errors.add("name", "Give the campaign a name.");
        }
        if self.kind.is_none() {
            errors.add("type", "Say the type: ONE_TIME, RECURRING, TRIGGERED or JOURNEY.");
        }
        if self.channels.is_none() {
            errors.add("channels", "Name the channels, such as [\"EMAIL\"].");
        }
        let mut rest = self.parse(db, &mut errors).await?;
        // Who leaves out the time means: as soon as it is scheduled.
        rest.when = rest.when.or(Some(When::Now));
        let (name, kind) = (rest.name.take(), rest.kind.take());
        let timezone = rest.timezone.take().unwrap_or(club.timezone);
        match (errors.is_empty(), name, kind) {
            (true, Some(name), Some(kind)) => Ok(NewCampaign {
                name,
                kind,
                timezone,
                rest,
            }),
            _ => Err(errors.into()),
        }
    }

    /// What is changed of a campaign.
    ///
    /// # Errors
    /// `Invalid`, with every field that is wrong.
    pub async fn parse_changes(&self, db: &impl ConnectionTrait) -> Result<Changes> {
        let mut errors = FormErrors::default();
        let changes = self.parse(db, &mut errors).await?;
        Ok(errors.or(|| changes)?)
    }

    async fn parse(&self, db: &impl ConnectionTrait, errors: &mut FormErrors) -> Result<Changes> {
        let mut changes = Changes {
            name: self.name.as_deref().map(|text| draft::name(errors, text)),
            kind: word(
                errors,
                "type",
                self.kind.as_deref(),
                "ONE_TIME, RECURRING, TRIGGERED or JOURNEY",
            ),
            purpose: word(
                errors,
                "purpose",
                self.purpose.as_deref(),
                "MARKETING or TRANSACTIONAL",
            ),
            in_doubt: word(errors, "inDoubt", self.in_doubt.as_deref(), "RETRY or LEAVE"),
            channels: self.channels.as_deref().map(|words| channels(errors, words)),
            when: self
                .scheduled_at
                .as_ref()
                .map(|text| when(errors, text.as_deref())),
            recurrence: self
                .recurrence
                .as_ref()
                .map(|json| recurrence(errors, json.as_ref())),
            trigger: self.trigger.as_ref().map(|json| trigger(errors, json.as_ref())),
            journey: journey(db, errors, &self.journey).await?,
            only_new: self.only_new,
            feed: self.feed.as_ref().map(|json| feed(errors, json.as_ref())),
            goal: self.goal.as_ref().map(|json| goal(errors, json.as_ref())),
            ..Changes::default()
        };
        if let Some(text) = &self.timezone {
            match zones::parse(text) {
                Ok(zone) => changes.timezone = Some(zone),
                Err(sentence) => errors.add("timezone", sentence),
            }
        }
        if let Some(sender) = &self.sender {
            let sender = sender.clone().unwrap_or_default();
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            changes.sender_name = Some(draft::sender_name(errors, &text(&sender.name)));
            changes.sender_email = Some(draft::address(errors, "sender.email", &text(&sender.email)));
            changes.reply_to = Some(draft::address(errors, "sender.replyTo", &text(&sender.reply_to)));
        }
        changes.pacing = self.delivery.as_ref().map(|json| pacing(errors, json.as_ref()));
        changes.experiment = match &self.experiment {
            Some(json) => Some(experiment(db, errors, json.as_ref()).await?),
            None => None,
        };
        changes.segment_id = self.segment(db, errors).await?;
        changes.topic_id = self.topic(db, errors).await?;
        Ok(changes)
    }

    async fn segment(&self, db: &impl ConnectionTrait, errors: &mut FormErrors) -> Result<Given<i64>> {
        let Some(Some(name)) = &self.segment_id else {
            return Ok(self.segment_id.as_ref().map(|_| None));
        };
        let found = segments::store::by_key_or_id(db, &name.to_string()).await?;
        if found.is_none() {
            errors.add("segmentId", format!("There is no segment “{name}”."));
        }
        Ok(found.map(|segment| Some(segment.id)))
    }

    async fn topic(&self, db: &impl ConnectionTrait, errors: &mut FormErrors) -> Result<Given<i64>> {
        let Some(Some(name)) = &self.topic else {
            return Ok(self.topic.as_ref().map(|_| None));
        };
        let found = store::topic(db, &name.to_string()).await?;
        if found.is_none() {
            errors.add("topic", format!("There is no topic “{name}”."));
        }
        Ok(found.map(|topic| Some(topic.id)))
    }
}

fn word<T: std::str::FromStr>(
    errors: &mut FormErrors,
    field: &str,
    text: Option<&str>,
    words: &str,
) -> Option<T> {
    let parsed = text?.parse().ok();
    if parsed.is_none() {
        errors.add(field, format!("This is one of {words}."));
    }
    parsed
}

fn channels(errors: &mut FormErrors, words: &[String]) -> Words {
    if words.is_empty() {
        errors.add("channels", "Name at least one channel, such as EMAIL.");
    }
    let mut list = Vec::new();
    for text in words {
        match Word::parse(text) {
            Some(word) => list.push(word),
            None => errors.add(
                "channels",
                format!(
                    "“{text}” is no channel. There are EMAIL, SMS, PUSH, WHATSAPP and SOCIAL, and the \
                     platforms FACEBOOK, INSTAGRAM, LINKEDIN, X, MASTODON and BLUESKY."
                ),
            ),
        }
    }
    list.into_iter().collect()
}

fn when(errors: &mut FormErrors, text: Option<&str>) -> When {
    let Some(text) = text else { return When::Now };
    match DateTime::parse_from_rfc3339(text.trim()) {
        Ok(at) => When::At(at.with_timezone(&Utc)),
        Err(_) => {
            errors.add(
                "scheduledAt",
                "Write the instant with its offset, such as 2026-06-01T09:00:00Z or 2026-06-01T09:00:00+02:00.",
            );
            When::Unset
        }
    }
}

/// A journey's steps. Templates are named by key or id, and kept by their keys.
pub async fn journey(
    db: &impl ConnectionTrait,
    errors: &mut FormErrors,
    json: &Given<Value>,
) -> Result<Given<Journey>> {
    let Some(Some(json)) = json else {
        return Ok(json.as_ref().map(|_| None));
    };
    if json.to_string().len() > LARGEST_PLAN {
        errors.add("journey", "This is larger than 64 kB.");
        return Ok(None);
    }
    let mut journey = match Journey::parse(json) {
        Ok(journey) => journey,
        Err(problems) => {
            for problem in problems {
                errors.add(&problem.path(), problem.text);
            }
            return Ok(None);
        }
    };
    for step in &mut journey.steps {
        let Kind::Message { template, .. } = &mut step.kind else {
            continue;
        };
        if template.is_empty() {
            continue;
        }
        match templates::by_key_or_id(db, template).await? {
            Some(found) => template.clone_from(&found.key),
            None => errors.add(
                &format!("journey.steps.{}.template", step.id),
                format!("There is no template “{template}”."),
            ),
        }
    }
    Ok(Some(Some(journey)))
}

fn recurrence(errors: &mut FormErrors, json: Option<&Value>) -> Option<Recurrence> {
    match Recurrence::parse(json?) {
        Ok(recurrence) => Some(recurrence),
        Err(problems) => {
            for (field, sentence) in problems {
                errors.add(field, sentence);
            }
            None
        }
    }
}

fn trigger(errors: &mut FormErrors, json: Option<&Value>) -> Option<Trigger> {
    let json = json?;
    if json.to_string().len() > LARGEST_PLAN {
        errors.add("trigger", "This is larger than 64 kB.");
        return None;
    }
    match Trigger::parse(json) {
        Ok(trigger) => Some(trigger),
        Err(mistakes) => {
            for (field, sentence) in mistakes {
                errors.add(&field, sentence);
            }
            None
        }
    }
}

fn goal(errors: &mut FormErrors, json: Option<&Value>) -> Option<Goal> {
    match Goal::parse(json?) {
        Ok(goal) => Some(goal),
        Err((field, sentence)) => {
            errors.add(field, sentence);
            None
        }
    }
}

fn feed(errors: &mut FormErrors, json: Option<&Value>) -> Option<Source> {
    match Source::parse(json?) {
        Ok(source) => Some(source),
        Err(wrong) => {
            for (field, sentence) in wrong {
                errors.add(field, sentence);
            }
            None
        }
    }
}

/// How it goes out; `null` as any campaign does.
fn pacing(errors: &mut FormErrors, json: Option<&Value>) -> Pacing {
    let Some(json) = json else {
        return Pacing::default();
    };
    Pacing::parse(json).unwrap_or_else(|wrong| {
        for (field, sentence) in wrong {
            errors.add(&field, sentence);
        }
        Pacing::default()
    })
}

/// What is tried; templates are named by key or id.
async fn experiment(
    db: &impl ConnectionTrait,
    errors: &mut FormErrors,
    json: Option<&Value>,
) -> Result<Option<Experiment>> {
    let Some(json) = json else { return Ok(None) };
    let mut json = json.clone();
    let variants = json.get_mut("variants").and_then(Value::as_array_mut);
    for (index, variant) in variants.into_iter().flatten().enumerate() {
        let Some(name) = variant.get_mut("templateId").filter(|name| !name.is_null()) else {
            continue;
        };
        let text = match &*name {
            Value::String(text) => text.trim().to_owned(),
            other => other.to_string(),
        };
        let found = templates::by_key_or_id(db, &text).await?;
        match found.filter(|template| template.channel == Channel::Email) {
            Some(template) => *name = template.id.into(),
            None => {
                let field = format!("experiment.variants.{index}.templateId");
                errors.add(&field, format!("There is no e-mail template “{text}”."));
                *name = Value::Null;
            }
        }
    }
    Ok(match Experiment::parse(&json) {
        Ok(experiment) => Some(experiment),
        Err(wrong) => {
            for (field, sentence) in wrong {
                errors.add(&field, sentence);
            }
            None
        }
    })
}

/// The body of `PUT /campaigns/{id}/content`: what the campaign says on each channel.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ContentInput {
    pub email: Option<TemplateInput>,
    pub sms: Option<TemplateInput>,
    pub push: Option<TemplateInput>,
    pub whatsapp: Option<TemplateInput>,
    pub social: Option<SocialInput>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TemplateInput {
    /// A key or an id.
    pub template_id: Name,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SocialInput {
    pub content: String,
    pub media_urls: Vec<String>,
    pub platforms: Vec<String>,
    /// What is said on one platform in the place of the content.
    pub overrides: BTreeMap<String, String>,
}

/// The longest post, in characters: Facebook's, the longest of all.
const LONGEST_POST: usize = 63_206;
/// How many pictures or films a post has at most, and how long an address may be.
const MOST_MEDIA: usize = 20;
const LONGEST_URL: usize = 2_000;

impl ContentInput {
    /// The whole content: a channel that is not named has none afterwards.
    ///
    /// # Errors
    /// `Invalid`, with every field that is wrong.
    pub async fn parse(&self, db: &impl ConnectionTrait) -> Result<BTreeMap<Channel, Option<Content>>> {
        let mut errors = FormErrors::default();
        let mut contents = BTreeMap::new();
        for (channel, given) in [
            (Channel::Email, &self.email),
            (Channel::Sms, &self.sms),
            (Channel::Push, &self.push),
            (Channel::WhatsApp, &self.whatsapp),
        ] {
            let field = template_field(channel);
            let content = match given {
                Some(given) => template(db, &mut errors, channel, field, &given.template_id).await?,
                None => None,
            };
            contents.insert(channel, content.map(Content::Template));
        }
        let social = self.social.as_ref();
        contents.insert(
            Channel::Social,
            social.map(|given| Content::Inline(post(&mut errors, given))),
        );
        Ok(errors.or(|| contents)?)
    }
}

async fn template(
    db: &impl ConnectionTrait,
    errors: &mut FormErrors,
    channel: Channel,
    field: &str,
    name: &Name,
) -> Result<Option<i64>> {
    let found = templates::by_key_or_id(db, &name.to_string()).await?;
    match found {
        Some(template) if template.channel == channel => Ok(Some(template.id)),
        Some(template) => {
            errors.add(
                field,
                format!("The template “{name}” is for {}.", template.channel.label()),
            );
            Ok(None)
        }
        None => {
            errors.add(field, format!("There is no template “{name}”."));
            Ok(None)
        }
    }
}

/// A post as it is kept. Whether each platform takes it is the checklist's to say: a draft may be
/// unfinished.
pub fn post(errors: &mut FormErrors, given: &SocialInput) -> Value {
    let content = errors.lines("social.content", given.content.trim(), LONGEST_POST);
    let overrides = overrides(errors, given);
    if content.is_empty() && given.media_urls.is_empty() && overrides.is_empty() {
        errors.add("social.content", "Write a text, or name a picture.");
    }
    if given.media_urls.len() > MOST_MEDIA {
        errors.add(
            "social.mediaUrls",
            format!("At most {MOST_MEDIA} pictures or films."),
        );
    }
    for url in &given.media_urls {
        // The address itself is looked at when it is posted: it may not be there yet.
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        if !is_web || url.len() > LONGEST_URL || url.chars().any(char::is_control) {
            errors.add(
                "social.mediaUrls",
                "A picture’s address begins with https:// and has at most 2,000 characters.",
            );
        }
    }
    let mut platforms = Vec::new();
    for text in &given.platforms {
        match text.parse::<Platform>() {
            Ok(platform) if !platforms.contains(&platform) => platforms.push(platform),
            Ok(_) => {}
            Err(_) => errors.add("social.platforms", no_platform(text)),
        }
    }
    let draft = Draft {
        content,
        media: given.media_urls.clone(),
        platforms,
        overrides,
    };
    draft.to_json()
}

fn no_platform(text: &str) -> String {
    format!("“{text}” is none of FACEBOOK, INSTAGRAM, LINKEDIN, X, MASTODON and BLUESKY.")
}

fn overrides(errors: &mut FormErrors, given: &SocialInput) -> BTreeMap<Platform, String> {
    let mut overrides = BTreeMap::new();
    for (word, text) in &given.overrides {
        let field = format!("social.overrides.{word}");
        let text = errors.lines(&field, text.trim(), LONGEST_POST);
        match word.parse::<Platform>() {
            Ok(_) if text.is_empty() => errors.add(&field, "Write a text, or leave this out."),
            Ok(platform) => drop(overrides.insert(platform, text)),
            Err(_) => errors.add("social.overrides", no_platform(word)),
        }
    }
    overrides
}
