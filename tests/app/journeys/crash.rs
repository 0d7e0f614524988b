//! The real binary, killed again and again while it walks people: nobody is left out, and no
//! message is in the ledger twice.

use crate::support::TestApp;
use crate::support::journeys::welcome;
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use sea_orm::ConnectionTrait as _;
use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const PEOPLE: i64 = 6_000;

/// The binary over the database of a test whose own loops do not run. Mail goes to the mailbox.
fn serve(app: &TestApp) -> Child {
    let settings = &app.cx.settings;
    let url = secrecy::ExposeSecret::expose_secret(&settings.database_url);
    Command::new(env!("CARGO_BIN_EXE_fairway"))
        .arg("serve")
        .current_dir(&settings.data_dir)
        .env("FAIRWAY_DATA_DIR", &settings.data_dir)
        .env("FAIRWAY_DATABASE_URL", url)
        .env("FAIRWAY_LISTEN", "127.0.0.1:0")
        .env("FAIRWAY_LOG", "error")
        .env_remove("FAIRWAY_TEST_POSTGRES") // no setting, and so refused
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn messages(app: &TestApp) -> i64 {
    let sql = app.cx.db.sql("SELECT COUNT(*) FROM deliveries", []);
    let row = app.cx.db.query_one_raw(sql).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn until(app: &TestApp, number: i64) {
    let began = Instant::now();
    while messages(app).await < number {
        assert!(
            began.elapsed() < Duration::from_secs(90),
            "it never came to {number}"
        );
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_people_walk_it_leaves_nobody_out_and_writes_no_message_twice() {
    let app = TestApp::spawn().await;
    app.may_leave_leases.store(true, Ordering::SeqCst);
    let segment = app.people(PEOPLE).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let mut plan = welcome(&first, &second);
    // Both messages at once, so that a batch writes twice for each person.
    plan["steps"][1] = serde_json::json!({"id": "pause", "kind": "tag", "add": ["met"], "next": "tips"});
    let campaign = app.journey_draft(Some(segment), &plan).await.id;
    commands::schedule(&app.cx, campaign, &Actor::fairway())
        .await
        .unwrap();
    for so_far in [1, 2_000, 5_000, 9_000] {
        let mut child = serve(&app);
        until(&app, so_far).await;
        child.kill().await.unwrap(); // SIGKILL
        app.execute("UPDATE leases SET expires_at = 0").await;
    }
    let mut child = serve(&app);
    until(&app, 2 * PEOPLE).await;
    let began = Instant::now();
    while app.places(campaign).await != format!("ended {PEOPLE}") {
        assert!(
            began.elapsed() < Duration::from_secs(90),
            "{}",
            app.places(campaign).await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child.kill().await.unwrap();
    let rows = app.ledger(campaign).await;
    assert_eq!(i64::try_from(rows.len()).unwrap(), 2 * PEOPLE);
    let distinct: BTreeSet<_> = rows.iter().map(|row| (row.contact_id, &row.step)).collect();
    assert_eq!(distinct.len(), rows.len(), "a message twice");
    app.check_walks().await;
}
