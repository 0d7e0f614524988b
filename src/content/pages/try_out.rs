//! `POST /templates/{id}/test`: one message to one address, as one of the club's people.

use super::find;
use crate::accounts::{Club, Manager, Staff};
use crate::content::message;
use crate::content::sample::{reader, render};
use crate::context::Context;
use crate::domain::Channel;
use crate::mailbox::store::{Captured, keep};
use crate::messaging::{Channels, Outgoing};
use crate::web::forms::Form;
use crate::web::{AppError, FormErrors, Hx, Result, see_other};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Mutex;

/// How many tests one person may send in a minute.
const MOST_A_MINUTE: usize = 10;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TestForm {
    to: String,
    contact: String,
}

/// When each member of staff sent tests in the last minute. Of this process alone: it guards
/// against a stuck key, not against an attacker.
static SENT: Mutex<Option<HashMap<i64, Vec<i64>>>> = Mutex::new(None);

fn admit(user: i64, now: i64) -> Result<()> {
    let mut sent = SENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let times = sent.get_or_insert_default().entry(user).or_default();
    times.retain(|at| now - at < 60_000);
    if times.len() >= MOST_A_MINUTE {
        return Err(AppError::TooMany(60));
    }
    times.push(now);
    Ok(())
}

/// Sends the template's newest version, marked as a test. Its links are not tracked and its
/// unsubscribe link leads nowhere, so that trying changes nobody's consent.
pub async fn send_test(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    channels: Data<Channels>,
    hx: Hx,
    Form(form): Form<TestForm>,
) -> Result<HttpResponse> {
    let back = format!("/templates/{id}/preview?contact={}", encode(&form.contact));
    match try_out(&staff, *id, &cx, &channels, &form).await {
        Ok(sentence) => staff.flash("ok", sentence),
        Err(AppError::Invalid(errors)) => {
            let text: Vec<&str> = errors.0.iter().map(|error| error.message.as_str()).collect();
            staff.flash("error", text.join(" "));
        }
        Err(error) => return Err(error),
    }
    Ok(see_other(hx, &back))
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn try_out(
    staff: &Staff<Manager>,
    id: i64,
    cx: &Context,
    channels: &Channels,
    form: &TestForm,
) -> Result<String> {
    let (template, version) = find(cx, id).await?;
    let channel = template.channel;
    let to = recipient(&staff.club, channel, &form.to)?;
    let now = cx.clock.now();
    admit(staff.user.id, now.timestamp_millis())?;
    let reader = reader(cx, &staff.club, &form.contact, &version)
        .await?
        .ok_or_else(|| AppError::invalid("contact", "Nobody has that key, address or name."))?;
    let rendered = render(cx, channel, version, reader.values)
        .await?
        .map_err(|sentence| AppError::invalid("", format!("This cannot be sent: {sentence}")))?;
    let outgoing = outgoing(&staff.club, channel, to, rendered, now.timestamp());
    let adapter = channels
        .get(channel)
        .ok_or_else(|| AppError::invalid("", format!("{} is not set up.", channel.label())))?;
    adapter.turn().await;
    let receipt = adapter.send(&outgoing).await.map_err(|error| {
        AppError::invalid(
            "",
            match channel {
                Channel::Email => format!("The test was not sent. The mail server says: {error}."),
                _ => format!("The test was not sent. The provider says: {error}."),
            },
        )
    })?;
    let Some(raw) = receipt.captured else {
        return Ok(format!("The test is on its way to {}.", outgoing.to));
    };
    let tx = cx.db.begin().await?;
    keep(
        &tx,
        Captured {
            channel,
            delivery_id: None,
            campaign_id: None,
            sender: match channel {
                Channel::Email => outgoing.from_email,
                _ => outgoing.from_name,
            },
            recipient: outgoing.to,
            subject: outgoing.subject,
            html: outgoing.html,
            text: outgoing.text,
            raw,
            at: now,
        },
    )
    .await?;
    tx.commit().await?;
    Ok(match channel {
        Channel::Email => "The test is in the mailbox, because no mail server is set.".into(),
        _ => "The test is in the mailbox, because no provider is active.".into(),
    })
}

/// The address of a test as its channel wants it.
fn recipient(club: &Club, channel: Channel, text: &str) -> Result<String> {
    let mut errors = FormErrors::default();
    let to = match channel {
        Channel::Email => {
            let to = crate::accounts::staff_commands::parse_email(&mut errors, "to", text);
            if club.sender.email.is_empty() {
                errors.add(
                    "to",
                    "The club has no sender address yet. Enter one under Settings first.",
                );
            }
            to
        }
        Channel::Sms => match phonenumber::parse(None, text.trim()) {
            Ok(number) if number.is_valid() => number.format().mode(phonenumber::Mode::E164).to_string(),
            _ => {
                errors.add(
                    "to",
                    "Write a phone number with its country, such as +353 86 123 4567.",
                );
                String::new()
            }
        },
        other => {
            errors.add("", format!("{} cannot be tried out here.", other.label()));
            String::new()
        }
    };
    Ok(errors.or(|| to)?)
}

fn outgoing(
    club: &Club,
    channel: Channel,
    to: String,
    rendered: crate::content::Rendered,
    date: i64,
) -> Outgoing {
    let own = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let message_id = format!(
        "test.{}@{}",
        uuid::Uuid::new_v4().simple(),
        message::domain(&club.sender.email)
    );
    if channel == Channel::Sms {
        return Outgoing {
            to,
            from_name: club.name.clone(),
            text: rendered.text,
            message_id,
            date,
            ..Outgoing::default()
        };
    }
    Outgoing {
        to,
        from_name: own(&club.sender.name).unwrap_or_else(|| club.name.clone()),
        from_email: club.sender.email.clone(),
        reply_to: own(&club.sender.reply_to),
        subject: format!("[Test] {}", rendered.subject),
        html: rendered.html,
        text: rendered.text,
        message_id,
        date,
        ..Outgoing::default()
    }
}
