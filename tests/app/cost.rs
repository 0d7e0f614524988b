//! What a tick costs: what is due, not what is planned or was. How the databases go about it is
//! read from their plans; how long it takes is measured by hand, because a machine that is busy
//! with other tests measures those:
//!
//! `FAIRWAY_TEST_MEASURE=1 cargo test --profile measure --test app cost:: -- --nocapture`

use crate::support::TestApp;
use crate::support::sending::Plan;
use chrono::TimeDelta;
use fairway::domain::Status;
use fairway::scheduler;
use sea_orm::ConnectionTrait as _;
use std::time::{Duration, Instant};

/// Whether the measurements are asked for.
pub fn is_measuring() -> bool {
    std::env::var_os("FAIRWAY_TEST_MEASURE").is_some()
}

/// How the database goes about each of a tick's looks.
async fn plans(app: &TestApp) -> Vec<Vec<String>> {
    let tx = app.cx.db.begin().await.unwrap();
    let is_postgres = app.cx.db.is_postgres();
    let explain = match is_postgres {
        true => "EXPLAIN",
        false => "EXPLAIN QUERY PLAN",
    };
    if is_postgres {
        // Small tables are read faster without an index.
        tx.execute_unprepared("SET LOCAL enable_seqscan = off")
            .await
            .unwrap();
    }
    let mut plans = Vec::new();
    for mut look in scheduler::looks(&app.cx) {
        look.sql = format!("{explain} {}", look.sql);
        let column = if is_postgres { 0 } else { 3 };
        let rows = tx.query_all_raw(look).await.unwrap();
        let lines = rows
            .iter()
            .map(|row| row.try_get_by_index::<String>(column).unwrap());
        plans.push(lines.collect::<Vec<_>>());
    }
    plans
}

#[tokio::test]
async fn a_tick_looks_at_what_is_due_by_an_index() {
    let app = TestApp::spawn().await;
    let segment = app.people(10).await;
    let next_year = Plan {
        at: Some(app.cx.clock.now() + TimeDelta::days(365)),
        ..Plan::to(segment)
    };
    let far = app.campaign(next_year).await;
    plan_copies(&app, far, 2_000).await;
    let mut found = Vec::new();
    // SQLite also as it is where nobody ever counted what is there.
    if !app.cx.db.is_postgres() {
        found.push(plans(&app).await);
    }
    app.execute("ANALYZE").await;
    found.push(plans(&app).await);
    for plans in found {
        for (plan, indexes) in plans.iter().zip([
            &[
                "idx_campaigns_send_now",
                "idx_campaigns_local",
                "idx_campaigns_status_scheduled_at",
            ][..],
            &["idx_campaigns_send_now", "idx_campaigns_status_scheduled_at"],
            &["idx_deliveries_queue"],
        ]) {
            let text = plan.join("\n");
            for index in indexes {
                assert!(text.contains(index), "{index} is not used:\n{text}");
            }
            // What SQLite SCANs it reads whole; what is made on the way is no table.
            let is_whole = |line: &&String| line.starts_with("SCAN c") || line.starts_with("SCAN r");
            assert_eq!(plan.iter().find(is_whole), None, "{text}");
            assert!(!text.contains("Seq Scan on"), "{text}");
        }
    }
}

/// As many copies again of a campaign that is scheduled for next year.
async fn plan_copies(app: &TestApp, campaign: i64, number: i64) {
    let columns = "name, kind, purpose, segment_id, channels, timezone, send_now, in_doubt, revision, \
        created_at, updated_at, local_time, spread_minutes, ignores_cap, only_new";
    app.execute(&format!(
        "INSERT INTO campaigns ({columns}, status, scheduled_at) SELECT {columns}, 'SCHEDULED', scheduled_at + x.n \
         FROM campaigns, (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {number}) \
           SELECT n FROM s) x WHERE id = {campaign}"
    ))
    .await;
}

async fn idle(app: &TestApp) -> Duration {
    let mut times = Vec::new();
    for _ in 0..50 {
        let began = Instant::now();
        scheduler::tick(&app.cx).await.unwrap();
        times.push(began.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
async fn a_tick_over_ten_thousand_scheduled_campaigns() {
    if !is_measuring() {
        return;
    }
    for number in [100, 1_000, 10_000] {
        let app = TestApp::spawn().await;
        let segment = app.people(10).await;
        let next_year = Plan {
            at: Some(app.cx.clock.now() + TimeDelta::days(365)),
            ..Plan::to(segment)
        };
        let far = app.campaign(next_year).await;
        plan_copies(&app, far, number).await;
        app.execute("ANALYZE").await;
        let nothing = idle(&app).await;
        let due = app.campaign(Plan::to(segment)).await;
        let began = Instant::now();
        app.tick().await;
        let one = began.elapsed();
        assert_eq!(app.status(due).await, Status::Active);
        // The years before: as many campaigns again that were sent and cancelled.
        app.execute(&format!(
            "UPDATE campaigns SET status = 'CANCELLED' WHERE id IN (SELECT id FROM campaigns WHERE status = 'SCHEDULED' \
             ORDER BY id LIMIT {})",
            number / 2
        ))
        .await;
        app.execute(
            "INSERT INTO runs (campaign_id, number, state, scheduled_for, cursor, started_at) \
             SELECT id, 1, 'CANCELLED', 0, 0, 0 FROM campaigns WHERE status = 'CANCELLED'",
        )
        .await;
        app.drain().await;
        app.tick().await;
        app.execute("ANALYZE").await;
        let after = idle(&app).await;
        println!(
            "{number} scheduled: idle tick {nothing:?}, one started {one:?}; half of them cancelled: {after:?}"
        );
    }
}
