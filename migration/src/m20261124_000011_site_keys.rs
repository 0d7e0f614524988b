//! Public keys by which a club's website reports conversions.

use super::schema::{Keys, create, id};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            "site_keys",
            vec![
                id(),
                string("key"),
                string("origin"),
                boolean("tags_links"),
                big_integer_null("created_by"),
                big_integer("created_at"),
                big_integer_null("revoked_at"),
            ],
            Keys {
                unique: &[&["key"]],
                foreign: &[("created_by", "users", ForeignKeyAction::SetNull)],
                ..Keys::default()
            },
        )
        .await
    }
}
