//! How many came to each step, are there, and left the journey there. Moves with the walks.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "journey_counts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub version_id: i64,
    /// Empty for the journey as a whole.
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: String,
    pub came: i64,
    pub here: i64,
    pub dropped: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
