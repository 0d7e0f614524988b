//! Asks the owners of addresses to confirm. What is to be sent waits in the table, so that nobody
//! is forgotten when the server is silent or Fairway is stopped; at worst somebody is asked twice.

use super::{commands, store};
use crate::accounts::Club;
use crate::content::message::domain;
use crate::context::Context;
use crate::domain::{Channel, signup};
use crate::entity::{signup_forms, signups, suppressions};
use crate::mailbox::store::{Captured, keep};
use crate::messaging::{Channels, Outgoing};
use crate::secret::{random_token, token_hash};
use anyhow::{Context as _, Result};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// It looks so often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What is no longer needed is cleared so often.
const CLEAR_EVERY: Duration = Duration::from_secs(3600);
/// A try that is not heard of for so long died with its process.
const LEASE: TimeDelta = TimeDelta::minutes(5);
/// How many are asked before it looks again.
const BATCH: u64 = 20;

#[derive(Template)]
#[template(path = "signup/mail.html")]
struct MailHtml<'a> {
    club: &'a Club,
    form: &'a signup_forms::Model,
    signup: &'a signups::Model,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "signup/mail.txt", escape = "none")]
struct MailText<'a> {
    club: &'a Club,
    form: &'a signup_forms::Model,
    signup: &'a signups::Model,
    url: &'a str,
}

/// Asks whoever is to be asked, until `stop`.
pub async fn run(cx: Context, channels: Channels, stop: CancellationToken) {
    let mut clear = tokio::time::interval(CLEAR_EVERY);
    while !stop.is_cancelled() {
        match send_due(&cx, &channels).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::error!(error = format!("{error:#}"), "sign-ups were not asked to confirm"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            _ = clear.tick() => {
                if let Err(error) = clear_old(&cx).await {
                    tracing::warn!(%error, "old sign-ups were not cleared");
                }
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

async fn clear_old(cx: &Context) -> Result<()> {
    let tx = cx.db.begin().await?;
    commands::clear(&tx, cx.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Sends a batch of what is due; whether there may be more.
pub async fn send_due(cx: &Context, channels: &Channels) -> Result<bool> {
    let now = cx.clock.now();
    let due = signups::Entity::find()
        .filter(signups::Column::MailDueAt.lte(now.timestamp_millis()))
        .order_by_asc(signups::Column::MailDueAt)
        .limit(BATCH)
        .all(&*cx.db)
        .await?;
    let is_more = due.len() as u64 == BATCH;
    for signup in due {
        if let Some((signup, token)) = claim(cx, signup, now).await? {
            let outcome = send(cx, channels, &signup, &token).await;
            settle(cx, &signup, outcome).await?;
        }
    }
    Ok(is_more)
}

/// Takes one, with a new link; `None` where another node was quicker.
async fn claim(
    cx: &Context,
    mut signup: signups::Model,
    now: DateTime<Utc>,
) -> Result<Option<(signups::Model, String)>> {
    let token = random_token();
    let tx = cx.db.begin().await?;
    let taken = signups::Entity::update_many()
        .col_expr(
            signups::Column::MailDueAt,
            Expr::value((now + LEASE).timestamp_millis()),
        )
        .col_expr(
            signups::Column::MailAttempts,
            Expr::value(signup.mail_attempts + 1),
        )
        .col_expr(signups::Column::TokenHash, Expr::value(token_hash(&token)))
        .filter(signups::Column::Id.eq(signup.id))
        .filter(signups::Column::MailAttempts.eq(signup.mail_attempts))
        .filter(signups::Column::MailDueAt.lte(now.timestamp_millis()))
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    signup.mail_attempts += 1;
    Ok((taken.rows_affected == 1).then_some((signup, token)))
}

/// Sends the request to confirm.
///
/// The error is a sentence for staff, and whether trying again may help.
async fn send(
    cx: &Context,
    channels: &Channels,
    signup: &signups::Model,
    token: &str,
) -> Result<Result<(), (String, bool)>> {
    if !signup::is_valid(signup.created_at.0, cx.clock.now()) {
        return Ok(Err(("It waited for a week.".into(), false)));
    }
    let suppressed = suppressions::Entity::find()
        .filter(suppressions::Column::Channel.eq(signup.channel))
        .filter(suppressions::Column::Address.eq(&signup.address))
        .count(&*cx.db)
        .await?;
    if suppressed > 0 {
        return Ok(Err(("The address is on the suppression list.".into(), false)));
    }
    let club = Club::load(&*cx.db).await?;
    if signup.channel == Channel::Email && club.sender.email.is_empty() {
        return Ok(Err((
            "The club has no sender address yet. Enter one under Settings.".into(),
            true,
        )));
    }
    let Some(adapter) = channels.get(signup.channel) else {
        return Ok(Err(("This channel is not set up.".into(), true)));
    };
    let form = store::find(&*cx.db, signup.form_id).await?;
    let form = form.context("a sign-up without its form")?;
    let url = format!("{}/f/confirm/{token}", cx.settings.base());
    let message = compose(&club, &form, signup, &url, cx.clock.now())?;
    let receipt = match adapter.send(&message).await {
        Ok(receipt) => receipt,
        Err(error) => {
            let is_final = matches!(error, crate::messaging::SendError::Permanent { .. });
            return Ok(Err((error.to_string(), !is_final)));
        }
    };
    if let Some(raw) = receipt.captured {
        let tx = cx.db.begin().await?;
        keep(&tx, Captured::of(signup.channel, &message, raw, cx.clock.now())).await?;
        tx.commit().await?;
    }
    Ok(Ok(()))
}

fn compose(
    club: &Club,
    form: &signup_forms::Model,
    signup: &signups::Model,
    url: &str,
    now: DateTime<Utc>,
) -> Result<Outgoing> {
    let base = Outgoing {
        to: signup.address.clone(),
        to_name: format!("{} {}", signup.first_name, signup.last_name)
            .trim()
            .to_owned(),
        from_name: club.name.clone(),
        message_id: format!(
            "signup.{}.{}@{}",
            signup.id,
            signup.mail_attempts,
            domain(&club.sender.email)
        ),
        date: now.timestamp(),
        ..Outgoing::default()
    };
    if signup.channel != Channel::Email {
        return Ok(Outgoing {
            text: format!("{}: please confirm that you want our texts: {url}", club.name),
            ..base
        });
    }
    let text = MailText {
        club,
        form,
        signup,
        url,
    };
    let html = MailHtml {
        club,
        form,
        signup,
        url,
    };
    let own = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Ok(Outgoing {
        from_name: own(&club.sender.name).unwrap_or_else(|| club.name.clone()),
        from_email: club.sender.email.clone(),
        reply_to: own(&club.sender.reply_to),
        subject: format!("Please confirm: {}", form.heading),
        html: html.render()?,
        text: text.render()?,
        ..base
    })
}

async fn settle(
    cx: &Context,
    signup: &signups::Model,
    outcome: Result<Result<(), (String, bool)>>,
) -> Result<()> {
    let now = cx.clock.now();
    let outcome = outcome.unwrap_or_else(|error| {
        tracing::error!(
            signup = signup.id,
            error = format!("{error:#}"),
            "a sign-up was not asked"
        );
        Err(("Something went wrong; the operator’s log says more.".into(), true))
    });
    let (due, mailed, problem) = match outcome {
        Ok(()) => (None, Some(now.timestamp_millis()), None),
        Err((problem, helps)) => {
            let wait = signup::wait(signup.mail_attempts).filter(|_| helps);
            (
                wait.map(|wait| (now + wait).timestamp_millis()),
                None,
                Some(problem),
            )
        }
    };
    let tx = cx.db.begin().await?;
    signups::Entity::update_many()
        .col_expr(signups::Column::MailDueAt, Expr::value(due))
        .col_expr(signups::Column::MailedAt, Expr::value(mailed))
        .col_expr(signups::Column::Problem, Expr::value(problem))
        .filter(signups::Column::Id.eq(signup.id))
        .filter(signups::Column::ConfirmedAt.is_null())
        .exec(&*tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
