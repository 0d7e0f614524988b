//! Campaigns that follow on events: events wait to be handled, and what each came to in which
//! campaign is kept.

use super::schema::{Keys, create};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for text in [
            "ALTER TABLE events ADD COLUMN pending BOOLEAN NOT NULL DEFAULT FALSE",
            // The outbox: only what waits, so that looking for it costs nothing.
            "CREATE INDEX idx_events_pending ON events (id) WHERE pending",
            "CREATE INDEX idx_events_name_id ON events (name, id)",
        ] {
            manager.get_connection().execute_unprepared(text).await?;
        }
        create(
            manager,
            "event_outcomes",
            vec![
                big_integer("campaign_id"),
                big_integer("event_id"),
                string("outcome"),
                text_null("detail"),
                big_integer("at"),
            ],
            Keys {
                primary: &["campaign_id", "event_id"],
                index: &[&["event_id"]],
                foreign: &[
                    ("campaign_id", "campaigns", ForeignKeyAction::Cascade),
                    ("event_id", "events", ForeignKeyAction::Cascade),
                ],
                ..Keys::default()
            },
        )
        .await?;
        create(
            manager,
            "event_counts",
            vec![
                big_integer("campaign_id"),
                string("outcome"),
                big_integer("number"),
            ],
            Keys {
                primary: &["campaign_id", "outcome"],
                foreign: &[("campaign_id", "campaigns", ForeignKeyAction::Cascade)],
                ..Keys::default()
            },
        )
        .await
    }
}
