//! An address that somebody entered in a sign-up form, until its owner confirms it.

use super::Timestamp;
use crate::domain::Channel;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "signups")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub form_id: i64,
    /// The same for the addresses that were entered together.
    pub submission: String,
    pub channel: Channel,
    pub address: String,
    pub first_name: String,
    pub last_name: String,
    /// `{topics: {id: wanted}}` of the topics that were offered.
    #[sea_orm(column_type = "JsonBinary")]
    pub choices: Json,
    /// What they agreed to, as it was shown.
    #[sea_orm(column_type = "Text")]
    pub statement: String,
    /// The network address it came from.
    pub network: String,
    #[sea_orm(column_type = "Text")]
    pub user_agent: String,
    pub token_hash: String,
    pub created_at: Timestamp,
    /// When the request to confirm is to be sent; null once it was, or is given up.
    pub mail_due_at: Option<Timestamp>,
    pub mail_attempts: i32,
    pub mailed_at: Option<Timestamp>,
    /// Why the request to confirm could not be sent.
    #[sea_orm(column_type = "Text", nullable)]
    pub problem: Option<String>,
    pub confirmed_at: Option<Timestamp>,
    pub contact_id: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
