//! A change of a journey that runs: a version, and what becomes of whoever is inside.

use crate::support::TestApp;
use crate::support::journeys::welcome;
use chrono::TimeDelta;
use fairway::accounts::Actor;
use fairway::campaigns::journey::commands::write;
use fairway::campaigns::journey::versions::{Inside, publish};
use fairway::domain::journey::Journey;
use fairway::web::AppError;
use serde_json::{Value, json};

/// The journey with a shorter wait and another first message.
async fn changed(app: &TestApp, campaign: i64, steps: Value) -> i64 {
    let plan = json!({"entry": {"by": "SEGMENT", "existing": true}, "steps": steps});
    let revision = app.campaign_row(campaign).await.revision;
    let journey = Journey::parse(&plan).unwrap();
    let row = write(&app.cx, campaign, revision, &journey, &Actor::fairway())
        .await
        .unwrap();
    row.revision
}

async fn begun(app: &TestApp) -> (i64, String, String) {
    let segment = app.people(3).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let campaign = app.journey(Some(segment), &welcome(&first, &second)).await;
    app.work().await;
    assert_eq!(app.places(campaign).await, "pause 3");
    (campaign, first, second)
}

#[tokio::test]
async fn writing_changes_nothing_until_it_is_published_and_then_people_finish_on_theirs() {
    let app = TestApp::spawn().await;
    let (campaign, first, second) = begun(&app).await;
    let revision = changed(
        &app,
        campaign,
        json!([
            {"id": "hello", "kind": "message", "template": second, "next": "end"},
            {"id": "end", "kind": "end"},
        ]),
    )
    .await;
    app.advance(TimeDelta::days(1));
    app.work().await;
    assert_eq!(app.places(campaign).await, "pause 3");
    let (version, moved) = publish(&app.cx, campaign, revision, &Inside::Finish, &Actor::fairway())
        .await
        .unwrap();
    assert_eq!((version.number, moved), (2, 0));
    app.execute(
        "INSERT INTO contacts (key, email, first_name, last_name, attributes, search, created_at, updated_at) \
         VALUES ('9', 'person9@example.org', 'Person 9', 'Golfer', '{}', '', 0, 0)",
    )
    .await;
    app.execute(
        "INSERT INTO consents SELECT id, 'EMAIL', 'SUBSCRIBED', 'form', '', 0 FROM contacts WHERE key = '9'",
    )
    .await;
    app.execute(
        "INSERT INTO segment_members SELECT s.id, c.id FROM segments s, contacts c WHERE c.key = '9'",
    )
    .await;
    app.advance(TimeDelta::days(2));
    app.work().await;
    app.work().await;
    assert_eq!(app.places(campaign).await, "ended 4");
    let rows = app.ledger(campaign).await;
    let variants: Vec<_> = rows
        .iter()
        .filter(|row| row.step == "hello")
        .map(|row| row.variant)
        .collect();
    assert_eq!(
        variants,
        [0, 0, 0, 1],
        "the message says something else on the second version"
    );
    assert_eq!(rows.iter().filter(|row| row.step == "tips").count(), 3);
    let (_, _) = (first, second);
    app.check_walks().await;
}

#[tokio::test]
async fn people_move_over_to_the_same_step_or_to_the_one_that_is_chosen() {
    let app = TestApp::spawn().await;
    let (campaign, first, second) = begun(&app).await;
    // The same step with a shorter wait: reckoned from when they came to it.
    let revision = changed(
        &app,
        campaign,
        json!([
            {"id": "hello", "kind": "message", "template": first, "next": "pause"},
            {"id": "pause", "kind": "wait", "for": "P1D", "next": "tips"},
            {"id": "tips", "kind": "message", "template": second, "next": "rest"},
            {"id": "rest", "kind": "wait", "for": "P9D", "next": "end"},
            {"id": "end", "kind": "end"},
        ]),
    )
    .await;
    let over = |chosen: &[(&str, &str)]| {
        Inside::Move(
            chosen
                .iter()
                .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
                .collect(),
        )
    };
    app.advance(TimeDelta::hours(23));
    let (_, moved) = publish(&app.cx, campaign, revision, &over(&[]), &Actor::fairway())
        .await
        .unwrap();
    assert_eq!(moved, 3);
    app.work().await;
    assert_eq!(app.places(campaign).await, "pause 3");
    app.advance(TimeDelta::hours(1));
    app.work().await;
    assert_eq!(app.places(campaign).await, "rest 3");
    app.check_walks().await;
    // The step is gone: without a choice nothing is published.
    let revision = changed(
        &app,
        campaign,
        json!([
            {"id": "hello", "kind": "message", "template": first, "next": "later"},
            {"id": "later", "kind": "wait", "for": "P2D", "next": "end"},
            {"id": "end", "kind": "end"},
        ]),
    )
    .await;
    let refused = publish(&app.cx, campaign, revision, &over(&[]), &Actor::fairway()).await;
    assert!(matches!(refused, Err(AppError::Invalid(errors)) if errors.of("move.rest").is_some()));
    let (version, moved) = publish(
        &app.cx,
        campaign,
        revision,
        &over(&[("rest", "later")]),
        &Actor::fairway(),
    )
    .await
    .unwrap();
    assert_eq!((version.number, moved), (3, 3));
    app.tick().await;
    assert_eq!(app.places(campaign).await, "later 3");
    app.advance(TimeDelta::days(2));
    app.work().await;
    assert_eq!(app.places(campaign).await, "ended 3");
    // Nobody was sent anything twice.
    assert_eq!(app.states(campaign).await, "SENT 6");
    app.check_walks().await;
}

#[tokio::test]
async fn what_would_go_wrong_is_not_published() {
    let app = TestApp::spawn().await;
    let (campaign, ..) = begun(&app).await;
    let revision = changed(
        &app,
        campaign,
        json!([{"id": "a", "kind": "wait", "for": "P1D", "next": "b"}]),
    )
    .await;
    let refused = publish(&app.cx, campaign, revision, &Inside::Finish, &Actor::fairway()).await;
    assert!(matches!(refused, Err(AppError::Invalid(errors)) if errors.of("journey.steps.a.next").is_some()));
    let revision = changed(&app, campaign, json!([{"id": "a", "kind": "end"}])).await;
    let stale = publish(
        &app.cx,
        campaign,
        revision - 1,
        &Inside::Finish,
        &Actor::fairway(),
    )
    .await;
    assert!(matches!(stale, Err(AppError::Conflict(_))));
}
