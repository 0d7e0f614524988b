//! The calendar: runs found by their time, and the secret addresses of its feeds.

use super::schema::{Keys, create};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            "calendar_feeds",
            vec![
                big_integer("user_id"),
                string("token_hash"),
                big_integer("created_at"),
            ],
            Keys {
                primary: &["user_id"],
                unique: &[&["token_hash"]],
                foreign: &[("user_id", "users", ForeignKeyAction::Cascade)],
                ..Keys::default()
            },
        )
        .await?;
        let db = manager.get_connection();
        db.execute_unprepared("CREATE INDEX idx_runs_scheduled_for ON runs (scheduled_for)")
            .await?;
        Ok(())
    }
}
