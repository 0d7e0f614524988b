//! The ledger as it stands at the end, read whole.

use super::club::Club;
use fairway::domain::trigger::Outcome;
use fairway::domain::{DeliveryState, EnrollmentState, OccurrenceState};
use fairway::entity::Timestamp;
use sea_orm::{ConnectionTrait as _, FromQueryResult};

#[derive(Clone, Debug, FromQueryResult)]
pub struct Delivery {
    pub id: i64,
    pub run_id: i64,
    pub campaign_id: i64,
    pub step: String,
    pub contact_id: i64,
    pub instance: String,
    pub event_id: Option<i64>,
    pub state: DeliveryState,
    pub due_at: Timestamp,
    pub reason: Option<String>,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, FromQueryResult)]
pub struct Walk {
    pub id: i64,
    pub campaign_id: i64,
    pub contact_id: i64,
    pub state: EnrollmentState,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, FromQueryResult)]
pub struct CameTo {
    pub campaign_id: i64,
    pub event_id: i64,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, FromQueryResult)]
pub struct Event {
    pub id: i64,
    pub external_id: String,
}

#[derive(Clone, Debug, FromQueryResult)]
pub struct Occurrence {
    pub campaign_id: i64,
    pub original: Timestamp,
    pub state: OccurrenceState,
}

pub struct Rows {
    pub deliveries: Vec<Delivery>,
    pub walks: Vec<Walk>,
    pub outcomes: Vec<CameTo>,
    pub events: Vec<Event>,
    pub occurrences: Vec<Occurrence>,
}

impl Rows {
    pub async fn read(club: &Club) -> Self {
        Self {
            deliveries: all(
                club,
                "SELECT id, run_id, campaign_id, step, contact_id, instance, event_id, state, due_at, reason, \
                 created_at FROM deliveries ORDER BY id",
            )
            .await,
            walks: all(club, "SELECT id, campaign_id, contact_id, state, reason FROM enrollments").await,
            outcomes: all(club, "SELECT campaign_id, event_id, outcome FROM event_outcomes").await,
            events: all(club, "SELECT id, external_id FROM events ORDER BY id").await,
            occurrences: all(club, "SELECT campaign_id, original, state FROM occurrences").await,
        }
    }
}

async fn all<T: FromQueryResult>(club: &Club, sql: &str) -> Vec<T> {
    let db = &club.app.cx.db;
    T::find_by_statement(db.sql(sql, [])).all(&**db).await.unwrap()
}

/// The one number that a statement answers.
pub async fn number(club: &Club, sql: &str) -> i64 {
    let db = &club.app.cx.db;
    let row = db.query_one_raw(db.sql(sql, [])).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
