//! What came of a campaign: counts, rates, charts, links, people, exports. Reads only, and reads
//! counters that are kept with the ledger: a page never counts rows.

pub mod store;

pub use store::{Stats, campaign_stats};
