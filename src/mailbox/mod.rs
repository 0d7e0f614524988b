//! The capture mailbox: keeps and shows what would have been sent while no server is set.

pub mod store;
