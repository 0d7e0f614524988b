//! Step 3: the template, as it will look, and the sender.

use super::social::SocialPart;
use super::{Again, Frame, How, Outcome, Posted, Step, gone_on, load, save};
use crate::accounts::{Club, Manager, Staff};
use crate::campaigns::channels::{Word, Words, in_words, template_field};
use crate::campaigns::draft::Changes;
use crate::campaigns::forms::{ContentForm, ExperimentForm, SenderForm, SocialForm};
use crate::campaigns::store;
use crate::content::sample;
use crate::content::store as content;
use crate::context::Context;
use crate::domain::sms::Cost;
use crate::domain::{CampaignType, Channel};
use crate::entity::{campaigns, template_versions, templates};
use crate::providers::store as providers;
use crate::web::forms::read;
use crate::web::{FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "campaigns/wizard/content.html")]
struct ContentPage {
    shell: Shell,
    frame: Frame,
    form: ContentForm,
    tried: ExperimentForm,
    errors: FormErrors,
    /// What it says on each channel that it is sent on.
    parts: Vec<Part>,
    /// What is posted, where the campaign posts.
    social: Option<SocialPart>,
    /// Channels whose content is kept and not sent yet.
    waiting: String,
    /// The club's sender, which stands where the campaign says nothing.
    usual_sender: String,
}

impl ContentPage {
    fn has_mail(&self) -> bool {
        self.parts.iter().any(|part| part.channel == Channel::Email)
    }
}

/// One channel's choice of a template.
struct Part {
    channel: Channel,
    templates: Vec<templates::Model>,
    preview: PreviewPart,
}

impl Part {
    fn field(&self) -> &'static str {
        template_field(self.channel)
    }

    fn is_chosen(&self, template: &templates::Model) -> bool {
        let chosen = self.preview.chosen.as_ref();
        chosen.is_some_and(|chosen| chosen.template.id == template.id)
    }
}

/// The template that is chosen, as it is now.
struct Chosen {
    template: templates::Model,
    version: Option<template_versions::Model>,
    /// A text message as one of the club's people would get it; empty for other channels.
    text: String,
    /// What it costs, where a price is set.
    cost: Option<Cost>,
}

/// The preview by itself, for the choice that was just made.
#[derive(Template)]
#[template(path = "campaigns/wizard/_preview.html")]
struct PreviewPart {
    chosen: Option<Chosen>,
}

impl PreviewPart {
    async fn load(cx: &Context, club: &Club, channel: Channel, template: &str) -> Result<Self> {
        let chosen = match template {
            "" => None,
            text => content::by_key_or_id(&*cx.db, text).await?,
        };
        let Some(template) = chosen.filter(|template| template.channel == channel) else {
            return Ok(Self { chosen: None });
        };
        let version = content::current_version(&*cx.db, template.id).await?;
        let text = match (&version, channel) {
            (Some(version), Channel::Sms) => sample_text(cx, club, version.clone()).await?,
            _ => String::new(),
        };
        Ok(Self {
            chosen: Some(Chosen {
                template,
                version,
                text,
                cost: providers::text_cost(&*cx.db, club.currency).await?,
            }),
        })
    }
}

/// What a text message reads for one of the club's people; what is wrong with it, otherwise.
async fn sample_text(cx: &Context, club: &Club, version: template_versions::Model) -> Result<String> {
    let Some(reader) = sample::reader(cx, club, "", &version).await? else {
        return Ok(String::new());
    };
    let rendered = sample::render(cx, Channel::Sms, version, reader.values).await?;
    Ok(rendered.map_or_else(|problem| problem, |rendered| rendered.text))
}

async fn part(cx: &Context, club: &Club, channel: Channel, template: &str) -> Result<Part> {
    let preview = PreviewPart::load(cx, club, channel, template).await?;
    let mut templates = store::templates(&*cx.db, channel).await?;
    // One that was archived since stays the choice until another is made.
    if let Some(chosen) = &preview.chosen
        && !templates.iter().any(|template| template.id == chosen.template.id)
    {
        templates.push(chosen.template.clone());
    }
    Ok(Part {
        channel,
        templates,
        preview,
    })
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: &campaigns::Model,
    (mut form, tried, social): (ContentForm, ExperimentForm, SocialForm),
    again: Again,
) -> Result<HttpResponse> {
    let words = Words::of(campaign);
    let mut parts = Vec::new();
    for channel in words.personal() {
        parts.push(part(cx, &staff.club, channel, form.template(&channel)).await?);
    }
    form.revision = again.revision.unwrap_or(form.revision);
    let waiting: Vec<_> = words.waiting().into_iter().map(Word::label).collect();
    html_with(
        again.status(),
        &ContentPage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            frame: Frame::load(cx, Some(campaign), Step::Content, &again).await?,
            errors: again.errors,
            form,
            parts,
            social: match words.has(&Channel::Social) {
                true => Some(SocialPart::load(cx, &staff.club, campaign, social).await?),
                false => None,
            },
            tried,
            waiting: in_words(&waiting),
            usual_sender: SenderForm::usual(&staff.club),
        },
    )
}

/// `GET /campaigns/{id}/content`
pub async fn get_content(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    if let Some(elsewhere) = gone_on(&staff, &campaign) {
        return Ok(elsewhere);
    }
    if campaign.kind == CampaignType::Journey {
        // What it says stands in its steps.
        return Ok(see_other(
            Hx::NONE,
            &format!("/campaigns/{}/journey", campaign.id),
        ));
    }
    let contents = store::contents(&*cx.db, campaign.id).await?;
    let form = ContentForm::of(&campaign, &contents);
    let social = SocialPart::form(&campaign, &contents);
    let filled = (form, ExperimentForm::of(&campaign), social);
    page(&cx, &staff, &campaign, filled, Again::default()).await
}

/// What the forms change together, or everything that is wrong with any.
fn with_others(
    parsed: Result<Changes, FormErrors>,
    tried: &ExperimentForm,
    social: Option<&SocialForm>,
) -> Result<Changes, FormErrors> {
    let (mut changes, mut errors) = match parsed {
        Ok(changes) => (changes, FormErrors::default()),
        Err(errors) => (Changes::default(), errors),
    };
    tried.add_to(&mut changes, &mut errors);
    if let Some(social) = social {
        let content = social.parse(&mut errors);
        changes.contents.insert(Channel::Social, Some(content));
    }
    errors.or(|| changes)
}

/// `POST /campaigns/{id}/content`
pub async fn save_content(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    how: web::Query<How>,
    cx: web::Data<Context>,
    body: web::Bytes,
) -> Result<HttpResponse> {
    let (form, tried): (ContentForm, ExperimentForm) = (read(&body)?, read(&body)?);
    let social: SocialForm = read(&body)?;
    let campaign = load(&cx, *id).await?;
    let words = Words::of(&campaign);
    let parsed = form.parse(&*cx.db, &words.ready()).await?;
    let posted = words.has(&Channel::Social).then_some(&social);
    let parsed = with_others(parsed, &tried, posted);
    let posted = Posted {
        hx,
        how: *how,
        step: Step::Content,
        revision: form.revision,
    };
    match save(&cx, &staff, posted, &campaign, parsed).await? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Again(again) => page(&cx, &staff, &campaign, (form, tried, social), again).await,
    }
}

/// A choice that was just made, of whichever channel it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Choice {
    #[serde(rename = "email.templateId")]
    email: Option<String>,
    #[serde(rename = "sms.templateId")]
    sms: Option<String>,
}

/// `GET /campaigns/{id}/preview?email.templateId=`: how a choice would look.
pub async fn get_preview(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    choice: web::Query<Choice>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    load(&cx, *id).await?;
    let (channel, template) = match (&choice.email, &choice.sms) {
        (None, Some(template)) => (Channel::Sms, template.as_str()),
        (template, _) => (Channel::Email, template.as_deref().unwrap_or_default()),
    };
    html(&PreviewPart::load(&cx, &staff.club, channel, template).await?)
}
