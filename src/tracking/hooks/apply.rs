//! From what a provider reports to the ledger.

use super::inbound::{self, Reply};
use crate::audience::consent::commands as consent;
use crate::audience::consent::commands::Ground;
use crate::context::Context;
use crate::db::{Sql, Tx};
use crate::domain::{ActivityKind, Channel, ConsentStatus, DeliveryState};
use crate::entity::activities;
use crate::messaging::hooks::{About, ProviderEvent, What};
use crate::providers::Provider;
use crate::tracking::ledger::Ledger;
use crate::tracking::record::{Hit, record};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// A provider may be quicker to report than we to write that it took a message. That is waited for
/// so often, and so long each time.
const LOOKS: u32 = 6;
const BETWEEN: Duration = Duration::from_millis(300);

/// Writes what is reported, and answers what people are to be told.
pub async fn apply(
    cx: &Context,
    provider: &Provider,
    called: Option<i64>,
    events: &[ProviderEvent],
) -> Result<Vec<Reply>, DbErr> {
    let found = settled(cx, provider.kind.channel, called, events).await?;
    let now = cx.clock.now();
    let (mut replies, mut reads) = (Vec::new(), Vec::new());
    let tx = cx.db.begin().await?;
    let answered = inbound::answered(cx, provider.kind.channel, events).await?;
    let ids = found.iter().flatten().chain(&answered).copied();
    let mut ledger = Ledger::lock(&tx, ids.collect::<BTreeSet<_>>()).await?;
    for (event, delivery) in events.iter().zip(&found) {
        // Clocks differ; nothing happens after now.
        let at = event.at.unwrap_or(now).min(now);
        match (&event.what, *delivery) {
            (
                What::Inbound {
                    from,
                    text,
                    is_answered,
                },
                _,
            ) => {
                let message = inbound::Message {
                    reference: reference(&event.about),
                    from,
                    text,
                    is_answered: *is_answered,
                };
                replies.extend(inbound::take(cx, &tx, &mut ledger, provider, &message, now).await?);
            }
            (What::OptedOut, None) => {
                if let About::Address(address) = &event.about {
                    inbound::stop(
                        &tx,
                        &mut ledger,
                        provider,
                        address,
                        "reported by the provider",
                        now,
                    )
                    .await?;
                }
            }
            (What::Complained, None) => {
                if let About::Address(address) = &event.about {
                    suppress(&tx, provider, address, "complaint", "", now).await?;
                }
            }
            (What::Failed { reply, is_dead: true }, None) => {
                if let About::Address(address) = &event.about {
                    suppress(&tx, provider, address, "bounce", reply, now).await?;
                }
            }
            // Of a message that is not ours, or not any more.
            (_, None) => {}
            (What::Delivered, Some(id)) => {
                ledger.confirm(id, at);
            }
            (What::Read, Some(id)) => reads.push(Hit {
                delivery: id,
                link: None,
                at,
            }),
            (What::Failed { reply, is_dead }, Some(id)) => {
                if ledger.give_back(id, at, reply) {
                    note(
                        &tx,
                        &ledger,
                        id,
                        ActivityKind::Bounce,
                        json!({"reply": reply}),
                        at,
                    )
                    .await?;
                }
                if *is_dead && let Some(address) = address(&ledger, id) {
                    suppress(&tx, provider, &address, "bounce", reply, now).await?;
                }
            }
            (What::Complained, Some(id)) => {
                if ledger.complain(id, at) {
                    note(&tx, &ledger, id, ActivityKind::Complaint, json!({}), at).await?;
                }
                if let Some(address) = address(&ledger, id) {
                    suppress(&tx, provider, &address, "complaint", "", now).await?;
                }
            }
            (What::OptedOut, Some(id)) => opt_out(&tx, &mut ledger, provider, id, now).await?,
        }
    }
    ledger.write(&tx).await?;
    tx.commit().await?;
    if !reads.is_empty() {
        record(cx, &reads).await?;
    }
    Ok(replies)
}

fn reference(about: &About) -> Option<&str> {
    match about {
        About::Provider(id) | About::MessageId(id) => Some(id),
        About::Called | About::Address(_) => None,
    }
}

/// The address of a delivery, where it has one still.
fn address(ledger: &Ledger, id: i64) -> Option<String> {
    let address = ledger.get(id).map(|row| row.address.clone());
    address.filter(|address| !address.is_empty())
}

async fn suppress(
    tx: &Tx,
    provider: &Provider,
    address: &str,
    reason: &str,
    note: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let channel = provider.kind.channel;
    let address = inbound::plain_address(channel, address);
    let note: String = note.replace('\0', "").chars().take(500).collect();
    consent::suppress(tx, channel, &address, reason, &provider.name, &note, now).await?;
    Ok(())
}

async fn opt_out(
    tx: &Tx,
    ledger: &mut Ledger,
    provider: &Provider,
    id: i64,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let Some(contact) = ledger.get(id).and_then(|row| row.contact_id) else {
        return Ok(());
    };
    let ground = Ground {
        source: "reported by the provider",
        evidence: &format!("{} reported it of message {id}", provider.name),
        actor: "the contact",
    };
    let channel = provider.kind.channel;
    if consent::set(tx, contact, channel, ConsentStatus::Unsubscribed, &ground, now).await? {
        ledger.unsubscribe(id, now);
        let detail = json!({"channel": channel, "source": ground.source});
        note(tx, ledger, id, ActivityKind::Unsubscribe, detail, now).await?;
    }
    Ok(())
}

/// A line of what happened to a delivery.
pub(super) async fn note(
    tx: &Tx,
    ledger: &Ledger,
    id: i64,
    kind: ActivityKind,
    detail: serde_json::Value,
    at: DateTime<Utc>,
) -> Result<(), DbErr> {
    activities::Entity::insert(activities::ActiveModel {
        id: NotSet,
        delivery_id: Set(id),
        contact_id: Set(ledger.get(id).and_then(|row| row.contact_id)),
        kind: Set(kind),
        link_id: Set(None),
        at: Set(at.into()),
        detail: Set(detail),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Place {
    id: i64,
    state: DeliveryState,
}

/// The deliveries that events are about, once what is just being handed over is written.
async fn settled(
    cx: &Context,
    channel: Channel,
    called: Option<i64>,
    events: &[ProviderEvent],
) -> Result<Vec<Option<i64>>, DbErr> {
    for look in 1.. {
        let mut found = Vec::with_capacity(events.len());
        let mut is_early = false;
        for event in events {
            let place = place(cx, channel, called, &event.about).await?;
            is_early |= match &place {
                Some(place) => place.state == DeliveryState::Sending,
                None => {
                    matches!((&event.about, &event.what), (About::Provider(_), what) if !is_inbound(what))
                }
            };
            found.push(place.map(|place| place.id));
        }
        if !is_early || look >= LOOKS || !is_sending(cx, channel).await? {
            return Ok(found);
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Ok(Vec::new())
}

const fn is_inbound(what: &What) -> bool {
    matches!(what, What::Inbound { .. })
}

/// Whether something of the channel is on a connection just now.
async fn is_sending(cx: &Context, channel: Channel) -> Result<bool, DbErr> {
    let statement = cx.db.sql(
        "SELECT 1 FROM deliveries d WHERE d.state = 'SENDING' AND d.channel = $1 LIMIT 1",
        [channel.into()],
    );
    Ok(cx.db.query_one_raw(statement).await?.is_some())
}

async fn place(
    cx: &Context,
    channel: Channel,
    called: Option<i64>,
    about: &About,
) -> Result<Option<Place>, DbErr> {
    let mut sql = Sql::new(cx.db.backend());
    let on = sql.bind(channel);
    let condition = match about {
        About::Called => match called {
            Some(id) => format!("d.id = {}", sql.bind(id)),
            None => return Ok(None),
        },
        About::Provider(id) => format!("d.provider_id = {}", sql.bind(id.as_str())),
        // Ours begins with the delivery, by which it is found without an index of its own.
        About::MessageId(text) => match text.split('.').next().and_then(|id| id.parse::<i64>().ok()) {
            Some(id) => {
                let (id, text) = (sql.bind(id), sql.bind(text.as_str()));
                format!("d.id = {id} AND d.message_id = {text}")
            }
            None => return Ok(None),
        },
        About::Address(_) => return Ok(None),
    };
    let statement = sql.statement(format!(
        "SELECT d.id, d.state FROM deliveries d WHERE {condition} AND d.channel = {on} ORDER BY d.id LIMIT 1"
    ));
    Place::find_by_statement(statement).one(&*cx.db).await
}
