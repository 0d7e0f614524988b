//! Reading journeys: versions, the people inside, and the counts.

use super::counts::WHOLE;
use crate::domain::Channel;
use crate::domain::journey::Journey;
use crate::entity::{
    campaigns, enrollments, journey_counts, journey_versions, journeys, run_contents, run_counts,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::BTreeMap;

/// A published version, ready to be walked.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub id: i64,
    pub campaign_id: i64,
    pub number: i32,
    pub journey: Journey,
    /// Under which variant the ledger keeps each message of this version.
    pub variants: BTreeMap<(String, Channel), i32>,
}

/// The journey as staff are writing it; `None` where nobody began, or it cannot be read.
pub fn draft(campaign: &campaigns::Model) -> Option<Journey> {
    Journey::parse(campaign.journey.as_ref()?).ok()
}

/// The engine's row of a journey that runs or ran.
pub async fn running(db: &impl ConnectionTrait, campaign: i64) -> Result<Option<journeys::Model>, DbErr> {
    journeys::Entity::find_by_id(campaign).one(db).await
}

/// A version with what its messages say in the ledger.
pub async fn version(db: &impl ConnectionTrait, id: i64, run: i64) -> Result<Option<Version>, DbErr> {
    let Some(row) = journey_versions::Entity::find_by_id(id).one(db).await? else {
        return Ok(None);
    };
    let journey = Journey::parse(&row.definition).map_err(|problems| {
        let first = problems.first().map(|problem| problem.text.clone());
        DbErr::Custom(format!("journey version {id}: {}", first.unwrap_or_default()))
    })?;
    let contents = run_contents::Entity::find()
        .filter(run_contents::Column::RunId.eq(run))
        .filter(run_contents::Column::Variant.lt(row.number))
        .order_by_asc(run_contents::Column::Variant)
        .all(db)
        .await?;
    Ok(Some(Version {
        id,
        campaign_id: row.campaign_id,
        number: row.number,
        journey,
        // The last one wins: a message that stayed the same keeps the variant it had.
        variants: contents
            .into_iter()
            .map(|row| ((row.step, row.channel), row.variant))
            .collect(),
    }))
}

/// The versions of a campaign, newest first.
pub async fn versions(
    db: &impl ConnectionTrait,
    campaign: i64,
) -> Result<Vec<journey_versions::Model>, DbErr> {
    journey_versions::Entity::find()
        .filter(journey_versions::Column::CampaignId.eq(campaign))
        .order_by_desc(journey_versions::Column::Number)
        .limit(200)
        .all(db)
        .await
}

/// How many people came to a step, are there, and left the journey there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepCounts {
    pub came: i64,
    pub here: i64,
    pub dropped: i64,
}

impl StepCounts {
    /// How many went on from here, or walked to the end.
    pub const fn passed(&self) -> i64 {
        self.came - self.here - self.dropped
    }
}

/// The counts of a journey, over all its versions, by step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub whole: StepCounts,
    pub steps: BTreeMap<String, StepCounts>,
    /// How many are inside on each version.
    pub inside: BTreeMap<i64, i64>,
}

pub async fn counts(db: &impl ConnectionTrait, campaign: i64) -> Result<Counts, DbErr> {
    let rows = journey_counts::Entity::find()
        .filter(journey_counts::Column::CampaignId.eq(campaign))
        .all(db)
        .await?;
    let mut counts = Counts::default();
    for row in rows {
        let sum = match row.step.as_str() {
            WHOLE => {
                counts.inside.insert(row.version_id, row.here);
                &mut counts.whole
            }
            step => counts.steps.entry(step.to_owned()).or_default(),
        };
        sum.came += row.came;
        sum.here += row.here;
        sum.dropped += row.dropped;
    }
    Ok(counts)
}

/// What the messages of each step came to, over all their variants.
pub async fn sent(
    db: &impl ConnectionTrait,
    campaign: i64,
) -> Result<BTreeMap<String, run_counts::Model>, DbErr> {
    let rows = run_counts::Entity::find()
        .filter(run_counts::Column::CampaignId.eq(campaign))
        .all(db)
        .await?;
    let mut steps = BTreeMap::<String, run_counts::Model>::new();
    for row in rows {
        match steps.get_mut(&row.step) {
            None => {
                steps.insert(row.step.clone(), row);
            }
            Some(sum) => {
                sum.target += row.target;
                sum.queued += row.queued;
                sum.sent += row.sent;
                sum.delivered += row.delivered;
                sum.skipped += row.skipped;
                sum.opened += row.opened;
                sum.clicked += row.clicked;
            }
        }
    }
    Ok(steps)
}

/// The walks of one person, newest first, at most 50.
pub async fn walks_of(db: &impl ConnectionTrait, contact: i64) -> Result<Vec<enrollments::Model>, DbErr> {
    enrollments::Entity::find()
        .filter(enrollments::Column::ContactId.eq(contact))
        .order_by_desc(enrollments::Column::Id)
        .limit(50)
        .all(db)
        .await
}
