//! What a triggered campaign needs beside the rest: an event, and perhaps a segment to choose among
//! the people whom events are about.

use super::{Place, Report, State};
use crate::audience::segments;
use crate::campaigns::{store, triggers};
use crate::domain::SegmentKind;
use crate::domain::trigger::Trigger;
use crate::entity::{campaigns, events};
use crate::web::Result;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

pub(super) async fn audience(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
) -> Result<()> {
    let (place, field, title) = (Place::Audience, "segmentId", "Audience");
    let Some(segment) = store::segment(db, campaign.segment_id).await? else {
        let text = "Whoever an event is about.";
        report.add(State::Ok, place, field, title, text);
        return Ok(());
    };
    let name = &segment.name;
    match segments::rule_of(&segment) {
        Err(error) if segment.kind == SegmentKind::Rule => {
            let text = format!("The segment “{name}” cannot be read: {}", error.errors);
            report.add(State::Error, place, field, title, text);
        }
        _ => {
            let text = format!("Whoever an event is about, if they are in “{name}” at that moment.");
            report.add(State::Ok, place, field, title, text);
        }
    }
    Ok(())
}

pub(super) async fn trigger(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
) -> Result<()> {
    let (place, title) = (Place::Schedule, "Event");
    let Some(json) = &campaign.trigger else {
        let text = "Name the event that sets it off.";
        report.add(State::Error, place, "trigger", title, text);
        return Ok(());
    };
    if let Err(mistakes) = Trigger::parse(json) {
        for (_, sentence) in mistakes {
            report.add(State::Error, place, "trigger", title, sentence);
        }
        return Ok(());
    }
    let Some(trigger) = triggers::of(campaign) else {
        return Ok(());
    };
    report.add(State::Ok, place, "trigger", title, trigger.words());
    let heard = events::Entity::find()
        .filter(events::Column::Name.eq(&trigger.event))
        .one(db)
        .await?;
    if heard.is_none() {
        let text = format!(
            "No {} was ever reported. Check its name with whoever looks after your club’s system.",
            trigger.event
        );
        report.add(State::Warn, place, "trigger", "Heard of", text);
    }
    Ok(())
}
