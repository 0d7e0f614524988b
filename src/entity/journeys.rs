//! A journey that runs: the version that people come in on, and how far its entries are.

use super::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "journeys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: i64,
    pub run_id: i64,
    pub version_id: i64,
    /// Whether those who were in the segment at the start are known.
    pub is_begun: bool,
    /// The last contact whose membership was looked at in this round.
    pub members_cursor: i64,
    /// When the next round begins; null where the segment does not matter.
    pub members_due_at: Option<Timestamp>,
    /// The day, `YYYY-MM-DD`, whose dates are looked at next.
    pub dates_day: String,
    /// The last contact whose date was looked at for it.
    pub dates_cursor: i64,
    /// When it is looked at; null where no date brings anybody in.
    pub dates_due_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
