//! A link that a campaign registered; a click leads nowhere else.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "links")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub run_id: i64,
    #[sea_orm(column_type = "Text")]
    pub url: String,
    pub url_hash: String,
    pub label: String,
    /// All clicks.
    pub clicks: i64,
    /// People who clicked, once each.
    pub people: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
