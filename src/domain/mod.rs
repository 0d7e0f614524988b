//! The decisions of the product, pure: no IO, no clock, no database, no web. Everything here can
//! be tested as a table of cases, and every other room may import it.

pub mod campaign;
pub mod colour;
pub mod condition;
pub mod consent;
pub mod contact;
pub mod delivery;
pub mod experiment;
pub mod feed;
pub mod goal;
pub mod icalendar;
pub mod journey;
pub mod manners;
pub mod money;
pub mod recurrence;
pub mod retry;
pub mod schedule;
pub mod segment;
pub mod signup;
pub mod slug;
pub mod sms;
pub mod social;
pub mod stats;
pub mod terms;
pub mod token;
pub mod trigger;

pub use terms::*;
