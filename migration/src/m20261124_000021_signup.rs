//! Sign-up forms, and who signed up and has not confirmed yet.

use super::schema::{Keys, create, id};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            "signup_forms",
            vec![
                id(),
                string("key"),
                string("name"),
                string("heading"),
                text("intro"),
                text("statement"),
                text("thanks"),
                boolean("asks_name"),
                boolean("asks_phone"),
                json_binary("topics"),
                string("tag"),
                big_integer_null("created_by"),
                big_integer("created_at"),
                big_integer("updated_at"),
                big_integer_null("archived_at"),
            ],
            Keys {
                unique: &[&["key"]],
                foreign: &[("created_by", "users", ForeignKeyAction::SetNull)],
                ..Keys::default()
            },
        )
        .await?;
        create(
            manager,
            "signups",
            vec![
                id(),
                big_integer("form_id"),
                string("submission"),
                string("channel"),
                string("address"),
                string("first_name"),
                string("last_name"),
                json_binary("choices"),
                text("statement"),
                string("network"),
                text("user_agent"),
                string("token_hash"),
                big_integer("created_at"),
                big_integer_null("mail_due_at"),
                integer("mail_attempts"),
                big_integer_null("mailed_at"),
                text_null("problem"),
                big_integer_null("confirmed_at"),
                big_integer_null("contact_id"),
            ],
            Keys {
                unique: &[&["token_hash"]],
                index: &[
                    &["address", "created_at"],
                    &["network", "created_at"],
                    &["form_id", "confirmed_at"],
                    &["submission"],
                    &["created_at"],
                ],
                foreign: &[
                    ("form_id", "signup_forms", ForeignKeyAction::Cascade),
                    ("contact_id", "contacts", ForeignKeyAction::Cascade),
                ],
                ..Keys::default()
            },
        )
        .await?;
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE INDEX idx_signups_mail_due_at ON signups (mail_due_at) WHERE mail_due_at IS NOT NULL",
            )
            .await?;
        Ok(())
    }
}
