//! Journeys: their versions, who walks them and where, and the counts of each step.

use super::schema::{Keys, create, id};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        definitions(manager).await?;
        walks(manager).await?;
        let connection = manager.get_connection();
        for text in [
            // What is due of one journey. It begins with the campaign, so that a paused one with a
            // million people whose waits ended costs nothing.
            "CREATE INDEX idx_enrollments_due ON enrollments (campaign_id, due_at, id) WHERE state = 'ACTIVE'",
            "CREATE INDEX idx_enrollments_calls ON enrollments (campaign_id, due_at, id) WHERE state = 'CALLING'",
            // Where a person is now: for events, opt-outs and goals.
            "CREATE INDEX idx_enrollments_inside ON enrollments (contact_id) \
             WHERE state IN ('ACTIVE', 'CALLING')",
        ] {
            connection.execute_unprepared(text).await?;
        }
        Ok(())
    }
}

async fn definitions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "journey_versions",
        vec![
            id(),
            big_integer("campaign_id"),
            integer("number"),
            json_binary("definition"),
            string("published_by"),
            big_integer("published_at"),
        ],
        Keys {
            unique: &[&["campaign_id", "number"]],
            foreign: &[("campaign_id", "campaigns", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await?;
    // How far the engine is with a journey's entries.
    create(
        manager,
        "journeys",
        vec![
            big_integer("campaign_id"),
            big_integer("run_id"),
            big_integer("version_id"),
            // Whether those who were in the segment at the start are known.
            boolean("is_begun"),
            big_integer("members_cursor"),
            big_integer_null("members_due_at"),
            // The day whose dates are looked at next.
            string("dates_day"),
            big_integer("dates_cursor"),
            big_integer_null("dates_due_at"),
        ],
        Keys {
            primary: &["campaign_id"],
            foreign: &[
                ("campaign_id", "campaigns", ForeignKeyAction::Cascade),
                ("run_id", "runs", ForeignKeyAction::Cascade),
                ("version_id", "journey_versions", ForeignKeyAction::Cascade),
            ],
            ..Keys::default()
        },
    )
    .await?;
    // Who was in the segment when it was last looked at, so that joining again is seen.
    create(
        manager,
        "journey_members",
        vec![big_integer("campaign_id"), big_integer("contact_id")],
        Keys {
            primary: &["campaign_id", "contact_id"],
            index: &[&["contact_id"]],
            foreign: &[
                ("campaign_id", "campaigns", ForeignKeyAction::Cascade),
                ("contact_id", "contacts", ForeignKeyAction::Cascade),
            ],
            ..Keys::default()
        },
    )
    .await?;
    // How far a log was read that is read once.
    create(
        manager,
        "journey_marks",
        vec![string("name"), big_integer("position")],
        Keys {
            primary: &["name"],
            ..Keys::default()
        },
    )
    .await
}

async fn walks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    create(
        manager,
        "enrollments",
        vec![
            id(),
            big_integer("campaign_id"),
            big_integer("run_id"),
            big_integer_null("contact_id"),
            big_integer("version_id"),
            integer("instance"),
            string("step"),
            string("state"),
            string_null("reason"),
            big_integer("due_at"),
            big_integer("entered_at"),
            big_integer("arrived_at"),
            big_integer_null("left_at"),
            integer("attempt"),
            json_binary("facts"),
        ],
        Keys {
            unique: &[&["campaign_id", "contact_id", "instance"]],
            index: &[&["contact_id", "id"], &["version_id"]],
            foreign: &[
                ("campaign_id", "campaigns", ForeignKeyAction::Restrict),
                ("run_id", "runs", ForeignKeyAction::Restrict),
                ("contact_id", "contacts", ForeignKeyAction::SetNull),
                ("version_id", "journey_versions", ForeignKeyAction::Restrict),
            ],
            ..Keys::default()
        },
    )
    .await?;
    create(
        manager,
        "journey_counts",
        vec![
            big_integer("campaign_id"),
            big_integer("version_id"),
            // Empty for the journey as a whole.
            string("step"),
            big_integer("came"),
            big_integer("here"),
            big_integer("dropped"),
        ],
        Keys {
            primary: &["campaign_id", "version_id", "step"],
            foreign: &[("campaign_id", "campaigns", ForeignKeyAction::Cascade)],
            ..Keys::default()
        },
    )
    .await
}
