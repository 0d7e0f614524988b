//! Segments: rules in SQL and in memory, who is reached, and the pages.

mod agreement;
mod lists;
pub mod pages;
mod reach;
