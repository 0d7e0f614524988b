//! Providers: who carries the messages of a channel, where posts go, who reports what became of mail.

use super::Timestamp;
use crate::domain::Channel;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "providers")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stands in the address of its webhooks.
    pub key: String,
    /// A word of `providers::kinds`.
    pub kind: String,
    pub channel: Channel,
    pub name: String,
    /// What is no secret, by field.
    #[sea_orm(column_type = "JsonBinary")]
    pub settings: Json,
    /// What is, encrypted.
    #[sea_orm(column_type = "Text")]
    pub sealed: String,
    pub is_active: bool,
    /// Whether it says later which messages arrived.
    pub has_receipts: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub tested_at: Option<Timestamp>,
    /// What was wrong when it was tested; empty where nothing was.
    #[sea_orm(column_type = "Text", nullable)]
    pub test_result: Option<String>,
    /// Counts its changes, by which every node notices them.
    pub revision: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
