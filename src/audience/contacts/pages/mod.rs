//! `/contacts`: the people, one person with all they were sent and did, writing and erasing.

pub mod data;
pub mod edit;
pub mod erase;
pub mod list;
pub mod person;
