//! A CSV file on its way into the audience.

use super::Timestamp;
use crate::domain::ImportState;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "imports")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub state: ImportState,
    pub filename: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub columns: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub mapping: Json,
    #[sea_orm(column_type = "JsonBinary")]
    pub options: Json,
    pub total_rows: i64,
    pub read_rows: i64,
    pub created_count: i64,
    pub updated_count: i64,
    pub refused_count: i64,
    #[sea_orm(column_type = "Text", nullable)]
    pub error: Option<String>,
    pub created_by: Option<i64>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
