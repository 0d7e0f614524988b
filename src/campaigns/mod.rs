//! Campaigns: the wizard, the lifecycle's commands, the list and each campaign's page.

pub mod calendar;
pub mod channels;
pub mod checklist;
pub mod commands;
pub mod draft;
mod edit;
pub mod feed;
mod forms;
pub mod input;
pub mod journey;
pub mod lifecycle;
pub mod named;
pub mod pages;
pub mod recurring;
pub mod social;
pub mod store;
pub mod triggers;
pub mod winner;

pub use draft::{Changes, NewCampaign};
