//! Step 1: name, type, channels, topic, purpose.

use super::{Again, Frame, How, Outcome, Posted, Step, gone_on, load, save};
use crate::accounts::{Manager, Staff};
use crate::campaigns::channels::{Word, Words};
use crate::campaigns::commands;
use crate::campaigns::draft::NewCampaign;
use crate::campaigns::forms::BasicsForm;
use crate::campaigns::store;
use crate::context::Context;
use crate::domain::{CampaignType, Channel, Purpose};
use crate::entity::campaigns;
use crate::providers::store as providers;
use crate::web::forms::Form;
use crate::web::{FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::{HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "campaigns/wizard/basics.html")]
struct BasicsPage {
    shell: Shell,
    frame: Frame,
    form: BasicsForm,
    errors: FormErrors,
    /// Id and name; the first is none.
    topics: Vec<(String, String)>,
    /// Whether a provider carries texts.
    sends_texts: bool,
}

impl BasicsPage {
    fn kinds(&self) -> &'static [CampaignType] {
        CampaignType::ALL
    }

    fn kind_hint(&self, kind: &CampaignType) -> &'static str {
        match kind {
            CampaignType::OneTime => "Sent once, now or at a time you choose: a tournament announcement.",
            CampaignType::Recurring => "Repeats on a schedule: a weekly newsletter.",
            CampaignType::Triggered => "Follows on something that happens: a booking confirmation.",
            CampaignType::Journey => "Several steps over days: an onboarding series.",
        }
    }

    fn is_kind(&self, kind: &CampaignType) -> bool {
        self.form.kind == kind.as_str()
    }

    /// What is ready can be chosen; what came through the API is kept.
    fn may_choose(&self, kind: &CampaignType) -> bool {
        let kept = self.frame.campaign.as_ref().map(|campaign| campaign.kind);
        kind.is_ready() || kept == Some(*kind)
    }

    fn channels(&self) -> &'static [Channel] {
        Channel::ALL
    }

    fn channel_hint(&self, channel: &Channel) -> &'static str {
        match channel {
            Channel::Email => "A mail made from a template.",
            Channel::Sms if self.sends_texts => "A short text to phones.",
            Channel::Sms => "A short text to phones. Kept in the mailbox while no provider is active.",
            Channel::Push => "A notification in browsers and apps.",
            Channel::WhatsApp => "A message in WhatsApp.",
            Channel::Social => "Posts on the club’s own pages.",
        }
    }

    /// What is kept on a channel that is not ready; empty where nothing is.
    fn kept(&self, channel: &Channel) -> String {
        let Some(campaign) = &self.frame.campaign else {
            return String::new();
        };
        let labels: Vec<_> = Words::of(campaign)
            .iter()
            .filter(|word| word.channel() == *channel && !channel.is_ready())
            .map(Word::label)
            .collect();
        labels.join(", ")
    }

    fn is_purpose(&self, purpose: &Purpose) -> bool {
        self.form.purpose == purpose.as_str()
    }
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: Option<&campaigns::Model>,
    mut form: BasicsForm,
    again: Again,
) -> Result<HttpResponse> {
    let mut topics = vec![(String::new(), "No topic".to_owned())];
    for topic in store::topics(&*cx.db).await? {
        topics.push((topic.id.to_string(), topic.name));
    }
    form.revision = again.revision.unwrap_or(form.revision);
    let title = campaign.map_or("New campaign", |campaign| &campaign.name);
    html_with(
        again.status(),
        &BasicsPage {
            shell: staff.shell(Section::Campaigns, title),
            frame: Frame::load(cx, campaign, Step::Basics, &again).await?,
            errors: again.errors,
            form,
            topics,
            sends_texts: !providers::active(&*cx.db, Channel::Sms).await?.is_empty(),
        },
    )
}

/// `GET /campaigns/new`
pub async fn get_new(staff: Staff<Manager>, cx: web::Data<Context>) -> Result<HttpResponse> {
    page(&cx, &staff, None, BasicsForm::blank(), Again::default()).await
}

/// `POST /campaigns/new`: the draft is there from here on.
pub async fn create_campaign(
    staff: Staff<Manager>,
    hx: Hx,
    cx: web::Data<Context>,
    Form(form): Form<BasicsForm>,
) -> Result<HttpResponse> {
    let changes = match form.parse(&*cx.db, None).await? {
        Ok(changes) => changes,
        Err(errors) => {
            let again = Again {
                errors,
                ..Again::default()
            };
            return page(&cx, &staff, None, form, again).await;
        }
    };
    let new = NewCampaign {
        name: changes.name.clone().unwrap_or_default(),
        kind: changes.kind.unwrap_or(CampaignType::OneTime),
        timezone: staff.club.timezone,
        rest: changes,
    };
    let campaign = commands::create(&cx, new, &staff.actor()).await?;
    Ok(see_other(hx, &Step::Audience.url(campaign.id)))
}

/// `GET /campaigns/{id}/basics`
pub async fn get_basics(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    if let Some(elsewhere) = gone_on(&staff, &campaign) {
        return Ok(elsewhere);
    }
    page(
        &cx,
        &staff,
        Some(&campaign),
        BasicsForm::of(&campaign),
        Again::default(),
    )
    .await
}

/// `POST /campaigns/{id}/basics`
pub async fn save_basics(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    how: web::Query<How>,
    cx: web::Data<Context>,
    Form(form): Form<BasicsForm>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    let parsed = form.parse(&*cx.db, Some(&campaign)).await?;
    let posted = Posted {
        hx,
        how: *how,
        step: Step::Basics,
        revision: form.revision,
    };
    match save(&cx, &staff, posted, &campaign, parsed).await? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Again(again) => page(&cx, &staff, Some(&campaign), form, again).await,
    }
}
