//! What an event came to in a campaign.

use super::Timestamp;
use crate::domain::trigger::Outcome;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "event_outcomes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: i64,
    pub outcome: Outcome,
    /// A sentence, where the word does not say it all.
    #[sea_orm(column_type = "Text", nullable)]
    pub detail: Option<String>,
    pub at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
