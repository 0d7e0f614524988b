//! The capture mailbox: keeps and shows what would have been sent while no server is set.

pub mod commands;
pub mod mail;
pub mod pages;
pub mod store;
