//! Journeys from the first step to the last, on the ledger and the loops of every campaign.

mod cost;
mod crash;
mod editor;
mod entries;
mod events;
mod steps;
mod versions;
mod walking;
