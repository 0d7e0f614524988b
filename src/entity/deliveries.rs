//! The ledger: one row for every recipient, the unit of sending.

use super::Timestamp;
use crate::domain::{Channel, DeliveryState};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deliveries")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub run_id: i64,
    pub campaign_id: i64,
    /// The journey's node; empty outside journeys.
    pub step: String,
    /// The A/B alternative; 0 where there is one.
    pub variant: i32,
    /// Null once the person was erased; the row stays, so that counts stay true.
    pub contact_id: Option<i64>,
    pub channel: Channel,
    /// Sets repeated sends of one step to one person apart: the event id of a trigger.
    pub instance: String,
    /// The event that caused it, whose properties its content may use.
    pub event_id: Option<i64>,
    /// 0 bulk, 1 triggered. The higher is claimed first.
    pub lane: i32,
    pub state: DeliveryState,
    pub address: String,
    pub due_at: Timestamp,
    pub attempt: i32,
    pub lease_token: Option<String>,
    pub lease_expires_at: Option<Timestamp>,
    /// Set just before it is handed to a connection: what a crash finds with it is in doubt.
    pub handed_at: Option<Timestamp>,
    /// Why it was skipped, or failed.
    pub reason: Option<String>,
    /// The last words of the server or provider.
    #[sea_orm(column_type = "Text", nullable)]
    pub reply: Option<String>,
    pub message_id: Option<String>,
    /// What the provider calls it, by which its webhooks speak of it.
    pub provider_id: Option<String>,
    /// Where a post can be seen.
    pub permalink: Option<String>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub bounced_at: Option<Timestamp>,
    pub opened_at: Option<Timestamp>,
    pub clicked_at: Option<Timestamp>,
    pub converted_at: Option<Timestamp>,
    pub unsubscribed_at: Option<Timestamp>,
    pub complained_at: Option<Timestamp>,
    /// `clicked_at` is the first.
    pub last_clicked_at: Option<Timestamp>,
    /// What the conversion was worth, in minor units of the club's currency.
    pub converted_value: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
