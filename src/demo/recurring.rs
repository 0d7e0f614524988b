//! The demo club's weekly newsletter: eight times sent, once skipped, and the next is to come.

use super::campaigns::{self as told, MEMBERS, Templates};
use super::club;
use super::history::{Rows, Told};
use super::people::Known;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::campaigns::recurring::commands::{self, Fate};
use crate::db::Tx;
use crate::domain::recurrence::Recurrence;
use crate::domain::{CampaignType, Channel, DeliveryState, OccurrenceState, Purpose, RunState, Status};
use crate::entity::{campaigns, repetitions};
use crate::web::Result;
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait as _;
use serde_json::json;

/// Runs of other campaigns have smaller ids.
const FIRST_RUN: i64 = 101;
/// The newsletter of this week, counted from the first, was skipped.
const SKIPPED: usize = 3;
/// How well each went: 1 is usual.
const APPEAL: [f64; 9] = [0.92, 1.05, 0.98, 1.0, 1.12, 0.9, 1.02, 1.08, 1.0];

/// What the newsletter is made of.
pub struct Newsletter<'a> {
    pub id: i64,
    pub templates: &'a Templates,
    pub first_link: i64,
    pub now: DateTime<Utc>,
}

impl Newsletter<'_> {
    /// Loads the campaign with its runs, whose ledger goes into `rows`.
    pub async fn load(&self, tx: &Tx, rng: &mut StdRng, people: &mut [Known], rows: &mut Rows) -> Result<()> {
        let (template, version) = self
            .templates
            .get("weekly-newsletter-email")
            .copied()
            .unwrap_or_default();
        let recurrence = self.recurrence()?;
        let since = self.now - TimeDelta::days(64);
        let times: Vec<_> = recurrence
            .after(since, club::ZONE)
            .map(|found| found.at)
            .take_while(|at| *at < self.now)
            .collect();
        self.keep_campaign(tx, &recurrence, times.first().copied())
            .await?;
        told::content(tx, self.id, Channel::Email, Some(template), json!({})).await?;
        let mut first_link = self.first_link;
        for (place, at) in times.into_iter().enumerate() {
            if place == SKIPPED {
                self.skip(tx, at).await?;
                continue;
            }
            let run = FIRST_RUN + i64::try_from(place).unwrap_or_default();
            self.keep_run(tx, run, place, at, version).await?;
            let links = told::keep_links(tx, run, version, first_link).await?;
            first_link += i64::try_from(links.len()).unwrap_or_default();
            let audience: Vec<&Known> = people.iter().filter(|person| MEMBERS(person)).collect();
            let before = rows.left.len();
            let run = Told {
                run,
                campaign: self.id,
                variant: 0,
                purpose: Purpose::Marketing,
                started: at,
                links: &links,
                appeal: APPEAL.get(place).copied().unwrap_or(1.0),
                sent_up_to: None,
                rest: DeliveryState::Cancelled,
                has_goal: false,
            };
            rows.tell(rng, &run, &audience, self.now);
            told::opt_out(people, &rows.left[before..]);
        }
        Ok(())
    }

    fn recurrence(&self) -> Result<Recurrence> {
        let first = (self.now - TimeDelta::days(62)).with_timezone(&club::ZONE);
        let json = json!({
            "rule": "FREQ=WEEKLY;BYDAY=TU",
            "start": format!("{}T09:00", first.date_naive()),
        });
        Recurrence::parse(&json)
            .map_err(|problems| anyhow::anyhow!("the demo's newsletter does not repeat: {problems:?}").into())
    }

    async fn keep_campaign(
        &self,
        tx: &Tx,
        recurrence: &Recurrence,
        first: Option<DateTime<Utc>>,
    ) -> Result<()> {
        let first = first.unwrap_or(self.now);
        let made = first - TimeDelta::hours(26);
        campaigns::Entity::insert(campaigns::ActiveModel {
            status: Set(Status::Active),
            purpose: Set(Purpose::Marketing),
            topic_id: Set(Some(club::NEWSLETTER)),
            segment_id: Set(Some(club::ALL_MEMBERS)),
            recurrence: Set(Some(recurrence.to_json())),
            scheduled_at: Set(Some(first.into())),
            started_at: Set(Some(first.into())),
            updated_at: Set(first.into()),
            revision: Set(6),
            ..told::campaign(self.id, "Weekly newsletter", CampaignType::Recurring, made)
        })
        .exec_without_returning(&**tx)
        .await?;
        repetitions::Entity::insert(repetitions::ActiveModel {
            campaign_id: Set(self.id),
            reached: Set(self.now.into()),
            next_at: Set(recurrence.next_after(self.now, club::ZONE).map(Into::into)),
        })
        .exec_without_returning(&**tx)
        .await?;
        let (staff, fairway) = (told::staff(), Actor::fairway());
        let step = |from: Status, to: Status| json!({"from": from, "to": to});
        for (at, actor, action, detail) in [
            (made, &staff, "created", json!({})),
            (
                made + TimeDelta::hours(1),
                &staff,
                "scheduled",
                step(Status::Draft, Status::Scheduled),
            ),
            (
                first,
                &fairway,
                "started",
                step(Status::Scheduled, Status::Active),
            ),
        ] {
            audit::record(tx, at, actor, action, Subject("campaign", Some(self.id)), detail).await?;
        }
        Ok(())
    }

    async fn keep_run(&self, tx: &Tx, run: i64, place: usize, at: DateTime<Utc>, version: i64) -> Result<()> {
        // Skipped ones have no number.
        let number = match place > SKIPPED {
            true => place,
            false => place + 1,
        };
        let ran = told::Ran {
            id: run,
            campaign: self.id,
            number,
            state: RunState::Finished,
            started: at,
            ended: Some((at + TimeDelta::minutes(4)).min(self.now)),
            version,
        };
        told::keep_run(tx, &ran).await?;
        let fate = Fate {
            state: OccurrenceState::Sent,
            reason: None,
            run: Some(run),
        };
        Ok(commands::settle(tx, self.id, at, fate, at).await?)
    }

    async fn skip(&self, tx: &Tx, at: DateTime<Utc>) -> Result<()> {
        let decided = at - TimeDelta::hours(17);
        let fate = Fate {
            state: OccurrenceState::Skipped,
            reason: Some("Staff skipped it."),
            run: None,
        };
        commands::settle(tx, self.id, at, fate, decided).await?;
        let detail = json!({ "of": crate::web::filters::local(at, club::ZONE) });
        let subject = Subject("campaign", Some(self.id));
        audit::record(
            tx,
            decided,
            &told::staff(),
            "skipped an occurrence",
            subject,
            detail,
        )
        .await?;
        Ok(())
    }
}
