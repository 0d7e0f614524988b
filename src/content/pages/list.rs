//! `/templates`: all of them, and making one.

use crate::accounts::{Club, Manager, Staff, Viewer};
use crate::content::blocks::commands as blocks;
use crate::content::commands;
use crate::content::draft::NewTemplate;
use crate::content::starters::{self, STARTERS, Starter};
use crate::content::store::{self, Listed};
use crate::context::Context;
use crate::domain::{BodyKind, Channel, Role, slug};
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;

/// The longest search that is read.
const LONGEST_SEARCH: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    archived: bool,
}

#[derive(Template)]
#[template(path = "content/list.html")]
struct ListPage {
    shell: Shell,
    zone: Tz,
    words: String,
    is_archived: bool,
    rows: Vec<Listed>,
}

/// `GET /templates`
pub async fn list_templates(
    staff: Staff<Viewer>,
    asked: Query<Asked>,
    cx: Data<Context>,
) -> Result<HttpResponse> {
    let words: String = asked.q.trim().chars().take(LONGEST_SEARCH).collect();
    html(&ListPage {
        rows: store::list(&*cx.db, &words, asked.archived).await?,
        shell: staff.shell(Section::Templates, "Templates"),
        zone: staff.zone(),
        words,
        is_archived: asked.archived,
    })
}

#[derive(Template)]
#[template(path = "content/new.html")]
struct NewPage {
    shell: Shell,
    form: NewForm,
    errors: FormErrors,
}

impl NewPage {
    fn starters(&self) -> &'static [Starter] {
        STARTERS
    }

    fn channels(&self) -> impl Iterator<Item = Channel> {
        Channel::ALL
            .iter()
            .copied()
            .filter(|channel| *channel != Channel::Social)
    }
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct NewForm {
    name: String,
    key: String,
    channel: String,
    starter: String,
}

impl Default for NewForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            key: String::new(),
            channel: Channel::Email.to_string(),
            starter: "announcement-email".into(),
        }
    }
}

impl NewForm {
    /// The key and the template to begin with.
    fn parse(&self, base: &str, club: &Club) -> Result<(String, NewTemplate), FormErrors> {
        let mut errors = FormErrors::default();
        let name = errors.text("name", &self.name, crate::content::draft::LONGEST_NAME);
        let key = match self.key.trim() {
            "" => slug::of(&name),
            key => key.to_owned(),
        };
        if let Err(message) = slug::check(&key)
            && !name.is_empty()
        {
            errors.add("key", message);
        }
        let channel = match self.channel.parse() {
            Ok(channel) if channel != Channel::Social => channel,
            _ => {
                errors.add("channel", "Choose a channel.");
                Channel::Email
            }
        };
        let draft = match (channel, starters::by_key(&self.starter)) {
            (Channel::Email, Some(starter)) => NewTemplate {
                name,
                ..starter.draft(base, club)
            },
            (Channel::Email, None) => NewTemplate {
                channel,
                subject: name.clone(),
                name,
                preheader: String::new(),
                kind: BodyKind::Html,
                body: "<p>Dear {{ contact.first_name | default(\"golfer\") }},</p>\n<p></p>\n".into(),
                text: None,
            },
            (channel, _) => NewTemplate {
                channel,
                name,
                subject: String::new(),
                preheader: String::new(),
                kind: BodyKind::Text,
                body: "{{ contact.first_name | default(\"Golfer\") }}, ".into(),
                text: None,
            },
        };
        errors.or(|| (key, draft))
    }
}

/// `GET /templates/new?channel=`
pub async fn new_template(staff: Staff<Manager>, form: Query<NewForm>) -> Result<HttpResponse> {
    html(&NewPage {
        shell: staff.shell(Section::Templates, "New template"),
        form: form.into_inner(),
        errors: FormErrors::default(),
    })
}

/// `POST /templates/new`: makes it, then opens the editor.
pub async fn create_template(
    staff: Staff<Manager>,
    cx: Data<Context>,
    hx: Hx,
    Form(form): Form<NewForm>,
) -> Result<HttpResponse> {
    match make(&staff, &cx, &form).await {
        Ok(id) => Ok(see_other(hx, &format!("/templates/{id}"))),
        Err(AppError::Invalid(errors)) => html_with(
            StatusCode::UNPROCESSABLE_ENTITY,
            &NewPage {
                shell: staff.shell(Section::Templates, "New template"),
                form,
                errors,
            },
        ),
        Err(error) => Err(error),
    }
}

async fn make(staff: &Staff<Manager>, cx: &Context, form: &NewForm) -> Result<i64> {
    let (key, draft) = form.parse(&cx.settings.base(), &staff.club)?;
    let tx = cx.db.begin().await?;
    blocks::make_ours(&tx, &draft.body, &staff.actor(), cx.clock.now()).await?;
    let template = commands::create(&tx, &key, draft, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    Ok(template.id)
}
