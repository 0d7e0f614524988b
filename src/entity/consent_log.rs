//! Every change of consent, of a channel or a topic. Append-only.

use super::Timestamp;
use crate::domain::{Channel, ConsentStatus};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "consent_log")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub contact_id: i64,
    pub channel: Option<Channel>,
    pub topic_id: Option<i64>,
    pub status: ConsentStatus,
    pub source: String,
    #[sea_orm(column_type = "Text")]
    pub evidence: String,
    pub actor: String,
    pub at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
