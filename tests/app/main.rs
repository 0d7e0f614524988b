//! The product under test, over HTTP, with real servers behind it. One binary; a file for each
//! URL area. `FAIRWAY_TEST_POSTGRES` (a server's URL) runs the same suite on PostgreSQL.
#![allow(clippy::unwrap_used)] // a test that cannot go on should stop where it stands

mod api;
mod api_people;
mod architecture;
mod attributes;
mod audience_settings;
mod audiences;
mod boot;
mod browser;
mod calendar;
mod campaigns;
mod cli;
mod client;
mod contacts;
mod crash;
mod demo;
mod events;
mod experiments;
mod goals;
mod import;
mod import_wizard;
mod journeys;
mod keys;
mod lifecycle;
mod mail;
mod mailbox;
mod manners;
mod optout;
mod providers;
mod publishers;
mod recurring;
mod reports;
mod segments;
mod sending;
mod settings;
mod setup;
mod site;
mod sms;
mod social;
mod staff;
mod support;
mod templates;
mod tracking;
mod triggered;
mod wizard;
