//! Runs that stay open, for campaigns that follow on events: a delivery names the event that
//! caused it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared(
                "ALTER TABLE deliveries ADD COLUMN event_id BIGINT REFERENCES events (id) ON DELETE SET NULL",
            )
            .await?;
        // Deleting an event looks for its deliveries; most have none.
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE INDEX idx_deliveries_event ON deliveries (event_id) WHERE event_id IS NOT NULL",
            )
            .await?;
        Ok(())
    }
}
