//! The real binary, killed in the middle of a run and started again: nobody is left out, and who
//! got two mails is named in the ledger.

use crate::support::TestApp;
use crate::support::nodes::{self, Node, until};
use crate::support::sending::Plan;
use crate::support::smtp::{Act, At, SmtpServer};
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::domain::{DeliveryState, Purpose, Role, Status};
use fairway::entity::{deliveries, event_outcomes};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::process::{Child, Command};

const PEOPLE: i64 = 2_000;

fn serve(app: &TestApp, server: &SmtpServer) -> Child {
    nodes::serve(app, &server.url(), "127.0.0.1:0")
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

/// A campaign that answers each booking.
async fn listening(app: &TestApp) -> i64 {
    let template = app.template("Your booking", "<p>{{ event.booking }}</p>").await;
    let draft = app
        .draft()
        .trigger(json!({"event": "booking.confirmed"}))
        .template(template)
        .purpose(Purpose::Transactional)
        .create()
        .await;
    commands::schedule(&app.cx, draft.id, &Actor::fairway())
        .await
        .unwrap();
    app.tick().await;
    draft.id
}

fn booking(number: usize) -> Value {
    json!({"name": "booking.confirmed", "id": format!("b{number}"), "contact": (number % 40 + 1).to_string(),
           "properties": {"booking": number}})
}

/// How often the mail server got each delivery, by the number that its Message-ID begins with.
fn got(server: &SmtpServer) -> BTreeMap<i64, usize> {
    let mut got = BTreeMap::new();
    for mail in server.messages() {
        let id = mail.header("Message-ID");
        let number = id.trim_start_matches('<').split('.').next().unwrap();
        *got.entry(number.parse().unwrap()).or_default() += 1;
    }
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_an_events_post_and_its_mail_it_loses_none_and_doubles_only_what_it_names() {
    const EVENTS: usize = 120;
    let server = SmtpServer::start().await;
    server.script(At::Verdict, Act::Wait(Duration::from_millis(5)));
    let app = TestApp::spawn().await;
    app.people(40).await;
    let campaign = listening(&app).await;
    let program = app.program(Role::Manager).await;
    let events: Vec<Value> = (0..EVENTS).map(booking).collect();
    let mut rounds = events.chunks(EVENTS / 4);
    // Killed with the answer to the post, while it acts on it, and while the mail goes out.
    for (wait, mails) in [(0, 0), (3, 0), (0, 4), (0, 25)] {
        let node = Node::start(&app, &server.url()).await;
        let program = program.at(&node.address);
        let so_far = server.messages().len();
        for part in rounds.next().unwrap().chunks(10) {
            program.post("/events", &json!(part)).await.is(202);
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
        until("mail", async || server.messages().len() >= so_far + mails).await;
        node.kill(&app).await;
        server.close_connections().await;
    }
    // Nobody knows what was answered to whom, so the club system reports everything again.
    let node = Node::start(&app, &server.url()).await;
    let answer = program
        .at(&node.address)
        .post("/events", &json!(events))
        .await
        .is(202);
    assert_eq!(answer["duplicates"], EVENTS);
    until("the last mail", async || {
        app.states(campaign).await == format!("SENT {EVENTS}")
    })
    .await;
    node.kill(&app).await;

    let rows = deliveries::Entity::find().all(&*app.cx.db).await.unwrap();
    let caused: BTreeSet<i64> = rows.iter().filter_map(|row| row.event_id).collect();
    assert_eq!((rows.len(), caused.len()), (EVENTS, EVENTS), "one for each event");
    let got = got(&server);
    assert_eq!(got.len(), EVENTS, "somebody was left out");
    for row in &rows {
        let is_named = row.reason.as_deref() == Some("in_doubt");
        assert!(
            got[&row.id] == 1 || is_named,
            "{row:?} was got {} times",
            got[&row.id]
        );
    }
    assert_eq!(
        event_outcomes::Entity::find().count(&*app.cx.db).await.unwrap(),
        120
    );
    app.check_ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_database_start_and_send_everything_once() {
    const PEOPLE: i64 = 300;
    let app = TestApp::spawn().await;
    if !app.cx.db.is_postgres() {
        return; // which one process has for itself
    }
    let server = SmtpServer::start().await;
    server.script(At::Verdict, Act::Wait(Duration::from_millis(2)));
    let url = format!("{}?connections=4", server.url());
    let segment = app.people(PEOPLE).await;
    let triggered = listening(&app).await;
    let program = app.program(Role::Manager).await;
    let nodes = [Node::start(&app, &url).await, Node::start(&app, &url).await];
    let mut campaigns = Vec::new();
    for _ in 0..6 {
        campaigns.push(app.campaign(Plan::to(segment)).await);
    }
    for number in 0..60 {
        let program = program.at(&nodes[number % 2].address);
        // The same event by both, as a club system does that is not sure.
        program.post("/events", &booking(number / 2 * 2)).await.is(202);
    }
    until("the end", async || {
        for campaign in &campaigns {
            if app.status(*campaign).await != Status::Completed {
                return false;
            }
        }
        app.states(triggered).await == "SENT 30"
    })
    .await;
    for campaign in &campaigns {
        assert_eq!(app.runs(*campaign).await.len(), 1);
        assert_eq!(app.states(*campaign).await, format!("SENT {PEOPLE}"));
    }
    let got = got(&server);
    assert_eq!(i64::try_from(got.len()).unwrap(), 6 * PEOPLE + 30);
    assert!(got.values().all(|times| *times == 1), "somebody has it twice");
    assert!(server.most_open() > 4, "only one of them worked");
    app.check_ledger().await;
    for node in nodes {
        node.kill(&app).await;
    }
}
