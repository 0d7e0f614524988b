//! One firing of a campaign.

use super::Timestamp;
use crate::domain::RunState;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub campaign_id: i64,
    pub number: i32,
    pub state: RunState,
    pub scheduled_for: Timestamp,
    /// The last contact that was turned into a delivery; a crash resumes behind it.
    pub cursor: i64,
    pub started_at: Timestamp,
    pub expanded_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Why nothing goes out just now though it should: a sentence, such as that the mail server
    /// cannot be reached. Null while all is well.
    #[sea_orm(column_type = "Text", nullable)]
    pub waiting: Option<String>,
    /// When the winner of its variants is chosen; null where there is nothing to choose, or staff
    /// do.
    pub decide_at: Option<Timestamp>,
    pub decided_at: Option<Timestamp>,
    /// The variant that the rest is sent.
    pub winner: Option<i32>,
    /// Why that one, in a sentence.
    #[sea_orm(column_type = "Text", nullable)]
    pub decision: Option<String>,
    /// A `domain::feed::Edition`: what it says of its campaign's feed, the same for everyone.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub feed: Option<Json>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
