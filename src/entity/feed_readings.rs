//! What was last read of a campaign's feed, and for which occurrence it is to be read.

use super::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_readings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: i64,
    /// Where `body` was read.
    #[sea_orm(column_type = "Text")]
    pub url: String,
    /// What the server names the body by, so that it answers that nothing changed.
    #[sea_orm(column_type = "Text", nullable)]
    pub etag: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub last_modified: Option<String>,
    #[sea_orm(column_type = "Blob", nullable)]
    pub body: Option<Vec<u8>>,
    /// The occurrence for which it was read, by its original instant.
    pub read_for: Option<Timestamp>,
    /// The one for which it is to be read.
    pub wanted_for: Timestamp,
    /// How often that was tried.
    pub attempts: i32,
    /// Null: it need not be read.
    pub next_try_at: Option<Timestamp>,
    /// Why it could not be read: a sentence.
    #[sea_orm(column_type = "Text", nullable)]
    pub problem: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
