//! A contact's consent on a channel as it stands. `consent_log` has how it came to be.

use super::Timestamp;
use crate::domain::{Channel, ConsentStatus};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "consents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub contact_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel: Channel,
    pub status: ConsentStatus,
    pub source: String,
    #[sea_orm(column_type = "Text")]
    pub evidence: String,
    pub at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
