//! How people come in, and how often.

use crate::support::TestApp;
use crate::support::journeys::welcome;
use chrono::TimeDelta;
use serde_json::json;

#[tokio::test]
async fn who_joins_the_segment_later_comes_in_then_and_once() {
    let app = TestApp::spawn().await;
    let segment = app.people(4).await;
    app.execute("DELETE FROM segment_members WHERE contact_id IN (SELECT id FROM contacts WHERE key = '4')")
        .await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let campaign = app.journey(Some(segment), &welcome(&first, &second)).await;
    assert_eq!(app.places(campaign).await, "pause 3");
    app.execute(&format!(
        "INSERT INTO segment_members (segment_id, contact_id) SELECT {segment}, id FROM contacts WHERE key = '4'"
    ))
    .await;
    app.tick().await;
    assert_eq!(app.places(campaign).await, "pause 3", "looked at now and then");
    app.advance(TimeDelta::minutes(5));
    app.tick().await;
    app.tick().await;
    assert_eq!(app.places(campaign).await, "pause 4");
    app.check_walks().await;
}

#[tokio::test]
async fn without_those_who_are_there_already_only_joining_counts() {
    let app = TestApp::spawn().await;
    let segment = app.people(3).await;
    app.execute("DELETE FROM segment_members WHERE contact_id IN (SELECT id FROM contacts WHERE key = '3')")
        .await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let mut plan = welcome(&first, &second);
    plan["entry"]["existing"] = json!(false);
    let campaign = app.journey(Some(segment), &plan).await;
    assert_eq!(app.places(campaign).await, "");
    app.execute(&format!(
        "INSERT INTO segment_members (segment_id, contact_id) SELECT {segment}, id FROM contacts WHERE key = '3'"
    ))
    .await;
    app.advance(TimeDelta::minutes(5));
    app.tick().await;
    assert_eq!(app.places(campaign).await, "pause 1");
}

#[tokio::test]
async fn joining_again_after_leaving_comes_in_again_where_that_is_allowed() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let mut plan = welcome(&first, &second);
    plan["reentry"] = json!("ALWAYS");
    plan["exit"]["onLeavingSegment"] = json!(true);
    let campaign = app.journey(Some(segment), &plan).await;
    let leave = "DELETE FROM segment_members WHERE contact_id IN (SELECT id FROM contacts WHERE key = '2')";
    let join = format!(
        "INSERT INTO segment_members (segment_id, contact_id) SELECT {segment}, id FROM contacts WHERE key = '2'"
    );
    app.execute(leave).await;
    app.advance(TimeDelta::minutes(5));
    app.tick().await;
    assert_eq!(app.places(campaign).await, "left_segment 1, pause 1");
    app.execute(&join).await;
    app.advance(TimeDelta::minutes(5));
    app.tick().await;
    assert_eq!(app.places(campaign).await, "left_segment 1, pause 2");
    let instances: Vec<_> = app
        .walks(campaign)
        .await
        .iter()
        .map(|walk| walk.instance)
        .collect();
    assert_eq!(instances, [1, 1, 2]);
    app.check_walks().await;
}

#[tokio::test]
async fn who_opted_out_does_not_come_in() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    app.execute(
        "UPDATE consents SET status = 'UNSUBSCRIBED' WHERE contact_id IN (SELECT id FROM contacts WHERE key = '1')",
    )
    .await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let campaign = app.journey(Some(segment), &welcome(&first, &second)).await;
    assert_eq!(app.places(campaign).await, "pause 1");
}

#[tokio::test]
async fn a_birthday_comes_every_year_at_its_hour_in_the_campaigns_zone() {
    let app = TestApp::spawn().await;
    app.people(3).await;
    app.execute(
        "INSERT INTO attribute_definitions (name, kind, label, created_at) VALUES ('birthday', 'date', 'Birthday', 0)",
    )
    .await;
    for (key, date) in [("1", "1990-03-03"), ("2", "1988-02-29"), ("3", "1990-06-01")] {
        app.execute(&format!(
            "UPDATE contacts SET attributes = '{{\"birthday\": \"{date}\"}}' WHERE key = '{key}'"
        ))
        .await;
    }
    let (first, second) = (app.message("Happy birthday").await, app.message("Tips").await);
    let mut plan = welcome(&first, &second);
    plan["entry"] = json!({"by": "DATE", "attribute": "birthday", "yearly": true, "days": 0, "at": "09:00"});
    plan["reentry"] = json!("ALWAYS");
    let campaign = app.journey(None, &plan).await;
    let entered = async || {
        let walks = app.walks(campaign).await;
        let mut entered = Vec::new();
        for walk in walks {
            entered.push(format!(
                "{} {}",
                app.contact_key(walk.contact_id.unwrap()).await,
                walk.entered_at.0
            ));
        }
        entered.join(", ")
    };
    // The clock stands on Monday 2 March 2026, 08:00 UTC.
    for _ in 0..24 * 3 {
        app.advance(TimeDelta::hours(1));
        app.tick().await;
    }
    assert_eq!(entered().await, "1 2026-03-03 09:00:00 UTC");
    app.cx.clock.set("2027-02-28T08:59:00Z".parse().unwrap());
    app.tick().await;
    assert_eq!(
        entered().await,
        "1 2026-03-03 09:00:00 UTC",
        "days that were missed for long are let go"
    );
    app.cx.clock.set("2027-03-03T10:00:00Z".parse().unwrap());
    app.tick().await;
    assert_eq!(
        entered().await,
        "1 2026-03-03 09:00:00 UTC, 1 2027-03-03 10:00:00 UTC"
    );
    app.check_walks().await;
}
