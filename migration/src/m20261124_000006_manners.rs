//! Good manners and A/B: how a campaign is spread and held, its experiment, what a run decided,
//! and what a variant says otherwise.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// One column each: SQLite adds no more at a time.
const STEPS: &[&str] = &[
    // Not started before; until then it can be taken back.
    "ALTER TABLE campaigns ADD COLUMN held_until BIGINT",
    "ALTER TABLE campaigns ADD COLUMN local_time BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE campaigns ADD COLUMN spread_minutes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE campaigns ADD COLUMN ignores_cap BOOLEAN NOT NULL DEFAULT FALSE",
    // When the winner is chosen, which it was, and why, in a sentence.
    "ALTER TABLE runs ADD COLUMN decide_at BIGINT",
    "ALTER TABLE runs ADD COLUMN decided_at BIGINT",
    "ALTER TABLE runs ADD COLUMN winner INTEGER",
    "ALTER TABLE runs ADD COLUMN decision TEXT",
    // The zones that the club's people live in, found without reading everybody.
    "CREATE INDEX idx_contacts_timezone ON contacts (timezone)",
    // How much somebody got lately. What is handed over just now is among it.
    "CREATE INDEX idx_deliveries_handed ON deliveries (contact_id, channel, handed_at) \
     WHERE handed_at IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for step in STEPS {
            manager.get_connection().execute_unprepared(step).await?;
        }
        for (table, column) in [("campaigns", "experiment"), ("run_contents", "said")] {
            manager
                .alter_table(
                    Table::alter()
                        .table(table)
                        .add_column(ColumnDef::new(column).json_binary().null())
                        .to_owned(),
                )
                .await?;
        }
        Ok(())
    }
}
