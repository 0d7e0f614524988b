//! What campaigns say: templates and their versions, and turning a version into one person's mail.
//!
//! Nothing here sends, and rendering never reads the database, the network or a file.

pub mod blocks;
pub mod commands;
pub mod draft;
pub mod editions;
pub mod links;
pub mod message;
pub mod pages;
pub mod recipient;
pub mod render;
pub mod said;
pub mod sample;
pub mod starters;
pub mod store;

pub use render::{Compiled, FeedValues, Happened, Problem, Rendered, Values, compile};
