//! The one who writes the ledger while messages go out: takes everything that the workers have to
//! say at a time and writes it in one short transaction. Leave to send is given here too, so that
//! it rests on what the database says at that moment: a paused campaign sends nothing more, and
//! what a crash can leave in doubt is only what was on a connection.

use super::decide::{Leave, Word, decide};
use super::leases::Ticket;
use super::ledger::{self, Change, Row, Which};
use super::manners::{self, Against};
use crate::audience::eligibility;
use crate::context::Context;
use crate::db::Tx;
use crate::domain::consent::SkipReason;
use crate::domain::{Channel, DeliveryState, Purpose, Status};
use crate::mailbox::store::{Captured, keep_many};
use sea_orm::DbErr;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// At most so many are written at once.
const MOST: usize = 500;
/// After so many failures of a group its entries are written one by one, and after as many more
/// an entry is let go: its lease ends, and the rescue says what becomes of it.
const TRIES: u32 = 3;

/// What a worker says of one delivery.
pub struct Entry {
    pub id: i64,
    /// Under which claim it is held.
    pub token: String,
    pub word: Word,
    /// What the capture mailbox keeps if this is written.
    pub captured: Option<Captured>,
    /// To whom an `Ask` is answered.
    pub answer: Option<oneshot::Sender<bool>>,
    /// Kept until it is written.
    pub ticket: Option<Ticket>,
}

/// Writes until nobody is left to say anything.
pub async fn run(cx: Context, mut entries: mpsc::Receiver<Entry>) {
    let mut group = Vec::new();
    while entries.recv_many(&mut group, MOST).await > 0 {
        if !try_to_write(&cx, &mut group).await {
            for mut entry in group.drain(..) {
                if !try_to_write(&cx, std::slice::from_mut(&mut entry)).await {
                    tracing::error!(delivery = entry.id, word = ?entry.word, "the ledger could not be written");
                }
            }
        }
        group.clear();
    }
}

/// Writes and answers. `false` when it failed for a reason that waiting does not help.
async fn try_to_write(cx: &Context, group: &mut [Entry]) -> bool {
    let mut tries = 0;
    let mut rest = Duration::from_millis(100);
    loop {
        match write(cx, group).await {
            Ok(states) => {
                for entry in group {
                    let is_given = states.get(&entry.id) == Some(&DeliveryState::Sending);
                    let answer = entry.answer.take();
                    if answer.is_some_and(|answer| answer.send(is_given).is_err()) {
                        tracing::debug!(delivery = entry.id, "its worker is gone");
                    }
                    drop(entry.ticket.take());
                }
                return true;
            }
            Err(error) => {
                tracing::warn!(%error, entries = group.len(), "the ledger was not written; trying again");
                if !is_passing(&error) {
                    tries += 1;
                }
                if tries >= TRIES {
                    return false;
                }
                tokio::time::sleep(rest).await;
                rest = (rest * 2).min(Duration::from_secs(5));
            }
        }
    }
}

/// Whether the database is merely not there, busy or full. The drivers have no common word for it.
fn is_passing(error: &DbErr) -> bool {
    let text = error.to_string().to_lowercase();
    matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
        || [
            "locked",
            "disk",
            "deadlock",
            "connection",
            "communicating",
            "timed out",
            "terminat",
            "shutting down",
            "starting up",
            "recovery",
            "read-only",
            "readonly",
        ]
        .iter()
        .any(|word| text.contains(word))
}

/// One transaction. Answers what became of each row that was still held.
async fn write(cx: &Context, group: &[Entry]) -> Result<HashMap<i64, DeliveryState>, DbErr> {
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let ids: Vec<i64> = group.iter().map(|entry| entry.id).collect();
    let rows: HashMap<i64, Row> = ledger::lock(&tx, Which::Ids(&ids))
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let held = |entry: &Entry| {
        let row = rows.get(&entry.id)?;
        let is_ours = row.lease_token.as_deref() == Some(entry.token.as_str());
        // Leave is not given under a lease that ended: another may have it by the time it is used.
        let is_live = row.lease_expires_at.is_some_and(|until| until.0 > now);
        let is_held = is_ours && (is_live || !matches!(entry.word, Word::Ask { .. }));
        is_held.then_some(row)
    };
    let asked = group
        .iter()
        .filter(|entry| matches!(entry.word, Word::Ask { .. }));
    let asked: Vec<&Row> = asked.filter_map(held).collect();
    let skips = skips(&tx, asked.iter().copied()).await?;
    let may: Vec<&Row> = asked
        .into_iter()
        .filter(|row| !skips.contains_key(&row.id))
        .collect();
    let against = manners::against(&tx, &may, now).await?;
    let mut changes: Vec<Change> = Vec::with_capacity(group.len());
    let mut captured = Vec::new();
    for entry in group {
        let Some(row) = held(entry) else {
            tracing::warn!(delivery = entry.id, word = ?entry.word, "its lease was lost meanwhile");
            continue;
        };
        let leave = match (skips.get(&row.id), against.get(&row.id)) {
            (Some(reason), _) => Leave::Skip(reason.as_str()),
            (None, Some(Against::Capped)) => Leave::Skip(SkipReason::FrequencyCap.as_str()),
            (None, Some(Against::Quiet(until))) => Leave::Wait(*until),
            (None, None) => Leave::Given,
        };
        changes.push(decide(row, &entry.word, leave, now));
        captured.extend(entry.captured.clone());
    }
    ledger::write(&tx, &changes, now).await?;
    keep_many(&tx, captured).await?;
    tx.commit().await?;
    Ok(changes.iter().map(|change| (change.id, change.state)).collect())
}

/// Who of those about to be sent to may not be contacted, by delivery.
async fn skips(tx: &Tx, rows: impl Iterator<Item = &Row>) -> Result<HashMap<i64, SkipReason>, DbErr> {
    let mut skips = HashMap::new();
    let mut asked = BTreeMap::<(Channel, Purpose, Option<i64>), Vec<(i64, i64)>>::new();
    for row in rows.filter(|row| row.status == Status::Active) {
        match row.contact_id {
            Some(contact) => {
                let key = (row.channel, row.purpose, row.topic_id);
                asked.entry(key).or_default().push((row.id, contact));
            }
            // A post is for everybody.
            None if !row.channel.is_personal() => {}
            // Erased since: there is nobody to write to.
            None => {
                skips.insert(row.id, SkipReason::NoAddress);
            }
        }
    }
    for ((channel, purpose, topic), people) in asked {
        let contacts: Vec<i64> = people.iter().map(|(_, contact)| *contact).collect();
        let found = eligibility::check_many(&**tx, &contacts, channel, purpose, topic).await?;
        for (delivery, contact) in people {
            if let Some(reason) = found.get(&contact) {
                skips.insert(delivery, *reason);
            }
        }
    }
    Ok(skips)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::RuntimeErr;

    #[test]
    fn trouble_that_passes_is_waited_for_and_a_fault_is_not() {
        let error = |text: &str| DbErr::Exec(RuntimeErr::Internal(text.into()));
        for passing in [
            "error communicating with database: Connection refused (os error 111)",
            "(code: 5) database is locked",
            "(code: 13) database or disk is full",
            "terminating connection due to administrator command",
            "pool timed out while waiting for an open connection",
        ] {
            assert!(is_passing(&error(passing)), "{passing}");
        }
        assert!(!is_passing(&error("no such table: deliveries")));
        assert!(!is_passing(&DbErr::RecordNotUpdated));
    }
}
