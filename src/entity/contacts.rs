//! One of the club's people.

use super::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contacts")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The key in the club's own system (member number), unique.
    pub key: Option<String>,
    /// Lower-cased, unique.
    pub email: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    pub first_name: String,
    pub last_name: String,
    pub timezone: Option<String>,
    pub locale: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub attributes: Json,
    /// Lower-cased key, names, e-mail and phone, for the search box.
    #[sea_orm(column_type = "Text")]
    pub search: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
