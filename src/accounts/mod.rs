//! Staff: sign-in, sessions, roles, API keys, the club's settings, and the audit trail.

pub mod audit;
pub mod club;
pub mod csrf;
pub mod sessions;
pub mod staff;

pub use audit::Actor;
pub use club::Club;
pub use staff::{Admin, Manager, Staff, Viewer};
