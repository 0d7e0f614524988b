//! Step 4 of a triggered campaign: what sets it off, and a place to try it with an event.

use super::{Again, Asked, Frame, Outcome, Step};
use crate::audience::contacts::store as people;
use crate::campaigns::checklist::zone;
use crate::campaigns::forms::{OnceForm, OutcomeForm, PacingForm, TriggeredForm};
use crate::campaigns::triggers::{self, Known};
use crate::domain::trigger::Verdict;
use crate::entity::{campaigns, contacts, events};
use crate::web::filters::local;
use crate::web::forms::read;
use crate::web::{FormErrors, Result, Section, Shell, html_with, zones};
use actix_web::HttpResponse;
use askama::Template;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

/// Events to choose from.
const RECENT: u64 = 10;

#[derive(Template)]
#[template(path = "campaigns/wizard/schedule/triggered.html")]
struct TriggeredPage {
    shell: Shell,
    frame: Frame,
    form: TriggeredForm,
    when: OnceForm,
    pacing: PacingForm,
    outcome: OutcomeForm,
    errors: FormErrors,
    zones: Vec<(&'static str, &'static str)>,
    /// Names of events that were reported.
    names: Vec<String>,
    recent: Vec<(i64, String)>,
    /// What trying it came to: a kind of notice, and sentences.
    tried: Option<(&'static str, String)>,
}

impl TriggeredPage {
    fn paste(&self) -> &'static str {
        match self.recent.is_empty() {
            true => "Paste an event",
            false => "Or paste one",
        }
    }

    fn is_recent(&self, id: &i64) -> bool {
        self.form.recent == id.to_string()
    }

    fn units(&self) -> [(&'static str, &'static str); 3] {
        [("D", "days"), ("H", "hours"), ("M", "minutes")]
    }
}

/// What stands on the page.
struct Filled {
    form: TriggeredForm,
    when: OnceForm,
    pacing: PacingForm,
    outcome: OutcomeForm,
}

impl Filled {
    fn of(campaign: &campaigns::Model) -> Self {
        Self {
            form: TriggeredForm::of(campaign),
            when: OnceForm::of(campaign).or_now(),
            pacing: PacingForm::of(campaign),
            outcome: OutcomeForm::of(campaign),
        }
    }

    fn read(body: &[u8], campaign: &campaigns::Model) -> Result<Self> {
        Ok(Self {
            form: TriggeredForm::read(body, campaign)?,
            when: read(body)?,
            pacing: read(body)?,
            outcome: OutcomeForm::read(body, campaign)?,
        })
    }
}

async fn page(
    asked: &Asked<'_>,
    filled: Filled,
    again: Again,
    tried: Option<(&'static str, String)>,
) -> Result<HttpResponse> {
    let Filled {
        form,
        when,
        pacing,
        outcome,
    } = filled;
    let db = &*asked.cx.db;
    let zone = zone(asked.campaign);
    let recent = triggers::recent(db, RECENT).await?;
    html_with(
        again.status(),
        &TriggeredPage {
            shell: asked.staff.shell(Section::Campaigns, &asked.campaign.name),
            frame: Frame::load(asked.cx, Some(asked.campaign), Step::Schedule, &again).await?,
            zones: zones::choices(&when.timezone),
            when,
            pacing,
            outcome: outcome.again(&again),
            errors: again.errors,
            names: triggers::names(db).await?,
            recent: recent
                .into_iter()
                .map(|event| {
                    let at = local(event.received_at.0, zone);
                    (
                        event.id,
                        format!("{} about {}, {at}", event.name, event.contact_ref),
                    )
                })
                .collect(),
            tried,
            form,
        },
    )
}

pub async fn show(asked: &Asked<'_>) -> Result<HttpResponse> {
    page(asked, Filled::of(asked.campaign), Again::default(), None).await
}

pub async fn keep(asked: &Asked<'_>, body: &[u8]) -> Result<HttpResponse> {
    let filled = Filled::read(body, asked.campaign)?;
    if filled.form.button == "test" {
        let tried = try_out(asked, &filled.form).await?;
        return page(asked, filled, Again::default(), Some(tried)).await;
    }
    let mut errors = FormErrors::default();
    let mut changes = filled.when.parse(asked.cx.clock.now(), &mut errors);
    changes.trigger = filled.form.trigger(&mut errors).map(Some);
    filled.outcome.add_to(&mut changes, &mut errors);
    filled.pacing.add_to(&mut changes, &mut errors);
    let parsed = errors.or(|| changes);
    match asked.save(filled.outcome.revision, parsed).await? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Again(again) => page(asked, filled, again, None).await,
    }
}

/// An event as somebody pastes it: as it is posted to the API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pasted {
    #[serde(default)]
    name: Option<String>,
    contact: String,
    #[serde(default)]
    properties: Value,
    #[serde(default)]
    occurred_at: Option<DateTime<Utc>>,
}

/// What the trigger of the form would do with an event. Sends nothing and keeps nothing.
async fn try_out(asked: &Asked<'_>, form: &TriggeredForm) -> Result<(&'static str, String)> {
    let mut errors = FormErrors::default();
    let Some(trigger) = form.trigger(&mut errors) else {
        let text = errors.0.first().map(|error| error.message.clone());
        return Ok((
            "error",
            format!("The trigger is not complete: {}", text.unwrap_or_default()),
        ));
    };
    let (db, now) = (&*asked.cx.db, asked.cx.clock.now());
    let (event, person) = match (form.recent.parse::<i64>(), form.test.trim()) {
        (Ok(id), "") => match triggers::event(db, id).await? {
            Some(event) => {
                let person = match event.contact_id {
                    Some(id) => people::find(db, id).await?,
                    None => None,
                };
                (event, person)
            }
            None => return Ok(("error", "This event is gone. Choose another one.".into())),
        },
        (_, "") => return Ok(("error", "Choose an event, or paste one.".into())),
        (_, text) => match serde_json::from_str::<Pasted>(text) {
            Ok(pasted) => {
                let person = people::by_key_or_id_or_email(db, &pasted.contact).await?;
                (pasted.event(&trigger.event, person.as_ref(), now), person)
            }
            Err(error) => return Ok(("error", format!("This cannot be read: {error}."))),
        },
    };
    if event.name != trigger.event {
        let text = format!(
            "It would not be looked at: it is a {}, not a {}.",
            event.name, trigger.event
        );
        return Ok(("warn", text));
    }
    let ids: Vec<i64> = event.contact_id.into_iter().collect();
    let known = Known::load(db, asked.campaign, &trigger, &ids, now).await?;
    let zone = zone(asked.campaign);
    Ok(match known.verdict(&trigger, &event, now, zone) {
        Verdict::Send(due) => {
            let who = person.map_or_else(String::new, |person| named(&person));
            let when = match due <= now {
                true => "at once".to_owned(),
                false => local(due, zone),
            };
            ("ok", format!("It would send to {who}, {when}."))
        }
        Verdict::Not(outcome, detail) => (
            "warn",
            format!(
                "It would send nothing: {}. {}",
                outcome.label(),
                detail.unwrap_or_default()
            ),
        ),
    })
}

impl Pasted {
    fn event(self, usual: &str, person: Option<&contacts::Model>, now: DateTime<Utc>) -> events::Model {
        events::Model {
            id: 0,
            external_id: None,
            name: self.name.unwrap_or_else(|| usual.to_owned()),
            contact_id: person.map(|person| person.id),
            contact_ref: self.contact,
            properties: self.properties,
            occurred_at: self.occurred_at.unwrap_or(now).into(),
            received_at: now.into(),
            pending: false,
        }
    }
}

fn named(person: &contacts::Model) -> String {
    let name = format!("{} {}", person.first_name, person.last_name);
    match (name.trim(), &person.email) {
        ("", Some(email)) => email.clone(),
        (name, Some(email)) => format!("{name} ({email})"),
        (name, None) => name.to_owned(),
    }
}
