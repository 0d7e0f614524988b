//! What the steps have in common: which there are, and the frame around each.

use super::Again;
use crate::campaigns::channels::Words;
use crate::campaigns::checklist::zone;
use crate::campaigns::forms::needs_no_segment;
use crate::campaigns::{social, store};
use crate::context::Context;
use crate::domain::{CampaignType, Status};
use crate::entity::campaigns;
use crate::web::Result;
use crate::web::filters::local;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Basics,
    Audience,
    Content,
    Schedule,
    Review,
}

impl Step {
    const ALL: [Self; 5] = [
        Self::Basics,
        Self::Audience,
        Self::Content,
        Self::Schedule,
        Self::Review,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Basics => "basics",
            Self::Audience => "audience",
            Self::Content => "content",
            Self::Schedule => "schedule",
            Self::Review => "review",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Basics => "Basics",
            Self::Audience => "Audience",
            Self::Content => "Content",
            Self::Schedule => "Schedule",
            Self::Review => "Review",
        }
    }

    pub fn url(self, campaign: i64) -> String {
        format!("/campaigns/{campaign}/{}", self.word())
    }

    pub const fn next(self) -> Self {
        match self {
            Self::Basics => Self::Audience,
            Self::Audience => Self::Content,
            Self::Content => Self::Schedule,
            Self::Schedule | Self::Review => Self::Review,
        }
    }
}

/// What the steps have in common: where one is, and what there is to know.
pub struct Frame {
    /// `None` while the campaign is not there yet.
    pub campaign: Option<campaigns::Model>,
    step: Step,
    /// A sentence above the form: that somebody was quicker.
    pub conflict: Option<String>,
    /// What is wrong with fields that are on another step.
    pub elsewhere: Vec<String>,
    /// Whether it says anything on a channel that is sent on.
    has_content: bool,
}

/// An entry of the steps' navigation.
pub struct Entry {
    pub label: &'static str,
    /// `None` where it cannot be gone to yet.
    pub href: Option<String>,
    pub is_current: bool,
    pub is_done: bool,
}

impl Frame {
    pub async fn load(
        cx: &Context,
        campaign: Option<&campaigns::Model>,
        step: Step,
        again: &Again,
    ) -> Result<Self> {
        let has_content = match campaign {
            Some(campaign) => {
                let contents = store::contents(&*cx.db, campaign.id).await?;
                let ready = Words::of(campaign).ready();
                campaign.journey.is_some()
                    || !ready.is_empty() && ready.iter().all(|channel| contents.contains_key(channel))
            }
            None => false,
        };
        Ok(Self {
            has_content,
            campaign: campaign.cloned(),
            step,
            conflict: again.conflict.clone(),
            elsewhere: again
                .errors
                .0
                .iter()
                .filter(|error| !is_on(step, &error.field))
                .map(|error| error.message.clone())
                .collect(),
        })
    }

    pub fn entries(&self) -> Vec<Entry> {
        Step::ALL
            .into_iter()
            .map(|step| Entry {
                label: match (step, self.is_journey()) {
                    (Step::Content, true) => "Journey",
                    (step, _) => step.label(),
                },
                href: self.campaign.as_ref().map(|campaign| step.url(campaign.id)),
                is_current: step == self.step,
                is_done: self.is_done(step),
            })
            .collect()
    }

    /// Whether it can go to people without a segment.
    pub fn needs_no_segment(&self) -> bool {
        let campaign = self.campaign.as_ref();
        campaign.is_some_and(needs_no_segment)
    }

    /// Whether it says something else at each of its steps.
    pub fn is_journey(&self) -> bool {
        let kind = self.campaign.as_ref().map(|campaign| campaign.kind);
        kind == Some(CampaignType::Journey)
    }

    /// Whether a step has what it asks for. The checklist says whether it is right.
    fn is_done(&self, step: Step) -> bool {
        let Some(campaign) = &self.campaign else {
            return false;
        };
        match step {
            Step::Basics => true,
            Step::Audience => {
                campaign.segment_id.is_some() || self.is_journey() || social::only_posts(campaign)
            }
            Step::Content => self.has_content,
            Step::Schedule => campaign.send_now || campaign.scheduled_at.is_some(),
            Step::Review => false,
        }
    }

    /// The form's address.
    pub fn action(&self) -> String {
        match &self.campaign {
            Some(campaign) => self.step.url(campaign.id),
            None => "/campaigns/new".to_owned(),
        }
    }

    pub fn name(&self) -> &str {
        self.campaign
            .as_ref()
            .map_or("New campaign", |campaign| &campaign.name)
    }

    /// Whether it saves itself while somebody writes.
    pub fn saves_itself(&self) -> bool {
        self.campaign
            .as_ref()
            .is_some_and(|campaign| campaign.status == Status::Draft)
    }

    /// When a campaign that is scheduled goes out.
    pub fn scheduled_for(&self) -> Option<String> {
        let campaign = self
            .campaign
            .as_ref()
            .filter(|campaign| campaign.status == Status::Scheduled)?;
        Some(match campaign.scheduled_at {
            Some(at) => local(at.0, zone(campaign)),
            None => "now".to_owned(),
        })
    }

    /// Where one goes back to.
    pub fn back(&self) -> String {
        let back = match self.step {
            Step::Basics => None,
            Step::Audience => Some(Step::Basics),
            Step::Content => Some(Step::Audience),
            Step::Schedule => Some(Step::Content),
            Step::Review => Some(Step::Schedule),
        };
        match (&self.campaign, back) {
            (Some(campaign), Some(step)) => step.url(campaign.id),
            (Some(campaign), None) => format!("/campaigns/{}", campaign.id),
            (None, _) => "/campaigns".to_owned(),
        }
    }
}

/// Whether a field, by the API's name, stands on a step.
fn is_on(step: Step, field: &str) -> bool {
    match step {
        Step::Basics => matches!(field, "name" | "type" | "channels" | "topic" | "purpose"),
        Step::Audience => matches!(field, "segmentId" | "onlyNew"),
        Step::Content if field.starts_with("experiment") || field.starts_with("social") => true,
        Step::Schedule if field.starts_with("delivery") || field.starts_with("feed") => true,
        Step::Content => matches!(
            field,
            "email.templateId" | "sender.name" | "sender.email" | "sender.replyTo"
        ),
        Step::Schedule if field.starts_with("recurrence") => true,
        Step::Schedule => matches!(
            field,
            "frequency"
                | "every"
                | "days"
                | "monthDay"
                | "nth"
                | "rule"
                | "until"
                | "count"
                | "exceptions"
                | "grace"
                | "scheduledAt"
                | "date"
                | "time"
                | "timezone"
                | "goal.event"
                | "goal.window"
                | "goal.after"
                | "goal.value"
                | "goal.where"
                | "inDoubt"
        ),
        Step::Review => false,
    }
}
