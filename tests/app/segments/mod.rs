//! Segments: rules in SQL and in memory, who is reached, and the pages.

mod agreement;
mod lists;
mod pages;
mod reach;
