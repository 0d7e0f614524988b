//! The club's people: kept, found, shown, erased.

pub mod batch;
pub mod commands;
pub mod input;
pub mod pages;
pub mod store;
