//! The mail server of the simulation: takes what it is given and notes it, and has its bad days.
//! What it does with a message depends on the seed, the message and the attempt alone.

use super::mix;
use chrono::{DateTime, Utc};
use fairway::clock::Clock;
use fairway::messaging::{Adapter, Outgoing, Receipt, SendError, Sending};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// A message that it took.
#[derive(Clone, Copy, Debug)]
pub struct Got {
    pub delivery: i64,
    pub run: i64,
    pub contact: i64,
    pub at: DateTime<Utc>,
}

#[derive(Default)]
struct State {
    got: Vec<Got>,
    attempts: HashMap<i64, u64>,
    clock: Option<Clock>,
}

pub struct Post {
    seed: u64,
    state: Mutex<State>,
    /// Nobody answers.
    pub is_down: AtomicBool,
}

/// Whether nobody has a mailbox at a person's address.
pub fn is_refused(contact: i64) -> bool {
    contact % 97 == 0
}

impl Post {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            state: Mutex::default(),
            is_down: AtomicBool::new(false),
        }
    }

    /// By which clock it notes.
    pub fn go_by(&self, clock: Clock) {
        self.state.lock().unwrap().clock = Some(clock);
    }

    pub fn got(&self) -> Vec<Got> {
        self.state.lock().unwrap().got.clone()
    }

    pub fn count(&self) -> usize {
        self.state.lock().unwrap().got.len()
    }

    fn take(&self, message: &Outgoing) -> Result<Receipt, SendError> {
        let reply = |text: &str| text.to_owned();
        if self.is_down.load(Ordering::SeqCst) {
            return Err(SendError::Unreachable {
                reply: reply("Connection refused"),
            });
        }
        let number = |text: &str| text.parse::<i64>().unwrap();
        let (delivery, rest) = message.message_id.split_once('.').unwrap();
        let run = number(rest.split_once('@').unwrap().0);
        let contact = message.to.strip_prefix("person").unwrap();
        let got = Got {
            delivery: number(delivery),
            run,
            contact: number(contact.split_once('@').unwrap().0),
            at: self.state.lock().unwrap().clock.as_ref().unwrap().now(),
        };
        let mut state = self.state.lock().unwrap();
        let attempt = state.attempts.entry(got.delivery).or_default();
        *attempt += 1;
        let fate = mix(self.seed ^ mix(got.delivery.cast_unsigned())) % 1_000;
        if is_refused(got.contact) {
            return Err(SendError::Permanent {
                reply: reply("550 5.1.1 No such mailbox"),
            });
        }
        match (*attempt, fate) {
            (1, ..15) => Err(SendError::Temporary {
                reply: reply("451 4.7.1 Greylisted"),
                retry_after: None,
            }),
            (1, 15..17) => Err(SendError::Interrupted {
                reply: reply("421 4.4.2 Timeout"),
            }),
            // It was taken, and nobody heard so.
            (1, 17..20) => {
                state.got.push(got);
                Err(SendError::Ambiguous {
                    reply: reply("The connection ended"),
                })
            }
            _ => {
                state.got.push(got);
                Ok(Receipt {
                    reply: reply("250 2.0.0 ok"),
                    is_delivered: fate.is_multiple_of(2),
                    ..Receipt::default()
                })
            }
        }
    }
}

/// The same server, however often the club's Fairway is started.
pub struct Line(pub std::sync::Arc<Post>);

impl Adapter for Line {
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(async move {
            // Something else may happen meanwhile, as on a line.
            tokio::task::yield_now().await;
            self.0.take(message)
        })
    }

    fn connections(&self) -> usize {
        8
    }

    fn place(&self) -> String {
        "the simulated post".into()
    }
}
