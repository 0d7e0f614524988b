//! The real binary, killed in the middle of a run and started again: nobody is left out, and who
//! got two mails is named in the ledger.

use crate::support::TestApp;
use crate::support::sending::Plan;
use crate::support::smtp::{Act, At, SmtpServer};
use fairway::domain::{DeliveryState, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

const PEOPLE: i64 = 2_000;

/// The binary over the database of a test whose own loops do not run.
fn serve(app: &TestApp, server: &SmtpServer) -> Child {
    let settings = &app.cx.settings;
    let url = secrecy::ExposeSecret::expose_secret(&settings.database_url);
    Command::new(env!("CARGO_BIN_EXE_fairway"))
        .arg("serve")
        .current_dir(&settings.data_dir)
        .env("FAIRWAY_DATA_DIR", &settings.data_dir)
        .env("FAIRWAY_DATABASE_URL", url)
        .env("FAIRWAY_SMTP_URL", server.url())
        .env("FAIRWAY_LISTEN", "127.0.0.1:0")
        .env("FAIRWAY_LOG", "error")
        .env_remove("FAIRWAY_TEST_POSTGRES") // no setting, and so refused
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_a_run_and_started_again_it_leaves_nobody_out() {
    let server = SmtpServer::start().await;
    server.script(At::Verdict, Act::Wait(Duration::from_millis(4)));
    let app = TestApp::spawn().await;
    app.may_leave_leases.store(true, Ordering::SeqCst);
    let campaign = app.campaign(Plan::to(app.people(PEOPLE).await)).await;

    // Killed three times, each time a little later.
    for so_far in [300, 800, 1_300] {
        let mut child = serve(&app, &server);
        until("mail", async || server.messages().len() >= so_far).await;
        child.kill().await.unwrap(); // SIGKILL
        server.close_connections().await;
        // Leases end by themselves after a minute; the test does not wait for it.
        app.execute("UPDATE deliveries SET lease_expires_at = 0 WHERE state = 'SENDING'")
            .await;
        app.execute("UPDATE leases SET expires_at = 0").await;
    }
    let mut child = serve(&app, &server);
    until("the end", async || {
        app.status(campaign).await == Status::Completed
    })
    .await;

    let mut received = BTreeMap::<String, usize>::new();
    for mail in server.messages() {
        *received.entry(mail.to).or_default() += 1;
    }
    assert_eq!(
        received.len(),
        usize::try_from(PEOPLE).unwrap(),
        "somebody was left out"
    );
    let rows = app.ledger(campaign).await;
    assert!(rows.iter().all(|row| row.state == DeliveryState::Sent));
    let in_doubt: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row.reason.as_deref() == Some("in_doubt"))
        .map(|row| row.address.as_str())
        .collect();
    let twice: BTreeSet<&str> = received
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|(address, _)| address.as_str())
        .collect();
    assert!(
        twice.is_subset(&in_doubt),
        "twice, and the ledger does not say so"
    );
    // At most what was on the ten connections at each kill.
    assert!(in_doubt.len() <= 30, "{} in doubt", in_doubt.len());
    app.check_ledger().await;

    // Told to stop, it holds nothing.
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    let stopped = Command::new("kill").arg("-TERM").arg(pid.to_string()).status();
    assert!(stopped.await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_second_server_on_the_same_sqlite_file_refuses_to_start() {
    let app = TestApp::spawn().await;
    if app.cx.db.is_postgres() {
        return; // which several may share
    }
    let server = SmtpServer::start().await;
    let mut first = serve(&app, &server);
    let lock = app.cx.settings.data_dir.join("fairway.db.lock");
    until("the lock", async || lock.exists()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = Command::new(env!("CARGO_BIN_EXE_fairway"))
        .current_dir(&app.cx.settings.data_dir)
        .env("FAIRWAY_DATA_DIR", &app.cx.settings.data_dir)
        .env("FAIRWAY_LISTEN", "127.0.0.1:0")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(!second.status.success());
    assert!(said.contains("Another Fairway serves "), "{said}");
    first.kill().await.unwrap();
}
