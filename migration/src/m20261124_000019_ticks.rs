//! What a tick looks for among scheduled campaigns, each by an index of its own, so that it costs
//! what is due and not what is planned.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for index in [
            "CREATE INDEX idx_campaigns_send_now ON campaigns (status, send_now, held_until)",
            "CREATE INDEX idx_campaigns_local ON campaigns (status, local_time, scheduled_at)",
        ] {
            db.execute_unprepared(index).await?;
        }
        Ok(())
    }
}
