//! The club's free attributes: what each is called, of which kind its values are, and who has one.

pub mod commands;
pub mod pages;
pub mod store;
