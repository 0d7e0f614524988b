//! Text messages: providers' own protocols, each behind the same adapter.

pub mod gateway;
mod senders;
mod twilio;

pub use senders::{Senders, is_sender};
pub use twilio::{HOME as TWILIO_HOME, Twilio, TwilioSettings};

/// How many requests are made at once. A text is small, and the pace is set apart.
const CONNECTIONS: usize = 8;
