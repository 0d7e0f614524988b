//! What steps do: branches, splits, waits for events, changes of the person, webhooks.

use crate::support::TestApp;
use chrono::TimeDelta;
use fairway::accounts::Actor;
use fairway::campaigns::journey::commands as journey;
use fairway::context::Context;
use fairway::outbound::Outbound;
use fairway::scheduler::journeys::call_due;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

fn end() -> Value {
    json!({"id": "end", "kind": "end"})
}

#[tokio::test]
async fn a_branch_asks_whether_the_earlier_message_was_opened() {
    let app = TestApp::spawn().await;
    let segment = app.people(3).await;
    let (first, thanks) = (app.message("Welcome").await, app.message("Thanks").await);
    let campaign = app
        .journey(
            Some(segment),
            &json!({"entry": {"by": "SEGMENT"}, "steps": [
                {"id": "hello", "kind": "message", "template": first, "next": "pause"},
                {"id": "pause", "kind": "wait", "for": "P1D", "next": "opened"},
                {"id": "opened", "kind": "branch", "if": {"message": "hello", "did": "OPENED"}, "yes": "thanks", "no": "end"},
                {"id": "thanks", "kind": "message", "template": thanks, "next": "end"},
                end(),
            ]}),
        )
        .await;
    app.work().await;
    app.execute(
        "UPDATE deliveries SET opened_at = 1, state = 'DELIVERED' WHERE contact_id IN (SELECT id FROM contacts WHERE key = '2')",
    )
    .await;
    app.execute("UPDATE run_counts SET opened = 1 WHERE step = 'hello'")
        .await;
    app.advance(TimeDelta::days(1));
    app.work().await;
    assert_eq!(app.places(campaign).await, "ended 3");
    let rows = app.ledger(campaign).await;
    let thanked: Vec<_> = rows
        .iter()
        .filter(|row| row.step == "thanks")
        .map(|row| &row.address)
        .collect();
    assert_eq!(thanked, ["person2@example.org"]);
    app.check_walks().await;
}

#[tokio::test]
async fn a_branch_asks_a_rule_and_tags_and_attributes_are_changed() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    app.execute(
        "INSERT INTO attribute_definitions (name, kind, label, created_at) VALUES ('level', 'text', 'Level', 0)",
    )
    .await;
    app.execute("INSERT INTO contact_tags (contact_id, tag) SELECT id, 'new' FROM contacts WHERE key = '1'")
        .await;
    let campaign = app
        .journey(
            Some(segment),
            &json!({"entry": {"by": "SEGMENT"}, "steps": [
                {"id": "new", "kind": "branch", "if": {"rule": {"field": "tags", "op": "has", "value": "new"}}, "yes": "mark", "no": "other"},
                {"id": "mark", "kind": "tag", "add": ["welcomed"], "remove": ["new"], "next": "level"},
                {"id": "level", "kind": "attribute", "name": "level", "value": "gold", "next": "end"},
                {"id": "other", "kind": "attribute", "name": "level", "value": null, "next": "end"},
                end(),
            ]}),
        )
        .await;
    app.tick().await;
    assert_eq!(app.places(campaign).await, "ended 2");
    let tags = "SELECT t.tag FROM contact_tags t ORDER BY t.tag";
    let rows = app.cx.db.query_all_raw(app.cx.db.sql(tags, [])).await.unwrap();
    let tags: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert_eq!(tags, ["welcomed"]);
    let levels = "SELECT c.attributes ->> 'level' FROM contacts c ORDER BY c.id";
    let rows = app.cx.db.query_all_raw(app.cx.db.sql(levels, [])).await.unwrap();
    let levels: Vec<Option<String>> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert_eq!(levels, [Some("gold".to_owned()), None]);
    app.check_walks().await;
}

#[tokio::test]
async fn a_split_sends_each_their_way_for_good() {
    let app = TestApp::spawn().await;
    let segment = app.people(400).await;
    let campaign = app
        .journey(
            Some(segment),
            &json!({"entry": {"by": "SEGMENT"}, "steps": [
                {"id": "lot", "kind": "split", "ways": [{"weight": 25, "next": "a"}, {"weight": 75, "next": "b"}]},
                {"id": "a", "kind": "wait", "for": "P1D", "next": "end"},
                {"id": "b", "kind": "wait", "for": "P1D", "next": "end"},
                end(),
            ]}),
        )
        .await;
    app.tick().await;
    let walks = app.walks(campaign).await;
    let a = walks.iter().filter(|walk| walk.step == "a").count();
    assert!((60..140).contains(&a), "{a} of 400");
    app.check_walks().await;
}

#[tokio::test]
async fn a_circle_with_a_wait_sends_each_time_anew() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    let weekly = app.message("Weekly").await;
    let campaign = app
        .journey(
            Some(segment),
            &json!({"entry": {"by": "SEGMENT"}, "steps": [
                {"id": "mail", "kind": "message", "template": weekly, "next": "tuesday"},
                {"id": "tuesday", "kind": "until", "weekdays": ["TUESDAY"], "at": "09:00", "next": "mail"},
            ]}),
        )
        .await;
    app.work().await;
    // Monday, 2 March 2026, 08:00 in London.
    for _ in 0..3 * 7 {
        app.advance(TimeDelta::days(1));
        app.work().await;
    }
    assert_eq!(app.places(campaign).await, "tuesday 2");
    assert_eq!(app.states(campaign).await, "SENT 8");
    app.check_walks().await;
}

/// A server that answers each call with the next status, and keeps what it was told.
fn hook(answers: &'static [u16]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = heard.clone();
    std::thread::spawn(move || {
        for (stream, status) in listener
            .incoming()
            .zip(answers.iter().copied().chain(std::iter::repeat(200)))
        {
            let mut stream = stream.unwrap();
            let mut text = String::new();
            let mut buffer = [0; 4096];
            // The body is as long as it says.
            loop {
                let read = stream.read(&mut buffer).unwrap();
                text.push_str(&String::from_utf8_lossy(&buffer[..read]));
                let length = text
                    .to_lowercase()
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
                let body = text.split("\r\n\r\n").nth(1).map_or(0, str::len);
                if read == 0 || length.is_some_and(|length| body >= length) {
                    break;
                }
            }
            kept.lock().unwrap().push(text);
            let answer = format!("HTTP/1.1 {status} Hm\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, heard)
}

fn webhook(url: &str) -> Value {
    json!({"entry": {"by": "STAFF"}, "steps": [
        {"id": "tell", "kind": "webhook", "url": url, "next": "end", "failed": "sorry"},
        {"id": "sorry", "kind": "wait", "for": "P1D", "next": "end"},
        end(),
    ]})
}

#[tokio::test]
async fn a_webhook_is_called_with_a_signature_until_it_is_taken() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let (url, heard) = hook(&[503, 200]);
    let campaign = app.journey(None, &webhook(&url)).await;
    let person = app.contact_id("1").await;
    journey::put_in(&app.cx, campaign, person, &Actor::fairway())
        .await
        .unwrap();
    app.tick().await;
    assert_eq!(app.places(campaign).await, "tell (calling) 1");
    call_due(&app.cx).await.unwrap();
    call_due(&app.cx).await.unwrap();
    assert_eq!(heard.lock().unwrap().len(), 1, "not again at once");
    app.advance(TimeDelta::minutes(1));
    call_due(&app.cx).await.unwrap();
    app.tick().await;
    assert_eq!(app.places(campaign).await, "ended 1");
    let heard = heard.lock().unwrap().clone();
    let call = &heard[1];
    let (head, body) = call.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head
            .lines()
            .find(|line| line.to_lowercase().starts_with(name))
            .unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    let json: Value = serde_json::from_str(body).unwrap();
    assert_eq!(json["contact"]["email"], "person1@example.org");
    assert_eq!(json["step"], "tell");
    assert_eq!(json["id"], header("idempotency-key"));
    let signature = header("fairway-signature");
    let time = signature.strip_prefix("t=").unwrap().split(',').next().unwrap();
    let key = app.cx.secret.derive("webhooks");
    let sign = fairway::secret::sign(&key, format!("{time}.{body}").as_bytes());
    let hex: String = sign.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(signature, format!("t={time},v1={hex}"));
    app.check_walks().await;
}

#[tokio::test]
async fn a_webhook_that_is_refused_or_not_public_goes_on_the_failed_way() {
    let app = TestApp::spawn().await;
    app.people(2).await;
    let (url, heard) = hook(&[404]);
    let campaign = app.journey(None, &webhook(&url)).await;
    let put_in = async |key: &str| {
        let person = app.contact_id(key).await;
        journey::put_in(&app.cx, campaign, person, &Actor::fairway())
            .await
            .unwrap();
        app.tick().await;
    };
    put_in("1").await;
    call_due(&app.cx).await.unwrap();
    app.tick().await;
    assert_eq!(app.places(campaign).await, "sorry 1");
    put_in("2").await;
    let strict = Context {
        outbound: Outbound::new(false).unwrap(),
        ..app.cx.clone()
    };
    call_due(&strict).await.unwrap();
    app.tick().await;
    assert_eq!(app.places(campaign).await, "sorry 2");
    assert_eq!(heard.lock().unwrap().len(), 1, "what is not public is not called");
    app.check_walks().await;
}
