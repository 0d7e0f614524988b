//! Recurring campaigns for the tests.
#![allow(dead_code)] // each area uses what it needs

use super::TestApp;
use chrono::{DateTime, Utc};
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::campaigns::draft::Changes;
use fairway::domain::CampaignType;
use fairway::domain::recurrence::Recurrence;
use fairway::entity::{occurrences, runs};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::Value;

impl TestApp {
    /// A recurring campaign in London, to this many people, that is scheduled.
    pub async fn repeating(&self, people: i64, recurrence: Value) -> i64 {
        let id = self.repeating_draft(people, recurrence).await;
        commands::schedule(&self.cx, id, &Actor::fairway()).await.unwrap();
        id
    }

    pub async fn repeating_draft(&self, people: i64, recurrence: Value) -> i64 {
        let segment = self.people(people).await;
        let template = self
            .template("The news", "<p>Dear {{ contact.first_name }}</p>")
            .await;
        let draft = self
            .draft()
            .name("The week at the club")
            .kind(CampaignType::Recurring)
            .segment(segment)
            .template(template)
            .create()
            .await;
        let changes = Changes {
            recurrence: Some(Some(Recurrence::parse(&recurrence).unwrap())),
            ..Changes::default()
        };
        commands::edit(&self.cx, draft.id, None, &changes, &Actor::fairway())
            .await
            .unwrap();
        draft.id
    }

    /// Moves the clock to an instant, `2026-03-03T09:00`, in UTC.
    pub fn until(&self, instant: &str) {
        let at: DateTime<Utc> = format!("{instant}:00Z").parse().unwrap();
        assert!(at >= self.cx.clock.now(), "the clock goes forward");
        self.advance(at - self.cx.clock.now());
    }

    pub async fn runs(&self, campaign: i64) -> Vec<runs::Model> {
        runs::Entity::find()
            .filter(runs::Column::CampaignId.eq(campaign))
            .order_by_asc(runs::Column::Number)
            .all(&*self.cx.db)
            .await
            .unwrap()
    }

    /// For when each run was and when it began: `03-03 09:00, 03-06 09:00 at 03-06 11:00`.
    pub async fn story(&self, campaign: i64) -> String {
        let said = |at: DateTime<Utc>| at.format("%m-%d %H:%M").to_string();
        let runs: Vec<_> = self
            .runs(campaign)
            .await
            .into_iter()
            .map(|run| match (run.scheduled_for.0, run.started_at.0) {
                (planned, began) if planned == began => said(planned),
                (planned, began) => format!("{} at {}", said(planned), said(began)),
            })
            .collect();
        runs.join(", ")
    }

    /// What was decided of single occurrences: `03-03 09:00 MISSED`.
    pub async fn fates(&self, campaign: i64) -> String {
        let rows = occurrences::Entity::find()
            .filter(occurrences::Column::CampaignId.eq(campaign))
            .order_by_asc(occurrences::Column::Original)
            .all(&*self.cx.db)
            .await
            .unwrap();
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| format!("{} {}", row.original.0.format("%m-%d %H:%M"), row.state))
            .collect();
        rows.join(", ")
    }
}
