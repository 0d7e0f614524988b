//! The forms of a step: which kind it is to be, and what it says. One that is refused comes back to
//! where it was typed.

use super::form::{StepForm, WEEKDAYS};
use crate::accounts::{Manager, Staff};
use crate::audience::segments::store as segments;
use crate::campaigns::journey::known;
use crate::campaigns::store as campaigns_store;
use crate::context::Context;
use crate::domain::Channel;
use crate::domain::journey::{Journey, call};
use crate::entity::{attribute_definitions, campaigns};
use crate::web::{AppError, FormErrors, Hx, Result, Section, Shell, html_with};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::Weekday;
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde::Deserialize;

/// Where a form stands, and what it is for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Place {
    pub after: String,
    pub way: usize,
    pub before: String,
    pub kind: String,
    pub slot: String,
}

/// The place on the page where a form stands, if it is one of ours: it becomes part of a selector.
pub fn slot(text: &str) -> String {
    let is_ours = text.starts_with("slot-")
        && text.len() <= 80
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if is_ours { text.to_owned() } else { String::new() }
}

#[derive(Template)]
#[template(path = "campaigns/journey/kinds.html", blocks = ["form"])]
pub struct KindsPage {
    pub shell: Shell,
    pub campaign: campaigns::Model,
    pub place: Place,
    pub slot: String,
}

impl KindsPage {
    /// Word, name, and what it is for.
    fn kinds(&self) -> [(&'static str, &'static str, &'static str); 10] {
        [
            ("message", "Send an e-mail", "A template, to whoever comes here."),
            ("wait", "Wait", "Some minutes, hours, days or weeks."),
            ("until", "Wait until", "The next Tuesday at 09:00, say."),
            (
                "await",
                "Wait for an event",
                "Such as a booking, or at most so long.",
            ),
            (
                "branch",
                "Branch",
                "By segment, an earlier message, or the event.",
            ),
            ("split", "Split at random", "Some this way, some that way."),
            ("tag", "Change tags", "Add some, remove others."),
            ("attribute", "Set an attribute", "A value of the person."),
            ("webhook", "Call a webhook", "Tell another system."),
            ("end", "End", "The journey is over."),
        ]
    }

    fn url(&self, kind: &&str) -> String {
        let Place {
            after, way, before, ..
        } = &self.place;
        let add = format!("/campaigns/{}/journey/add?kind={kind}", self.campaign.id);
        match (after.is_empty(), before.is_empty()) {
            (false, _) => format!("{add}&after={}&way={way}", encoded(after)),
            (true, false) => format!("{add}&before={}", encoded(before)),
            (true, true) => add,
        }
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A way out of the step, and where it leads now.
pub struct Way {
    pub label: String,
    pub to: String,
}

type Options = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "campaigns/journey/form.html", blocks = ["form"])]
struct StepPage {
    shell: Shell,
    campaign: campaigns::Model,
    title: String,
    form: StepForm,
    errors: FormErrors,
    conflict: Option<String>,
    is_new: bool,
    /// The step's id; empty for a new one.
    step: String,
    templates: Options,
    segments: Options,
    messages: Options,
    attributes: Options,
    targets: Options,
    ways: Vec<Way>,
    /// What webhooks are signed with.
    key: String,
}

impl StepPage {
    fn action(&self) -> String {
        match self.is_new {
            true => format!("/campaigns/{}/journey/add", self.campaign.id),
            false => format!("/campaigns/{}/journey/steps/{}", self.campaign.id, self.step),
        }
    }

    fn weekdays(&self) -> [(Weekday, &'static str, &'static str); 7] {
        WEEKDAYS
    }

    fn has_weekday(&self, word: &str) -> bool {
        self.form.weekdays.iter().any(|day| day == word)
    }

    /// Five fields, those that are filled in first.
    fn weights(&self) -> Vec<(usize, String)> {
        let typed = self
            .form
            .weights
            .iter()
            .cloned()
            .chain(std::iter::repeat(String::new()));
        (1..).zip(typed).take(crate::domain::journey::MOST_WAYS).collect()
    }
}

/// The club's attributes, by what staff call them.
pub async fn attributes(cx: &Context) -> Result<Vec<attribute_definitions::Model>> {
    Ok(attribute_definitions::Entity::find()
        .order_by_asc(attribute_definitions::Column::Label)
        .all(&*cx.db)
        .await?)
}

/// A form as it is opened, or as it comes back.
pub struct Asked<'a> {
    pub cx: &'a Context,
    pub staff: &'a Staff<Manager>,
    pub hx: Hx,
    pub campaign: campaigns::Model,
    pub journey: &'a Journey,
    /// The step's id; empty for a new one.
    pub step: &'a str,
    pub form: StepForm,
    pub errors: FormErrors,
    pub conflict: Option<String>,
}

impl Asked<'_> {
    /// The page, or with htmx its form.
    pub async fn answer(self) -> Result<HttpResponse> {
        let cx = self.cx;
        let names = known::names(&*cx.db, self.journey).await?;
        let choose = |options: Options, chosen: &str, words: &str| -> Options {
            let is_there = options.iter().any(|(key, _)| key == chosen);
            let first = (!is_there).then(|| (chosen.to_owned(), words.to_owned()));
            first.into_iter().chain(options).collect()
        };
        let mut templates: Options = Vec::new();
        let writes = |channel: &&Channel| channel.is_ready() && channel.is_personal();
        for channel in Channel::ALL.iter().filter(writes) {
            let found = campaigns_store::templates(&*cx.db, *channel).await?;
            templates.extend(found.into_iter().map(|row| {
                let name = match row.channel {
                    Channel::Email => row.name,
                    channel => format!("{} ({})", row.name, channel.label()),
                };
                (row.key, name)
            }));
        }
        let segments = segments::list(&*cx.db).await?;
        let segments = segments.into_iter().map(|row| (row.key, row.name)).collect();
        let attributes = attributes(cx).await?;
        let attributes = attributes.into_iter().map(|row| (row.name, row.label)).collect();
        let called = |id: &str, words: String| (id.to_owned(), words);
        let messages = self
            .journey
            .messages()
            .filter_map(|(id, _, _)| {
                let step = self.journey.step(id)?;
                Some(called(id, step.words(self.journey, &names)))
            })
            .collect();
        let targets = self
            .journey
            .steps
            .iter()
            .map(|step| {
                let words = step.words(self.journey, &names);
                called(&step.id, format!("{}: {words}", step.kind.label()))
            })
            .collect();
        let ways = match self.journey.step(self.step) {
            Some(step) => (0..step.kind.ways().len())
                .map(|place| Way {
                    label: step.kind.way_label(place),
                    to: step.to.get(place).cloned().flatten().unwrap_or_default(),
                })
                .collect(),
            None => Vec::new(),
        };
        let mut form = self.form;
        form.slot = slot(&form.slot);
        let kind = form.parse(&[]).map_or("step", |kind| kind.label());
        let is_new = self.step.is_empty();
        let status = match (&self.conflict, self.errors.is_empty()) {
            (Some(_), _) => StatusCode::CONFLICT,
            (None, false) => StatusCode::UNPROCESSABLE_ENTITY,
            (None, true) => StatusCode::OK,
        };
        let key = cx.secret.derive(call::KEY);
        let page = StepPage {
            shell: self.staff.shell(Section::Campaigns, &self.campaign.name),
            title: match (is_new, kind) {
                (true, _) => "Add a step".into(),
                (false, kind) => kind.to_owned(),
            },
            templates: choose(templates, &form.template, "Choose a template"),
            segments: choose(segments, &form.segment, "Choose a segment"),
            messages: choose(messages, &form.message, "Choose a message"),
            attributes: choose(attributes, &form.name, "Choose an attribute"),
            targets: choose(targets, "", "Nowhere yet"),
            ways,
            key: key.iter().map(|byte| format!("{byte:02x}")).collect(),
            campaign: self.campaign,
            step: self.step.to_owned(),
            errors: self.errors,
            conflict: self.conflict,
            is_new,
            form,
        };
        if !self.hx.is_partial() {
            return html_with(status, &page);
        }
        let mut answer = html_with(status, &page.as_form())?;
        // What was refused stands where it was typed, not in the place of the flow.
        if status != StatusCode::OK && !page.form.slot.is_empty() {
            let headers = answer.headers_mut();
            for (name, value) in [
                ("hx-retarget", format!("#{}", page.form.slot)),
                ("hx-reswap", "innerHTML".to_owned()),
            ] {
                let name = actix_web::http::header::HeaderName::from_static(name);
                let value = value.parse().map_err(|_| AppError::NotFound)?;
                headers.insert(name, value);
            }
        }
        Ok(answer)
    }
}
