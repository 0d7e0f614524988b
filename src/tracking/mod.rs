//! What came back: opens, clicks, opt-outs, and the events that club systems report.
//!
//! Nobody signs in here: a signed token in the address says whose message it is about, and no
//! address of a network is ever kept.

mod conversions;
pub mod events;
pub mod hooks;
pub mod ingest;
mod ledger;
pub mod optout;
pub mod pages;
pub mod preferences;
mod record;
pub mod shell;
pub mod site;
pub mod unsubscribe;
pub mod view;

pub use ingest::Ingest;
pub use record::{Hit, record};
