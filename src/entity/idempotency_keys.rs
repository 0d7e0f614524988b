//! The answer given to a POST, repeated when the same key comes again.

use super::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub api_key_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Method, path and body; a reuse for something else is refused.
    pub request_hash: String,
    /// 0 while the first request is still running.
    pub status: i32,
    #[sea_orm(column_type = "Text")]
    pub body: String,
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
