//! Campaigns that repeat: where each stands, and what was decided of single occurrences.

use super::schema::{Keys, create, id};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One row while a campaign is scheduled, active or paused: what is due is found by it.
        create(
            manager,
            "repetitions",
            vec![
                big_integer("campaign_id"),
                big_integer("reached"),
                big_integer_null("next_at"),
            ],
            Keys {
                primary: &["campaign_id"],
                index: &[&["next_at"]],
                foreign: &[("campaign_id", "campaigns", ForeignKeyAction::Cascade)],
                ..Keys::default()
            },
        )
        .await?;
        create(
            manager,
            "occurrences",
            vec![
                id(),
                big_integer("campaign_id"),
                big_integer("original"),
                string("state"),
                big_integer_null("moved_to"),
                string_null("subject"),
                big_integer_null("template_id"),
                text_null("reason"),
                big_integer_null("run_id"),
                big_integer("updated_at"),
            ],
            Keys {
                unique: &[&["campaign_id", "original"]],
                index: &[&["campaign_id", "state"]],
                foreign: &[
                    ("campaign_id", "campaigns", ForeignKeyAction::Cascade),
                    ("template_id", "templates", ForeignKeyAction::Restrict),
                    ("run_id", "runs", ForeignKeyAction::Restrict),
                ],
                ..Keys::default()
            },
        )
        .await
    }
}
