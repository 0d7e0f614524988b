//! Providers: how they are entered and kept, and how each speaks to its own.

mod accounts;
mod conformance;
mod hooks;
mod mail_reports;
mod settings;
mod texts;
