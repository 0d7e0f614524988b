//! `/settings/sending`: good manners. How long a send can be taken back, when nothing goes out,
//! and how much one person gets at most.

use crate::accounts::audit::{self, Subject};
use crate::accounts::club::Club;
use crate::accounts::{Admin, Staff};
use crate::context::Context;
use crate::domain::Channel;
use crate::domain::manners::{Cap, Holiday, Hours, Manners};
use crate::web::forms::Form;
use crate::web::{FormErrors, Hx, Result, Section, Shell, html_with, see_other};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use chrono::NaiveDate;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "accounts/settings/sending.html")]
struct SendingPage {
    shell: Shell,
    form: SendingForm,
    errors: FormErrors,
    channels: Vec<OnChannel>,
}

/// What is set for one channel, as it was typed.
struct OnChannel {
    channel: Channel,
    from: String,
    to: String,
    most: String,
    days: String,
}

impl OnChannel {
    fn hours_field(&self) -> String {
        format!("sending.quietHours.{}", self.channel)
    }

    fn cap_field(&self) -> String {
        format!("sending.frequencyCaps.{}", self.channel)
    }
}

/// Lists have an entry for each channel, in the order of `on`. Empty means: none.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct SendingForm {
    hold: String,
    on: Vec<Channel>,
    from: Vec<String>,
    to: Vec<String>,
    most: Vec<String>,
    days: Vec<String>,
    /// A line each: `2026-12-25 Christmas Day`.
    holidays: String,
    rest: bool,
}

impl From<&Manners> for SendingForm {
    fn from(manners: &Manners) -> Self {
        let on: Vec<Channel> = Channel::ALL
            .iter()
            .copied()
            .filter(|on| on.is_ready() && on.is_personal())
            .collect();
        let hours = |text: fn(Hours) -> String| {
            let of = |on| manners.quiet_hours.get(on).map(|hours| text(*hours));
            on.iter().map(|on| of(on).unwrap_or_default()).collect()
        };
        let cap = |number: fn(Cap) -> u32| {
            let of = |on: &Channel| manners.cap(*on).map(|cap| number(cap).to_string());
            on.iter().map(|on| of(on).unwrap_or_default()).collect()
        };
        let line = |day: &Holiday| format!("{} {}", day.date, day.name).trim().to_owned();
        Self {
            hold: manners.hold_seconds.to_string(),
            from: hours(Hours::from),
            to: hours(Hours::to),
            most: cap(|cap| cap.most),
            days: cap(|cap| cap.days),
            holidays: manners.holidays.iter().map(line).collect::<Vec<_>>().join("\n"),
            rest: manners.rest_on_holidays,
            on,
        }
    }
}

impl SendingForm {
    fn channels(&self) -> Vec<OnChannel> {
        let text = |list: &[String], index: usize| list.get(index).cloned().unwrap_or_default();
        let on = self.on.iter().enumerate();
        on.map(|(index, channel)| OnChannel {
            channel: *channel,
            from: text(&self.from, index),
            to: text(&self.to, index),
            most: text(&self.most, index),
            days: text(&self.days, index),
        })
        .collect()
    }

    /// `before` is what is set: channels that the form does not show keep theirs.
    fn parse(&self, before: &Manners) -> Result<Manners, FormErrors> {
        let mut errors = FormErrors::default();
        let mut manners = Manners {
            hold_seconds: number(&self.hold).unwrap_or_else(|| {
                errors.add("sending.holdSeconds", "Write a number of seconds, such as 10.");
                0
            }),
            rest_on_holidays: self.rest,
            holidays: holidays(&self.holidays, &mut errors),
            ..before.clone()
        };
        for on in self.channels() {
            let (hours, cap) = (on.hours_field(), on.cap_field());
            manners.quiet_hours.remove(&on.channel);
            if !(on.from.trim().is_empty() && on.to.trim().is_empty()) {
                match Hours::parse(&on.from, &on.to) {
                    Ok(hours) => drop(manners.quiet_hours.insert(on.channel, hours)),
                    Err(sentence) => errors.add(&hours, sentence),
                }
            }
            manners.frequency_caps.remove(&on.channel);
            match (number(&on.most), number(&on.days)) {
                (Some(most), Some(days)) => {
                    manners.frequency_caps.insert(on.channel, Cap { most, days });
                }
                _ if on.most.trim().is_empty() && on.days.trim().is_empty() => {}
                _ => errors.add(
                    &cap,
                    "Write both as numbers, such as 3 messages in 7 days, or leave both empty.",
                ),
            }
        }
        match manners.checked() {
            Ok(manners) => errors.or(|| manners),
            Err(wrong) => {
                for (field, sentence) in wrong {
                    errors.add(&format!("sending.{field}"), sentence);
                }
                Err(errors)
            }
        }
    }
}

fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

fn holidays(text: &str, errors: &mut FormErrors) -> Vec<Holiday> {
    let mut days = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (date, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match NaiveDate::parse_from_str(date, "%Y-%m-%d") {
            Ok(date) => days.push(Holiday {
                date,
                name: name.trim().to_owned(),
            }),
            Err(_) => {
                errors.add(
                    "sending.holidays",
                    format!(
                        "“{line}” does not begin with a day. Write a line each, such as 2026-12-25 Christmas Day."
                    ),
                );
                break;
            }
        }
    }
    days
}

fn page(staff: &Staff<Admin>, form: SendingForm, errors: FormErrors) -> Result<HttpResponse> {
    let status = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    html_with(
        status,
        &SendingPage {
            shell: staff.shell(Section::Settings, "Sending"),
            channels: form.channels(),
            form,
            errors,
        },
    )
}

/// `GET /settings/sending`
pub async fn get_sending(staff: Staff<Admin>) -> Result<HttpResponse> {
    page(
        &staff,
        SendingForm::from(&staff.club.sending),
        FormErrors::default(),
    )
}

/// `POST /settings/sending`
pub async fn edit_sending(
    cx: Data<Context>,
    staff: Staff<Admin>,
    hx: Hx,
    Form(form): Form<SendingForm>,
) -> Result<HttpResponse> {
    let sending = match form.parse(&staff.club.sending) {
        Ok(sending) => sending,
        Err(errors) => return page(&staff, form, errors),
    };
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let before = Club::load(&*tx).await?;
    let club = Club {
        sending,
        ..before.clone()
    };
    club.save(&tx, now).await?;
    let changes = before.changes_to(&club);
    audit::record(&tx, now, &staff.actor(), "edited", Subject("club", None), changes).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        "The club’s manners are saved. They hold for what goes out from now on.",
    );
    Ok(see_other(hx, "/settings/sending"))
}
