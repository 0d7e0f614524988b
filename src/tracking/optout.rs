//! Saying no, and saying yes again: consent, its log, and the mark on the message that it came of,
//! in one transaction.

use super::ledger::Ledger;
use crate::audience::consent::commands::{self, Ground};
use crate::context::Context;
use crate::domain::{ActivityKind, Channel, ConsentStatus};
use crate::entity::activities;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, DbErr};
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
    // What shows later that it was the person: the message whose address was used.
    let evidence = format!("the link in message {delivery}");
    let ground = Ground {
        source: source.as_str(),
        evidence: &evidence,
        actor: "the contact",
    };
    for &choice in choices {
        let is_changed = match choice {
            Choice::Channel(channel, yes) => {
                let status = match yes {
                    true => ConsentStatus::Subscribed,
                    false => ConsentStatus::Unsubscribed,
                };
                commands::set(&tx, contact, channel, status, &ground, now).await?
            }
            Choice::Topic(topic, yes) => commands::set_topic(&tx, contact, topic, yes, &ground, now).await?,
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
