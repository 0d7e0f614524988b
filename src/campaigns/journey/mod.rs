//! Journeys that are written, published and walked: their versions, who is inside and where, and
//! the two doors, in and out. `scheduler::journeys` does the walking.

pub mod commands;
pub mod counts;
pub mod dry_run;
pub mod enter;
pub mod known;
pub mod leave;
pub mod publish;
pub mod store;
pub mod versions;

pub use store::Version;
