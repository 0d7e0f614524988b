//! Which journeys one person walks or walked, and where they are.

use crate::domain::EnrollmentState;
use crate::domain::journey::{Journey, Names, Reason};
use crate::entity::{Timestamp, templates};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
};
use serde_json::Value;

/// The most walks that are told.
pub const MOST: usize = 50;

/// One walk.
#[derive(Clone, Debug, PartialEq)]
pub struct Walk {
    pub campaign_id: i64,
    pub campaign: String,
    /// Which time it is for this person, from 1.
    pub instance: i32,
    pub entered_at: DateTime<Utc>,
    pub left_at: Option<DateTime<Utc>>,
    pub is_inside: bool,
    /// Where they are, or how it ended, in words.
    pub place: String,
    /// Until when they wait, at most.
    pub until: Option<DateTime<Utc>>,
}

#[derive(FromQueryResult)]
struct Row {
    campaign_id: i64,
    campaign: String,
    instance: i32,
    step: String,
    state: EnrollmentState,
    reason: Option<String>,
    due_at: Timestamp,
    entered_at: Timestamp,
    left_at: Option<Timestamp>,
    definition: Value,
}

/// A person's walks, newest first.
pub async fn of(db: &impl ConnectionTrait, contact_id: i64) -> Result<Vec<Walk>, DbErr> {
    let mut sql = crate::db::Sql::new(db.get_database_backend());
    let contact = sql.bind(contact_id);
    let rows = Row::find_by_statement(sql.statement(format!(
        "SELECT e.campaign_id, c.name AS campaign, e.instance, e.step, e.state, e.reason, e.due_at, \
           e.entered_at, e.left_at, v.definition \
         FROM enrollments e JOIN campaigns c ON c.id = e.campaign_id \
           JOIN journey_versions v ON v.id = e.version_id \
         WHERE e.contact_id = {contact} ORDER BY e.id DESC LIMIT {MOST}"
    )))
    .all(db)
    .await?;
    let mut walks = Vec::with_capacity(rows.len());
    for row in rows {
        let journey = Journey::parse(&row.definition).ok();
        let names = match &journey {
            Some(journey) => names(db, journey).await?,
            None => Names::default(),
        };
        walks.push(walk(row, journey.as_ref(), &names));
    }
    Ok(walks)
}

async fn names(db: &impl ConnectionTrait, journey: &Journey) -> Result<Names, DbErr> {
    let keys: Vec<&str> = journey.messages().map(|(_, _, template)| template).collect();
    let rows = templates::Entity::find()
        .filter(templates::Column::Key.is_in(keys))
        .all(db)
        .await?;
    Ok(Names {
        templates: rows.into_iter().map(|row| (row.key, row.name)).collect(),
        ..Names::default()
    })
}

fn walk(row: Row, journey: Option<&Journey>, names: &Names) -> Walk {
    let step = journey.and_then(|journey| Some((journey, journey.step(&row.step)?)));
    let at = step.map_or_else(
        || row.step.clone(),
        |(journey, step)| format!("{}: {}", step.kind.label(), step.words(journey, names)),
    );
    let waits = step.is_some_and(|(_, step)| step.kind.is_wait());
    let reason = row.reason.as_deref().and_then(|word| word.parse::<Reason>().ok());
    let is_inside = matches!(row.state, EnrollmentState::Active | EnrollmentState::Calling);
    Walk {
        campaign_id: row.campaign_id,
        campaign: row.campaign,
        instance: row.instance,
        entered_at: row.entered_at.0,
        left_at: row.left_at.map(|at| at.0),
        is_inside,
        place: match (row.state, reason) {
            (EnrollmentState::Finished, _) => "Walked to the end".into(),
            (EnrollmentState::Exited, Some(reason)) => format!("Left: {}", reason.label().to_lowercase()),
            (EnrollmentState::Exited, None) => "Left".into(),
            (EnrollmentState::Active | EnrollmentState::Calling, _) => at,
        },
        until: (is_inside && waits).then_some(row.due_at.0),
    }
}
