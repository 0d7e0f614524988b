//! Text messages: to whom they go, what they read, their links, and the way out.

use crate::segments::pages::texts;
use crate::support::TestApp;
use chrono::TimeDelta;
use fairway::domain::{Channel, Role, Status};
use fairway::entity::captured_messages;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;

/// Two people with telephones who agreed, one who did not, one without a telephone.
async fn club(app: &TestApp) {
    app.people(4).await;
    app.execute("UPDATE contacts SET phone = '+2782123456' || key WHERE key <> '4'")
        .await;
    app.execute(
        "INSERT INTO consents (contact_id, channel, status, source, evidence, at) \
         SELECT id, 'SMS', 'SUBSCRIBED', 'form', '', 0 FROM contacts WHERE key IN ('1', '2', '4')",
    )
    .await;
}

#[tokio::test]
async fn texts_go_to_those_who_agreed_with_their_own_links_and_the_shortest_way_out() {
    let app = TestApp::spawn().await;
    club(&app).await;
    let api = app.program(Role::Manager).await;
    let text = "Hi {{ contact.first_name }}, enter: https://club.example/cup.";
    let template = json!({ "channel": "SMS", "name": "Invite", "text": text });
    assert_eq!(api.put("/templates/invite", &template).await.status, 201);
    let new = json!({ "name": "Cup", "type": "ONE_TIME", "segmentId": "everyone", "channels": ["SMS"] });
    let campaign = api.post("/campaigns", &new).await.body;
    let id = campaign["id"].as_str().unwrap();
    let content = json!({ "sms": { "templateId": "invite" } });
    assert_eq!(
        api.put(&format!("/campaigns/{id}/content"), &content)
            .await
            .status,
        200
    );
    let scheduled = api.tell(&format!("/campaigns/{id}/schedule")).await;
    assert_eq!(scheduled.status, 200, "{}", scheduled.body);
    app.work().await;
    let number = id.parse().unwrap();
    assert_eq!(app.status(number).await, Status::Completed);
    assert_eq!(app.states(number).await, "SENT 2, SKIPPED 2");

    let captured = api
        .get(&format!("/captured?channel=SMS&campaign={id}"))
        .await
        .body;
    let items = captured["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let first = items.iter().find(|item| item["to"] == "+27821234561").unwrap();
    let body = first["body"].as_str().unwrap();
    let (text, stop) = body.split_once('\n').unwrap();
    let link = text
        .strip_prefix("Hi Person 1, enter: ")
        .and_then(|rest| rest.strip_suffix('.'))
        .unwrap();
    assert!(link.starts_with(&format!("{}/t/c/", app.address)), "{body}");
    let out = stop.strip_prefix("Stop: ").unwrap();
    assert!(out.starts_with(&format!("{}/u/", app.address)), "{body}");

    let followed = app.http.get(link).send().await.unwrap();
    assert_eq!(followed.headers()["location"], "https://club.example/cup");
    let left = app
        .http
        .post(out)
        .form(&[("List-Unsubscribe", "One-Click")])
        .send()
        .await
        .unwrap();
    assert!(left.status().is_success(), "{}", left.status());
    let stats = api.get(&format!("/campaigns/{id}/stats")).await.body;
    let on = &stats["channels"]["SMS"];
    for (count, expected) in [
        ("targetCount", 4),
        ("sentCount", 2),
        ("clickedCount", 1),
        ("unsubscribedCount", 1),
    ] {
        assert_eq!(on[count], expected, "{count}: {stats}");
    }
    app.check_ledger().await;
}

#[tokio::test]
async fn a_text_is_shown_in_the_mailbox_with_what_it_costs() {
    let app = TestApp::spawn().await;
    let tx = app.cx.db.begin().await.unwrap();
    let message = fairway::mailbox::store::Captured {
        channel: fairway::domain::Channel::Sms,
        delivery_id: None,
        campaign_id: None,
        sender: "Links".into(),
        recipient: "+27821234561".into(),
        subject: String::new(),
        html: String::new(),
        text: "Tee off at 9 – bring a friend".into(),
        raw: "Tee off at 9 – bring a friend".into(),
        at: app.cx.clock.now(),
    };
    fairway::mailbox::store::keep(&tx, message).await.unwrap();
    tx.commit().await.unwrap();
    let staff = app.sign_in_as(Role::Viewer).await;
    assert!(
        staff
            .page("/mailbox")
            .await
            .contains("SMS: Tee off at 9 – bring a friend")
    );
    let page = staff.page("/mailbox/1").await;
    assert!(
        page.contains("1 part") && page.contains("29 units in UCS-2"),
        "{page}"
    );
    assert!(page.contains("“–” is not in GSM-7"), "{page}");
    assert!(!page.contains("source.eml"), "a text is no mail");
}

#[tokio::test]
async fn the_wizard_asks_for_a_template_for_each_channel() {
    let app = TestApp::spawn().await;
    club(&app).await;
    let api = app.program(Role::Manager).await;
    let text = json!({ "channel": "SMS", "name": "Short", "text": "Come, {{ contact.first_name }}" });
    api.put("/templates/short", &text).await;
    let mail = json!({ "channel": "EMAIL", "name": "Long", "subject": "Come", "html": "<p>Come</p>" });
    api.put("/templates/long", &mail).await;
    let new =
        json!({ "name": "Cup", "type": "ONE_TIME", "segmentId": "everyone", "channels": ["EMAIL", "SMS"] });
    let campaign = api.post("/campaigns", &new).await.body;
    let id = campaign["id"].as_str().unwrap();
    let staff = app.sign_in_as(Role::Manager).await;
    let step = format!("/campaigns/{id}/content");
    let page = staff.page(&step).await;
    assert!(
        page.contains("email.templateId") && page.contains("sms.templateId"),
        "{page}"
    );

    let review = staff.page(&format!("/campaigns/{id}/review")).await;
    assert!(review.contains("a template for SMS"), "{review}");
    let content = json!({ "email": { "templateId": "long" }, "sms": { "templateId": "short" } });
    assert_eq!(api.put(&step, &content).await.status, 200);
    let page = staff.page(&step).await;
    assert!(
        page.contains("bubble") && page.contains("Come, Person 1"),
        "{page}"
    );
    let review = staff.page(&format!("/campaigns/{id}/review")).await;
    assert!(review.contains("reach nobody"), "{review}");
}

#[tokio::test]
async fn a_preview_of_a_text_is_as_long_as_what_is_sent_and_leads_nowhere() {
    let app = TestApp::spawn().await;
    club(&app).await;
    let api = app.program(Role::Manager).await;
    let text = json!({ "channel": "SMS", "name": "Short", "text": "Enter: https://club.example/cup" });
    api.put("/templates/short", &text).await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page("/templates/1/preview").await;
    let bubble = texts(&page, ".bubble").remove(0);
    let (link, stop) = bubble.split_once("Stop: ").unwrap();
    let link = link.trim().strip_prefix("Enter: ").unwrap();
    for (url, place) in [(link, "/t/c/"), (stop.trim(), "/u/")] {
        let (base, token) = url.split_once(place).unwrap();
        assert_eq!(base, app.address, "{url}");
        assert!((26..=32).contains(&token.len()), "{url}");
        assert_eq!(app.http.get(url).send().await.unwrap().status(), 404, "{url}");
    }
}

#[tokio::test]
async fn a_campaign_of_texts_alone_needs_no_sender_of_mail() {
    let app = TestApp::spawn().await;
    club(&app).await;
    app.execute("DELETE FROM settings").await;
    let api = app.program(Role::Manager).await;
    let text = json!({ "channel": "SMS", "name": "Short", "text": "Come" });
    api.put("/templates/short", &text).await;
    let new = json!({ "name": "Cup", "type": "ONE_TIME", "segmentId": "everyone", "channels": ["SMS"] });
    let campaign = api.post("/campaigns", &new).await.body;
    let id = campaign["id"].as_str().unwrap();
    let content = json!({ "sms": { "templateId": "short" } });
    api.put(&format!("/campaigns/{id}/content"), &content).await;
    let scheduled = api.tell(&format!("/campaigns/{id}/schedule")).await;
    assert_eq!(scheduled.status, 200, "{}", scheduled.body);
}

#[tokio::test]
async fn a_journey_writes_from_its_own_sender_and_then_sends_a_text() {
    let app = TestApp::spawn().await;
    club(&app).await;
    let api = app.program(Role::Manager).await;
    let mail = app.message("Welcome").await;
    let text =
        json!({ "channel": "SMS", "name": "Ping", "text": "Hi {{ contact.first_name }}, see you soon." });
    assert_eq!(api.put("/templates/ping", &text).await.status, 201);
    let steps = json!([
        {"id": "hello", "kind": "message", "template": mail, "next": "pause"},
        {"id": "pause", "kind": "wait", "for": "P2D", "next": "ping"},
        {"id": "ping", "kind": "message", "channel": "SMS", "template": "ping", "next": "end"},
        {"id": "end", "kind": "end"},
    ]);
    let new = json!({
        "name": "Series", "type": "JOURNEY", "segmentId": "everyone", "channels": ["EMAIL", "SMS"],
        "journey": {"entry": {"by": "SEGMENT"}, "steps": steps},
    });
    let made = api.post("/campaigns", &new).await.is(201);
    let id: i64 = made["id"].as_str().unwrap().parse().unwrap();

    // Its sender is asked for where it is asked when it begins.
    let manager = app.sign_in_as(Role::Manager).await;
    let path = format!("/campaigns/{id}/schedule");
    let page = manager.page(&path).await;
    assert!(page.contains("name=\"sender.email\""), "{page}");
    assert!(!page.contains("delivery.spreadOver"), "{page}");
    let fields = [
        ("when", "now"),
        ("timezone", "UTC"),
        ("sender.name", "The Captain"),
        ("sender.email", "captain@club.example"),
        ("inDoubt", "RETRY"),
        ("goal.window", "P7D"),
        ("revision", "1"),
    ];
    let wrong: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, if *name == "sender.email" { "captain" } else { value }))
        .collect();
    assert_eq!(manager.post(&path, &wrong).await.status(), 422);
    assert_eq!(manager.post(&path, &fields).await.status(), 303);
    let scheduled = api.tell(&format!("/campaigns/{id}/schedule")).await;
    assert_eq!(scheduled.status, 200, "{}", scheduled.body);

    app.work().await;
    let mails = captured(&app, Channel::Email).await;
    assert_eq!(mails.len(), 4);
    for mail in &mails {
        assert!(mail.sender.contains("captain@club.example"), "{}", mail.sender);
    }
    assert!(captured(&app, Channel::Sms).await.is_empty());
    app.advance(TimeDelta::days(2));
    app.work().await;
    let texts = captured(&app, Channel::Sms).await;
    let mut to: Vec<_> = texts.iter().map(|text| text.recipient.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["+27821234561", "+27821234562"]);
    assert!(texts.iter().all(|text| text.text.contains(", see you soon.")));
    assert_eq!(app.places(id).await, "ended 4");
    assert_eq!(app.states(id).await, "SENT 6, SKIPPED 2");
    app.check_walks().await;
}

async fn captured(app: &TestApp, channel: Channel) -> Vec<captured_messages::Model> {
    captured_messages::Entity::find()
        .filter(captured_messages::Column::Channel.eq(channel))
        .all(&*app.cx.db)
        .await
        .unwrap()
}
