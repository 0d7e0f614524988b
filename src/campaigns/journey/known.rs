//! What there is in the club for the names that a journey uses, and what they are called.

use crate::domain::journey::{Journey, Kind, Known, Names, Test};
use crate::domain::segment::Labels;
use crate::entity::{attribute_definitions, campaigns, segments, templates, topics};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use std::collections::BTreeSet;

/// What a journey names, as it is kept; attributes are all of the club's.
struct Rows {
    templates: Vec<templates::Model>,
    segments: Vec<segments::Model>,
    attributes: Vec<attribute_definitions::Model>,
}

async fn rows(db: &impl ConnectionTrait, journey: &Journey) -> Result<Rows, DbErr> {
    let (templates, segments) = named(journey);
    Ok(Rows {
        templates: templates::Entity::find()
            .filter(templates::Column::Key.is_in(templates))
            .all(db)
            .await?,
        segments: segments::Entity::find()
            .filter(segments::Column::Key.is_in(segments))
            .all(db)
            .await?,
        attributes: attribute_definitions::Entity::find().all(db).await?,
    })
}

/// What a journey of the campaign may name.
pub async fn of(
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    journey: &Journey,
) -> Result<Known, DbErr> {
    let Rows {
        templates,
        segments,
        attributes,
    } = rows(db, journey).await?;
    Ok(Known {
        templates: templates.into_iter().map(|row| (row.key, row.channel)).collect(),
        segments: segments.into_iter().map(|row| row.key).collect(),
        attributes: attributes.into_iter().map(|row| (row.name, row.kind)).collect(),
        has_segment: campaign.segment_id.is_some(),
        has_goal: campaign.goal.is_some(),
    })
}

/// What is called what, for the sentences of a journey.
pub async fn names(db: &impl ConnectionTrait, journey: &Journey) -> Result<Names, DbErr> {
    let Rows {
        templates,
        segments,
        attributes,
    } = rows(db, journey).await?;
    let topics = topics::Entity::find().all(db).await?;
    Ok(Names {
        templates: templates.into_iter().map(|row| (row.key, row.name)).collect(),
        segments: segments.into_iter().map(|row| (row.key, row.name)).collect(),
        labels: Labels {
            attributes: attributes.into_iter().map(|row| (row.name, row.label)).collect(),
            topics: topics.into_iter().map(|row| (row.key, row.name)).collect(),
            ..Labels::default()
        },
    })
}

/// The keys of the templates and segments in a journey.
fn named(journey: &Journey) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let (mut templates, mut segments) = (BTreeSet::new(), BTreeSet::new());
    for step in &journey.steps {
        match &step.kind {
            Kind::Message { template, .. } => {
                templates.insert(template.as_str());
            }
            Kind::Branch(Test::Segment(key)) => {
                segments.insert(key.as_str());
            }
            _ => {}
        }
    }
    (templates, segments)
}
