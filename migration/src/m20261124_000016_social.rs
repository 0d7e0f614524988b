//! Posts on social platforms: a row of the ledger for each account, what it says there, and what
//! came of it.

use super::schema::{Keys, create};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(
            manager,
            "posts",
            vec![
                big_integer("delivery_id"),
                big_integer("run_id"),
                big_integer("campaign_id"),
                string("platform"),
                string("account"),
                text("text"),
                json_binary("media"),
                json_binary("links"),
                big_integer("made_at"),
                big_integer("clicks").default(0).take(),
                big_integer_null("likes"),
                big_integer_null("comments"),
                big_integer_null("shares"),
                integer("looks").default(0).take(),
                big_integer_null("looked_at"),
                big_integer_null("look_at"),
                text_null("trouble"),
            ],
            Keys {
                primary: &["delivery_id"],
                index: &[&["campaign_id"]],
                foreign: &[
                    ("delivery_id", "deliveries", ForeignKeyAction::Cascade),
                    ("run_id", "runs", ForeignKeyAction::Cascade),
                ],
                ..Keys::default()
            },
        )
        .await?;
        let db = manager.get_connection();
        // A post is nobody's in particular, and of rows without a contact the ledger's own index
        // takes any number.
        db.execute_unprepared(
            "CREATE UNIQUE INDEX idx_deliveries_post ON deliveries (run_id, step, instance) WHERE channel = 'SOCIAL'",
        )
        .await?;
        db.execute_unprepared("CREATE INDEX idx_posts_look ON posts (look_at) WHERE look_at IS NOT NULL")
            .await?;
        Ok(())
    }
}
