//! Events of club systems, and the conversions that they are.

use crate::support::TestApp;
use chrono::TimeDelta;
use fairway::entity::{events, links};
use fairway::tracking::events::{Accepted, EventInput, record};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

impl TestApp {
    async fn report(&self, events: Value) -> Accepted {
        let now = self.cx.clock.now();
        let events: Vec<EventInput> = serde_json::from_value(events).unwrap();
        let events = events.into_iter().map(|event| event.parse(now).unwrap());
        record(&self.cx, events.collect()).await.unwrap()
    }

    /// A campaign with a goal, whose first person followed its link just now.
    async fn clicked(&self, goal: Value) {
        let sent = self.sent(2).await;
        self.execute(&format!("UPDATE campaigns SET goal = '{goal}'"))
            .await;
        let link = links::Entity::find().one(&*self.cx.db).await.unwrap().unwrap();
        let url = self.urls().click(sent[0].id, link.id, None);
        self.http.get(url).send().await.unwrap();
        self.ingest.flush().await;
    }
}

fn booking(id: &str) -> Value {
    json!([{"name": "booking", "contact": "person1@example.org", "id": id}])
}

#[tokio::test]
async fn what_a_person_does_within_the_window_converts_once() {
    let app = TestApp::spawn().await;
    app.clicked(json!({"event": "booking", "window": "P7D"})).await;
    app.advance(TimeDelta::days(7));
    assert_eq!(app.report(booking("a")).await.conversions, 1);
    assert_eq!(app.report(booking("b")).await.conversions, 0);
    let other = json!([{"name": "booking", "contact": "2"}]);
    assert_eq!(
        app.report(other).await.conversions,
        0,
        "the second person did not click"
    );
    assert_eq!(app.counts().await.converted, 1);
    app.check_ledger().await;
}

#[tokio::test]
async fn what_comes_after_the_window_or_before_the_click_converts_nobody() {
    let app = TestApp::spawn().await;
    app.clicked(json!({"event": "booking", "window": "P7D"})).await;
    let early = app.cx.clock.now() - TimeDelta::seconds(1);
    let early = json!([{"name": "booking", "contact": "1", "occurredAt": early}]);
    assert_eq!(app.report(early).await.conversions, 0);
    app.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    assert_eq!(app.report(booking("a")).await.conversions, 0);
    assert_eq!(app.counts().await.converted, 0);
}

#[tokio::test]
async fn only_events_that_the_goal_describes_convert() {
    let app = TestApp::spawn().await;
    let rule = json!({"field": "event.holes", "op": "gte", "value": 18});
    app.clicked(json!({"event": "booking", "where": rule, "window": "P7D"}))
        .await;
    let with = |holes: i64| json!([{"name": "booking", "contact": "1", "properties": {"holes": holes}}]);
    assert_eq!(app.report(with(9)).await.conversions, 0);
    assert_eq!(
        app.report(json!([{"name": "lesson", "contact": "1"}]))
            .await
            .conversions,
        0
    );
    assert_eq!(app.report(with(18)).await.conversions, 1);
}

#[tokio::test]
async fn the_same_id_is_the_same_event() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let first = app.report(booking("a")).await;
    assert_eq!((first.accepted, first.duplicates), (1, 0));
    let twice = json!([
        {"name": "booking", "contact": "1", "id": "a"},
        {"name": "booking", "contact": "1", "id": "b"},
        {"name": "booking", "contact": "nobody@example.org", "id": "b"},
        {"name": "booking", "contact": "nobody@example.org"},
    ]);
    let again = app.report(twice).await;
    assert_eq!(
        (again.accepted, again.duplicates, again.unknown_contacts),
        (2, 2, 1)
    );
    assert_eq!(events::Entity::find().all(&*app.cx.db).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_event_that_cannot_be_kept_says_why() {
    let app = TestApp::spawn().await;
    let now = app.cx.clock.now();
    for (input, field) in [
        (json!({"contact": "1"}), "name"),
        (json!({"name": "a"}), "contact"),
        (
            json!({"name": "a", "contact": "1", "occurredAt": "2030-01-01T00:00:00Z"}),
            "occurredAt",
        ),
        (json!({"name": "a", "contact": "1", "id": "x".repeat(201)}), "id"),
        (
            json!({"name": "a", "contact": "1", "properties": {"a": "\u{0}"}}),
            "properties",
        ),
        (
            json!({"name": "a", "contact": "1", "properties": {"a": "x".repeat(20_000)}}),
            "properties",
        ),
    ] {
        let input: EventInput = serde_json::from_value(input).unwrap();
        assert_eq!(input.parse(now).unwrap_err().0[0].field, field);
    }
}

#[tokio::test]
async fn the_page_tells_what_journeys_made_of_an_event_and_what_it_counted_as() {
    let app = TestApp::spawn().await;
    app.clicked(json!({"event": "lesson", "window": "P7D", "value": "fee"}))
        .await;
    let first = app.message("Welcome").await;
    let entry = json!({
        "by": "EVENT", "event": "joined", "where": {"field": "event.kind", "op": "eq", "value": "full"},
    });
    let journey = app
        .journey(
            None,
            &json!({"entry": entry, "reentry": "NEVER", "steps": [
                {"id": "hello", "kind": "message", "template": first, "next": "lesson"},
                {"id": "lesson", "kind": "await", "event": "lesson", "atMost": "P14D", "next": "end", "otherwise": "end"},
                {"id": "end", "kind": "end"},
            ]}),
        )
        .await;
    let joined = |contact: &str, kind: &str| {
        let properties = json!({"kind": kind});
        json!([{"name": "joined", "contact": contact, "properties": properties}])
    };
    app.advance(TimeDelta::minutes(1));
    for event in [
        joined("1", "full"),
        joined("1", "full"),
        joined("2", "half"),
        joined("nobody@example.org", "full"),
        json!([{"name": "rained", "contact": "1"}]),
    ] {
        app.report(event).await;
        app.work().await;
    }
    assert_eq!(app.places(journey).await, "lesson 1");
    app.advance(TimeDelta::minutes(1));
    let lesson = json!([{"name": "lesson", "contact": "1", "properties": {"fee": 300}}]);
    assert_eq!(app.report(lesson).await.conversions, 1);
    app.work().await;
    assert_eq!(app.places(journey).await, "ended 1");

    let staff = app.sign_in_as(fairway::domain::Role::Viewer).await;
    let page = staff.page("/events").await;
    let rows: Vec<&str> = page.split("<tr>").skip(2).collect();
    let link = format!("href=\"/campaigns/{journey}\"");
    for (row, said) in rows.iter().zip([
        "moved on from “lesson”",
        "Nothing",
        "nobody we know",
        "condition not met",
        "not let in",
        "came in",
    ]) {
        assert!(row.contains(said), "{said}: {row}");
        assert_eq!(row.contains(&link), said != "Nothing", "{row}");
    }
    assert!(rows[0].contains("counted as its goal, EUR 300.00"), "{}", rows[0]);
    let here = staff.page(&format!("/events?campaign={journey}")).await;
    assert!(
        here.contains("came in") && !here.contains("<code>rained"),
        "{here}"
    );
    let flow = staff.page(&format!("/campaigns/{journey}/journey")).await;
    assert!(flow.contains(&format!("/events?campaign={journey}")), "{flow}");
}
