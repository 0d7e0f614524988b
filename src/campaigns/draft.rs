//! What a campaign is to be, parsed: it cannot be wrong any more. Both the wizard's forms and the
//! JSON API parse into these, with the same limits and the same words.

use super::channels::Words;
use super::checklist::zone;
use super::recurring;
use crate::accounts::staff_commands;
use crate::domain::experiment::Experiment;
use crate::domain::feed::Source;
use crate::domain::goal::Goal;
use crate::domain::journey::Journey;
use crate::domain::manners::Pacing;
use crate::domain::recurrence::Recurrence;
use crate::domain::trigger::Trigger;
use crate::domain::{CampaignType, Channel, InDoubt, Purpose};
use crate::entity::campaigns;
use crate::web::FormErrors;
use chrono::{DateTime, NaiveTime, Timelike as _, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest name of a campaign, in characters.
pub const LONGEST_NAME: usize = 200;
/// The longest name of a sender.
pub const LONGEST_SENDER: usize = 100;

/// A campaign to be made. Begins as a draft.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCampaign {
    pub name: String,
    pub kind: CampaignType,
    /// The club's, or the one that was given.
    pub timezone: Tz,
    pub rest: Changes,
}

/// When a campaign starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nobody said yet.
    Unset,
    /// As soon as it is scheduled.
    Now,
    At(DateTime<Utc>),
}

/// What is changed of a campaign; `None` stays as it is, and `Some(None)` is taken away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    pub name: Option<String>,
    pub kind: Option<CampaignType>,
    pub purpose: Option<Purpose>,
    pub topic_id: Option<Option<i64>>,
    pub segment_id: Option<Option<i64>>,
    pub channels: Option<Words>,
    pub timezone: Option<Tz>,
    pub when: Option<When>,
    pub recurrence: Option<Option<Recurrence>>,
    pub trigger: Option<Option<Trigger>>,
    pub journey: Option<Option<Journey>>,
    pub goal: Option<Option<Goal>>,
    pub sender_name: Option<Option<String>>,
    pub sender_email: Option<Option<String>>,
    pub reply_to: Option<Option<String>>,
    pub in_doubt: Option<InDoubt>,
    pub pacing: Option<Pacing>,
    pub experiment: Option<Option<Experiment>>,
    /// Whether a repeated one goes only to those who have not had it.
    pub only_new: Option<bool>,
    /// What a repeated one fills itself from.
    pub feed: Option<Option<Source>>,
    /// What it says on each channel; channels that are not named keep theirs.
    pub contents: BTreeMap<Channel, Option<Content>>,
}

/// How a campaign goes out.
pub fn pacing(campaign: &campaigns::Model) -> Pacing {
    Pacing {
        local_time: campaign.local_time,
        spread_minutes: campaign.spread_minutes,
        ignores_cap: campaign.ignores_cap,
    }
}

/// What a campaign says on one channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Template(i64),
    /// `{content, mediaUrls, platforms}`, for `SOCIAL`.
    Inline(Value),
}

/// The name as a person or a client wrote it.
pub fn name(errors: &mut FormErrors, text: &str) -> String {
    errors.text("name", text, LONGEST_NAME)
}

/// A sender's name; empty means the club's.
pub fn sender_name(errors: &mut FormErrors, text: &str) -> Option<String> {
    let text = errors.optional("sender.name", text, LONGEST_SENDER);
    (!text.is_empty()).then_some(text)
}

/// An address of the sender; empty means the club's.
pub fn address(errors: &mut FormErrors, field: &str, text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| staff_commands::parse_email(errors, field, text))
}

impl Changes {
    /// A campaign as it is afterwards. Its contents are apart: `contents_after`. A recurring one
    /// starts with its first occurrence after `now`.
    pub fn apply(&self, campaign: &campaigns::Model, now: DateTime<Utc>) -> campaigns::Model {
        let mut after = campaign.clone();
        set(&mut after.name, &self.name);
        set(&mut after.kind, &self.kind);
        set(&mut after.purpose, &self.purpose);
        set(&mut after.topic_id, &self.topic_id);
        set(&mut after.segment_id, &self.segment_id);
        set(&mut after.channels, &self.channels.as_ref().map(Words::to_json));
        set(
            &mut after.timezone,
            &self.timezone.map(|zone| zone.name().to_owned()),
        );
        let recurrence = self.recurrence.as_ref();
        let recurrence = recurrence.map(|given| given.as_ref().map(Recurrence::to_json));
        set(&mut after.recurrence, &recurrence);
        let trigger = self
            .trigger
            .as_ref()
            .map(|trigger| trigger.as_ref().map(Trigger::to_json));
        set(&mut after.trigger, &trigger);
        let journey = self
            .journey
            .as_ref()
            .map(|journey| journey.as_ref().map(Journey::to_json));
        set(&mut after.journey, &journey);
        let goal = self.goal.as_ref().map(|goal| goal.as_ref().map(Goal::to_json));
        set(&mut after.goal, &goal);
        set(&mut after.sender_name, &self.sender_name);
        set(&mut after.sender_email, &self.sender_email);
        set(&mut after.reply_to, &self.reply_to);
        set(&mut after.in_doubt, &self.in_doubt);
        // Also where the type is changed alone: what it had may mean nothing any more.
        let pacing = self
            .pacing
            .unwrap_or_else(|| pacing(campaign))
            .kept_by(after.kind);
        after.local_time = pacing.local_time;
        after.spread_minutes = pacing.spread_minutes;
        after.ignores_cap = pacing.ignores_cap;
        let experiment = self.experiment.as_ref();
        let experiment = experiment.map(|experiment| experiment.as_ref().map(Experiment::to_json));
        set(&mut after.experiment, &experiment);
        set(&mut after.only_new, &self.only_new);
        let feed = self.feed.as_ref();
        set(
            &mut after.feed,
            &feed.map(|feed| feed.as_ref().map(Source::to_json)),
        );
        match self.when {
            None => {}
            Some(When::Unset) => (after.send_now, after.scheduled_at) = (false, None),
            Some(When::Now) => (after.send_now, after.scheduled_at) = (true, None),
            Some(When::At(at)) => (after.send_now, after.scheduled_at) = (false, Some(at.into())),
        }
        if after.kind == CampaignType::Recurring {
            self.repeat(&mut after, campaign, now);
        }
        after
    }

    /// Refuses what means nothing to a campaign of this type.
    ///
    /// # Errors
    /// Each such field.
    pub fn suit(&self, kind: CampaignType) -> Result<(), FormErrors> {
        let mut errors = FormErrors::default();
        for (field, sentence) in self.pacing.unwrap_or_default().refusals(kind) {
            errors.add(field, sentence);
        }
        errors.or(|| ())
    }

    /// Gives a repetition its start where it has none of its own: the time that the campaign is
    /// scheduled for, or, where the rule says the hour, today.
    fn repeat(&self, after: &mut campaigns::Model, before: &campaigns::Model, now: DateTime<Utc>) {
        after.send_now = false;
        let Some(mut recurrence) = recurring::of(after) else {
            return;
        };
        let zone = zone(after);
        let wall = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local().with_second(0);
        let has_own = matches!(&self.recurrence, Some(Some(given)) if given.start.is_some());
        match self.when {
            Some(When::At(at)) if !has_own => recurrence.start = wall(at),
            _ if recurrence.start.is_none() => {
                let kept = recurring::of(before).and_then(|kept| kept.start);
                recurrence.start = kept
                    .or_else(|| wall(before.scheduled_at?.0))
                    .or_else(|| match recurrence.rule.hours.is_empty() {
                        true => None,
                        false => Some(wall(now)?.date().and_time(NaiveTime::MIN)),
                    });
            }
            _ => {}
        }
        after.recurrence = Some(recurrence.to_json());
        after.scheduled_at = recurrence.next_after(now, zone).map(Into::into);
    }

    /// What it says afterwards.
    pub fn contents_after(&self, before: &BTreeMap<Channel, Content>) -> BTreeMap<Channel, Content> {
        let mut after = before.clone();
        for (channel, content) in &self.contents {
            match content {
                Some(content) => after.insert(*channel, content.clone()),
                None => after.remove(channel),
            };
        }
        after
    }
}

fn set<T: Clone>(field: &mut T, change: &Option<T>) {
    if let Some(value) = change {
        field.clone_from(value);
    }
}
