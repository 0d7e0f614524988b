//! A form on the public web by which people join the club's lists.

use super::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "signup_forms")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// In its address.
    pub key: String,
    /// For staff.
    pub name: String,
    pub heading: String,
    #[sea_orm(column_type = "Text")]
    pub intro: String,
    /// What people agree to; kept with each consent as it was shown.
    #[sea_orm(column_type = "Text")]
    pub statement: String,
    #[sea_orm(column_type = "Text")]
    pub thanks: String,
    pub asks_name: bool,
    /// Whether it asks for a telephone number too, for texts.
    pub asks_phone: bool,
    /// The ids of topics to choose from.
    #[sea_orm(column_type = "JsonBinary")]
    pub topics: Json,
    /// Given to everyone who confirms; empty for none.
    pub tag: String,
    pub created_by: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub archived_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
