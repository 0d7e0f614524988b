//! What happened in each hour of a run, for charts.

use crate::domain::Channel;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "run_hours")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel: Channel,
    /// The hour's first millisecond since 1970.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hour: i64,
    pub sent: i64,
    pub opened: i64,
    pub clicked: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
