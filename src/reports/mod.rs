//! What came of a campaign: counts, rates, charts, links, people, exports. Reads only, and reads
//! counters that are kept with the ledger: a page never counts rows.

pub mod chart;
pub mod clicks;
pub mod experiment;
pub mod exports;
pub mod journeys;
pub mod ledger;
pub mod pages;
pub mod people;
pub mod person;
pub mod posts;
pub mod store;
pub mod words;

pub use store::{Stats, campaign_stats};
