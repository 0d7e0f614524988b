//! What people agreed to: as it stands, and an append-only log of how it came to be.

pub mod commands;
