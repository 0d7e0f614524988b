//! Shared blocks of templates, and the text with its blocks that each version sends.

use super::schema::{Keys, create, id};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            "blocks",
            vec![
                id(),
                string("key"),
                string("name"),
                string("kind"),
                text("body"),
                big_integer_null("created_by"),
                big_integer("created_at"),
                big_integer("updated_at"),
            ],
            Keys {
                unique: &[&["key"]],
                foreign: &[("created_by", "users", ForeignKeyAction::SetNull)],
                ..Keys::default()
            },
        )
        .await?;
        for mut column in [
            text_null("whole"),
            string_null("note"),
            json_binary_null("attachments"),
        ] {
            let statement = Table::alter()
                .table("template_versions")
                .add_column(&mut column)
                .take();
            manager.alter_table(statement).await?;
        }
        Ok(())
    }
}
