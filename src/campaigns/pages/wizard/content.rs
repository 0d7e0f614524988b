//! Step 3: the template, as it will look, and the sender.

use super::{Again, Frame, How, Outcome, Posted, Step, gone_on, load, save};
use crate::accounts::{Manager, Staff};
use crate::campaigns::channels::{Word, Words, in_words};
use crate::campaigns::forms::ContentForm;
use crate::campaigns::store;
use crate::content::store as content;
use crate::context::Context;
use crate::domain::Channel;
use crate::entity::{campaigns, template_versions, templates};
use crate::web::forms::Form;
use crate::web::{FormErrors, Hx, Result, Section, Shell, html, html_with};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "campaigns/wizard/content.html")]
struct ContentPage {
    shell: Shell,
    frame: Frame,
    form: ContentForm,
    errors: FormErrors,
    templates: Vec<templates::Model>,
    chosen: Option<Chosen>,
    /// Channels whose content is kept and not sent yet.
    waiting: String,
    /// The club's sender, which stands where the campaign says nothing.
    usual_sender: String,
}

impl ContentPage {
    fn is_chosen(&self, template: &templates::Model) -> bool {
        self.form.template == template.id.to_string()
    }
}

/// The template that is chosen, as it is now.
struct Chosen {
    template: templates::Model,
    version: Option<template_versions::Model>,
}

/// The preview by itself, for the choice that was just made.
#[derive(Template)]
#[template(path = "campaigns/wizard/_preview.html")]
struct PreviewPart {
    chosen: Option<Chosen>,
}

async fn chosen(cx: &Context, template: &str) -> Result<Option<Chosen>> {
    if template.is_empty() {
        return Ok(None);
    }
    let Some(template) = content::by_key_or_id(&*cx.db, template).await? else {
        return Ok(None);
    };
    Ok(Some(Chosen {
        version: content::current_version(&*cx.db, template.id).await?,
        template,
    }))
}

async fn page(
    cx: &Context,
    staff: &Staff<Manager>,
    campaign: &campaigns::Model,
    mut form: ContentForm,
    again: Again,
) -> Result<HttpResponse> {
    let chosen = chosen(cx, &form.template).await?;
    let mut templates = store::templates(&*cx.db, Channel::Email).await?;
    if let Some(chosen) = &chosen
        && !templates.iter().any(|template| template.id == chosen.template.id)
    {
        templates.push(chosen.template.clone());
    }
    form.revision = again.revision.unwrap_or(form.revision);
    let waiting: Vec<_> = Words::of(campaign)
        .waiting()
        .into_iter()
        .map(Word::label)
        .collect();
    let sender = &staff.club.sender;
    html_with(
        again.status(),
        &ContentPage {
            shell: staff.shell(Section::Campaigns, &campaign.name),
            frame: Frame::load(cx, Some(campaign), Step::Content, &again).await?,
            errors: again.errors,
            form,
            templates,
            chosen,
            waiting: in_words(&waiting),
            usual_sender: match (sender.name.as_str(), sender.email.as_str()) {
                (_, "") => String::new(),
                ("", email) => email.to_owned(),
                (name, email) => format!("{name} <{email}>"),
            },
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
    let contents = store::contents(&*cx.db, campaign.id).await?;
    let form = ContentForm::of(&campaign, &contents);
    page(&cx, &staff, &campaign, form, Again::default()).await
}

/// `POST /campaigns/{id}/content`
pub async fn save_content(
    staff: Staff<Manager>,
    id: web::Path<i64>,
    hx: Hx,
    how: web::Query<How>,
    cx: web::Data<Context>,
    Form(form): Form<ContentForm>,
) -> Result<HttpResponse> {
    let campaign = load(&cx, *id).await?;
    let parsed = form.parse(&*cx.db).await?;
    let posted = Posted {
        hx,
        how: *how,
        step: Step::Content,
        revision: form.revision,
    };
    match save(&cx, &staff, posted, &campaign, parsed).await? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Again(again) => page(&cx, &staff, &campaign, form, again).await,
    }
}

#[derive(Debug, Default, Deserialize)]
pub struct Choice {
    #[serde(rename = "email.templateId", default)]
    template: String,
}

/// `GET /campaigns/{id}/preview?email.templateId=`: how a choice would look.
pub async fn get_preview(
    _staff: Staff<Manager>,
    id: web::Path<i64>,
    choice: web::Query<Choice>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    load(&cx, *id).await?;
    html(&PreviewPart {
        chosen: chosen(&cx, &choice.template).await?,
    })
}
