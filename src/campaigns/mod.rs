//! Campaigns: the wizard, the lifecycle's commands, the list and each campaign's page.

pub mod lifecycle;
