//! Conversions with money: the last click of a message, what its conversion was worth, and the sum.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, mut column) in [
            ("deliveries", big_integer_null("last_clicked_at")),
            ("deliveries", big_integer_null("converted_value")),
            ("run_counts", big_integer("converted_value").default(0).take()),
        ] {
            let statement = Table::alter().table(table).add_column(&mut column).take();
            manager.alter_table(statement).await?;
        }
        Ok(())
    }
}
