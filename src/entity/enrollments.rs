//! One walk of one person through a journey.

use super::Timestamp;
use crate::domain::EnrollmentState;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "enrollments")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub campaign_id: i64,
    pub run_id: i64,
    /// Null once the person was erased; the row stays, so that counts stay true.
    pub contact_id: Option<i64>,
    pub version_id: i64,
    /// Which time it is for this person, from 1.
    pub instance: i32,
    pub step: String,
    pub state: EnrollmentState,
    /// Why it was left before its end.
    pub reason: Option<String>,
    /// When the engine looks again.
    pub due_at: Timestamp,
    pub entered_at: Timestamp,
    /// When the person came to the step.
    pub arrived_at: Timestamp,
    pub left_at: Option<Timestamp>,
    /// Calls of the webhook of this step so far.
    pub attempt: i32,
    /// What later steps ask about: the event, and the deliveries of earlier messages.
    #[sea_orm(column_type = "JsonBinary")]
    pub facts: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
