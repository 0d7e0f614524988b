//! The database's history, oldest first. A migration that has been released is never edited.
//! This crate imports nothing of the application, so that old steps keep compiling as it changes.

use sea_orm_migration::prelude::*;

mod m20261123_000001_first;
mod m20261124_000002_open_runs;
mod m20261124_000003_recurring;
mod m20261124_000004_triggered;
mod m20261124_000005_journeys;
mod m20261124_000006_manners;
mod m20261124_000007_goals;
mod m20261124_000010_audiences;
mod m20261124_000011_site_keys;
mod m20261124_000012_calendar;
mod m20261124_000013_feeds;
mod m20261124_000014_provider_ids;
mod m20261124_000015_providers;
mod m20261124_000016_social;
mod m20261124_000019_ticks;
mod m20261124_000021_signup;
mod m20261124_000026_blocks;
mod schema;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_first::Migration),
            Box::new(m20261124_000002_open_runs::Migration),
            Box::new(m20261124_000003_recurring::Migration),
            Box::new(m20261124_000004_triggered::Migration),
            Box::new(m20261124_000005_journeys::Migration),
            Box::new(m20261124_000006_manners::Migration),
            Box::new(m20261124_000007_goals::Migration),
            Box::new(m20261124_000010_audiences::Migration),
            Box::new(m20261124_000011_site_keys::Migration),
            Box::new(m20261124_000012_calendar::Migration),
            Box::new(m20261124_000013_feeds::Migration),
            Box::new(m20261124_000014_provider_ids::Migration),
            Box::new(m20261124_000015_providers::Migration),
            Box::new(m20261124_000016_social::Migration),
            Box::new(m20261124_000019_ticks::Migration),
            Box::new(m20261124_000021_signup::Migration),
            Box::new(m20261124_000026_blocks::Migration),
        ]
    }
}

pub use sea_orm_migration::MigratorTrait as RunMigrations;
