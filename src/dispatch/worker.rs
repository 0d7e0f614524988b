//! The hands of a desk: composers make the messages ahead, workers ask leave for one, hand it
//! over, and say what came of it.

use super::claim::Claimed;
use super::clerk::Entry;
use super::decide::Word;
use super::desk::{Desk, Until};
use super::lanes::{Lanes, Takes};
use super::leases::Ticket;
use super::prepare::Batch;
use crate::domain::Channel;
use crate::domain::retry;
use crate::mailbox::store::Captured;
use crate::messaging::{Found, Outgoing, Receipt, SendError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A claimed delivery with what is needed to make its message.
pub struct Item {
    pub delivery: Claimed,
    pub ticket: Ticket,
    pub batch: Arc<Batch>,
}

/// A claimed delivery with its message.
pub struct Ready {
    delivery: Claimed,
    ticket: Ticket,
    message: Outgoing,
}

/// How often the connection that is kept free asks whether it still has to be.
const LOOK_AROUND: Duration = Duration::from_secs(1);

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

/// Makes messages ahead, so that a worker that is done can at once ask leave for the next: what it
/// says of the one and asks of the other is then written together.
pub async fn compose(
    desk: Arc<Desk>,
    items: Lanes<mpsc::UnboundedReceiver<Item>>,
    takes: Takes,
    ready: mpsc::Sender<Ready>,
    say: mpsc::Sender<Entry>,
    until: Until,
) {
    loop {
        let Some(item) = items.next(takes).await else {
            return;
        };
        let Item {
            delivery,
            ticket,
            batch,
        } = item;
        let word = match is_halted(&desk, &until) {
            true => Word::Back,
            false => match batch.compose(&delivery, desk.cx.clock.now()) {
                Ok(message) => {
                    let next = Ready {
                        delivery,
                        ticket,
                        message,
                    };
                    match ready.send(next).await {
                        Ok(()) => continue,
                        Err(_) => return, // the workers are gone
                    }
                }
                Err(why) => Word::Unrenderable(why),
            },
        };
        if tell(&say, Entry::of(delivery.id, ticket, word)).await.is_err() {
            return;
        }
    }
}

/// Whether nothing more is to be sent: stopped, or without a connection.
fn is_halted(desk: &Desk, until: &Until) -> bool {
    until.is_stopped() || desk.gate.shut_until(desk.cx.clock.now()).is_some()
}

/// Works until no message comes any more. What comes after the stop, or while there is no
/// connection, is given back.
pub async fn work(
    desk: Arc<Desk>,
    ready: Lanes<mpsc::Receiver<Ready>>,
    is_reserved: bool,
    say: mpsc::Sender<Entry>,
    until: Until,
) {
    let mut strikes = 0;
    loop {
        // One connection is kept free for what events set off, while there are campaigns that listen.
        let takes = match is_reserved && desk.listens() {
            true => Takes::First,
            false => Takes::Both,
        };
        let next = match is_reserved {
            true => tokio::time::timeout(LOOK_AROUND, ready.next(takes)).await,
            false => Ok(ready.next(takes).await),
        };
        let next = match next {
            Ok(Some(next)) => next,
            Ok(None) => return,
            Err(_) => continue,
        };
        tokio::select! {
            () = desk.adapter.turn() => {}
            () = until.stopped() => {}
        }
        let done = match is_halted(&desk, &until) {
            true => tell(&say, Entry::of(next.delivery.id, next.ticket, Word::Back))
                .await
                .map(|()| true),
            false => handle(&desk, next, &say).await,
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
async fn handle(desk: &Desk, next: Ready, say: &mpsc::Sender<Entry>) -> Said<bool> {
    let Ready {
        delivery,
        ticket,
        message,
    } = next;
    if !ask(say, &delivery, &ticket, &message).await? {
        return Ok(true);
    }
    let outcome = hand_over(desk, &delivery, &message).await;
    let (word, is_resting) = match &outcome {
        Err(SendError::Unreachable { reply } | SendError::Interrupted { reply }) => {
            let (rest, is_channel) = desk.gate.failed(reply, desk.cx.clock.now());
            (refused(&outcome, rest), !is_channel)
        }
        _ => {
            desk.gate.carried();
            if let Err(SendError::Temporary {
                reply,
                retry_after: Some(rest),
            }) = &outcome
            {
                desk.gate.rest(reply, desk.cx.clock.now(), *rest);
            }
            let rest = match &outcome {
                Err(SendError::Sender { reply }) => refuse_sender(desk, &delivery, &message, reply).await,
                _ => Duration::ZERO,
            };
            (refused(&outcome, rest), false)
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

/// Hands it over. What may have been taken before is looked up first where it is a post, which must
/// never be there twice.
async fn hand_over(desk: &Desk, delivery: &Claimed, message: &Outgoing) -> Result<Receipt, SendError> {
    if delivery.is_in_doubt() && !desk.channel.is_personal() {
        match desk.adapter.look_up(message).await? {
            Found::Taken(receipt) => return Ok(receipt),
            Found::Not => {}
            Found::Unknown => {
                let reply = "Nobody can say whether it was posted.".to_owned();
                return Err(SendError::Ambiguous { reply });
            }
        }
    }
    desk.adapter.send(message).await
}

/// Nobody gets anything from this sender: pauses the campaign before its row is let go, so that it
/// is not at once claimed again. Answers how long to rest where that could not be written.
async fn refuse_sender(desk: &Desk, delivery: &Claimed, message: &Outgoing, reply: &str) -> Duration {
    let problem = match desk.channel {
        Channel::Email => format!(
            "The mail server takes no mail from {}. It said: “{reply}”. Set another sender, or have the server \
             allow this one, then resume.",
            message.from_email
        ),
        channel => format!(
            "The provider of {} takes nothing from the sender that is set. It said: “{reply}”. An administrator \
             sets another under Settings, Channels; then resume.",
            channel.label()
        ),
    };
    match desk.pause(delivery.campaign_id, &problem).await {
        Ok(()) => Duration::ZERO,
        Err(error) => {
            tracing::error!(
                campaign = delivery.campaign_id,
                error = format!("{error:#}"),
                "a campaign whose sender is refused was not paused; it waits"
            );
            retry::rest(u32::MAX)
        }
    }
}

fn refused(outcome: &Result<Receipt, SendError>, rest: Duration) -> Word {
    match outcome {
        Ok(receipt) => Word::Taken(receipt.clone()),
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
