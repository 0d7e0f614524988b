//! Newsletters that fill themselves from a feed: its address, what was read of it, and which items
//! were there at an earlier run.

use super::schema::{Keys, create};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["campaigns", "runs"] {
            let statement = Table::alter()
                .table(table)
                .add_column(json_binary_null("feed"))
                .take();
            manager.alter_table(statement).await?;
        }
        create(
            manager,
            "feed_readings",
            vec![
                big_integer("campaign_id"),
                text("url"),
                text_null("etag"),
                text_null("last_modified"),
                ColumnDef::new("body").blob().null().take(),
                big_integer_null("read_for"),
                big_integer("wanted_for"),
                integer("attempts"),
                big_integer_null("next_try_at"),
                text_null("problem"),
            ],
            Keys {
                primary: &["campaign_id"],
                index: &[&["next_try_at"]],
                foreign: &[("campaign_id", "campaigns", ForeignKeyAction::Cascade)],
                ..Keys::default()
            },
        )
        .await?;
        create(
            manager,
            "feed_items",
            vec![
                big_integer("campaign_id"),
                string("item_hash"),
                big_integer("run_id"),
            ],
            Keys {
                primary: &["campaign_id", "item_hash"],
                foreign: &[
                    ("campaign_id", "campaigns", ForeignKeyAction::Cascade),
                    ("run_id", "runs", ForeignKeyAction::Cascade),
                ],
                ..Keys::default()
            },
        )
        .await
    }
}
