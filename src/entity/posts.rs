//! What a delivery of the channel SOCIAL says: fixed when its run starts; and what came of it.

use super::Timestamp;
use crate::domain::Platform;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "posts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery_id: i64,
    pub run_id: i64,
    pub campaign_id: i64,
    pub platform: Platform,
    /// The account's key; empty where the platform has none and the post is captured.
    pub account: String,
    /// As its author wrote it, with the club's values in it.
    #[sea_orm(column_type = "Text")]
    pub text: String,
    /// Addresses of pictures and films.
    #[sea_orm(column_type = "JsonBinary")]
    pub media: Json,
    /// The addresses in the text that are tracked: `[{start, end, url, id}]`.
    #[sea_orm(column_type = "JsonBinary")]
    pub links: Json,
    /// The same at each attempt.
    pub made_at: Timestamp,
    /// All clicks on its links, whoever made them.
    pub clicks: i64,
    /// What the platform said when it was last asked; null where it does not say.
    pub likes: Option<i64>,
    pub comments: Option<i64>,
    pub shares: Option<i64>,
    /// How often it was asked.
    pub looks: i32,
    pub looked_at: Option<Timestamp>,
    /// When it is asked next; null when no more.
    pub look_at: Option<Timestamp>,
    /// Why it could not be asked the last time.
    #[sea_orm(column_type = "Text", nullable)]
    pub trouble: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
