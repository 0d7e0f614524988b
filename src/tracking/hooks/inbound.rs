//! What people answer: kept once, however often it is reported, and obeyed where it is a word that
//! stops, starts or asks for help.

use super::apply::note;
use crate::accounts::Club;
use crate::audience::consent::commands as consent;
use crate::audience::consent::commands::Ground;
use crate::context::Context;
use crate::db::Tx;
use crate::domain::sms::{Keyword, OwnWords};
use crate::domain::{ActivityKind, Channel, ConsentStatus};
use crate::entity::{contacts, inbound_messages, suppressions};
use crate::messaging::Outgoing;
use crate::messaging::hooks::{About, ProviderEvent, What};
use crate::providers::Provider;
use crate::tracking::ledger::Ledger;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Statement,
};
use serde_json::json;

/// Answers to one address in an hour: two machines must not talk to each other for ever.
const MOST_ANSWERS: u64 = 5;
/// How much of a message is kept, in characters.
const LONGEST: usize = 2000;
/// Why an address is suppressed whose owner is nobody we know and wants nothing.
const STOPPED: &str = "stopped";

/// A message from a person.
pub struct Message<'a> {
    /// The provider's own id of it.
    pub reference: Option<&'a str>,
    pub from: &'a str,
    pub text: &'a str,
    /// The provider understood and answered it.
    pub is_answered: bool,
}

/// What a person is told.
pub struct Reply {
    to: String,
    text: String,
    club: String,
    reference: String,
}

impl Reply {
    pub fn message(&self, date: i64) -> Outgoing {
        Outgoing {
            to: self.to.clone(),
            from_name: self.club.clone(),
            text: self.text.clone(),
            message_id: format!("answer.{}@localhost", self.reference),
            date,
            ..Outgoing::default()
        }
    }
}

/// An address as contacts have it.
pub fn plain_address(channel: Channel, address: &str) -> String {
    match channel {
        Channel::Sms | Channel::WhatsApp => {
            let digits: String = address.chars().filter(char::is_ascii_digit).collect();
            format!("+{digits}")
        }
        _ => address.trim().to_lowercase(),
    }
}

/// The messages that people answer or are reported to have stopped after, so that they are locked
/// together with the others.
pub async fn answered(cx: &Context, channel: Channel, events: &[ProviderEvent]) -> Result<Vec<i64>, DbErr> {
    let mut ids = Vec::new();
    for event in events {
        let address = match (&event.what, &event.about) {
            (What::Inbound { from, .. }, _) => from,
            (What::OptedOut, About::Address(address)) => address,
            _ => continue,
        };
        for contact in people(&*cx.db, channel, &plain_address(channel, address)).await? {
            ids.extend(last_delivery(&*cx.db, contact, channel).await?);
        }
    }
    Ok(ids)
}

/// Keeps a message and does what it says.
pub async fn take(
    cx: &Context,
    tx: &Tx,
    ledger: &mut Ledger,
    provider: &Provider,
    message: &Message<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Reply>, DbErr> {
    let channel = provider.kind.channel;
    let address = plain_address(channel, message.from);
    let text: String = message.text.replace('\0', "").chars().take(LONGEST).collect();
    let values = &provider.values;
    let own = OwnWords::parse(
        values.get("stop_words"),
        values.get("start_words"),
        values.get("help_words"),
    );
    let word = Keyword::of(&text, &own);
    let people = people(&**tx, channel, &address).await?;
    let reference = match message.reference {
        Some(id) => format!("{}:{id}", provider.id),
        None => format!("{}:{}", provider.id, uuid::Uuid::now_v7().simple()),
    };
    let is_new = keep(
        tx,
        provider,
        &reference,
        &address,
        people.first().copied(),
        &text,
        word,
        now,
    )
    .await?;
    if !is_new {
        return Ok(None);
    }
    match word {
        Some(Keyword::Stop) => {
            stop(
                tx,
                ledger,
                provider,
                &address,
                &format!("“{text}” from {address}"),
                now,
            )
            .await?;
        }
        Some(Keyword::Start) => start(tx, provider, &address, &people, &text, now).await?,
        Some(Keyword::Help) | None => {}
    }
    let answer = match word {
        _ if message.is_answered => "",
        Some(Keyword::Stop) => values.get("stop_answer"),
        Some(Keyword::Start) => values.get("start_answer"),
        Some(Keyword::Help) => values.get("help_answer"),
        None => "",
    };
    if answer.is_empty() || lately(tx, channel, &address, now).await? > MOST_ANSWERS {
        return Ok(None);
    }
    Ok(Some(Reply {
        to: address,
        text: answer.to_owned(),
        club: Club::load(&*cx.db).await?.name,
        reference,
    }))
}

/// Says whether it was not there yet.
#[expect(clippy::too_many_arguments)]
async fn keep(
    tx: &Tx,
    provider: &Provider,
    reference: &str,
    address: &str,
    contact: Option<i64>,
    text: &str,
    word: Option<Keyword>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let added = inbound_messages::Entity::insert(inbound_messages::ActiveModel {
        id: NotSet,
        channel: Set(provider.kind.channel),
        provider_id: Set(Some(provider.id)),
        reference: Set(reference.to_owned()),
        address: Set(address.to_owned()),
        contact_id: Set(contact),
        text: Set(text.to_owned()),
        word: Set(word.map(|word| word.as_str().to_owned())),
        at: Set(now.into()),
    })
    .on_conflict(
        OnConflict::columns([
            inbound_messages::Column::Channel,
            inbound_messages::Column::Reference,
        ])
        .do_nothing()
        .to_owned(),
    )
    .exec_without_returning(&**tx)
    .await?;
    Ok(added > 0)
}

async fn lately(tx: &Tx, channel: Channel, address: &str, now: DateTime<Utc>) -> Result<u64, DbErr> {
    inbound_messages::Entity::find()
        .filter(inbound_messages::Column::Channel.eq(channel))
        .filter(inbound_messages::Column::Address.eq(address))
        .filter(inbound_messages::Column::At.gt((now - TimeDelta::hours(1)).timestamp_millis()))
        .count(&**tx)
        .await
}

/// Everybody with an address, oldest first: a family may share a telephone.
async fn people(db: &impl ConnectionTrait, channel: Channel, address: &str) -> Result<Vec<i64>, DbErr> {
    let column = match channel {
        Channel::Email => contacts::Column::Email,
        Channel::Sms | Channel::WhatsApp => contacts::Column::Phone,
        Channel::Push | Channel::Social => return Ok(Vec::new()),
    };
    contacts::Entity::find()
        .select_only()
        .column(contacts::Column::Id)
        .filter(column.eq(address))
        .order_by_asc(contacts::Column::Id)
        .limit(50)
        .into_tuple()
        .all(db)
        .await
}

/// Nobody with this address gets marketing on this channel any more. An address that nobody has
/// is kept from ever being contacted.
pub async fn stop(
    tx: &Tx,
    ledger: &mut Ledger,
    provider: &Provider,
    address: &str,
    evidence: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let channel = provider.kind.channel;
    let address = plain_address(channel, address);
    let people = people(&**tx, channel, &address).await?;
    if people.is_empty() {
        consent::suppress(tx, channel, &address, STOPPED, &provider.name, evidence, now).await?;
        return Ok(());
    }
    let ground = ground(evidence);
    for contact in people {
        if !consent::set(tx, contact, channel, ConsentStatus::Unsubscribed, &ground, now).await? {
            continue;
        }
        // Another may have gone out since they were locked; it is not what was answered.
        if let Some(id) = last_delivery(&**tx, contact, channel)
            .await?
            .filter(|id| ledger.get(*id).is_some())
        {
            ledger.unsubscribe(id, now);
            let detail = json!({"channel": channel, "source": ground.source});
            note(tx, ledger, id, ActivityKind::Unsubscribe, detail, now).await?;
        }
    }
    Ok(())
}

const fn ground(evidence: &str) -> Ground<'_> {
    Ground {
        source: "answer to a message",
        evidence,
        actor: "the contact",
    }
}

async fn start(
    tx: &Tx,
    provider: &Provider,
    address: &str,
    people: &[i64],
    text: &str,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let channel = provider.kind.channel;
    suppressions::Entity::delete_many()
        .filter(suppressions::Column::Channel.eq(channel))
        .filter(suppressions::Column::Address.eq(address))
        .filter(suppressions::Column::Reason.eq(STOPPED))
        .exec(&**tx)
        .await?;
    let evidence = format!("“{text}” from {address}");
    for contact in people {
        consent::set(
            tx,
            *contact,
            channel,
            ConsentStatus::Subscribed,
            &ground(&evidence),
            now,
        )
        .await?;
    }
    Ok(())
}

/// The message that somebody most likely answers.
async fn last_delivery(
    db: &impl ConnectionTrait,
    contact: i64,
    channel: Channel,
) -> Result<Option<i64>, DbErr> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT d.id FROM deliveries d WHERE d.contact_id = $1 AND d.channel = $2 AND d.sent_at IS NOT NULL \
         ORDER BY d.sent_at DESC, d.id DESC LIMIT 1",
        [contact.into(), channel.into()],
    );
    match db.query_one_raw(statement).await? {
        Some(row) => Ok(Some(row.try_get("", "id")?)),
        None => Ok(None),
    }
}
