//! Topics: what a contact may opt out of without leaving altogether.

pub mod commands;
pub mod pages;
pub mod store;
