//! Journeys for the tests: written as the JSON API takes them, started, and looked at.
#![allow(dead_code)] // each area uses what it needs

use super::TestApp;
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::campaigns::draft::{Changes, When};
use fairway::domain::journey::Journey;
use fairway::domain::{CampaignType, EnrollmentState};
use fairway::entity::{campaigns, contacts, enrollments, journey_counts, templates};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl TestApp {
    /// The key of a new template with this subject.
    pub async fn message(&self, subject: &str) -> String {
        let id = self
            .template(subject, "<p>Dear {{ contact.first_name }}</p>")
            .await;
        let template = templates::Entity::find_by_id(id).one(&*self.cx.db).await.unwrap();
        template.unwrap().key
    }

    /// A draft of a journey with these steps.
    pub async fn journey_draft(&self, segment: Option<i64>, journey: &Value) -> campaigns::Model {
        let mut draft = self.draft().kind(CampaignType::Journey).now();
        if let Some(segment) = segment {
            draft = draft.segment(segment);
        }
        let campaign = draft.create().await;
        let changes = Changes {
            journey: Some(Some(Journey::parse(journey).unwrap())),
            when: Some(When::Now),
            ..Changes::default()
        };
        commands::edit(&self.cx, campaign.id, None, &changes, &Actor::fairway())
            .await
            .unwrap()
    }

    /// A journey that has begun.
    pub async fn journey(&self, segment: Option<i64>, journey: &Value) -> i64 {
        let campaign = self.journey_draft(segment, journey).await;
        commands::schedule(&self.cx, campaign.id, &Actor::fairway())
            .await
            .unwrap();
        self.tick().await;
        campaign.id
    }

    /// The id of the person with this key.
    pub async fn contact_id(&self, key: &str) -> i64 {
        let found = contacts::Entity::find()
            .filter(contacts::Column::Key.eq(key))
            .one(&*self.cx.db)
            .await;
        found.unwrap().unwrap().id
    }

    /// The key of a person.
    pub async fn contact_key(&self, contact: i64) -> String {
        let found = contacts::Entity::find_by_id(contact).one(&*self.cx.db).await;
        found.unwrap().unwrap().key.unwrap()
    }

    /// Who walks a campaign, in the order of their coming.
    pub async fn walks(&self, campaign: i64) -> Vec<enrollments::Model> {
        enrollments::Entity::find()
            .filter(enrollments::Column::CampaignId.eq(campaign))
            .order_by_asc(enrollments::Column::Id)
            .all(&*self.cx.db)
            .await
            .unwrap()
    }

    /// Where everyone is: `"pause 3, ended 1, opted_out 1"`.
    pub async fn places(&self, campaign: i64) -> String {
        let mut places = BTreeMap::new();
        for walk in self.walks(campaign).await {
            let place = match walk.state {
                EnrollmentState::Active => walk.step,
                EnrollmentState::Calling => format!("{} (calling)", walk.step),
                EnrollmentState::Finished => "ended".into(),
                EnrollmentState::Exited => walk.reason.unwrap_or_default(),
            };
            *places.entry(place).or_insert(0) += 1;
        }
        let words: Vec<_> = places
            .iter()
            .map(|(place, number)| format!("{place} {number}"))
            .collect();
        words.join(", ")
    }

    /// The counts of every journey's steps are those of the walks.
    pub async fn check_walks(&self) {
        let rows = journey_counts::Entity::find().all(&*self.cx.db).await.unwrap();
        let walks = enrollments::Entity::find().all(&*self.cx.db).await.unwrap();
        for row in &rows {
            let of: Vec<_> = walks
                .iter()
                .filter(|walk| (walk.campaign_id, walk.version_id) == (row.campaign_id, row.version_id))
                .collect();
            let is_inside = |walk: &&&enrollments::Model| {
                matches!(walk.state, EnrollmentState::Active | EnrollmentState::Calling)
            };
            let is_at = |walk: &&&enrollments::Model| row.step.is_empty() || walk.step == row.step;
            let number = |count: usize| i64::try_from(count).unwrap();
            let here = number(of.iter().filter(is_inside).filter(is_at).count());
            let dropped = number(
                of.iter()
                    .filter(|walk| walk.state == EnrollmentState::Exited)
                    .filter(is_at)
                    .count(),
            );
            assert_eq!((row.here, row.dropped), (here, dropped), "step “{}”", row.step);
            if row.step.is_empty() {
                assert_eq!(row.came, number(of.len()), "who came in");
            }
            assert!(row.came >= here + dropped, "step “{}”", row.step);
        }
        self.check_ledger().await;
    }
}

/// Message, wait of three days, message, end.
pub fn welcome(first: &str, second: &str) -> Value {
    json!({
        "entry": {"by": "SEGMENT", "existing": true},
        "reentry": "NEVER",
        "exit": {"onGoal": false, "onLeavingSegment": false},
        "steps": [
            {"id": "hello", "kind": "message", "channel": "EMAIL", "template": first, "next": "pause"},
            {"id": "pause", "kind": "wait", "for": "P3D", "next": "tips"},
            {"id": "tips", "kind": "message", "channel": "EMAIL", "template": second, "next": "end"},
            {"id": "end", "kind": "end"},
        ],
    })
}
