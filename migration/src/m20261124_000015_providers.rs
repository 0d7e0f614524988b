//! Providers with their sealed secrets, webhooks that were not understood, and messages from people.

use super::schema::{Keys, create, id};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            "providers",
            vec![
                id(),
                string("key"),
                string("kind"),
                string("channel"),
                string("name"),
                json_binary("settings"),
                text("sealed"),
                boolean("is_active"),
                boolean("has_receipts"),
                big_integer("created_at"),
                big_integer("updated_at"),
                big_integer_null("tested_at"),
                text_null("test_result"),
                big_integer("revision"),
            ],
            Keys {
                unique: &[&["key"]],
                ..Keys::default()
            },
        )
        .await?;
        create(
            manager,
            "hook_failures",
            vec![
                id(),
                big_integer("provider_id"),
                big_integer("at"),
                text("reason"),
                text("body"),
            ],
            Keys {
                index: &[&["provider_id", "id"]],
                foreign: &[("provider_id", "providers", ForeignKeyAction::Cascade)],
                ..Keys::default()
            },
        )
        .await?;
        create(
            manager,
            "inbound_messages",
            vec![
                id(),
                string("channel"),
                big_integer_null("provider_id"),
                // What the provider calls it, by which one that comes twice is known.
                string("reference"),
                string("address"),
                big_integer_null("contact_id"),
                text("text"),
                string_null("word"),
                big_integer("at"),
            ],
            Keys {
                unique: &[&["channel", "reference"]],
                index: &[&["channel", "address", "at"], &["contact_id"]],
                foreign: &[
                    ("provider_id", "providers", ForeignKeyAction::SetNull),
                    ("contact_id", "contacts", ForeignKeyAction::SetNull),
                ],
                ..Keys::default()
            },
        )
        .await
    }
}
