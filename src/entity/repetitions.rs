//! Where a recurring campaign stands, while it is scheduled, active or paused.

use super::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "repetitions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: i64,
    /// Of every occurrence up to here it is decided what becomes of it, but of those that were
    /// moved.
    pub reached: Timestamp,
    /// When the next one is to be looked at. Null: none is to come.
    pub next_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
