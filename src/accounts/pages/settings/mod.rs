//! The settings: the club, its staff, its API keys, and what was done.

pub mod activity;
pub mod club;
pub mod keys;
pub mod sending;
pub mod users;
