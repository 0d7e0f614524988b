//! What was decided of a single occurrence of a recurring campaign. One of which nothing was
//! decided has no row.

use super::Timestamp;
use crate::domain::OccurrenceState;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "occurrences")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub campaign_id: i64,
    /// When the rule has it: what it is known by, also after it was moved.
    pub original: Timestamp,
    pub state: OccurrenceState,
    /// When it is sent instead.
    pub moved_to: Option<Timestamp>,
    /// What stands instead of the template's subject.
    pub subject: Option<String>,
    /// The template that it is made of instead of the campaign's.
    pub template_id: Option<i64>,
    /// Why it was skipped or missed, in a sentence.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    pub run_id: Option<i64>,
    pub updated_at: Timestamp,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
