//! Good manners just before a message is handed over: quiet hours and holidays where the person
//! is, and how much they had lately. Decided in the transaction that gives leave, so that two
//! campaigns that write to somebody at once do not both go past the cap.

use super::ledger::Row;
use crate::accounts::Club;
use crate::db::{Sql, Tx};
use crate::domain::manners::{Cap, Manners};
use crate::domain::{Channel, Purpose, Status};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{ConnectionTrait as _, DbErr};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What speaks against handing a message over now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// It is quiet where the person is, until then.
    Quiet(DateTime<Utc>),
    /// The person had as much as the club allows.
    Capped,
}

/// What speaks against handing over each of these rows, by delivery.
pub async fn against(tx: &Tx, rows: &[&Row], now: DateTime<Utc>) -> Result<HashMap<i64, Against>, DbErr> {
    let mut found = HashMap::new();
    let asked = |row: &&&Row| row.status == Status::Active && row.purpose == Purpose::Marketing;
    let rows: Vec<_> = rows
        .iter()
        .filter(asked)
        .filter_map(|row| Some((*row, row.contact_id?)))
        .collect();
    if rows.is_empty() {
        return Ok(found);
    }
    let manners = Club::load(&**tx).await?.sending;
    keep_quiet(tx, &manners, &rows, now, &mut found).await?;
    let mut by_channel = BTreeMap::<Channel, Vec<(&Row, i64)>>::new();
    for (row, contact) in rows {
        if !row.ignores_cap && !found.contains_key(&row.id) {
            by_channel.entry(row.channel).or_default().push((row, contact));
        }
    }
    for (channel, rows) in by_channel {
        if let Some(cap) = manners.cap(channel) {
            keep_cap(tx, channel, cap, rows, now, &mut found).await?;
        }
    }
    Ok(found)
}

async fn keep_quiet(
    tx: &Tx,
    manners: &Manners,
    rows: &[(&Row, i64)],
    now: DateTime<Utc>,
    found: &mut HashMap<i64, Against>,
) -> Result<(), DbErr> {
    if !rows.iter().any(|(row, _)| manners.has_pauses(row.channel)) {
        return Ok(());
    }
    let zones = zones(tx, rows).await?;
    for (row, contact) in rows {
        let home = || row.timezone.parse().unwrap_or(Tz::UTC);
        let zone = zones.get(contact).copied().unwrap_or_else(home);
        if let Some(until) = manners.quiet_until(row.channel, zone, now) {
            found.insert(row.id, Against::Quiet(until));
        }
    }
    Ok(())
}

/// The zones of those whose zone is known.
async fn zones(tx: &Tx, rows: &[(&Row, i64)]) -> Result<HashMap<i64, Tz>, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let contacts: BTreeSet<i64> = rows.iter().map(|(_, contact)| *contact).collect();
    let contacts = list(&mut sql, &contacts);
    let text = format!("SELECT id, timezone FROM contacts WHERE timezone IS NOT NULL AND id IN ({contacts})");
    let mut zones = HashMap::new();
    for row in tx.query_all_raw(sql.statement(text)).await? {
        let name: String = row.try_get_by_index(1)?;
        if let Ok(zone) = name.parse() {
            zones.insert(row.try_get_by_index(0)?, zone);
        }
    }
    Ok(zones)
}

/// Who had as much as the cap allows. What was handed over counts, whatever came of it unless it
/// failed; what is on a connection just now and what is in doubt too.
async fn keep_cap(
    tx: &Tx,
    channel: Channel,
    cap: Cap,
    rows: Vec<(&Row, i64)>,
    now: DateTime<Utc>,
    found: &mut HashMap<i64, Against>,
) -> Result<(), DbErr> {
    let contacts: BTreeSet<i64> = rows.iter().map(|(_, contact)| *contact).collect();
    take_turns(tx, channel, &contacts).await?;
    let mut had = counts(tx, channel, cap, &contacts, now).await?;
    for (row, contact) in rows {
        let had = had.entry(contact).or_default();
        match *had >= i64::from(cap.most) {
            true => drop(found.insert(row.id, Against::Capped)),
            // Whatever else this transaction gives leave for comes on top of it.
            false => *had += 1,
        }
    }
    Ok(())
}

/// Of two dispatchers that write to the same person at once, one waits until the other's leave is
/// written. Locks of their own, in the order of their numbers and after the deliveries', so that
/// nobody who holds one waits for a row of another's. SQLite has one writer anyhow.
async fn take_turns(tx: &Tx, channel: Channel, contacts: &BTreeSet<i64>) -> Result<(), DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    if !sql.is_postgres() {
        return Ok(());
    }
    let ids = contacts.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let ids = sql.bind(format!("{{{ids}}}"));
    let channel = sql.bind(channel);
    let text = format!(
        "SELECT pg_advisory_xact_lock(hashtextextended('cap ' || {channel}, k)) FROM (\
           SELECT k FROM unnest(CAST({ids} AS BIGINT[])) AS k ORDER BY k) s"
    );
    tx.query_all_raw(sql.statement(text)).await?;
    Ok(())
}

async fn counts(
    tx: &Tx,
    channel: Channel,
    cap: Cap,
    contacts: &BTreeSet<i64>,
    now: DateTime<Utc>,
) -> Result<HashMap<i64, i64>, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let channel = sql.bind(channel);
    let since = sql.bind(cap.since(now).timestamp_millis());
    let contacts = list(&mut sql, contacts);
    let text = format!(
        "SELECT d.contact_id, COUNT(*) FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id \
         WHERE d.contact_id IN ({contacts}) AND d.channel = {channel} AND d.handed_at > {since} \
           AND d.handed_at IS NOT NULL AND d.state <> 'FAILED' AND c.purpose = 'MARKETING' \
         GROUP BY d.contact_id"
    );
    let mut counts = HashMap::new();
    for row in tx.query_all_raw(sql.statement(text)).await? {
        counts.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    Ok(counts)
}

fn list(sql: &mut Sql, contacts: &BTreeSet<i64>) -> String {
    let contacts: Vec<_> = contacts.iter().map(|contact| sql.bind(*contact)).collect();
    contacts.join(", ")
}
