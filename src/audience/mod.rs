//! The club's people: contacts, what they agreed to, imports, and segments of them.

pub mod attributes;
pub mod consent;
pub mod contacts;
pub mod eligibility;
pub mod import;
pub mod reach;
pub mod segments;
pub mod suppressions;
pub mod topics;
pub mod zones;
