//! Reading where a repetition stands.

use super::{Plan, of};
use crate::domain::OccurrenceState;
use crate::entity::{campaigns, occurrences, repetitions};
use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

/// Where a campaign's repetition stands, while it is scheduled, active or paused.
pub async fn repetition(
    db: &impl ConnectionTrait,
    campaign: i64,
) -> Result<Option<repetitions::Model>, DbErr> {
    repetitions::Entity::find_by_id(campaign).one(db).await
}

/// A campaign's repetition with what was decided of the occurrences after `since`, and of those
/// that were moved. `None` where the campaign has none that can be read.
pub async fn plan(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    since: DateTime<Utc>,
) -> Result<Option<Plan>, DbErr> {
    let Some(recurrence) = of(campaign) else {
        return Ok(None);
    };
    let rows = occurrences::Entity::find()
        .filter(occurrences::Column::CampaignId.eq(campaign.id))
        .filter(
            Condition::any()
                .add(occurrences::Column::Original.gt(since.timestamp_millis()))
                .add(occurrences::Column::State.eq(OccurrenceState::Planned)),
        )
        .all(db)
        .await?;
    Ok(Some(Plan::new(campaign, recurrence, rows)))
}

/// What was decided of one occurrence.
pub async fn occurrence(
    db: &impl ConnectionTrait,
    campaign: i64,
    original: DateTime<Utc>,
) -> Result<Option<occurrences::Model>, DbErr> {
    occurrences::Entity::find()
        .filter(occurrences::Column::CampaignId.eq(campaign))
        .filter(occurrences::Column::Original.eq(original.timestamp_millis()))
        .one(db)
        .await
}

/// Those of which it is decided what became of them, newest first.
pub async fn past(
    db: &impl ConnectionTrait,
    campaign: i64,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<occurrences::Model>, DbErr> {
    occurrences::Entity::find()
        .filter(occurrences::Column::CampaignId.eq(campaign))
        .filter(occurrences::Column::State.ne(OccurrenceState::Planned))
        .filter(occurrences::Column::Original.lte(now.timestamp_millis()))
        .order_by_desc(occurrences::Column::Original)
        .limit(limit)
        .all(db)
        .await
}

/// Those that were skipped or missed and are past, newest first.
pub async fn not_sent(
    db: &impl ConnectionTrait,
    campaign: i64,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<occurrences::Model>, DbErr> {
    occurrences::Entity::find()
        .filter(occurrences::Column::CampaignId.eq(campaign))
        .filter(occurrences::Column::State.is_in([OccurrenceState::Skipped, OccurrenceState::Missed]))
        .filter(occurrences::Column::Original.lte(now.timestamp_millis()))
        .order_by_desc(occurrences::Column::Original)
        .limit(limit)
        .all(db)
        .await
}
