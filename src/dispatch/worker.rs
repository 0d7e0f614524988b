//! One worker: renders a message, asks leave, hands it over, says what came of it.

use super::claim::Claimed;
use super::clerk::Entry;
use super::decide::Word;
use super::desk::{Desk, Until};
use super::leases::Ticket;
use super::prepare::Batch;
use crate::domain::retry;
use crate::mailbox::store::Captured;
use crate::messaging::{Outgoing, Receipt, SendError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};

/// A claimed delivery with what is needed to make its message.
pub struct Item {
    pub delivery: Claimed,
    pub ticket: Ticket,
    pub batch: Arc<Batch>,
}

impl Entry {
    /// A word that needs no answer.
    pub fn of(id: i64, ticket: Ticket, word: Word) -> Self {
        Self {
            id,
            token: ticket.token.clone(),
            word,
            captured: None,
            answer: None,
            ticket: Some(ticket),
        }
    }
}

/// The clerk is gone: the process stops, or panicked.
struct NobodyListens;

type Said<T = ()> = Result<T, NobodyListens>;

/// Works until no item comes any more. What comes after the stop, or while there is no connection,
/// is given back.
pub async fn work(
    desk: Arc<Desk>,
    items: Arc<Mutex<mpsc::UnboundedReceiver<Item>>>,
    say: mpsc::Sender<Entry>,
    until: Until,
) {
    let mut strikes = 0;
    loop {
        let Some(item) = items.lock().await.recv().await else {
            return;
        };
        let is_halted = until.is_stopped() || desk.gate.shut_until(desk.cx.clock.now()).is_some();
        let done = match is_halted {
            true => tell(&say, Entry::of(item.delivery.id, item.ticket, Word::Back))
                .await
                .map(|()| true),
            false => handle(&desk, item, &say).await,
        };
        match done {
            Ok(true) => strikes = 0,
            Ok(false) => {
                strikes += 1;
                if let Until::Stopped(token) = &until {
                    tokio::select! {
                        () = token.cancelled() => {}
                        () = tokio::time::sleep(retry::rest(strikes)) => {}
                    }
                }
            }
            Err(NobodyListens) => return,
        }
    }
}

/// Sends one message. `false` where this worker had no connection while others have.
async fn handle(desk: &Desk, item: Item, say: &mpsc::Sender<Entry>) -> Said<bool> {
    let Item {
        delivery,
        ticket,
        batch,
    } = item;
    let now = desk.cx.clock.now();
    let message = match batch.compose(&delivery, now) {
        Ok(message) => message,
        Err(why) => {
            tell(say, Entry::of(delivery.id, ticket, Word::Unrenderable(why))).await?;
            return Ok(true);
        }
    };
    if !ask(say, &delivery, &ticket, &message).await? {
        return Ok(true);
    }
    let outcome = desk.adapter.send(&message).await;
    let (word, is_resting) = match &outcome {
        Err(SendError::Unreachable { reply }) => {
            let (rest, is_channel) = desk.gate.failed(reply, desk.cx.clock.now());
            (refused(&outcome, rest), !is_channel)
        }
        _ => {
            desk.gate.carried();
            (refused(&outcome, Duration::ZERO), false)
        }
    };
    let mut entry = Entry::of(delivery.id, ticket, word);
    if let Ok(Receipt {
        captured: Some(raw), ..
    }) = outcome
    {
        entry.captured = Some(Captured {
            delivery_id: Some(delivery.id),
            campaign_id: Some(delivery.campaign_id),
            ..Captured::of(desk.channel, &message, raw, desk.cx.clock.now())
        });
    }
    tell(say, entry).await?;
    Ok(!is_resting)
}

fn refused(outcome: &Result<Receipt, SendError>, rest: Duration) -> Word {
    match outcome {
        Ok(receipt) => Word::Taken {
            reply: receipt.reply.clone(),
            is_delivered: receipt.is_delivered,
        },
        Err(error) => Word::Refused {
            error: error.clone(),
            rest,
        },
    }
}

/// Asks leave to hand a message over. What is refused has been given back or skipped already.
async fn ask(
    say: &mpsc::Sender<Entry>,
    delivery: &Claimed,
    ticket: &Ticket,
    message: &Outgoing,
) -> Said<bool> {
    let (answer, answered) = oneshot::channel();
    let entry = Entry {
        id: delivery.id,
        token: ticket.token.clone(),
        word: Word::Ask {
            message_id: message.message_id.clone(),
        },
        captured: None,
        answer: Some(answer),
        ticket: None,
    };
    tell(say, entry).await?;
    // No answer: the clerk could not write it and let it go.
    Ok(answered.await.unwrap_or(false))
}

async fn tell(say: &mpsc::Sender<Entry>, entry: Entry) -> Said {
    say.send(entry).await.map_err(|_| NobodyListens)
}
