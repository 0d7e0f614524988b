//! The calendar: what was sent and what will be, by day; moving a scheduled campaign to another; and
//! the same as a feed for calendar programs.

mod entries;
mod feed;
mod grid;
mod moving;
pub mod pages;

pub use feed::get_feed;
pub use moving::{get_move, move_campaign};
