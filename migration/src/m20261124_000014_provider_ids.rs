//! What providers call the messages that they took, and where posts can be seen.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for text in [
            "ALTER TABLE deliveries ADD COLUMN provider_id TEXT",
            "ALTER TABLE deliveries ADD COLUMN permalink TEXT",
            // Partial, so that a club that sends mail alone does not pay for it.
            "CREATE INDEX idx_deliveries_provider_id ON deliveries (provider_id) WHERE provider_id IS NOT NULL",
        ] {
            db.execute_unprepared(text).await?;
        }
        Ok(())
    }
}
