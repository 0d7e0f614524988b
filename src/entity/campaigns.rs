//! What staff make: type, segment, channels, content, schedule.

use super::Timestamp;
use crate::domain::{CampaignType, InDoubt, Purpose, Status};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "campaigns")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub name: String,
    pub kind: CampaignType,
    pub status: Status,
    pub purpose: Purpose,
    pub topic_id: Option<i64>,
    pub segment_id: Option<i64>,
    /// A list of channel names.
    #[sea_orm(column_type = "JsonBinary")]
    pub channels: Json,
    pub timezone: String,
    /// Start as soon as it is scheduled.
    pub send_now: bool,
    pub scheduled_at: Option<Timestamp>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub recurrence: Option<Json>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub trigger: Option<Json>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub journey: Option<Json>,
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub goal: Option<Json>,
    pub sender_name: Option<String>,
    pub sender_email: Option<String>,
    pub reply_to: Option<String>,
    /// What happens to a message that a crash left in doubt.
    pub in_doubt: InDoubt,
    #[sea_orm(column_type = "Text", nullable)]
    pub pause_reason: Option<String>,
    /// Grows with every change, so that two people do not overwrite each other.
    pub revision: i64,
    pub created_by: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// It starts no earlier, and until then it can be taken back.
    pub held_until: Option<Timestamp>,
    /// At the wall-clock time where each person is, not at one instant.
    pub local_time: bool,
    /// Over how many minutes it is spread; 0 for as fast as it goes.
    pub spread_minutes: i32,
    /// Whether it goes out to those too who have had as much as the club allows.
    pub ignores_cap: bool,
    /// A `domain::experiment::Experiment`.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub experiment: Option<Json>,
    /// A repeated one goes only to those who have not had it: people who joined the segment since.
    pub only_new: bool,
    /// A `domain::feed::Source`: what a repeated one fills itself from.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub feed: Option<Json>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
