//! The demo club's audiences that are made of others, a campaign that goes only to those who have
//! not had it, and a busy week on the calendar. Made as staff make them.

use super::club;
use crate::accounts::{Actor, Club};
use crate::audience::segments::commands as segments;
use crate::audience::segments::commands::{Members, NewSegment};
use crate::campaigns::commands;
use crate::campaigns::input::{CampaignInput, ContentInput};
use crate::context::Context;
use crate::domain::segment::Rule;
use crate::web::{AppError, Result};
use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use serde_json::{Value, json};

/// The past newsletter that some slept through, by its id.
const NEWSLETTER: &str = "5";

pub async fn load(cx: &Context, now: DateTime<Utc>) -> Result<()> {
    let tx = cx.db.begin().await?;
    for (key, name, rule) in rules() {
        let rule = Rule::parse(&rule).map_err(|error| AppError::Internal(error.into()))?;
        let new = NewSegment {
            name: name.to_owned(),
            members: Members::Rule(rule),
        };
        segments::create(&tx, key, new, &Actor::fairway(), now).await?;
    }
    tx.commit().await?;
    let today = now.with_timezone(&club::ZONE).date_naive();
    let monday = today + Days::new(u64::from(7 - today.weekday().num_days_from_monday()));
    for (campaign, template) in campaigns(today, monday) {
        let input: CampaignInput = read(campaign)?;
        let new = input.parse_new(&*cx.db, &Club::load(&*cx.db).await?).await?;
        let campaign = commands::create(cx, new, &Actor::fairway()).await?;
        let content: ContentInput = read(json!({"email": {"templateId": template}}))?;
        let contents = content.parse(&*cx.db).await?;
        commands::set_content(cx, campaign.id, contents, &Actor::fairway()).await?;
        commands::schedule(cx, campaign.id, &Actor::fairway()).await?;
    }
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(json: Value) -> Result<T> {
    serde_json::from_value(json).map_err(|error| AppError::Internal(error.into()))
}

fn rules() -> [(&'static str, &'static str, Value); 2] {
    [
        (
            "slept-through-november",
            "Active golfers who slept through November’s newsletter",
            json!({"all": [
                {"field": "segment", "op": "in", "value": "active-golfers-segment-id"},
                {"field": "campaign.sent", "op": "in", "value": NEWSLETTER},
                {"field": "campaign.opened", "op": "not_in", "value": NEWSLETTER},
            ]}),
        ),
        (
            "new-golfers",
            "New members who play",
            json!({"all": [
                {"field": "segment", "op": "in", "value": "new-members"},
                {"field": "segment", "op": "in", "value": "active-golfers-segment-id"},
            ]}),
        ),
    ]
}

/// What waits, each with its template.
fn campaigns(today: NaiveDate, monday: NaiveDate) -> Vec<(Value, &'static str)> {
    let at = |day: NaiveDate, time: &str| format!("{day}T{time}:00+02:00");
    let once = |name: &str, segment: &str, topic: &str, at: String, template: &'static str| {
        let json = json!({
            "name": name, "type": "ONE_TIME", "segmentId": segment, "channels": ["EMAIL"], "topic": topic,
            "scheduledAt": at,
            "goal": {"event": "tournament.entered", "window": "P7D", "value": "fee"},
        });
        (json, template)
    };
    let golfers = "active-golfers-segment-id";
    let evergreen = json!({
        "name": "Your first months on the course", "type": "RECURRING", "segmentId": "new-golfers",
        "channels": ["EMAIL"], "topic": "newsletter", "onlyNew": true,
        "recurrence": {"rule": "FREQ=WEEKLY;BYDAY=TH", "start": format!("{}T09:30", today + Days::new(1))},
    });
    vec![
        (evergreen, "welcome-email"),
        once(
            "Monthly medal: the draw",
            golfers,
            "tournaments",
            at(monday + Days::new(1), "08:00"),
            "tournament-invite-email",
        ),
        once(
            "Practice range: new mats",
            golfers,
            "offers",
            at(monday + Days::new(2), "12:00"),
            "announcement-email",
        ),
        once(
            "Mixed foursomes: last call",
            golfers,
            "tournaments",
            at(monday + Days::new(4), "16:30"),
            "tournament-invite-email",
        ),
    ]
}
