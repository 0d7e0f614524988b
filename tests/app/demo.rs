//! The demo club, loaded into a database of its own: its sums are those of its rows, and each kind of
//! campaign has a history.

use crate::support::TestApp;
use chrono::TimeDelta;
use fairway::domain::trigger::Outcome;
use fairway::domain::{CampaignType, DeliveryState, Purpose, Status};
use fairway::entity::{campaigns, deliveries, event_counts, event_outcomes, link_clicks, links, run_hours};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::collections::BTreeMap;

/// Whatever database the tests run on, the demo has a file of its own.
async fn demo() -> TestApp {
    let app = TestApp::spawn_with(|settings| {
        let file = settings.data_dir.join("demo.db");
        settings.database_url = format!("sqlite://{}?mode=rwc", file.display()).into();
    })
    .await;
    fairway::demo::load(&app.cx, None).await.unwrap();
    app
}

async fn campaign(app: &TestApp, name: &str) -> campaigns::Model {
    let named = campaigns::Entity::find().filter(campaigns::Column::Name.eq(name));
    named.one(&*app.cx.db).await.unwrap().unwrap()
}

/// What a campaign's events came to, by word.
async fn outcomes(app: &TestApp, campaign: i64) -> BTreeMap<String, i64> {
    let rows = event_outcomes::Entity::find()
        .filter(event_outcomes::Column::CampaignId.eq(campaign))
        .all(&*app.cx.db)
        .await
        .unwrap();
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry(row.outcome.as_str().to_owned()).or_default() += 1;
    }
    sums
}

#[tokio::test]
async fn the_demo_s_counts_are_those_of_its_rows() {
    let app = demo().await;
    app.check_walks().await;
    let db = &*app.cx.db;

    for counted in campaigns::Entity::find().all(db).await.unwrap() {
        let rows = event_counts::Entity::find()
            .filter(event_counts::Column::CampaignId.eq(counted.id))
            .all(db)
            .await
            .unwrap();
        let sums: BTreeMap<String, i64> = rows
            .iter()
            .map(|row| (row.outcome.as_str().to_owned(), row.number))
            .collect();
        assert_eq!(sums, outcomes(&app, counted.id).await, "{}", counted.name);
    }

    let clicks = link_clicks::Entity::find().all(db).await.unwrap();
    for link in links::Entity::find().all(db).await.unwrap() {
        let people = clicks.iter().filter(|click| click.link_id == link.id).count();
        assert_eq!(link.people, i64::try_from(people).unwrap(), "{}", link.url);
    }

    let ledger = deliveries::Entity::find().all(db).await.unwrap();
    let hours = run_hours::Entity::find().all(db).await.unwrap();
    let opened = ledger.iter().filter(|row| row.opened_at.is_some()).count();
    assert_eq!(
        hours.iter().map(|hour| hour.opened).sum::<i64>(),
        i64::try_from(opened).unwrap()
    );
    let now = app.cx.clock.now();
    for row in &ledger {
        for at in [row.sent_at, row.opened_at, row.clicked_at, row.converted_at] {
            assert!(at.is_none_or(|at| at.0 <= now), "{row:?} is of the future");
        }
        if let (Some(sent), Some(opened)) = (row.sent_at, row.opened_at) {
            assert!(sent.0 <= opened.0, "{row:?} was opened before it was sent");
        }
    }
}

#[tokio::test]
async fn the_demo_s_bookings_have_weeks_of_history_and_reminders_that_wait() {
    let app = demo().await;
    let now = app.cx.clock.now();
    let confirmation = campaign(&app, "Booking confirmation").await;
    let reminder = campaign(&app, "Tee time reminder").await;
    for triggered in [&confirmation, &reminder] {
        assert_eq!(triggered.kind, CampaignType::Triggered);
        assert_eq!(triggered.status, Status::Active);
        assert_eq!(triggered.purpose, Purpose::Transactional);
        assert!(triggered.started_at.unwrap().0 < now - TimeDelta::weeks(4));
    }

    let ledger = app.ledger(confirmation.id).await;
    assert!(ledger.len() > 150, "{}", ledger.len());
    assert!(ledger.iter().all(|row| row.event_id.is_some()));
    assert!(ledger.iter().any(|row| row.converted_value.is_some()));
    // It goes out with its booking, not with the engine's next look.
    let late = |row: &&deliveries::Model| {
        row.sent_at
            .is_some_and(|at| at.0 - row.created_at.0 > TimeDelta::seconds(5))
    };
    assert_eq!(ledger.iter().find(late), None);
    let came = outcomes(&app, confirmation.id).await;
    for outcome in [Outcome::Queued, Outcome::ConditionNotMet, Outcome::UnknownContact] {
        assert!(
            came.get(outcome.as_str()).is_some_and(|number| *number > 2),
            "{came:?}"
        );
    }

    let ledger = app.ledger(reminder.id).await;
    let waiting: Vec<_> = ledger
        .iter()
        .filter(|row| row.state == DeliveryState::Queued)
        .collect();
    assert!(!waiting.is_empty());
    let soonest = waiting.iter().map(|row| row.due_at.0).min().unwrap();
    assert!(soonest > now - TimeDelta::hours(6), "{soonest} was due long ago");
    assert!(ledger.iter().any(|row| row.state == DeliveryState::Cancelled));
    let came = outcomes(&app, reminder.id).await;
    for outcome in [Outcome::Queued, Outcome::Cancelled, Outcome::TooLate] {
        assert!(
            came.get(outcome.as_str()).is_some_and(|number| *number > 2),
            "{came:?}"
        );
    }
}
