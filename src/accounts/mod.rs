//! Staff: sign-in, sessions, roles, API keys, the club's settings, and the audit trail.

pub mod attempts;
pub mod audit;
pub mod calendar_feed;
pub mod club;
pub mod csrf;
pub mod housekeeping;
pub mod keys;
pub mod links;
pub mod pages;
pub mod passwords;
pub mod sessions;
pub mod site_keys;
pub mod staff;
pub mod staff_commands;
pub mod standing;

pub use audit::Actor;
pub use club::Club;
pub use keys::ApiKey;
pub use staff::{Admin, Level, Manager, Staff, Viewer};
