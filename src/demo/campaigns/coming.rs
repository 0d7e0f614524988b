//! What the demo club is about to send: a draft that is ready to go, and one that waits for its day.

use super::{Templates, campaign, content, staff};
use crate::accounts::audit::{self, Subject};
use crate::db::Tx;
use crate::demo::club;
use crate::domain::{CampaignType, Channel, Purpose, Status};
use crate::entity::campaigns;
use crate::web::Result;
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait as _;
use serde_json::json;

/// A campaign that waits.
pub struct Coming {
    name: &'static str,
    template: &'static str,
    segment: i64,
    topic: i64,
    /// In how many days; `None` is a draft.
    in_days: Option<i64>,
    send_now: bool,
}

pub const COMING: &[Coming] = &[
    Coming {
        name: "Summer Tournament",
        template: "tournament-invite-email",
        segment: club::ACTIVE_GOLFERS,
        topic: club::TOURNAMENTS,
        in_days: None,
        send_now: true,
    },
    Coming {
        name: "Year-end greetings",
        template: "announcement-email",
        segment: club::ALL_MEMBERS,
        topic: club::NEWSLETTER,
        in_days: Some(16),
        send_now: false,
    },
];

impl Coming {
    pub async fn plan(&self, tx: &Tx, id: i64, templates: &Templates, now: DateTime<Utc>) -> Result<()> {
        let at = self.in_days.map(|days| next_morning(now, days));
        campaigns::Entity::insert(campaigns::ActiveModel {
            status: Set(if at.is_some() {
                Status::Scheduled
            } else {
                Status::Draft
            }),
            purpose: Set(Purpose::Marketing),
            topic_id: Set(Some(self.topic)),
            segment_id: Set(Some(self.segment)),
            send_now: Set(self.send_now),
            scheduled_at: Set(at.map(Into::into)),
            goal: Set((self.topic == club::TOURNAMENTS)
                .then(|| json!({"event": "tournament.entered", "window": "P7D", "value": "fee"}))),
            ..campaign(id, self.name, CampaignType::OneTime, now - TimeDelta::hours(5))
        })
        .exec_without_returning(&**tx)
        .await?;
        let template = templates.get(self.template).map(|(id, _)| *id);
        content(tx, id, Channel::Email, template, json!({})).await?;
        let staff = staff();
        let made = now - TimeDelta::hours(5);
        audit::record(
            tx,
            made,
            &staff,
            "created",
            Subject("campaign", Some(id)),
            json!({}),
        )
        .await?;
        Ok(())
    }
}

/// 09:00 in the club's zone, some days on. Johannesburg has no daylight saving, so there is one.
fn next_morning(now: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    let day = (now.with_timezone(&club::ZONE) + TimeDelta::days(days)).date_naive();
    day.and_hms_opt(9, 0, 0)
        .and_then(|morning| morning.and_local_timezone(club::ZONE).earliest())
        .map_or(now, |morning| morning.to_utc())
}
