//! A part that templates share: kept in one place, taken in by its key.

use super::Timestamp;
use crate::domain::BodyKind;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "blocks")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// By which templates name it.
    pub key: String,
    pub name: String,
    /// What it is written in: MJML or HTML.
    pub kind: BodyKind,
    #[sea_orm(column_type = "Text")]
    pub body: String,
    pub created_by: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
