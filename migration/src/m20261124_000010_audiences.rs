//! Segments made of segments, campaigns for those who have not had them, and a person's messages of
//! one campaign found in one step.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, mut column) in [
            ("segments", json_binary_null("resolved")),
            ("campaigns", boolean("only_new").default(false).take()),
        ] {
            let statement = Table::alter().table(table).add_column(&mut column).take();
            manager.alter_table(statement).await?;
        }
        // In the place of the one on (contact_id, id), so that writing costs what it did.
        let db = manager.get_connection();
        db.execute_unprepared("DROP INDEX idx_deliveries_contact_id_id")
            .await?;
        db.execute_unprepared(
            "CREATE INDEX idx_deliveries_contact_id_campaign_id_id ON deliveries (contact_id, campaign_id, id)",
        )
        .await?;
        Ok(())
    }
}
