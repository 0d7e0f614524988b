//! Campaigns of texts through a provider.

use crate::support::TestApp;
use crate::support::twilio::TwilioServer;
use fairway::domain::{Role, Status};
use serde_json::json;

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
