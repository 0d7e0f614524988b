//! Journeys from the first step to the last, on the ledger and the loops of every campaign.

mod entries;
mod walking;
