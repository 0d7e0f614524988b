//! Saying no, and saying yes again: consent, its log, and the mark on the message that it came of,
//! in one transaction.

use super::ledger::Ledger;
use crate::context::Context;
use crate::db::Tx;
use crate::domain::{ActivityKind, Channel, ConsentStatus};
use crate::entity::{activities, consent_log, consents, topic_opt_outs};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait as _, DbErr, EntityTrait as _};
use serde_json::json;

/// Where an opt-out came from, as the consent log says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The mail program's own button (RFC 8058).
    OneClick,
    Page,
    Preferences,
}

impl Source {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneClick => "one-click unsubscribe",
            Self::Page => "unsubscribe page",
            Self::Preferences => "preferences page",
        }
    }
}

/// What of the person's choices changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// All marketing on a channel.
    Channel(Channel, bool),
    Topic(i64, bool),
}

impl Choice {
    const fn is_yes(self) -> bool {
        match self {
            Self::Channel(_, yes) | Self::Topic(_, yes) => yes,
        }
    }
}

/// Keeps choices that the person behind a delivery made. Those that change nothing leave no trace.
/// Answers `false` where nobody is behind it any more.
pub async fn choose(cx: &Context, delivery: i64, choices: &[Choice], source: Source) -> Result<bool, DbErr> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let mut ledger = Ledger::lock(&tx, [delivery]).await?;
    let Some(contact) = ledger.get(delivery).and_then(|row| row.contact_id) else {
        return Ok(false);
    };
    for &choice in choices {
        let is_changed = match choice {
            Choice::Channel(channel, yes) => {
                set_channel(&tx, contact, channel, yes, source, delivery, now).await?
            }
            Choice::Topic(topic, yes) => set_topic(&tx, contact, topic, yes, source, delivery, now).await?,
        };
        if !is_changed {
            continue;
        }
        if !choice.is_yes() {
            ledger.unsubscribe(delivery, now);
        }
        activity(delivery, contact, choice, source, now)
            .insert(&*tx)
            .await?;
    }
    ledger.write(&tx).await?;
    tx.commit().await?;
    Ok(true)
}

fn activity(
    delivery: i64,
    contact: i64,
    choice: Choice,
    source: Source,
    now: DateTime<Utc>,
) -> activities::ActiveModel {
    activities::ActiveModel {
        id: NotSet,
        delivery_id: Set(delivery),
        contact_id: Set(Some(contact)),
        kind: Set(match choice.is_yes() {
            true => ActivityKind::Resubscribe,
            false => ActivityKind::Unsubscribe,
        }),
        link_id: Set(None),
        at: Set(now.into()),
        detail: Set(match choice {
            Choice::Channel(channel, _) => json!({"channel": channel, "source": source.as_str()}),
            Choice::Topic(topic, _) => json!({"topicId": topic.to_string(), "source": source.as_str()}),
        }),
    }
}

const fn status(yes: bool) -> ConsentStatus {
    match yes {
        true => ConsentStatus::Subscribed,
        false => ConsentStatus::Unsubscribed,
    }
}

async fn set_channel(
    tx: &Tx,
    contact: i64,
    channel: Channel,
    yes: bool,
    source: Source,
    delivery: i64,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let before = consents::Entity::find_by_id((contact, channel))
        .one(&**tx)
        .await?;
    if before.is_some_and(|row| row.status == status(yes)) {
        return Ok(false);
    }
    let row = consents::ActiveModel {
        contact_id: Set(contact),
        channel: Set(channel),
        status: Set(status(yes)),
        source: Set(source.as_str().into()),
        evidence: Set(evidence(delivery)),
        at: Set(now.into()),
    };
    consents::Entity::insert(row)
        .on_conflict(
            OnConflict::columns([consents::Column::ContactId, consents::Column::Channel])
                .update_columns([
                    consents::Column::Status,
                    consents::Column::Source,
                    consents::Column::Evidence,
                    consents::Column::At,
                ])
                .to_owned(),
        )
        .exec_without_returning(&**tx)
        .await?;
    log(tx, contact, Some(channel), None, yes, source, delivery, now).await?;
    Ok(true)
}

async fn set_topic(
    tx: &Tx,
    contact: i64,
    topic: i64,
    yes: bool,
    source: Source,
    delivery: i64,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let before = topic_opt_outs::Entity::find_by_id((contact, topic))
        .one(&**tx)
        .await?;
    if before.is_none() == yes {
        return Ok(false);
    }
    match yes {
        true => {
            topic_opt_outs::Entity::delete_by_id((contact, topic))
                .exec(&**tx)
                .await?;
        }
        false => {
            let row = topic_opt_outs::ActiveModel {
                contact_id: Set(contact),
                topic_id: Set(topic),
                at: Set(now.into()),
            };
            topic_opt_outs::Entity::insert(row)
                .on_conflict_do_nothing()
                .exec_without_returning(&**tx)
                .await?;
        }
    }
    log(tx, contact, None, Some(topic), yes, source, delivery, now).await?;
    Ok(true)
}

/// What shows later that it was the person: the message whose address was used.
fn evidence(delivery: i64) -> String {
    format!("the link in message {delivery}")
}

#[expect(clippy::too_many_arguments, reason = "the columns of the log")]
async fn log(
    tx: &Tx,
    contact: i64,
    channel: Option<Channel>,
    topic: Option<i64>,
    yes: bool,
    source: Source,
    delivery: i64,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    consent_log::ActiveModel {
        id: NotSet,
        contact_id: Set(contact),
        channel: Set(channel),
        topic_id: Set(topic),
        status: Set(status(yes)),
        source: Set(source.as_str().into()),
        evidence: Set(evidence(delivery)),
        actor: Set("the contact".into()),
        at: Set(now.into()),
    }
    .insert(&**tx)
    .await?;
    Ok(())
}
