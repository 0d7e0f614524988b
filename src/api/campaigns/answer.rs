//! A campaign as the API answers it: what it names is named by key, as clients name it.

use crate::api::instant;
use crate::campaigns::draft::{self, Content};
use crate::campaigns::named::Named;
use crate::campaigns::winner;
use crate::domain::{CampaignType, InDoubt, Purpose, Status};
use crate::entity::{Timestamp, campaigns};
use crate::web::Result;
use sea_orm::ConnectionTrait;
use serde::Serialize;
use serde_json::{Map, Value, json};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub id: String,
    name: String,
    #[serde(rename = "type")]
    kind: CampaignType,
    status: Status,
    /// The segment's key.
    segment_id: Option<String>,
    channels: Value,
    /// `null`: as soon as it is scheduled.
    scheduled_at: Option<String>,
    timezone: String,
    /// The topic's key.
    topic: Option<String>,
    purpose: Purpose,
    recurrence: Option<Value>,
    trigger: Option<Value>,
    journey: Option<Value>,
    goal: Option<Value>,
    only_new: bool,
    feed: Option<Value>,
    sender: Option<Sender>,
    in_doubt: InDoubt,
    delivery: Value,
    experiment: Option<Value>,
    content: Map<String, Value>,
    /// Why Fairway paused it itself.
    pause_reason: Option<String>,
    created_at: String,
    updated_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sender {
    name: Option<String>,
    email: Option<String>,
    reply_to: Option<String>,
}

impl Answer {
    /// Several campaigns, with what they name looked up at once.
    pub async fn of(db: &impl ConnectionTrait, campaigns: Vec<campaigns::Model>) -> Result<Vec<Self>> {
        let named = Named::by(db, &campaigns).await?;
        Ok(campaigns
            .into_iter()
            .map(|campaign| Self::with(campaign, &named))
            .collect())
    }

    fn with(campaign: campaigns::Model, named: &Named) -> Self {
        let time = |at: Option<Timestamp>| at.map(|at| instant(at.0));
        let delivery = draft::pacing(&campaign).to_json();
        let experiment = experiment(&campaign, named);
        let sender = Sender {
            name: campaign.sender_name,
            email: campaign.sender_email,
            reply_to: campaign.reply_to,
        };
        let has_sender = sender.name.is_some() || sender.email.is_some() || sender.reply_to.is_some();
        Self {
            id: campaign.id.to_string(),
            delivery,
            experiment,
            content: content(campaign.id, named),
            name: campaign.name,
            kind: campaign.kind,
            status: campaign.status,
            segment_id: campaign.segment_id.and_then(|id| named.segment(id)),
            channels: campaign.channels,
            scheduled_at: time(campaign.scheduled_at),
            timezone: campaign.timezone,
            topic: campaign.topic_id.and_then(|id| named.topic(id)),
            purpose: campaign.purpose,
            recurrence: campaign.recurrence,
            trigger: campaign.trigger,
            journey: campaign.journey,
            goal: campaign.goal,
            only_new: campaign.only_new,
            feed: campaign.feed,
            sender: has_sender.then_some(sender),
            in_doubt: campaign.in_doubt,
            pause_reason: campaign.pause_reason,
            created_at: instant(campaign.created_at.0),
            updated_at: instant(campaign.updated_at.0),
            started_at: time(campaign.started_at),
            finished_at: time(campaign.finished_at),
        }
    }
}

/// What it tries, with templates by their keys.
fn experiment(campaign: &campaigns::Model, named: &Named) -> Option<Value> {
    let mut json = winner::experiment(campaign)?.to_json();
    let variants = json.get_mut("variants").and_then(Value::as_array_mut);
    for template in variants
        .into_iter()
        .flatten()
        .filter_map(|variant| variant.get_mut("templateId"))
    {
        *template = json!(template.as_i64().and_then(|id| named.template(id)));
    }
    Some(json)
}

/// `{"email": {"templateId": …}, "social": {…}}`
fn content(campaign: i64, named: &Named) -> Map<String, Value> {
    let mut contents = Map::new();
    for (channel, content) in named.contents(campaign) {
        let value = match content {
            Content::Template(id) => json!({ "templateId": named.template(*id) }),
            Content::Inline(body) => body.clone(),
        };
        contents.insert(channel.as_str().to_lowercase(), value);
    }
    contents
}
