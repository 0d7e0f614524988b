//! A group of contacts: by rule, or by hand.

use super::Timestamp;
use crate::domain::SegmentKind;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "segments")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub key: String,
    pub name: String,
    pub kind: SegmentKind,
    #[sea_orm(column_type = "JsonBinary")]
    pub rule: Json,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub archived_at: Option<Timestamp>,
    /// The rule with those of the segments that it names in their place; null where it names none.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub resolved: Option<Json>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
