//! A template as it was saved. Never changed, so that what was sent can be shown.

use super::Timestamp;
use crate::domain::BodyKind;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "template_versions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub template_id: i64,
    pub number: i32,
    pub subject: String,
    pub preheader: String,
    pub body_kind: BodyKind,
    #[sea_orm(column_type = "Text")]
    pub body: String,
    /// The plain-text part; made from the body when not written.
    #[sea_orm(column_type = "Text", nullable)]
    pub text: Option<String>,
    /// The body with its shared blocks in their places, as they were when it was kept: what is sent.
    #[sea_orm(column_type = "Text", nullable)]
    pub whole: Option<String>,
    /// Why it was kept, where nobody wrote in it: a block changed.
    pub note: Option<String>,
    /// The files that go with it.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub attachments: Option<Json>,
    pub created_by: Option<i64>,
    pub created_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
