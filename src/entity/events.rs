//! What a club system reported.

use super::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub external_id: Option<String>,
    pub name: String,
    pub contact_id: Option<i64>,
    pub contact_ref: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub properties: Json,
    pub occurred_at: Timestamp,
    pub received_at: Timestamp,
    /// Waits for the scheduler to see what follows on it.
    pub pending: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
