//! Writing consent. Each change leaves a line in the log, with who, when, from where and on what
//! ground (GDPR article 7(1): the club must be able to show it).

use crate::db::Tx;
use crate::domain::{Channel, ConsentStatus};
use crate::entity::{consent_log, consents, suppressions, topic_opt_outs};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{DbErr, EntityTrait as _};

/// Where a change of consent comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground<'a> {
    /// Such as `membership form` or `import`.
    pub source: &'a str,
    /// The words or the document that show it; may be empty.
    pub evidence: &'a str,
    /// Who wrote it down.
    pub actor: &'a str,
}

/// Sets a contact's consent on a channel. Says whether it changed; the log has changes only.
pub async fn set(
    tx: &Tx,
    contact: i64,
    channel: Channel,
    status: ConsentStatus,
    ground: &Ground<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let before = consents::Entity::find_by_id((contact, channel))
        .one(&**tx)
        .await?;
    if before.map_or(ConsentStatus::None, |row| row.status) == status {
        return Ok(false);
    }
    consents::Entity::insert(consents::ActiveModel {
        contact_id: Set(contact),
        channel: Set(channel),
        status: Set(status),
        source: Set(ground.source.to_owned()),
        evidence: Set(ground.evidence.to_owned()),
        at: Set(now.into()),
    })
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
    log(tx, contact, Some(channel), None, status, ground, now).await?;
    Ok(true)
}

/// Lets a contact into a topic, or out of it.
pub async fn set_topic(
    tx: &Tx,
    contact: i64,
    topic: i64,
    is_wanted: bool,
    ground: &Ground<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let is_out = topic_opt_outs::Entity::find_by_id((contact, topic))
        .one(&**tx)
        .await?
        .is_some();
    if is_out != is_wanted {
        return Ok(false);
    }
    let status = match is_wanted {
        true => {
            topic_opt_outs::Entity::delete_by_id((contact, topic))
                .exec(&**tx)
                .await?;
            ConsentStatus::Subscribed
        }
        false => {
            let row = topic_opt_outs::ActiveModel {
                contact_id: Set(contact),
                topic_id: Set(topic),
                at: Set(now.into()),
            };
            topic_opt_outs::Entity::insert(row)
                .exec_without_returning(&**tx)
                .await?;
            ConsentStatus::Unsubscribed
        }
    };
    log(tx, contact, None, Some(topic), status, ground, now).await?;
    Ok(true)
}

async fn log(
    tx: &Tx,
    contact: i64,
    channel: Option<Channel>,
    topic: Option<i64>,
    status: ConsentStatus,
    ground: &Ground<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    consent_log::Entity::insert(consent_log::ActiveModel {
        id: NotSet,
        contact_id: Set(contact),
        channel: Set(channel),
        topic_id: Set(topic),
        status: Set(status),
        source: Set(ground.source.to_owned()),
        evidence: Set(ground.evidence.to_owned()),
        actor: Set(ground.actor.to_owned()),
        at: Set(now.into()),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}

/// Keeps an address from ever being contacted again. One that is suppressed already stays as it is;
/// says whether it was not.
pub async fn suppress(
    tx: &Tx,
    channel: Channel,
    address: &str,
    reason: &str,
    source: &str,
    note: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbErr> {
    let added = suppressions::Entity::insert(suppressions::ActiveModel {
        id: NotSet,
        channel: Set(channel),
        address: Set(address.to_owned()),
        reason: Set(reason.to_owned()),
        source: Set(source.to_owned()),
        note: Set(note.to_owned()),
        at: Set(now.into()),
    })
    .on_conflict(
        OnConflict::columns([suppressions::Column::Channel, suppressions::Column::Address])
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(&**tx)
    .await?;
    Ok(added > 0)
}
