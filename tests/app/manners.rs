//! Good manners: what can be taken back, quiet hours, and how much one person gets.

use crate::support::TestApp;
use crate::support::sending::Plan;
use crate::support::staff::SignedIn;
use chrono::{DateTime, TimeDelta, Utc};
use fairway::accounts::Club;
use fairway::dispatch::Dispatcher;
use fairway::domain::manners::Manners;
use fairway::domain::{Role, Status};
use fairway::messaging::Channels;
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

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl TestApp {
    /// As another process on the same database would.
    pub fn another_dispatcher(&self) -> Dispatcher {
        Dispatcher::new(self.cx.clone(), &Channels::of(&self.cx.settings).unwrap())
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

/// Quiet hours for e-mail and no hold.
fn nightly(from: &str, to: &str) -> Value {
    json!({"quietHours": {"EMAIL": {"from": from, "to": to}}})
}

async fn live_in(app: &TestApp, zones: &[Option<&str>]) -> i64 {
    let segment = app.people(i64::try_from(zones.len()).unwrap()).await;
    for (number, zone) in (1..).zip(zones) {
        if let Some(zone) = zone {
            app.execute(&format!(
                "UPDATE contacts SET timezone = '{zone}' WHERE id = (\
                   SELECT c.id FROM contacts c ORDER BY c.id LIMIT 1 OFFSET {})",
                number - 1
            ))
            .await;
        }
    }
    segment
}

/// The instants at which each person's row is due, in the order of the people.
async fn due(app: &TestApp, campaign: i64) -> Vec<String> {
    let rows = app.ledger(campaign).await;
    rows.iter()
        .map(|row| row.due_at.0.format("%d %H:%M").to_string())
        .collect()
}

#[tokio::test]
async fn quiet_hours_are_those_of_each_persons_zone() {
    let app = TestApp::spawn().await;
    app.set_manners(nightly("21:00", "08:00")).await;
    let zones = [
        Some("Europe/London"),
        Some("America/New_York"),
        Some("Asia/Tokyo"),
        None,
    ];
    let segment = live_in(&app, &zones).await;
    app.cx.clock.set(at("2026-03-02T22:00:00Z"));
    // The campaign's own zone, London, stands for whoever has none.
    let campaign = app.campaign(Plan::to(segment)).await;
    app.work().await;
    assert_eq!(
        due(&app, campaign).await,
        ["03 08:00", "02 22:00", "02 23:00", "03 08:00"]
    );
    assert_eq!(app.states(campaign).await, "QUEUED 3, SENT 1");
    app.cx.clock.set(at("2026-03-02T23:00:00Z"));
    app.work().await;
    assert_eq!(app.states(campaign).await, "QUEUED 2, SENT 2");
    app.cx.clock.set(at("2026-03-03T07:59:00Z"));
    app.work().await;
    assert_eq!(app.states(campaign).await, "QUEUED 2, SENT 2");
    app.cx.clock.set(at("2026-03-03T08:00:00Z"));
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 4");
    assert_eq!(app.status(campaign).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn what_was_due_before_the_quiet_hours_and_comes_late_is_put_back_without_an_attempt() {
    let app = TestApp::spawn().await;
    app.set_manners(nightly("21:00", "08:00")).await;
    let segment = live_in(&app, &[None, Some("America/New_York"), None]).await;
    app.cx.clock.set(at("2026-03-02T20:59:00Z"));
    let campaign = app.campaign(Plan::to(segment)).await;
    app.tick().await;
    assert_eq!(due(&app, campaign).await, ["02 20:59", "02 20:59", "02 20:59"]);
    app.cx.clock.set(at("2026-03-02T21:30:00Z"));
    app.drain().await;
    assert_eq!(due(&app, campaign).await, ["03 08:00", "02 20:59", "03 08:00"]);
    assert_eq!(app.states(campaign).await, "QUEUED 2, SENT 1");
    for row in app.ledger(campaign).await {
        let waits = row.sent_at.is_none();
        assert_eq!((row.attempt, row.handed_at.is_none()), (i32::from(!waits), waits));
    }
    app.cx.clock.set(at("2026-03-03T08:00:00Z"));
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 3");
    app.check_ledger().await;
}

#[tokio::test]
async fn transactional_mail_goes_out_at_night_on_holidays_and_past_the_cap() {
    let app = TestApp::spawn().await;
    app.set_manners(json!({
        "quietHours": {"EMAIL": {"from": "21:00", "to": "08:00"}},
        "holidays": [{"date": "2026-03-02"}],
        "frequencyCaps": {"EMAIL": {"most": 1, "days": 7}},
    }))
    .await;
    let segment = app.people(2).await;
    app.cx.clock.set(at("2026-03-02T22:00:00Z"));
    for _ in 0..2 {
        let campaign = app.campaign(Plan::to(segment)).await;
        app.execute(&format!(
            "UPDATE campaigns SET purpose = 'TRANSACTIONAL' WHERE id = {campaign}"
        ))
        .await;
        app.work().await;
        assert_eq!(app.states(campaign).await, "SENT 2");
    }
    // Nor does it count against anybody's marketing.
    app.cx.clock.set(at("2026-03-03T10:00:00Z"));
    let campaign = app.campaign(Plan::to(segment)).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 2");
}

#[tokio::test]
async fn nothing_marketing_goes_out_on_a_holiday() {
    let app = TestApp::spawn().await;
    app.set_manners(json!({"holidays": [{"date": "2026-03-02", "name": "Founders’ Day"}]}))
        .await;
    // Where it is the 3rd of March already, the holiday is over.
    app.cx.clock.set(at("2026-03-02T18:00:00Z"));
    let segment = live_in(&app, &[None, Some("Asia/Tokyo")]).await;
    let campaign = app.campaign(Plan::to(segment)).await;
    app.work().await;
    assert_eq!(due(&app, campaign).await, ["03 00:00", "02 18:00"]);
    assert_eq!(app.states(campaign).await, "QUEUED 1, SENT 1");
    app.set_manners(json!({"holidays": [{"date": "2026-03-02"}], "restOnHolidays": false}))
        .await;
    let campaign = app.campaign(Plan::to(segment)).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 2");
}

#[tokio::test]
async fn nobody_gets_more_marketing_than_the_cap_allows() {
    let app = TestApp::spawn().await;
    app.set_manners(json!({"frequencyCaps": {"EMAIL": {"most": 2, "days": 7}}}))
        .await;
    let segment = app.people(3).await;
    let send = async |days: i64| {
        app.cx.clock.advance(TimeDelta::days(days));
        let campaign = app.campaign(Plan::to(segment)).await;
        app.work().await;
        campaign
    };
    let (first, second, third) = (send(0).await, send(1).await, send(1).await);
    for sent in [first, second] {
        assert_eq!(app.states(sent).await, "SENT 3");
    }
    assert_eq!(app.states(third).await, "SKIPPED 3");
    assert_eq!(app.status(third).await, Status::Completed);
    for row in app.ledger(third).await {
        assert_eq!(row.reason.as_deref(), Some("frequency_cap"));
        assert_eq!((row.attempt, row.sent_at), (0, None));
    }
    let staff = app.sign_in_as(Role::Viewer).await;
    assert!(
        staff
            .page(&format!("/campaigns/{third}/people"))
            .await
            .contains("Had enough lately")
    );

    let exempt = app.campaign(Plan::to(segment)).await;
    app.execute(&format!(
        "UPDATE campaigns SET ignores_cap = TRUE WHERE id = {exempt}"
    ))
    .await;
    app.work().await;
    assert_eq!(app.states(exempt).await, "SENT 3", "a manager let it pass");

    // Seven days after the first it is out of the count, the exempt one is in it.
    assert_eq!(app.states(send(5).await).await, "SKIPPED 3");
    assert_eq!(app.states(send(3).await).await, "SENT 3");
    app.check_ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_dispatchers_that_write_to_the_same_people_at_once_keep_the_cap() {
    let app = TestApp::spawn().await;
    app.set_manners(json!({"frequencyCaps": {"EMAIL": {"most": 1, "days": 7}}}))
        .await;
    let segment = app.people(60).await;
    let mut campaigns = Vec::new();
    for _ in 0..4 {
        campaigns.push(app.campaign(Plan::to(segment)).await);
    }
    app.tick().await;
    let dispatchers: Vec<_> = (0..3).map(|_| app.another_dispatcher()).collect();
    let (one, two, three) = (
        dispatchers[0].drain(),
        dispatchers[1].drain(),
        dispatchers[2].drain(),
    );
    let (one, two, three, four) = tokio::join!(one, two, three, app.dispatcher.drain());
    for done in [one, two, three, four] {
        done.unwrap();
    }
    let mut got = std::collections::BTreeMap::<i64, i32>::new();
    for campaign in campaigns {
        for row in app.ledger(campaign).await {
            *got.entry(row.contact_id.unwrap()).or_default() += i32::from(row.sent_at.is_some());
        }
    }
    assert_eq!(got.len(), 60);
    assert!(got.values().all(|number| *number == 1), "{got:?}");
    app.check_ledger().await;
}

#[tokio::test]
async fn a_send_is_spread_over_hours_and_waits_through_the_night() {
    let app = TestApp::spawn().await;
    app.set_manners(nightly("21:00", "08:00")).await;
    let segment = app.people(240).await;
    app.cx.clock.set(at("2026-03-02T19:00:00Z"));
    let campaign = app.campaign(Plan::to(segment)).await;
    app.execute(&format!(
        "UPDATE campaigns SET spread_minutes = 240 WHERE id = {campaign}"
    ))
    .await;
    app.tick().await;
    let rows = app.ledger(campaign).await;
    let hours = |from: &str, to: &str| {
        let within = |due: DateTime<Utc>| at(from) <= due && due < at(to);
        rows.iter().filter(|row| within(row.due_at.0)).count()
    };
    // Two hours of the evening, two of the next morning, and about the same number in each.
    for (from, to) in [
        ("2026-03-02T19:00:00Z", "2026-03-02T20:00:00Z"),
        ("2026-03-02T20:00:00Z", "2026-03-02T21:00:00Z"),
        ("2026-03-03T08:00:00Z", "2026-03-03T09:00:00Z"),
        ("2026-03-03T09:00:00Z", "2026-03-03T10:00:00Z"),
    ] {
        assert!(
            (55..=65).contains(&hours(from, to)),
            "{from}: {}",
            hours(from, to)
        );
    }
    let mut sent = 0;
    for (now, least) in [
        ("2026-03-02T20:00:00Z", 55),
        ("2026-03-02T20:59:59Z", 115),
        ("2026-03-03T10:00:00Z", 240),
    ] {
        app.cx.clock.set(at(now));
        app.work().await;
        let rows = app.ledger(campaign).await;
        sent = rows.iter().filter(|row| row.sent_at.is_some()).count();
        assert!((least..=least + 10).contains(&sent), "{now}: {sent}");
    }
    assert_eq!(sent, 240);
    assert_eq!(app.status(campaign).await, Status::Completed);
}

#[tokio::test]
async fn by_local_time_everybody_gets_it_at_nine_where_they_are() {
    let app = TestApp::spawn().await;
    let zones = [
        None,
        Some("Asia/Tokyo"),
        Some("America/New_York"),
        Some("Pacific/Auckland"),
    ];
    let segment = live_in(&app, &zones).await;
    let plan = Plan {
        at: Some(at("2026-03-04T09:00:00Z")),
        ..Plan::to(segment)
    };
    let campaign = app.campaign(plan.clone()).await;
    app.execute(&format!(
        "UPDATE campaigns SET local_time = TRUE WHERE id = {campaign}"
    ))
    .await;
    app.cx.clock.set(at("2026-03-03T19:59:00Z"));
    app.work().await;
    assert_eq!(app.status(campaign).await, Status::Scheduled);
    // 09:00 in Auckland.
    app.cx.clock.set(at("2026-03-03T20:00:00Z"));
    app.work().await;
    assert_eq!(
        due(&app, campaign).await,
        ["04 09:00", "04 00:00", "04 14:00", "03 20:00"]
    );
    assert_eq!(app.states(campaign).await, "QUEUED 3, SENT 1");

    // One that is scheduled when it is past nine for some: they get it at once.
    app.cx.clock.set(at("2026-03-04T01:00:00Z"));
    let late = app.campaign(plan).await;
    app.execute(&format!(
        "UPDATE campaigns SET local_time = TRUE WHERE id = {late}"
    ))
    .await;
    app.work().await;
    assert_eq!(
        due(&app, late).await,
        ["04 09:00", "04 01:00", "04 14:00", "04 01:00"]
    );
    app.cx.clock.set(at("2026-03-04T14:00:00Z"));
    app.work().await;
    for campaign in [campaign, late] {
        assert_eq!(app.states(campaign).await, "SENT 4");
        assert_eq!(app.status(campaign).await, Status::Completed);
    }
}

#[tokio::test]
async fn a_campaign_that_repeats_has_the_same_manners() {
    let app = TestApp::spawn().await;
    app.set_manners(json!({
        "quietHours": {"EMAIL": {"from": "21:00", "to": "08:00"}},
        "frequencyCaps": {"EMAIL": {"most": 1, "days": 7}},
    }))
    .await;
    let zones = [
        None,
        Some("America/New_York"),
        Some("Asia/Tokyo"),
        Some("Pacific/Auckland"),
    ];
    live_in(&app, &zones).await;
    let template = app.template("News", "<p>News</p>").await;
    let program = app.program(Role::Manager).await;
    let made = program
        .post(
            "/campaigns",
            &json!({
                "name": "News",
                "type": "RECURRING",
                "segmentId": "everyone",
                "channels": ["EMAIL"],
                "timezone": "Europe/London",
                "scheduledAt": "2026-03-03T09:00:00Z",
                "recurrence": {"rule": "FREQ=DAILY"},
                "delivery": {"localTime": true},
            }),
        )
        .await
        .is(201);
    let id: i64 = made["id"].as_str().unwrap().parse().unwrap();
    let content = json!({"email": {"templateId": template.to_string()}});
    program
        .put(&format!("/campaigns/{id}/content"), &content)
        .await
        .is(200);
    program.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    app.cx.clock.set(at("2026-03-03T09:00:00Z"));
    app.work().await;
    // London at once, New York at its own nine; in Tokyo it is six in the evening, in Auckland night.
    let expected = ["03 09:00", "03 14:00", "03 09:00", "03 19:00"];
    assert_eq!(due(&app, id).await, expected);
    app.cx.clock.set(at("2026-03-03T19:00:00Z"));
    app.work().await;
    assert_eq!(app.states(id).await, "SENT 4");
    // The next day's goes past nobody's cap.
    app.cx.clock.set(at("2026-03-04T09:00:00Z"));
    app.work().await;
    app.cx.clock.set(at("2026-03-04T20:00:00Z"));
    app.work().await;
    assert_eq!(app.states(id).await, "SENT 4, SKIPPED 4");
    app.check_ledger().await;
}
