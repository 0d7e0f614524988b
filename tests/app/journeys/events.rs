//! What an event does: it brings people in, ends a wait, and takes out who reached the goal; each
//! exactly once.

use crate::support::TestApp;
use crate::support::api::Program;
use chrono::TimeDelta;
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::campaigns::draft::Changes;
use fairway::domain::Role;
use fairway::domain::campaign::Command;
use fairway::domain::goal::Goal;
use fairway::domain::journey::Journey;
use serde_json::{Value, json};

/// Who joined as a full member waits for a booking of two or more, and is thanked for it.
async fn plan(app: &TestApp) -> Value {
    let (thanks, nudge) = (app.message("Thanks").await, app.message("Nudge").await);
    json!({
        "entry": {"by": "EVENT", "event": "member.joined", "where": {"field": "event.kind", "op": "eq", "value": "full"}},
        "reentry": "NEVER",
        "exit": {"onGoal": true},
        "steps": [
            {"id": "booked", "kind": "await", "event": "booking.confirmed", "where": {"field": "event.players", "op": "gte", "value": 2},
             "atMost": "P7D", "next": "many", "otherwise": "nudge"},
            {"id": "many", "kind": "branch", "if": {"event": {"field": "event.players", "op": "gte", "value": 4}}, "yes": "end", "no": "thanks"},
            {"id": "thanks", "kind": "message", "template": thanks, "next": "end"},
            {"id": "nudge", "kind": "message", "template": nudge, "next": "end"},
            {"id": "end", "kind": "end"},
        ],
    })
}

async fn begun(app: &TestApp) -> (i64, Program) {
    app.people(4).await;
    let journey = Journey::parse(&plan(app).await).unwrap();
    let draft = app
        .draft()
        .kind(fairway::domain::CampaignType::Journey)
        .now()
        .create()
        .await;
    let goal = Goal::parse(&json!({"event": "handicap.opened"})).unwrap();
    let changes = Changes {
        journey: Some(Some(journey)),
        goal: Some(Some(goal)),
        ..Changes::default()
    };
    commands::edit(&app.cx, draft.id, None, &changes, &Actor::fairway())
        .await
        .unwrap();
    commands::schedule(&app.cx, draft.id, &Actor::fairway())
        .await
        .unwrap();
    app.tick().await;
    (draft.id, app.program(Role::Manager).await)
}

async fn report(program: &Program, id: &str, name: &str, contact: &str, properties: Value) {
    let event = json!({"id": id, "name": name, "contact": contact, "properties": properties});
    program.post("/events", &event).await.is(202);
}

#[tokio::test]
async fn an_event_brings_people_in_ends_their_wait_and_is_asked_about() {
    let app = TestApp::spawn().await;
    let (campaign, program) = begun(&app).await;
    for (person, kind) in [("1", "full"), ("2", "full"), ("3", "full"), ("4", "guest")] {
        report(
            &program,
            &format!("join-{person}"),
            "member.joined",
            person,
            json!({"kind": kind}),
        )
        .await;
    }
    app.tick().await;
    assert_eq!(app.places(campaign).await, "booked 3");
    // Reported again it is the same event.
    report(&program, "join-1", "member.joined", "1", json!({"kind": "full"})).await;
    app.tick().await;
    assert_eq!(app.places(campaign).await, "booked 3");
    report(&program, "b1", "booking.confirmed", "1", json!({"players": 1})).await;
    report(&program, "b2", "booking.confirmed", "2", json!({"players": 2})).await;
    report(&program, "b3", "booking.confirmed", "3", json!({"players": 4})).await;
    app.work().await;
    assert_eq!(app.places(campaign).await, "booked 1, ended 2");
    let rows = app.ledger(campaign).await;
    let sent: Vec<_> = rows
        .iter()
        .map(|row| (row.step.as_str(), row.address.as_str()))
        .collect();
    assert_eq!(sent, [("thanks", "person2@example.org")]);
    assert!(rows[0].event_id.is_some(), "the message names the event");
    app.advance(TimeDelta::days(7));
    app.work().await;
    assert_eq!(app.places(campaign).await, "ended 3");
    let nudged = app
        .ledger(campaign)
        .await
        .iter()
        .filter(|row| row.step == "nudge")
        .count();
    assert_eq!(nudged, 1);
    app.check_walks().await;
}

#[tokio::test]
async fn reaching_the_goal_takes_out_and_a_paused_journey_still_listens() {
    let app = TestApp::spawn().await;
    let (campaign, program) = begun(&app).await;
    report(&program, "join-1", "member.joined", "1", json!({"kind": "full"})).await;
    app.tick().await;
    app.advance(TimeDelta::hours(1));
    report(&program, "goal-1", "handicap.opened", "1", json!({})).await;
    app.tick().await;
    assert_eq!(app.places(campaign).await, "goal 1");
    app.command(campaign, Command::Pause).await;
    report(&program, "join-2", "member.joined", "2", json!({"kind": "full"})).await;
    app.tick().await;
    report(&program, "b2", "booking.confirmed", "2", json!({"players": 2})).await;
    app.work().await;
    assert_eq!(app.places(campaign).await, "booked 1, goal 1");
    assert!(app.ledger(campaign).await.is_empty());
    app.command(campaign, Command::Resume).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 1");
    app.check_walks().await;
}

#[tokio::test]
async fn an_event_about_nobody_whom_we_know_is_counted_also_where_it_comes_alone() {
    use fairway::domain::trigger::Outcome;
    use fairway::entity::event_outcomes;
    use sea_orm::EntityTrait as _;
    let app = TestApp::spawn().await;
    let (campaign, program) = begun(&app).await;
    report(
        &program,
        "j1",
        "member.joined",
        "stranger@example.org",
        json!({"kind": "full"}),
    )
    .await;
    app.tick().await;
    let rows = event_outcomes::Entity::find().all(&*app.cx.db).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.campaign_id, row.outcome)).collect();
    assert_eq!(rows, [(campaign, Outcome::UnknownContact)]);
}
