//! What the demo club has sent once: campaigns that ran, with their trail and their ledger.

use super::{ACTIVE, Audience, MEMBERS, Ran, Templates, campaign, content, keep_links, keep_run, staff};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::db::Tx;
use crate::demo::history::{Rows, Told};
use crate::demo::people::Known;
use crate::demo::{club, experiment};
use crate::domain::{CampaignType, Channel, DeliveryState, Purpose, RunState, Status};
use crate::entity::campaigns;
use crate::web::Result;
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

/// A campaign that ran.
pub struct Past {
    name: &'static str,
    template: &'static str,
    hours_ago: i64,
    segment: i64,
    audience: Audience,
    topic: Option<i64>,
    purpose: Purpose,
    status: Status,
    appeal: f64,
    sent_up_to: Option<i64>,
    rest: DeliveryState,
    has_goal: bool,
    /// Whether two subjects were tried on a part first.
    is_tried: bool,
}

/// Everything that ran to its end, unless it says otherwise.
const PAST: Past = Past {
    name: "",
    template: "announcement-email",
    hours_ago: 0,
    segment: club::ALL_MEMBERS,
    audience: MEMBERS,
    topic: Some(club::NEWSLETTER),
    purpose: Purpose::Marketing,
    status: Status::Completed,
    appeal: 1.0,
    sent_up_to: None,
    rest: DeliveryState::Cancelled,
    has_goal: false,
    is_tried: false,
};

/// Oldest first, so that an opt-out after one is respected by the next.
pub const HISTORY: &[Past] = &[
    Past {
        name: "Captain’s Day: entries are open",
        template: "tournament-invite-email",
        hours_ago: 62 * 24 + 3,
        segment: club::ACTIVE_GOLFERS,
        audience: ACTIVE,
        topic: Some(club::TOURNAMENTS),
        appeal: 1.15,
        has_goal: true,
        ..PAST
    },
    Past {
        name: "Newsletter, October",
        template: "weekly-newsletter-email",
        hours_ago: 41 * 24 + 5,
        ..PAST
    },
    Past {
        name: "Hollow-tining: temporary greens this week",
        hours_ago: 27 * 24 + 2,
        topic: None,
        purpose: Purpose::Transactional,
        appeal: 1.3,
        ..PAST
    },
    Past {
        name: "Pro-shop clearance",
        hours_ago: 19 * 24 + 6,
        topic: Some(club::OFFERS),
        appeal: 0.7,
        status: Status::Cancelled,
        sent_up_to: Some(640),
        ..PAST
    },
    Past {
        name: "Newsletter, November",
        template: "weekly-newsletter-email",
        hours_ago: 11 * 24 + 5,
        ..PAST
    },
    Past {
        name: "From the pro’s desk: winter coaching",
        template: "weekly-newsletter-email",
        hours_ago: 6 * 24 + 4,
        topic: Some(club::OFFERS),
        is_tried: true,
        ..PAST
    },
    Past {
        name: "Twilight league: last places",
        template: "tournament-invite-email",
        hours_ago: 30,
        segment: club::ACTIVE_GOLFERS,
        audience: ACTIVE,
        topic: Some(club::TOURNAMENTS),
        appeal: 0.9,
        has_goal: true,
        ..PAST
    },
    Past {
        name: "Members’ dinner: reserve your table",
        hours_ago: 3,
        topic: Some(club::NEWSLETTER),
        appeal: 0.8,
        status: Status::Paused,
        sent_up_to: Some(900),
        rest: DeliveryState::Queued,
        ..PAST
    },
];

impl Past {
    /// The campaign, its run and its links; answers the links' ids.
    pub async fn begin(
        &self,
        tx: &Tx,
        id: i64,
        templates: &Templates,
        first_link: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<i64>> {
        let started = now - TimeDelta::hours(self.hours_ago);
        let written = started - TimeDelta::hours(26);
        let is_paused = self.status == Status::Paused;
        let lasted = match self.is_tried {
            true => TimeDelta::minutes(4 * 60 + 3),
            false => TimeDelta::minutes(4),
        };
        let ended = (!is_paused).then(|| started + lasted);
        let goal = json!({"event": "tournament.entered", "window": "P7D", "value": "fee"});
        campaigns::Entity::insert(campaigns::ActiveModel {
            status: Set(self.status),
            purpose: Set(self.purpose),
            topic_id: Set(self.topic),
            segment_id: Set(Some(self.segment)),
            scheduled_at: Set(Some(started.into())),
            goal: Set(self.has_goal.then_some(goal)),
            experiment: Set(self.is_tried.then(experiment::to_json)),
            started_at: Set(Some(started.into())),
            finished_at: Set(ended.map(Into::into)),
            updated_at: Set(ended.unwrap_or(started).into()),
            revision: Set(6),
            ..campaign(id, self.name, CampaignType::OneTime, written)
        })
        .exec_without_returning(&**tx)
        .await?;
        let (template, version) = templates.get(self.template).copied().unwrap_or_default();
        content(tx, id, Channel::Email, Some(template), json!({})).await?;
        let ran = Ran {
            id,
            campaign: id,
            number: 1,
            state: match self.status {
                Status::Paused => RunState::Sending,
                Status::Cancelled => RunState::Cancelled,
                _ => RunState::Finished,
            },
            started,
            ended,
            version,
        };
        keep_run(tx, &ran).await?;
        if self.is_tried {
            experiment::keep(tx, id, version).await?;
        }
        self.trail(tx, id, written, started).await?;
        keep_links(tx, id, version, first_link).await
    }

    /// Its ledger, with what people did.
    pub async fn tell(
        &self,
        tx: &Tx,
        rng: &mut StdRng,
        (id, links): (i64, &[i64]),
        people: &[Known],
        rows: &mut Rows,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let audience: Vec<&Known> = people.iter().filter(|person| (self.audience)(person)).collect();
        let started = now - TimeDelta::hours(self.hours_ago);
        let told = |variant, appeal, later| Told {
            run: id,
            campaign: id,
            variant,
            purpose: self.purpose,
            started: started + later,
            links,
            appeal,
            sent_up_to: self.sent_up_to,
            rest: self.rest,
            has_goal: self.has_goal,
        };
        if !self.is_tried {
            rows.tell(rng, &told(0, self.appeal, TimeDelta::zero()), &audience, now);
            return Ok(());
        }
        for part in experiment::parts() {
            let is_in = |person: &&&Known| experiment::split(id).variant(person.id) == part.variant;
            let people: Vec<&Known> = audience.iter().filter(is_in).copied().collect();
            rows.tell(rng, &told(part.variant, part.appeal, part.later), &people, now);
        }
        experiment::decide(tx, id, rows, started).await
    }

    /// What was done to the campaign, as its page tells it.
    async fn trail(&self, tx: &Tx, id: i64, written: DateTime<Utc>, started: DateTime<Utc>) -> Result<()> {
        let staff = staff();
        let fairway = Actor::fairway();
        let step = |from: Status, to: Status| json!({"from": from, "to": to});
        let mut steps: Vec<(DateTime<Utc>, &Actor, &str, Value)> = vec![
            (written, &staff, "created", json!({})),
            (
                started - TimeDelta::hours(20),
                &staff,
                "scheduled",
                step(Status::Draft, Status::Scheduled),
            ),
            (
                started,
                &fairway,
                "started",
                step(Status::Scheduled, Status::Active),
            ),
        ];
        let end = started + TimeDelta::minutes(4);
        match self.status {
            Status::Completed => steps.push((
                end,
                &fairway,
                "completed",
                step(Status::Active, Status::Completed),
            )),
            _ => steps.push((end, &staff, "paused", step(Status::Active, Status::Paused))),
        }
        if self.status == Status::Cancelled {
            steps.push((end, &staff, "cancelled", step(Status::Paused, Status::Cancelled)));
        }
        for (at, actor, action, detail) in steps {
            audit::record(tx, at, actor, action, Subject("campaign", Some(id)), detail).await?;
        }
        Ok(())
    }
}
