//! What a tick costs: what is due, not what is planned or was. How the databases go about it is
//! read from their plans; how long it takes is measured by hand, because a machine that is busy
//! with other tests measures those:
//!
//! `FAIRWAY_TEST_MEASURE=1 cargo test --release --test app cost:: -- --nocapture --test-threads=1`

use crate::support::TestApp;
use crate::support::nodes::{Node, until};
use crate::support::sending::Plan;
use chrono::TimeDelta;
use fairway::accounts::Actor;
use fairway::audience::import::{self, Format, Options};
use fairway::campaigns::commands;
use fairway::domain::{Purpose, Role, Status};
use fairway::scheduler;
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

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

/// A mail server that keeps of each message when it came, by recipient.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<HashMap<String, Instant>>>);

impl Sink {
    async fn open() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let sink = Self::default();
        let ours = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(ours.clone().talk(stream));
            }
        });
        (sink, url)
    }

    async fn talk(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink ESMTP\r\n").await.unwrap();
        let (mut line, mut to, mut is_data) = (Vec::new(), String::new(), false);
        while stream
            .read_until(b'\n', &mut line)
            .await
            .is_ok_and(|read| read > 0)
        {
            let reply = match (is_data, line.get(..4).unwrap_or_default()) {
                (true, _) if line == b".\r\n" => {
                    is_data = false;
                    self.0
                        .lock()
                        .unwrap()
                        .insert(std::mem::take(&mut to), Instant::now());
                    "250 2.0.0 ok\r\n"
                }
                (true, _) => "",
                (_, b"EHLO") => "250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n",
                (_, b"RCPT") => {
                    let text = String::from_utf8_lossy(&line);
                    to = text.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    "250 2.1.5 ok\r\n"
                }
                (_, b"DATA") => {
                    is_data = true;
                    "354 go ahead\r\n"
                }
                (_, b"QUIT") => return,
                _ => "250 2.0.0 ok\r\n",
            };
            line.clear();
            if stream.write_all(reply.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn came(&self, to: &str) -> Option<Instant> {
        self.0.lock().unwrap().get(to).copied()
    }
}

/// From posts of events to their mails at the sink, the shortest first.
async fn answer_times(app: &TestApp, node: &Node, sink: &Sink, from: usize, number: usize) -> Vec<Duration> {
    let program = app.program(Role::Manager).await.at(&node.address);
    let mut times = Vec::new();
    for fast in from..from + number {
        let event = json!({"name": "booking.confirmed", "contact": format!("fast{fast}")});
        let posted = Instant::now();
        program.post("/events", &event).await.is(202);
        let to = format!("fast{fast}@example.org");
        until("its mail", async || sink.came(&to).is_some()).await;
        times.push(sink.came(&to).unwrap() - posted);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    times.sort();
    times
}

fn said(times: &[Duration]) -> String {
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    format!(
        "median {:?}, 95 of 100 in {:?}, the slowest {:?}",
        at(50),
        at(95),
        at(100)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_events_post_to_its_mail_while_a_hundred_thousand_go_out() {
    if !is_measuring() {
        return;
    }
    let (sink, url) = Sink::open().await;
    let app = TestApp::spawn().await;
    let segment = app.people(100_000).await;
    app.execute(
        "INSERT INTO contacts (key, email, first_name, last_name, attributes, search, created_at, updated_at) \
         SELECT 'fast' || n, 'fast' || n || '@example.org', 'F', 'F', '{}', '', 0, 0 \
         FROM (WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 999) SELECT n FROM s) x",
    )
    .await;
    let template = app
        .template("Your booking", "<p>Dear {{ contact.first_name }}</p>")
        .await;
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
    let node = Node::start(&app, &url).await;
    let alone = answer_times(&app, &node, &sink, 0, 100).await;
    println!("alone: {}", said(&alone));
    let bulk = app.campaign(Plan::to(segment)).await;
    until("the run", async || sink.count() > 3_000).await;
    let (began, before) = (Instant::now(), sink.count());
    let beside = answer_times(&app, &node, &sink, 100, 200).await;
    let rate = (sink.count() - before) as f64 / began.elapsed().as_secs_f64();
    println!("beside a run of 100,000: {}", said(&beside));
    println!(
        "which went on at {rate:.0} mails a second, {} so far",
        sink.count()
    );
    assert_eq!(
        app.status(bulk).await,
        Status::Active,
        "the run went on all the while"
    );
    node.kill(&app).await;
}

#[tokio::test]
async fn an_import_of_fifty_thousand() {
    if !is_measuring() {
        return;
    }
    let bare = TestApp::spawn().await;
    let began = Instant::now();
    bare.people(50_000).await;
    let insert = began.elapsed();
    let app = TestApp::spawn().await;
    let mut file = String::from("key,email,first_name,last_name,tags,consent_email\n");
    for n in 0..50_000 {
        writeln!(file, "k{n},k{n}@example.org,Name {n},Golfer,member,yes").unwrap();
    }
    for what in ["made", "changed nothing of"] {
        let began = Instant::now();
        let options = Options::default();
        let outcome = import::run(
            &app.cx,
            file.clone().into(),
            Format::Csv,
            options,
            &Actor::fairway(),
        )
        .await
        .unwrap();
        let took = began.elapsed();
        assert_eq!(outcome.created + outcome.updated, 50_000);
        println!(
            "{what} 50,000 in {took:?}, {:.0} a second; three INSERT … SELECT of the same number took {insert:?}",
            50_000.0 / took.as_secs_f64()
        );
    }
}
