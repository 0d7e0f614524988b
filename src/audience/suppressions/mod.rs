//! Suppressions: addresses that are never contacted again, because they bounced, their owners
//! complained, or staff said so.

pub mod commands;
pub mod pages;
pub mod store;
