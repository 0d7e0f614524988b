//! What a tick costs: what is due, not what waits. Measured by hand, because a machine that is busy
//! with other tests measures those: `cargo test --test app journeys::cost -- --ignored --nocapture`.

use crate::support::TestApp;
use crate::support::journeys::welcome;
use chrono::TimeDelta;
use fairway::accounts::Actor;
use fairway::campaigns::journey::commands::write;
use fairway::campaigns::journey::versions::{Inside, publish};
use fairway::domain::journey::Journey;
use fairway::scheduler;
use std::time::Instant;

/// As many people again who wait for a year, put straight into the tables.
async fn wait_with(app: &TestApp, campaign: i64, number: i64) {
    let due = (app.cx.clock.now() + TimeDelta::days(365)).timestamp_millis();
    app.execute(&format!(
        "INSERT INTO contacts (key, email, first_name, last_name, attributes, search, created_at, updated_at) \
         SELECT 'w' || n, 'w' || n || '@example.org', 'W', 'W', '{{}}', '', 0, 0 \
         FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {number}) SELECT n FROM s) x"
    ))
    .await;
    app.execute(&format!(
        "INSERT INTO enrollments (campaign_id, run_id, contact_id, version_id, instance, step, state, due_at, \
           entered_at, arrived_at, attempt, facts) \
         SELECT {campaign}, j.run_id, c.id, j.version_id, 1, 'pause', 'ACTIVE', {due}, 0, 0, 0, '{{}}' \
         FROM contacts c, journeys j WHERE c.key LIKE 'w%' AND j.campaign_id = {campaign} ON CONFLICT DO NOTHING"
    ))
    .await;
    app.execute("ANALYZE").await;
}

#[tokio::test]
#[ignore = "measures; run by hand"]
async fn a_tick_over_a_million_who_wait() {
    for number in [10_000, 100_000, 1_000_000] {
        let app = TestApp::spawn().await;
        app.people(1_000).await;
        let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
        let mut plan = welcome(&first, &second);
        plan["entry"] = serde_json::json!({"by": "STAFF"});
        let campaign = app.journey(None, &plan).await;
        wait_with(&app, campaign, number).await;
        let idle = Instant::now();
        for _ in 0..20 {
            scheduler::tick(&app.cx).await.unwrap();
        }
        let idle = idle.elapsed() / 20;
        let at = app.cx.clock.now().timestamp_millis();
        app.execute(&format!(
            "UPDATE enrollments SET due_at = {at} WHERE id IN (SELECT id FROM enrollments ORDER BY id LIMIT 1000)"
        ))
        .await;
        app.advance(TimeDelta::days(3));
        let busy = Instant::now();
        app.tick().await;
        println!(
            "{number} wait: idle tick {idle:?}, 1000 moved with their messages {:?}",
            busy.elapsed()
        );
    }
}

#[tokio::test]
#[ignore = "measures; run by hand"]
async fn fifty_thousand_move_over_to_a_new_version() {
    const NUMBER: i64 = 50_000;
    let app = TestApp::spawn().await;
    app.people(10).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let mut plan = welcome(&first, &second);
    plan["entry"] = serde_json::json!({"by": "STAFF"});
    let campaign = app.journey(None, &plan).await;
    wait_with(&app, campaign, NUMBER).await;
    plan["steps"][1]["for"] = serde_json::json!("P9D");
    let revision = app.campaign_row(campaign).await.revision;
    let journey = Journey::parse(&plan).unwrap();
    let written = write(&app.cx, campaign, revision, &journey, &Actor::fairway())
        .await
        .unwrap();
    let asked = Instant::now();
    let inside = Inside::Move([].into());
    let (_, moved) = publish(&app.cx, campaign, written.revision, &inside, &Actor::fairway())
        .await
        .unwrap();
    println!("{moved} moved over in {:?}", asked.elapsed());
    assert_eq!(moved, NUMBER);
}
