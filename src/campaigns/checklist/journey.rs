//! The checks of a journey: its steps as a whole, what its messages say, and who comes in.

use super::{Place, Report, State};
use crate::audience::reach;
use crate::campaigns::channels::Words;
use crate::campaigns::journey::{known, publish, store as journeys};
use crate::campaigns::store;
use crate::domain::Channel;
use crate::domain::journey::{Entry, Journey, Problem};
use crate::entity::campaigns;
use crate::web::Result;
use crate::web::filters::group;
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

/// Looks at the steps, and at who walks them.
pub(super) async fn steps(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    now: DateTime<Utc>,
) -> Result<()> {
    let place = Place::Journey;
    let Some(journey) = journeys::draft(campaign) else {
        report.add(
            State::Error,
            place,
            "journey",
            "Steps",
            "The journey has no steps yet: write it first.",
        );
        return Ok(());
    };
    let known = known::of(db, campaign, &journey).await?;
    let problems = journey.validate(&known);
    let is_whole = problems.is_empty();
    for problem in problems {
        report.add(State::Error, place, problem.path(), "Steps", sentence(&problem));
    }
    if is_whole {
        match publish::prepare(db, &journey).await? {
            Ok(messages) => report.add(
                State::Ok,
                place,
                "journey",
                "Steps",
                format!(
                    "{}, {}. Every way ends.",
                    counted(journey.steps.len(), "step"),
                    counted(messages.len(), "message")
                ),
            ),
            Err(problem) => report.add(State::Error, place, "journey", "Steps", problem),
        }
    }
    for warning in journey.warnings() {
        let field = warning.path();
        report.add(State::Warn, place, field, "Steps", sentence(&warning));
    }
    audience(report, db, campaign, &journey, now).await
}

fn sentence(problem: &Problem) -> String {
    match &problem.step {
        Some(step) => format!("Step “{step}”: {}", problem.text),
        None => problem.text.clone(),
    }
}

fn counted(number: usize, word: &str) -> String {
    match number {
        1 => format!("1 {word}"),
        number => format!("{number} {word}s"),
    }
}

/// Who comes in, and how many at once. A journey may begin with nobody: people come later.
async fn audience(
    report: &mut Report,
    db: &impl ConnectionTrait,
    campaign: &campaigns::Model,
    journey: &Journey,
    now: DateTime<Utc>,
) -> Result<()> {
    let segment = store::segment(db, campaign.segment_id).await?;
    let words = journey
        .entry
        .words(segment.as_ref().map(|segment| segment.name.as_str()));
    let at_once = match (&journey.entry, &segment) {
        (Entry::Segment { existing: true }, Some(segment)) => {
            let mut asked = Words::of(campaign).personal();
            if asked.is_empty() {
                asked.push(Channel::Email);
            }
            let zone = super::zone(campaign);
            let purpose = campaign.purpose;
            let reach = reach::of(db, segment, &asked, purpose, campaign.topic_id, now, zone).await?;
            let text = format!(
                " {} of {} in it now can be reached.",
                group(asked.iter().map(|channel| reach.on(*channel)).max().unwrap_or(0)),
                group(reach.total)
            );
            report.reach = Some(reach);
            text
        }
        _ => String::new(),
    };
    report.add(
        State::Ok,
        Place::Journey,
        "segmentId",
        "Who comes in",
        format!("{words}.{at_once}"),
    );
    Ok(())
}
