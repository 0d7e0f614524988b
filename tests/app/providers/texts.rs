//! Campaigns of texts through a provider.

use crate::support::TestApp;
use crate::support::sending::Plan;
use crate::support::twilio::{TwilioServer, error};
use crate::support::web::Say;
use chrono::TimeDelta;
use fairway::domain::campaign::Command;
use fairway::domain::{Role, Status};
use serde_json::json;
use std::time::{Duration, Instant};

impl TestApp {
    /// A scheduled campaign of texts to so many people with telephones, one without.
    pub async fn text_campaign(&self, people: i64, text: &str) -> i64 {
        self.people(people + 1).await;
        self.execute(&format!(
            "UPDATE contacts SET phone = '+2782123' || CAST(4000 + id AS TEXT) WHERE id <= {people}"
        ))
        .await;
        self.execute(
            "INSERT INTO consents (contact_id, channel, status, source, evidence, at) \
             SELECT id, 'SMS', 'SUBSCRIBED', 'form', '', 0 FROM contacts",
        )
        .await;
        let api = self.program(Role::Manager).await;
        let template = json!({ "channel": "SMS", "name": "Invite", "text": text });
        assert_eq!(api.put("/templates/invite", &template).await.status, 201);
        let new = json!({ "name": "Cup", "type": "ONE_TIME", "segmentId": "everyone", "channels": ["SMS"] });
        let campaign = api.post("/campaigns", &new).await.body;
        let id = campaign["id"].as_str().unwrap();
        let content = json!({ "sms": { "templateId": "invite" } });
        api.put(&format!("/campaigns/{id}/content"), &content).await;
        let scheduled = api.tell(&format!("/campaigns/{id}/schedule")).await;
        assert_eq!(scheduled.status, 200, "{}", scheduled.body);
        id.parse().unwrap()
    }
}

#[tokio::test]
async fn texts_go_by_twilio_from_the_countrys_own_sender_and_none_is_captured() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    admin.activate_provider("twilio", &server.fields()).await;
    let campaign = app.text_campaign(2, "Hi {{ contact.first_name }}").await;
    app.execute("UPDATE contacts SET phone = '+447700900123' WHERE id = 2")
        .await;
    app.work().await;
    assert_eq!(app.status(campaign).await, Status::Completed);
    assert_eq!(app.states(campaign).await, "SENT 2, SKIPPED 1");
    let mut texts = server.texts();
    texts.sort_by(|a, b| a.to.cmp(&b.to));
    let [first, second] = texts.as_slice() else {
        panic!("{texts:?}")
    };
    assert_eq!(
        (first.to.as_str(), first.from.as_str()),
        ("+27821234001", "+15005550006")
    );
    assert_eq!(
        (second.to.as_str(), second.from.as_str()),
        ("+447700900123", "LinksGolf")
    );
    assert!(
        first.body.starts_with("Hi Person 1\nStop: http://"),
        "{}",
        first.body
    );
    let callback = first.callback.as_deref().unwrap();
    assert!(
        callback.starts_with(&format!("{}/hooks/club-twilio?d=", app.address)),
        "{callback}"
    );
    let api = app.program(Role::Viewer).await;
    assert_eq!(api.get("/captured").await.body["items"], json!([]));
    app.check_ledger().await;
}

#[tokio::test]
async fn a_refused_password_lets_texts_wait_with_the_reason_and_stops_no_other_channel() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    admin.activate_provider("twilio", &server.fields()).await;
    let texts = app.text_campaign(30, "Come").await;
    let mails = app.campaign(Plan::to(1)).await;
    server.always(Some(error(401, 20003, "Authenticate")));
    app.work().await;
    assert_eq!(app.status(mails).await, Status::Completed, "mail goes on");
    assert_eq!(app.status(texts).await, Status::Active);
    assert_eq!(app.states(texts).await, "QUEUED 30, SKIPPED 1");
    let waiting = app.run(texts).await.waiting.unwrap();
    assert_eq!(waiting, "Waiting for the provider: 401 20003: Authenticate");
    let page = admin.page(&format!("/campaigns/{texts}")).await;
    assert!(page.contains("401 20003: Authenticate"), "{page}");
    let asked = server.asked();
    app.drain().await;
    assert_eq!(server.asked(), asked, "it rests");

    server.always(None);
    app.advance(TimeDelta::seconds(2));
    app.work().await;
    assert_eq!(app.states(texts).await, "SENT 30, SKIPPED 1");
    assert!(
        app.ledger(texts).await.iter().all(|row| row.attempt <= 1),
        "it was no attempt"
    );
    assert_eq!(app.run(texts).await.waiting, None);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_provider_that_asks_for_a_rest_gets_it_for_all_texts() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    admin.activate_provider("twilio", &server.fields()).await;
    let campaign = app.text_campaign(40, "Come").await;
    server.always(Some(
        error(429, 20429, "Too Many Requests").with("Retry-After", 120),
    ));
    app.work().await;
    let asked = server.asked();
    assert!(asked <= 16, "{asked} were asked after the first was refused");
    let waiting = app.run(campaign).await.waiting.unwrap();
    assert!(waiting.contains("429 20429: Too Many Requests"), "{waiting}");
    server.always(None);
    app.advance(TimeDelta::seconds(119));
    app.drain().await;
    assert_eq!(server.asked(), asked, "not before its time");
    app.advance(TimeDelta::seconds(2));
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 40, SKIPPED 1");
    app.check_ledger().await;
}

#[tokio::test]
async fn texts_go_at_the_pace_that_is_set() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let mut fields = server.fields();
    fields.push(("rate", "20".into()));
    admin.activate_provider("twilio", &fields).await;
    let campaign = app.text_campaign(10, "Come").await;
    app.tick().await;
    let began = Instant::now();
    app.drain().await;
    let took = began.elapsed();
    assert_eq!(app.states(campaign).await, "SENT 10, SKIPPED 1");
    // Nine intervals of 50 ms.
    assert!(took >= Duration::from_millis(440), "{took:?}");
}

#[tokio::test]
async fn a_sender_that_is_refused_pauses_the_campaign_and_says_what_to_do() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    admin.activate_provider("twilio", &server.fields()).await;
    let campaign = app.text_campaign(2, "Come").await;
    server.always(Some(error(400, 21606, "The From phone number is not valid")));
    app.work().await;
    let row = app.campaign_row(campaign).await;
    assert_eq!(row.status, Status::Paused);
    let reason = row.pause_reason.unwrap();
    assert!(
        reason.contains("21606") && reason.contains("Settings, Channels"),
        "{reason}"
    );
    server.always(None);
    app.command(campaign, Command::Resume).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 2, SKIPPED 1");
}

#[tokio::test]
async fn what_is_refused_for_good_fails_and_what_nobody_knows_is_in_doubt() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    admin.activate_provider("twilio", &server.fields()).await;
    let campaign = app.text_campaign(2, "Come").await;
    app.execute("UPDATE campaigns SET in_doubt = 'LEAVE'").await;
    server.say(error(400, 21211, "Invalid 'To' Phone Number"));
    server.say(Say::HangUp);
    app.work().await;
    assert_eq!(app.states(campaign).await, "FAILED 1, SKIPPED 1, UNKNOWN 1");
    assert!(server.texts().is_empty());
}

#[tokio::test]
async fn pages_say_whether_texts_reach_anybody_and_what_they_cost() {
    let app = TestApp::spawn().await;
    let campaign = app.text_campaign(2, &"Come to the spring cup. ".repeat(7)).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let report = format!("/campaigns/{campaign}/report");
    app.execute("UPDATE campaigns SET status = 'DRAFT'").await;
    let review = admin.page(&format!("/campaigns/{campaign}/review")).await;
    assert!(review.contains("reach nobody"), "{review}");
    let basics = admin.page("/campaigns/new").await;
    assert!(
        basics.contains("Kept in the mailbox while no provider is active"),
        "{basics}"
    );

    let server = TwilioServer::start().await;
    let mut fields = server.fields();
    fields.push(("price", "0.35".into()));
    admin.activate_provider("twilio", &fields).await;
    let review = admin.page(&format!("/campaigns/{campaign}/review")).await;
    assert!(
        review.contains("Go by “Club Twilio”.") && !review.contains("reach nobody"),
        "{review}"
    );
    let basics = admin.page("/campaigns/new").await;
    assert!(!basics.contains("no provider is active"), "{basics}");
    let cost = "Costs EUR 0.70 for each person: 2 parts at EUR 0.35.";
    for path in [
        "/templates/1/preview".to_owned(),
        "/templates/1".to_owned(),
        format!("/campaigns/{campaign}/content"),
    ] {
        let page = admin.page(&path).await;
        assert!(page.contains(cost), "{path}: {page}");
    }
    app.execute("UPDATE campaigns SET status = 'SCHEDULED'").await;
    app.work().await;
    let page = admin.page(&report).await;
    assert!(
        page.contains("For texts, delivered means that the provider reported it so"),
        "{page}"
    );
}

#[tokio::test]
async fn a_text_can_be_tried_out_on_ones_own_telephone() {
    let app = TestApp::spawn().await;
    app.text_campaign(1, "Come, {{ contact.first_name }}").await;
    let admin = app.sign_in_as(Role::Admin).await;
    admin
        .post("/templates/1/test", &[("to", "+27 82 123 4567")])
        .await;
    let page = admin.page("/templates/1/preview").await;
    assert!(page.contains("because no provider is active"), "{page}");
    let server = TwilioServer::start().await;
    admin.activate_provider("twilio", &server.fields()).await;
    admin.post("/templates/1/test", &[("to", "082 123 4567")]).await;
    let page = admin.page("/templates/1/preview").await;
    assert!(page.contains("phone number with its country"), "{page}");
    admin
        .post("/templates/1/test", &[("to", "+27 82 123 4567")])
        .await;
    let page = admin.page("/templates/1/preview").await;
    assert!(page.contains("on its way to +27821234567"), "{page}");
    let texts = server.texts();
    assert_eq!(
        (texts.len(), texts[0].to.as_str(), &texts[0].callback),
        (1, "+27821234567", &None)
    );
    assert!(texts[0].body.starts_with("Come, Person 1"), "{}", texts[0].body);
}
