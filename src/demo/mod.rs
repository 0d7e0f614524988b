//! The demo club: believable data in a database of its own.

pub mod club;
pub mod history;
pub mod people;
