//! One file for each command.

pub mod backup;
pub mod doctor;
pub mod serve;
pub mod staff;

use anyhow::{Context as _, Result};
use fairway::config::Settings;
use fairway::db::Db;

/// The database of the settings, up to date, for a command that changes something.
pub async fn open(settings: &Settings) -> Result<Db> {
    std::fs::create_dir_all(&settings.data_dir).with_context(|| {
        format!(
            "The data directory {} cannot be made",
            settings.data_dir.display()
        )
    })?;
    Db::connect(&settings.database_url).await
}
