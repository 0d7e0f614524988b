//! What providers report: receipts, answers from people, and what is not to be believed.

use crate::support::TestApp;
use crate::support::gateways::BulkSms;
use crate::support::stand_in::StandIn as _;
use crate::support::twilio::{Text, TwilioServer, sign};
use fairway::domain::{Channel, ConsentStatus, Role};
use fairway::entity::{consents, inbound_messages, suppressions};
use sea_orm::EntityTrait as _;
use std::time::Duration;

/// A campaign of two texts that Twilio took.
async fn sent(app: &TestApp, server: &TwilioServer) -> i64 {
    let admin = app.sign_in_as(Role::Admin).await;
    let mut fields = server.fields();
    fields.push(("stop_words", "UIT, Stopp".into()));
    fields.push((
        "help_answer",
        "Links Golf Club, 01 234 5678. STOP ends it.".into(),
    ));
    admin.activate_provider("twilio", &fields).await;
    let campaign = app.text_campaign(2, "Come, {{ contact.first_name }}").await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 2, SKIPPED 1");
    campaign
}

async fn report(
    app: &TestApp,
    server: &TwilioServer,
    text: &Text,
    status: &str,
    more: &[(&str, &str)],
) -> u16 {
    let mut fields = vec![
        ("MessageSid", text.sid.as_str()),
        ("MessageStatus", status),
        ("To", &text.to),
        ("AccountSid", crate::support::twilio::ACCOUNT),
    ];
    fields.extend_from_slice(more);
    let url = text.callback.as_deref().unwrap();
    let answer = server.call(&app.http, url, &fields).await;
    answer.status().as_u16()
}

async fn text_in(
    app: &TestApp,
    server: &TwilioServer,
    sid: &str,
    from: &str,
    body: &str,
) -> reqwest::Response {
    let url = format!("{}/hooks/club-twilio", app.address);
    let fields = [
        ("MessageSid", sid),
        ("SmsStatus", "received"),
        ("From", from),
        ("To", "+15005550006"),
        ("Body", body),
    ];
    server.call(&app.http, &url, &fields).await
}

async fn consent(app: &TestApp, contact: i64) -> ConsentStatus {
    let row = consents::Entity::find_by_id((contact, Channel::Sms))
        .one(&*app.cx.db)
        .await
        .unwrap();
    row.map_or(ConsentStatus::None, |row| row.status)
}

#[tokio::test]
async fn a_text_is_sent_until_its_receipt_and_delivered_after_it_however_often_it_comes() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let campaign = sent(&app, &server).await;
    let api = app.program(Role::Viewer).await;
    let stats =
        async || api.get(&format!("/campaigns/{campaign}/stats")).await.body["channels"]["SMS"].clone();
    assert_eq!(stats().await["deliveredCount"], 0);
    let texts = server.texts();
    for status in ["queued", "sent", "delivered", "delivered", "sent"] {
        assert_eq!(
            report(&app, &server, &texts[0], status, &[]).await,
            200,
            "{status}"
        );
    }
    assert_eq!(app.states(campaign).await, "SENT 1, DELIVERED 1, SKIPPED 1");
    let counts = stats().await;
    assert_eq!(counts["sentCount"], 2);
    assert_eq!(counts["deliveredCount"], 1);
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page(&format!("/campaigns/{campaign}/report")).await;
    assert!(page.contains("the provider reported it so"), "{page}");
    app.check_ledger().await;
}

#[tokio::test]
async fn a_text_that_did_not_arrive_is_returned_and_a_dead_number_is_never_tried_again() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let campaign = sent(&app, &server).await;
    let texts = server.texts();
    let dead = [
        ("ErrorCode", "30005"),
        ("ErrorMessage", "Unknown destination handset"),
    ];
    assert_eq!(report(&app, &server, &texts[0], "undelivered", &dead).await, 200);
    assert_eq!(report(&app, &server, &texts[0], "undelivered", &dead).await, 200);
    // In the wrong order it comes to the same.
    assert_eq!(report(&app, &server, &texts[0], "delivered", &[]).await, 200);
    assert_eq!(report(&app, &server, &texts[1], "delivered", &[]).await, 200);
    let passing = [("ErrorCode", "30003")];
    assert_eq!(report(&app, &server, &texts[1], "failed", &passing).await, 200);
    assert_eq!(app.states(campaign).await, "BOUNCED 2, SKIPPED 1");
    let suppressed = suppressions::Entity::find().all(&*app.cx.db).await.unwrap();
    let suppressed: Vec<_> = suppressed
        .iter()
        .map(|row| (row.address.as_str(), row.reason.as_str()))
        .collect();
    assert_eq!(suppressed, [(texts[0].to.as_str(), "bounce")]);
    let row = app
        .ledger(campaign)
        .await
        .into_iter()
        .find(|row| row.address == texts[0].to)
        .unwrap();
    assert_eq!(
        row.reply.as_deref(),
        Some("undelivered 30005 Unknown destination handset")
    );
    assert!(row.bounced_at.is_some());
    app.check_ledger().await;
}

#[tokio::test]
async fn a_wrong_signature_is_401_and_changes_nothing_and_a_malformed_report_is_kept() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let campaign = sent(&app, &server).await;
    let texts = server.texts();
    let url = texts[0].callback.clone().unwrap();
    let fields = [
        ("MessageSid", texts[0].sid.as_str()),
        ("MessageStatus", "delivered"),
    ];
    let post = async |url: &str, signature: &str| {
        let request = app
            .http
            .post(url)
            .header("X-Twilio-Signature", signature)
            .form(&fields);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(&url, &sign("another token", &url, &fields)).await, 401);
    assert_eq!(post(&url, "nonsense").await, 401);
    // Signed for another address.
    let other = format!("{}/hooks/club-twilio", app.address);
    assert_eq!(
        post(&url, &sign(crate::support::twilio::TOKEN, &other, &fields)).await,
        401
    );
    assert_eq!(app.http.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(app.states(campaign).await, "SENT 2, SKIPPED 1");

    let nonsense = [("MessageSid", "SM1"), ("MessageStatus", "<i>teleported</i>")];
    assert_eq!(server.call(&app.http, &other, &nonsense).await.status(), 400);
    assert_eq!(
        server
            .call(&app.http, &other, &[("Hello", "there")])
            .await
            .status(),
        400
    );
    let admin = app.sign_in_as(Role::Admin).await;
    let page = admin.page("/settings/channels/1").await;
    assert!(
        page.contains("teleported") && !page.contains("<i>teleported"),
        "{page}"
    );
    assert!(page.contains("There is no MessageSid in it."), "{page}");

    // What is not ours is taken and ignored.
    let unknown = [
        ("MessageSid", "SM00000000000000000000000000000000"),
        ("MessageStatus", "delivered"),
    ];
    assert_eq!(server.call(&app.http, &other, &unknown).await.status(), 200);
    let forged = format!("{other}?d=nonsense");
    assert_eq!(server.call(&app.http, &forged, &unknown).await.status(), 200);
    let nobody = format!("{}/hooks/nobody", app.address);
    assert_eq!(server.call(&app.http, &nobody, &unknown).await.status(), 404);
    assert_eq!(app.states(campaign).await, "SENT 2, SKIPPED 1");
}

#[tokio::test]
async fn stop_and_start_are_obeyed_once_and_marked_on_the_message_that_was_answered() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let campaign = sent(&app, &server).await;
    let to = server.texts()[0].to.clone();
    let contact = app
        .ledger(campaign)
        .await
        .iter()
        .find(|row| row.address == to)
        .unwrap()
        .contact_id
        .unwrap();

    let answer = text_in(&app, &server, "SM1", &to, " Uit! ").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/xml");
    assert_eq!(
        answer.text().await.unwrap(),
        "<Response/>",
        "anything else would be sent to the person"
    );
    assert_eq!(consent(&app, contact).await, ConsentStatus::Unsubscribed);
    let api = app.program(Role::Viewer).await;
    let stats = api.get(&format!("/campaigns/{campaign}/stats")).await.body;
    assert_eq!(stats["channels"]["SMS"]["unsubscribedCount"], 1);

    assert_eq!(text_in(&app, &server, "SM2", &to, "Start").await.status(), 200);
    assert_eq!(consent(&app, contact).await, ConsentStatus::Subscribed);
    // The first again: it is known, and does not undo what came after it.
    assert_eq!(text_in(&app, &server, "SM1", &to, " Uit! ").await.status(), 200);
    assert_eq!(consent(&app, contact).await, ConsentStatus::Subscribed);
    assert_eq!(
        text_in(&app, &server, "SM3", &to, "Stop by the bar at nine?")
            .await
            .status(),
        200
    );
    assert_eq!(consent(&app, contact).await, ConsentStatus::Subscribed);
    let kept = inbound_messages::Entity::find().all(&*app.cx.db).await.unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|row| (row.word.as_deref(), row.contact_id))
        .collect();
    assert_eq!(
        kept,
        [
            (Some("STOP"), Some(contact)),
            (Some("START"), Some(contact)),
            (None, Some(contact))
        ]
    );
    let admin = app.sign_in_as(Role::Admin).await;
    let page = admin.page("/settings/channels/1").await;
    assert!(page.contains("Stop by the bar at nine?"), "{page}");
    let person = admin.page(&format!("/contacts/{contact}")).await;
    assert!(person.contains("answer to a message"), "{person}");
    app.check_ledger().await;
}

#[tokio::test]
async fn a_number_that_nobody_has_is_kept_from_ever_being_texted_until_it_says_start() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    sent(&app, &server).await;
    let stranger = "+447700900999";
    assert_eq!(
        text_in(&app, &server, "SM1", stranger, "STOP").await.status(),
        200
    );
    let suppressed = async || {
        let rows = suppressions::Entity::find().all(&*app.cx.db).await.unwrap();
        rows.into_iter().map(|row| row.address).collect::<Vec<_>>()
    };
    assert_eq!(suppressed().await, [stranger]);
    assert_eq!(
        text_in(&app, &server, "SM2", stranger, "START").await.status(),
        200
    );
    assert!(suppressed().await.is_empty());
}

#[tokio::test]
async fn help_is_answered_once_where_the_provider_has_not_and_never_without_end() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    sent(&app, &server).await;
    let to = server.texts()[0].to.clone();
    let answers = async |at_least: usize| {
        for _ in 0..100 {
            let texts = server.texts();
            let bodies: Vec<_> = texts
                .into_iter()
                .skip(2)
                .map(|text| (text.to, text.body))
                .collect();
            if bodies.len() >= at_least {
                return bodies;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{at_least} answers were expected");
    };
    text_in(&app, &server, "SM1", &to, "Help").await;
    text_in(&app, &server, "SM1", &to, "Help").await;
    let club = (
        to.clone(),
        "Links Golf Club, 01 234 5678. STOP ends it.".to_owned(),
    );
    assert_eq!(answers(1).await, [club]);
    // Twilio's own handling has answered already.
    let url = format!("{}/hooks/club-twilio", app.address);
    let fields = [
        ("MessageSid", "SM2"),
        ("SmsStatus", "received"),
        ("From", to.as_str()),
        ("Body", "hilfe"),
        ("OptOutType", "HELP"),
    ];
    assert_eq!(server.call(&app.http, &url, &fields).await.status(), 200);
    for number in 3..20 {
        text_in(&app, &server, &format!("SM{number}"), &to, "HELP").await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(
        (2..=5).contains(&answers(2).await.len()),
        "two machines must not talk for ever"
    );
}

#[tokio::test]
async fn a_gateway_that_does_not_sign_reports_by_an_address_that_only_it_knows() {
    let app = TestApp::spawn().await;
    let server = BulkSms::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let id = admin.activate_provider("gateway", &server.fields()).await;
    let campaign = app.text_campaign(2, "Come").await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 2, SKIPPED 1");
    let page = admin.page(&format!("/settings/channels/{id}")).await;
    let (_, rest) = page.split_once("/hooks/bulksms?s=").expect("the address");
    let word: String = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    let url = format!("{}/hooks/bulksms?s={word}", app.address);
    let post = async |url: &str, body: &str| {
        let request = app
            .http
            .post(url)
            .header("Content-Type", "application/json")
            .body(body.to_owned());
        request.send().await.unwrap().status().as_u16()
    };
    let delivered = r#"[{"id": "1", "type": "SENT", "status": {"type": "DELIVERED"}}]"#;
    assert_eq!(post(&url.replace(&word, "guessed"), delivered).await, 401);
    assert_eq!(app.states(campaign).await, "SENT 2, SKIPPED 1");
    assert_eq!(post(&url, delivered).await, 200);
    assert_eq!(
        post(&url, r#"[{"id": "2", "status": {"type": "FAILED"}}]"#).await,
        200
    );
    assert_eq!(
        post(&url, r#"[{"id": "77", "status": {"type": "DELIVERED"}}]"#).await,
        200
    );
    assert_eq!(
        post(&url, r#"[{"id": "1", "status": {"type": "SCHEDULED"}}]"#).await,
        200
    );
    assert_eq!(app.states(campaign).await, "DELIVERED 1, BOUNCED 1, SKIPPED 1");
    let from = app
        .ledger(campaign)
        .await
        .iter()
        .find(|row| !row.address.is_empty())
        .unwrap()
        .clone();
    let digits = from.address.trim_start_matches('+');
    let stop = format!(r#"[{{"id": "in1", "type": "RECEIVED", "from": "{digits}", "body": "STOP"}}]"#);
    assert_eq!(post(&url, &stop).await, 200);
    assert_eq!(
        consent(&app, from.contact_id.unwrap()).await,
        ConsentStatus::Unsubscribed
    );
    for wrong in ["[{}]", "no JSON", "{\"id\": 1}"] {
        let answer = post(&url, wrong).await;
        assert_eq!(answer, 400, "{wrong}");
    }
    app.check_ledger().await;
}

#[tokio::test]
async fn erasing_a_person_takes_what_they_answered_with_it() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let campaign = sent(&app, &server).await;
    let to = server.texts()[0].to.clone();
    let contact = app
        .ledger(campaign)
        .await
        .iter()
        .find(|row| row.address == to)
        .unwrap()
        .contact_id
        .unwrap();
    text_in(&app, &server, "SM1", &to, "Thanks!").await;
    let staff = app.sign_in_as(Role::Manager).await;
    let answer = staff.post(&format!("/contacts/{contact}/erase"), &[]).await;
    assert_eq!(answer.status(), 303);
    assert!(
        inbound_messages::Entity::find()
            .all(&*app.cx.db)
            .await
            .unwrap()
            .is_empty()
    );
    // Its receipt may still come, and the counts stay true.
    let text = server.texts()[0].clone();
    assert_eq!(report(&app, &server, &text, "delivered", &[]).await, 200);
    app.check_ledger().await;
}
