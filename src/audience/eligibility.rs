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
    reason(sql, channel, purpose, topic_id, Lookup::Each)
}

/// The same for a statement over everyone.
pub(super) fn skip_reason_of_all(
    sql: &mut Sql,
    channel: Channel,
    purpose: Purpose,
    topic_id: Option<i64>,
) -> String {
    // PostgreSQL makes sets of the look-ups by itself where they fit its memory, and only there.
    let lookup = if sql.is_postgres() {
        Lookup::Each
    } else {
        Lookup::Sets
    };
    reason(sql, channel, purpose, topic_id, lookup)
}

/// How the other tables are asked about a contact.
#[derive(Clone, Copy)]
enum Lookup {
    /// By a step in an index for each contact.
    Each,
    /// By a set made once, which pays where nearly every contact is asked about.
    Sets,
}

impl Lookup {
    /// Whether `table` has a row for the value `of` a contact, in a column, among those that fit.
    fn holds(self, table: &str, column: &str, of: &str, which: &str) -> String {
        match self {
            Self::Each => format!("EXISTS (SELECT 1 FROM {table} e WHERE e.{column} = {of} AND {which})"),
            Self::Sets => format!("{of} IN (SELECT e.{column} FROM {table} e WHERE {which})"),
        }
    }
}

fn reason(
    sql: &mut Sql,
    channel: Channel,
    purpose: Purpose,
    topic_id: Option<i64>,
    lookup: Lookup,
) -> String {
    // Written out because they are our own words, none of them input.
    let on = format!("e.channel = '{channel}'");
    let address = address(channel);
    let said = |status: ConsentStatus| {
        lookup.holds(
            "consents",
            "contact_id",
            "c.id",
            &format!("{on} AND e.status = '{status}'"),
        )
    };
    let mut cases = vec![
        (SkipReason::NoAddress, format!("{address} = ''")),
        (
            SkipReason::Suppressed,
            lookup.holds("suppressions", "address", address, &on),
        ),
    ];
    if purpose == Purpose::Marketing {
        cases.push((SkipReason::Unsubscribed, said(ConsentStatus::Unsubscribed)));
        cases.push((
            SkipReason::NoConsent,
            format!("NOT {}", said(ConsentStatus::Subscribed)),
        ));
        if let Some(topic_id) = topic_id {
            let which = format!("e.topic_id = {}", sql.bind(topic_id));
            cases.push((
                SkipReason::TopicOptOut,
                lookup.holds("topic_opt_outs", "contact_id", "c.id", &which),
            ));
        }
    }
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
