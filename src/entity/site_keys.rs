//! Public keys by which a club's website reports what people do there.

use super::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "site_keys")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Stands in the pages of the site, for everyone to read.
    pub key: String,
    /// The site, as browsers say it: `https://www.club.example`.
    pub origin: String,
    /// Whether links to the site carry a token, by which the site reports whose visit it is.
    pub tags_links: bool,
    pub created_by: Option<i64>,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
