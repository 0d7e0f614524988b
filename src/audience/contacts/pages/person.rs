//! `GET /contacts/{id}`: one person. Answers “why did I get this, why not?” from consent and ledger.

use crate::accounts::{Manager, Staff, Viewer};
use crate::audience::consent::commands::{self as consent, Ground};
use crate::audience::contacts::store;
use crate::context::Context;
use crate::domain::{Channel, ConsentStatus, Role};
use crate::entity::{attribute_definitions, consent_log, consents, contacts, topics};
use crate::reports::journeys;
use crate::reports::person::{self, Moment};
use crate::web::filters;
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html, see_other};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::Value;

#[derive(Template)]
#[template(path = "audience/contacts/person.html")]
struct PersonPage {
    shell: Shell,
    zone: Tz,
    contact: contacts::Model,
    tags: Vec<String>,
    consents: Vec<consents::Model>,
    topics: Vec<(topics::Model, bool)>,
    history: Vec<consent_log::Model>,
    definitions: Vec<attribute_definitions::Model>,
    moments: Vec<Moment>,
    walks: Vec<journeys::Walk>,
}

impl PersonPage {
    /// The attributes that have a value, by the club's names for them.
    fn attributes(&self) -> Vec<(&str, String)> {
        let Value::Object(values) = &self.contact.attributes else {
            return Vec::new();
        };
        values
            .iter()
            .map(|(name, value)| {
                let label = self.definitions.iter().find(|row| row.name == *name);
                (
                    label.map_or(name.as_str(), |row| row.label.as_str()),
                    written(value),
                )
            })
            .collect()
    }

    fn consent(&self, channel: &Channel) -> Option<&consents::Model> {
        self.consents.iter().find(|row| row.channel == *channel)
    }

    fn status(&self, channel: &Channel) -> ConsentStatus {
        self.consent(channel)
            .map_or(ConsentStatus::None, |row| row.status)
    }

    fn label(&self, status: impl std::borrow::Borrow<ConsentStatus>) -> &'static str {
        consent_label(*status.borrow())
    }

    fn channels(&self) -> [Channel; 4] {
        [Channel::Email, Channel::Sms, Channel::Push, Channel::WhatsApp]
    }

    /// What a line of the consent log was about.
    fn about(&self, line: &consent_log::Model) -> String {
        match (line.channel, line.topic_id) {
            (Some(channel), _) => channel.label().to_owned(),
            (None, Some(id)) => self
                .topics
                .iter()
                .find(|(topic, _)| topic.id == id)
                .map_or_else(|| "A topic".to_owned(), |(topic, _)| topic.name.clone()),
            _ => String::new(),
        }
    }
}

/// A value as people read it.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

const fn consent_label(status: ConsentStatus) -> &'static str {
    match status {
        ConsentStatus::None => "Never asked",
        ConsentStatus::Subscribed => "Subscribed",
        ConsentStatus::Unsubscribed => "Unsubscribed",
    }
}

pub async fn get_contact(staff: Staff<Viewer>, id: Path<i64>, cx: Data<Context>) -> Result<HttpResponse> {
    let db = &*cx.db;
    let contact = store::find(db, *id).await?.ok_or(AppError::NotFound)?;
    html(&PersonPage {
        shell: staff.shell(Section::Contacts, &store::name(&contact)),
        zone: staff.zone(),
        tags: store::tags(db, *id).await?,
        consents: store::consents(db, *id).await?,
        topics: store::topics(db, *id).await?,
        history: store::consent_history(db, *id).await?,
        definitions: store::attributes(db).await?,
        moments: person::history(db, *id).await?,
        walks: journeys::of(db, *id).await?,
        contact,
    })
}

#[derive(Debug, Deserialize)]
pub struct ConsentForm {
    channel: String,
    status: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    evidence: String,
}

/// `POST /contacts/{id}/consent`: what the person told a member of staff.
pub async fn set_consent(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
    Form(form): Form<ConsentForm>,
) -> Result<HttpResponse> {
    let mut errors = FormErrors::default();
    let source = errors.text("source", &form.source, 100);
    let evidence = errors.optional("evidence", &form.evidence, 500);
    let channel: Option<Channel> = form.channel.parse().ok();
    let status: Option<ConsentStatus> = form.status.parse().ok();
    let (Some(channel), Some(status), true) = (channel, status, errors.is_empty()) else {
        staff.flash(
            "error",
            "Say on what ground: where did the person say so? Nothing was changed.",
        );
        return Ok(see_other(hx, &format!("/contacts/{id}")));
    };
    let actor = staff.actor();
    let ground = Ground {
        source: &source,
        evidence: &evidence,
        actor: &actor.name,
    };
    let tx = cx.db.begin().await?;
    store::find(&*tx, *id).await?.ok_or(AppError::NotFound)?;
    consent::set(&tx, *id, channel, status, &ground, cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        format!("{}: {}.", channel.label(), consent_label(status).to_lowercase()),
    );
    Ok(see_other(hx, &format!("/contacts/{id}")))
}
