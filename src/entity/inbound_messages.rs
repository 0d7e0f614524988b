//! Messages from people: what they answered to ours.

use super::Timestamp;
use crate::domain::Channel;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "inbound_messages")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub channel: Channel,
    pub provider_id: Option<i64>,
    /// What the provider calls it.
    pub reference: String,
    /// Whom it is from.
    pub address: String,
    /// One of those with this address, the first.
    pub contact_id: Option<i64>,
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// `STOP`, `START` or `HELP`, where it was one.
    pub word: Option<String>,
    pub at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
