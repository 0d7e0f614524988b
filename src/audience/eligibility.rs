//! `domain::consent::may_contact` in SQL: who of many may be contacted, and why not. Asked when an
//! audience is counted, when it becomes deliveries, and again just before each batch is sent.

use crate::db::Sql;
use crate::domain::consent::SkipReason;
use crate::domain::{Channel, ConsentStatus, Purpose};
use sea_orm::{ConnectionTrait, DbErr};
use std::collections::HashMap;

/// The address of a contact `c` on a channel; empty where there is none. Never NULL.
pub const fn address(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "COALESCE(c.email, '')",
        Channel::Sms | Channel::WhatsApp => "COALESCE(c.phone, '')",
        // Push has subscriptions of its own, and social posts have no recipients.
        Channel::Push | Channel::Social => "''",
    }
}

/// Why a contact `c` is not contacted, as one of `SkipReason`'s words; NULL where nothing speaks
/// against it. `topic_id` is the campaign's, where it has one.
pub fn skip_reason(sql: &mut Sql, channel: Channel, purpose: Purpose, topic_id: Option<i64>) -> String {
    let address = address(channel);
    let word = channel.as_str();
    let said = |status: ConsentStatus| {
        format!(
            "EXISTS (SELECT 1 FROM consents ec WHERE ec.contact_id = c.id AND ec.channel = '{word}' AND ec.status = '{status}')"
        )
    };
    let mut cases = vec![
        (SkipReason::NoAddress, format!("{address} = ''")),
        (
            SkipReason::Suppressed,
            format!(
                "EXISTS (SELECT 1 FROM suppressions es WHERE es.channel = '{word}' AND es.address = {address})"
            ),
        ),
    ];
    if purpose == Purpose::Marketing {
        cases.push((SkipReason::Unsubscribed, said(ConsentStatus::Unsubscribed)));
        cases.push((
            SkipReason::NoConsent,
            format!("NOT {}", said(ConsentStatus::Subscribed)),
        ));
        if let Some(topic_id) = topic_id {
            let topic_id = sql.bind(topic_id);
            cases.push((
                SkipReason::TopicOptOut,
                format!(
                    "EXISTS (SELECT 1 FROM topic_opt_outs eo WHERE eo.contact_id = c.id AND eo.topic_id = {topic_id})"
                ),
            ));
        }
    }
    // The words are ours, none is input.
    let cases: Vec<_> = cases
        .into_iter()
        .map(|(reason, holds)| format!("WHEN {holds} THEN '{reason}'"))
        .collect();
    format!("(CASE {} END)", cases.join(" "))
}

/// Whether one person may be contacted now.
pub async fn check(
    db: &impl ConnectionTrait,
    contact_id: i64,
    channel: Channel,
    purpose: Purpose,
    topic_id: Option<i64>,
) -> Result<Option<SkipReason>, DbErr> {
    let skipped = check_many(db, &[contact_id], channel, purpose, topic_id).await?;
    Ok(skipped.get(&contact_id).copied())
}

/// How many contacts one statement asks about.
const CHUNK: usize = 500;

/// Those of the contacts who may not be contacted now, and why. One who is gone has no address.
pub async fn check_many(
    db: &impl ConnectionTrait,
    contact_ids: &[i64],
    channel: Channel,
    purpose: Purpose,
    topic_id: Option<i64>,
) -> Result<HashMap<i64, SkipReason>, DbErr> {
    let mut skipped: HashMap<i64, SkipReason> = contact_ids
        .iter()
        .map(|id| (*id, SkipReason::NoAddress))
        .collect();
    for chunk in contact_ids.chunks(CHUNK) {
        let mut sql = Sql::new(db.get_database_backend());
        let reason = skip_reason(&mut sql, channel, purpose, topic_id);
        let ids: Vec<_> = chunk.iter().map(|id| sql.bind(*id)).collect();
        let text = format!(
            "SELECT c.id, {reason} AS reason FROM contacts c WHERE c.id IN ({})",
            ids.join(", ")
        );
        for row in db.query_all_raw(sql.statement(text)).await? {
            let id: i64 = row.try_get_by_index(0)?;
            match row.try_get_by_index::<Option<String>>(1)? {
                Some(word) => skipped.insert(id, reason_of(&word)?),
                None => skipped.remove(&id),
            };
        }
    }
    Ok(skipped)
}

/// The reason of its word in the database.
pub(super) fn reason_of(word: &str) -> Result<SkipReason, DbErr> {
    word.parse()
        .map_err(|error: crate::domain::UnknownTerm| DbErr::Type(error.to_string()))
}
