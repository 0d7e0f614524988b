//! Providers: credentials that an administrator enters, kept encrypted, and the adapters made of
//! them. A channel without an active one is the capture mailbox.
//!
//! A secret leaves this room in an adapter alone: no page, log line or audit row has it.

pub mod commands;
pub mod failures;
mod forms;
pub mod kinds;
mod live;
mod pace;
pub mod pages;
mod sealed;
pub mod store;

pub use live::{Provider, Providers};
