//! What recipients did: opens, clicks, opt-outs, conversions. Append-only, but for a
//! conversion that an earlier one replaces.

use super::Timestamp;
use crate::domain::ActivityKind;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "activities")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub delivery_id: i64,
    pub contact_id: Option<i64>,
    pub kind: ActivityKind,
    pub link_id: Option<i64>,
    pub at: Timestamp,
    #[sea_orm(column_type = "JsonBinary")]
    pub detail: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
