//! Good manners: what can be taken back, quiet hours, and how much one person gets.

use crate::support::TestApp;
use crate::support::staff::SignedIn;
use chrono::TimeDelta;
use fairway::accounts::Club;
use fairway::domain::manners::Manners;
use fairway::domain::{Role, Status};
use reqwest::Response;
use serde_json::{Value, json};

fn location(answer: &Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

impl TestApp {
    /// The club's manners, as the JSON API writes them.
    pub async fn set_manners(&self, manners: Value) {
        let sending: Manners = serde_json::from_value(manners).unwrap();
        let club = Club {
            sending,
            ..Club::load(&*self.cx.db).await.unwrap()
        };
        let tx = self.cx.db.begin().await.unwrap();
        club.save(&tx, self.cx.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Confirms a draft on its review page.
async fn confirm(app: &TestApp, staff: &SignedIn, draft: i64, people: &str) -> Response {
    let revision = app.campaign_row(draft).await.revision.to_string();
    let fields = [("people", people), ("revision", &revision)];
    staff.post(&format!("/campaigns/{draft}/review"), &fields).await
}

#[tokio::test]
async fn a_send_can_be_taken_back_within_the_hold_and_is_a_draft_again() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(3).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let page = location(&confirm(&app, &staff, draft.id, "3").await);
    app.work().await;
    assert_eq!(app.status(draft.id).await, Status::Scheduled, "it is held");
    let text = staff.page(&page).await;
    assert!(text.contains("Goes out in 10 seconds.") && text.contains("Take back"));
    app.cx.clock.advance(TimeDelta::seconds(9));
    let live = staff.page(&format!("{page}/live")).await;
    assert!(live.contains("Goes out in 1 second."), "{live}");
    app.work().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert!(!viewer.page(&page).await.contains("Take back"));
    assert_eq!(viewer.post(&format!("{page}/take-back"), &[]).await.status(), 403);

    let back = location(&staff.post(&format!("{page}/take-back"), &[]).await);
    let text = staff.page(&back).await;
    assert!(text.contains("Taken back") && text.contains("Everything is in place"));
    assert_eq!(app.status(draft.id).await, Status::Cancelled);
    let again: i64 = back.split('/').nth(2).unwrap().parse().unwrap();
    let copy = app.campaign_row(again).await;
    assert_eq!((copy.status, copy.name.as_str()), (Status::Draft, "Spring Open"));
    assert!(copy.send_now && copy.held_until.is_none());
    app.cx.clock.advance(TimeDelta::minutes(1));
    app.work().await;
    assert_eq!(app.states(draft.id).await, "", "nobody was sent anything");
}

#[tokio::test]
async fn after_the_hold_it_goes_out_and_cannot_be_taken_back() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(3).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let page = location(&confirm(&app, &staff, draft.id, "3").await);
    app.cx.clock.advance(TimeDelta::seconds(10));
    app.work().await;
    assert_eq!(app.states(draft.id).await, "SENT 3");
    let answer = staff.post(&format!("{page}/take-back"), &[]).await;
    assert_eq!(answer.status(), 409);
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains("too late to take this campaign back")
    );
    assert_eq!(app.status(draft.id).await, Status::Completed);
}

#[tokio::test]
async fn what_a_program_schedules_or_a_club_without_a_hold_sends_goes_out_at_once() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(2).await;
    let program = app.program(Role::Manager).await;
    program
        .tell(&format!("/campaigns/{}/schedule", draft.id))
        .await
        .is(200);
    app.work().await;
    assert_eq!(app.states(draft.id).await, "SENT 2");

    app.set_manners(json!({"holdSeconds": 0})).await;
    let copy = program.get(&format!("/campaigns/{}", draft.id)).await.is(200);
    assert_eq!(copy["status"], "COMPLETED");
    let staff = app.sign_in_as(Role::Manager).await;
    let again = location(
        &staff
            .post(&format!("/campaigns/{}/duplicate", draft.id), &[])
            .await,
    );
    let again: i64 = again.split('/').nth(2).unwrap().parse().unwrap();
    app.execute(&format!(
        "UPDATE campaigns SET send_now = TRUE WHERE id = {again}"
    ))
    .await;
    confirm(&app, &staff, again, "2").await;
    app.work().await;
    assert_eq!(app.states(again).await, "SENT 2");
}

#[tokio::test]
async fn the_clubs_manners_are_set_on_their_page_and_by_the_api() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let fields = [
        ("hold", "30"),
        ("on", "EMAIL"),
        ("from", "21:00"),
        ("to", "08:00"),
        ("most", "3"),
        ("days", "7"),
        ("rest", "true"),
        ("holidays", "2026-12-25 Christmas Day\r\n2026-12-26\r\n"),
    ];
    assert_eq!(admin.post("/settings/sending", &fields).await.status(), 303);
    let program = app.program(Role::Admin).await;
    let sending = program.get("/settings").await.is(200)["sending"].clone();
    let expected = json!({
        "holdSeconds": 30,
        "quietHours": {"EMAIL": {"from": "21:00", "to": "08:00"}},
        "holidays": [{"date": "2026-12-25", "name": "Christmas Day"}, {"date": "2026-12-26", "name": ""}],
        "restOnHolidays": true,
        "frequencyCaps": {"EMAIL": {"most": 3, "days": 7}},
    });
    assert_eq!(sending, expected);
    let page = admin.page("/settings/sending").await;
    assert!(page.contains("2026-12-25 Christmas Day") && page.contains(r#"value="21:00""#));

    // The club's own page keeps them, and a part of them is changed by the API alone.
    let club = [
        ("clubName", "Westlake"),
        ("timezone", "UTC"),
        ("accent", "#0b5394"),
    ];
    assert_eq!(admin.post("/settings", &club).await.status(), 303);
    let change = json!({"sending": {"quietHours": {"EMAIL": null}, "holdSeconds": 0}});
    let sending = program.put("/settings", &change).await.is(200)["sending"].clone();
    assert_eq!(sending["quietHours"], json!({}));
    assert_eq!(sending["frequencyCaps"], expected["frequencyCaps"]);

    for (name, value, message) in [
        ("hold", "301", "At most 300 seconds"),
        ("hold", "soon", "Write a number of seconds"),
        ("to", "", "Write times of the day"),
        ("to", "21:00", "something must be able to go out"),
        ("most", "many", "Write both as numbers"),
        ("days", "0", "Between 1 and 365 days"),
        ("holidays", "Christmas", "does not begin with a day"),
    ] {
        let fields = fields.map(|(field, was)| (field, if field == name { value } else { was }));
        let answer = admin.post("/settings/sending", &fields).await;
        assert_eq!(answer.status(), 422, "{name} {value}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(message), "{name} {value}: {text}");
    }
    let wrong = json!({"sending": {"frequencyCaps": {"EMAIL": {"most": 0, "days": 7}}}});
    assert_eq!(
        program.put("/settings", &wrong).await.refused(),
        ["sending.frequencyCaps.EMAIL"]
    );
    let manager = app.sign_in_as(Role::Manager).await;
    assert_eq!(manager.get("/settings/sending").await.status(), 403);
}
