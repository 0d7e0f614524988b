//! A row of the file, staged; applied in one transaction, so nothing is half-imported.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "import_rows")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: i64,
    /// The fields as a JSON array of strings.
    #[sea_orm(column_type = "Text")]
    pub raw: String,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub parsed: Option<Json>,
    #[sea_orm(column_type = "Text", nullable)]
    pub refusal: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
