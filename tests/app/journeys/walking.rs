//! Walking: what is sent when, what holds people up, what takes them out, and that it is once.

use crate::support::TestApp;
use crate::support::journeys::welcome;
use chrono::TimeDelta;
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::campaigns::journey::commands as journey;
use fairway::domain::campaign::Command;
use fairway::domain::{DeliveryState, Status};
use fairway::scheduler;
use serde_json::json;

async fn started(app: &TestApp, people: i64) -> (i64, i64) {
    let segment = app.people(people).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let campaign = app.journey(Some(segment), &welcome(&first, &second)).await;
    (campaign, segment)
}

#[tokio::test]
async fn everyone_in_the_segment_gets_the_first_message_at_once_and_the_second_after_the_wait() {
    let app = TestApp::spawn().await;
    let (campaign, _) = started(&app, 12).await;
    assert_eq!(app.status(campaign).await, Status::Active);
    assert_eq!(app.places(campaign).await, "pause 12");
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 12");
    app.advance(TimeDelta::days(3) - TimeDelta::seconds(1));
    app.work().await;
    assert_eq!(app.places(campaign).await, "pause 12");
    app.advance(TimeDelta::seconds(1));
    app.work().await;
    assert_eq!(app.places(campaign).await, "ended 12");
    assert_eq!(app.states(campaign).await, "SENT 24");
    let rows = app.ledger(campaign).await;
    let tips = rows.iter().filter(|row| row.step == "tips").count();
    assert_eq!(tips, 12);
    assert!(rows.iter().all(|row| row.lane == 0 && row.variant == 0));
    app.check_walks().await;
    // It goes on until staff end it: whoever joins later comes in later.
    assert_eq!(app.status(campaign).await, Status::Active);
}

#[tokio::test]
async fn a_batch_that_is_broken_off_before_its_end_leaves_no_trace_and_is_done_again() {
    let app = TestApp::spawn().await;
    let (campaign, _) = started(&app, 3).await;
    app.work().await;
    app.advance(TimeDelta::days(3));
    // What stands in the way of the last statement: the counts of the step that they come to.
    app.execute("ALTER TABLE journey_counts RENAME TO journey_counts_away")
        .await;
    assert!(
        scheduler::tick(&app.cx).await.is_ok(),
        "one journey's trouble is its own"
    );
    assert_eq!(app.states(campaign).await, "SENT 3");
    assert_eq!(app.places(campaign).await, "pause 3");
    app.execute("ALTER TABLE journey_counts_away RENAME TO journey_counts")
        .await;
    app.work().await;
    app.work().await;
    assert_eq!(app.places(campaign).await, "ended 3");
    assert_eq!(app.states(campaign).await, "SENT 6");
    app.check_walks().await;
}

#[tokio::test]
async fn a_pause_holds_everyone_where_they_are_and_a_resume_sends_no_burst() {
    let app = TestApp::spawn().await;
    let (campaign, _) = started(&app, 4).await;
    app.work().await;
    app.command(campaign, Command::Pause).await;
    app.advance(TimeDelta::days(30));
    app.work().await;
    assert_eq!(app.places(campaign).await, "pause 4");
    app.command(campaign, Command::Resume).await;
    app.work().await;
    assert_eq!(app.places(campaign).await, "ended 4");
    assert_eq!(app.states(campaign).await, "SENT 8");
    app.check_walks().await;
}

#[tokio::test]
async fn after_a_long_pause_the_next_wait_is_as_long_as_it_says() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    let (first, second) = (app.message("One").await, app.message("Two").await);
    let campaign = app
        .journey(
            Some(segment),
            &json!({"entry": {"by": "SEGMENT"}, "steps": [
                {"id": "w1", "kind": "wait", "for": "P1D", "next": "one"},
                {"id": "one", "kind": "message", "template": first, "next": "w2"},
                {"id": "w2", "kind": "wait", "for": "P1D", "next": "two"},
                {"id": "two", "kind": "message", "template": second, "next": "end"},
                {"id": "end", "kind": "end"},
            ]}),
        )
        .await;
    app.command(campaign, Command::Pause).await;
    app.advance(TimeDelta::days(10));
    app.command(campaign, Command::Resume).await;
    app.work().await;
    assert_eq!(app.places(campaign).await, "w2 2");
    assert_eq!(app.states(campaign).await, "SENT 2");
    app.advance(TimeDelta::days(1));
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 4");
}

#[tokio::test]
async fn a_cancellation_takes_everyone_out_and_cancels_what_waits() {
    let app = TestApp::spawn().await;
    let (campaign, _) = started(&app, 5).await;
    commands::stop(&app.cx, campaign, &Actor::fairway())
        .await
        .unwrap();
    assert_eq!(app.places(campaign).await, "cancelled 5");
    assert_eq!(app.states(campaign).await, "CANCELLED 5");
    app.advance(TimeDelta::days(5));
    app.work().await;
    assert_eq!(app.states(campaign).await, "CANCELLED 5");
    app.check_walks().await;
}

#[tokio::test]
async fn finishing_by_staff_ends_the_journey_of_everyone_inside() {
    let app = TestApp::spawn().await;
    let (campaign, _) = started(&app, 5).await;
    app.work().await;
    commands::finish(&app.cx, campaign, &Actor::fairway())
        .await
        .unwrap();
    assert_eq!(app.status(campaign).await, Status::Completed);
    assert_eq!(app.places(campaign).await, "completed 5");
    app.check_walks().await;
}

#[tokio::test]
async fn who_opts_out_leaves_at_the_next_tick() {
    let app = TestApp::spawn().await;
    let (campaign, _) = started(&app, 3).await;
    app.work().await;
    let someone = app.walks(campaign).await[0].contact_id.unwrap();
    let tx = app.cx.db.begin().await.unwrap();
    fairway::audience::consent::commands::set(
        &tx,
        someone,
        fairway::domain::Channel::Email,
        fairway::domain::ConsentStatus::Unsubscribed,
        &fairway::audience::consent::commands::Ground {
            source: "page",
            evidence: "",
            actor: "",
        },
        app.cx.clock.now(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    app.tick().await;
    assert_eq!(app.places(campaign).await, "opted_out 1, pause 2");
    app.advance(TimeDelta::days(3));
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 5");
    app.check_walks().await;
}

#[tokio::test]
async fn whoever_never_agreed_walks_along_and_is_skipped_with_the_reason() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    app.execute("DELETE FROM consents WHERE contact_id IN (SELECT id FROM contacts WHERE key = '1')")
        .await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let campaign = app.journey(Some(segment), &welcome(&first, &second)).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 1, SKIPPED 1");
    assert_eq!(app.places(campaign).await, "pause 2");
    let rows = app.ledger(campaign).await;
    let skipped = rows
        .iter()
        .find(|row| row.state == DeliveryState::Skipped)
        .unwrap();
    assert_eq!(skipped.reason.as_deref(), Some("no_consent"));
    app.check_walks().await;
}

#[tokio::test]
async fn an_erased_person_leaves_and_the_counts_stay_true() {
    let app = TestApp::spawn().await;
    let (campaign, _) = started(&app, 2).await;
    app.work().await;
    app.execute("DELETE FROM contacts WHERE key = '1'").await;
    app.advance(TimeDelta::days(3));
    app.work().await;
    assert_eq!(app.places(campaign).await, "ended 1, erased 1");
    app.check_walks().await;
}

#[tokio::test]
async fn staff_put_a_person_in_and_take_them_out() {
    let app = TestApp::spawn().await;
    let segment = app.people(3).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let mut plan = welcome(&first, &second);
    plan["entry"] = json!({"by": "STAFF"});
    let campaign = app.journey(None, &plan).await;
    assert_eq!(app.places(campaign).await, "");
    let staff = Actor::fairway();
    let one = app.contact_id("1").await;
    assert!(journey::put_in(&app.cx, campaign, one, &staff).await.unwrap());
    assert!(
        !journey::put_in(&app.cx, campaign, one, &staff).await.unwrap(),
        "is inside"
    );
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 1");
    assert!(journey::take_out(&app.cx, campaign, one, &staff).await.unwrap());
    assert_eq!(app.places(campaign).await, "staff 1");
    // A whole segment, of whom one was here before and does not come in again.
    assert_eq!(
        journey::put_in_segment(&app.cx, campaign, segment, &staff)
            .await
            .unwrap(),
        2
    );
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 3");
    app.check_walks().await;
}
