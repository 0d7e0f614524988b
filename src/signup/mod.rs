//! Sign-up forms: a page on the public web, and the same within the club's website. Whoever signs up
//! is asked at the address itself to confirm; nobody is on a list before.

pub mod commands;
mod forms;
pub mod mailer;
pub mod pages;
pub mod public;
pub mod store;
