//! One file for each command.

pub mod backup;
pub mod contacts;
pub mod demo;
pub mod doctor;
pub mod serve;
pub mod staff;

use anyhow::Result;
use fairway::config::Settings;
use fairway::db::Db;

/// The database of the settings, up to date, for a command that changes something.
pub async fn open(settings: &Settings) -> Result<Db> {
    settings.make_data_dir()?;
    Db::connect(&settings.database_url).await
}
