//! What mail providers report of mail that goes through their SMTP servers.

use crate::support::TestApp;
use crate::support::sending::Plan;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairway::domain::token::Urls;
use fairway::domain::{Channel, Role};
use fairway::entity::{deliveries, suppressions};
use fairway::secret::sign;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

const KEY: &str = "the-signing-key-of-the-club";

/// A campaign of so many mails that were taken, and Mailgun to report of them.
async fn sent(people: i64) -> (TestApp, i64) {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let fields = [("name", "Mailgun".to_owned()), ("signing_key", KEY.to_owned())];
    admin.activate_provider("mailgun", &fields).await;
    let segment = app.people(people).await;
    let campaign = app.campaign(Plan::to(segment)).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, format!("SENT {people}"));
    (app, campaign)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What Mailgun says of an event, signed by a key.
fn mailgun(app: &TestApp, key: &str, event: &str, severity: &str, reason: &str, message_id: &str) -> Value {
    let at = app.cx.clock.now().timestamp();
    let code = sign(key.as_bytes(), format!("{at}token").as_bytes());
    json!({
        "signature": {"timestamp": at.to_string(), "token": "token", "signature": hex(&code)},
        "event-data": {
            "event": event, "timestamp": at, "severity": severity, "reason": reason,
            "recipient": "person1@example.org", "message": {"headers": {"message-id": message_id}},
            "delivery-status": {"message": "550 no such user", "description": ""},
        },
    })
}

impl TestApp {
    async fn hook(&self, key: &str, headers: &[(&str, String)], body: impl ToString) -> u16 {
        let mut request = self.http.post(format!("{}/hooks/{key}", self.address));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request
            .header("Content-Type", "application/json")
            .body(body.to_string());
        request.send().await.unwrap().status().as_u16()
    }

    /// Has Mailgun report of a row of the ledger.
    async fn mailgun(&self, row: &deliveries::Model, event: &str, severity: &str, reason: &str) {
        let id = row.message_id.as_deref().unwrap();
        let body = mailgun(self, KEY, event, severity, reason, id);
        assert_eq!(self.hook("mailgun", &[], body).await, 200, "{event}");
    }

    async fn suppressed(&self) -> Vec<(String, String)> {
        let rows = suppressions::Entity::find().all(&*self.cx.db).await.unwrap();
        assert!(rows.iter().all(|row| row.channel == Channel::Email));
        let mut rows: Vec<_> = rows.into_iter().map(|row| (row.address, row.reason)).collect();
        rows.sort();
        rows
    }

    async fn mail_counts(&self, campaign: i64) -> [i64; 4] {
        let api = self.program(Role::Viewer).await;
        let stats = api.get(&format!("/campaigns/{campaign}/stats")).await.body;
        let mail = &stats["channels"]["EMAIL"];
        ["sentCount", "deliveredCount", "bouncedCount", "openedCount"]
            .map(|name| mail[name].as_i64().unwrap_or(-1))
    }
}

fn pair(address: &str, reason: &str) -> (String, String) {
    (address.to_owned(), reason.to_owned())
}

#[tokio::test]
async fn what_was_delivered_bounced_or_complained_of_is_counted_and_dead_addresses_are_kept_out() {
    let (app, campaign) = sent(4).await;
    let rows = app.ledger(campaign).await;
    app.mailgun(&rows[0], "delivered", "", "").await;
    app.mailgun(&rows[1], "failed", "permanent", "bounce").await;
    // Given up after tries: the address may be good.
    app.mailgun(&rows[2], "failed", "permanent", "old").await;
    app.mailgun(&rows[3], "complained", "", "").await;
    app.mailgun(&rows[0], "failed", "temporary", "generic").await;
    assert_eq!(app.states(campaign).await, "SENT 1, DELIVERED 1, BOUNCED 2");
    assert_eq!(
        app.suppressed().await,
        [
            pair("person2@example.org", "bounce"),
            pair("person4@example.org", "complaint")
        ]
    );
    assert_eq!(app.mail_counts(campaign).await, [4, 2, 2, 0]);
    let rows = app.ledger(campaign).await;
    assert_eq!(rows[1].reply.as_deref(), Some("550 no such user"));
    assert!(rows[3].complained_at.is_some());
    app.check_ledger().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page(&format!("/campaigns/{campaign}/report")).await;
    assert!(page.contains("the provider confirms each"), "{page}");

    // The next campaign leaves those two out.
    let next = app.campaign(Plan::to(1)).await;
    app.work().await;
    assert_eq!(app.states(next).await, "SENT 2, SKIPPED 2");
}

#[tokio::test]
async fn duplicates_and_any_order_come_to_the_same() {
    let (app, campaign) = sent(3).await;
    let rows = app.ledger(campaign).await;
    // Bounced before it was delivered.
    for (event, severity, reason) in [
        ("failed", "permanent", "bounce"),
        ("delivered", "", ""),
        ("failed", "permanent", "bounce"),
    ] {
        app.mailgun(&rows[0], event, severity, reason).await;
    }
    // Delivered before it bounced.
    for (event, severity, reason) in [
        ("delivered", "", ""),
        ("delivered", "", ""),
        ("failed", "permanent", "bounce"),
    ] {
        app.mailgun(&rows[1], event, severity, reason).await;
    }
    // Opened, so that it arrived, whatever is said later.
    let urls = Urls::new(app.cx.settings.base(), app.cx.secret.derive("tracking"));
    let opened = app.http.get(urls.open(rows[2].id)).send().await.unwrap();
    assert_eq!(opened.status(), 200);
    app.mailgun(&rows[2], "failed", "permanent", "old").await;
    app.mailgun(&rows[2], "complained", "", "").await;
    app.mailgun(&rows[2], "complained", "", "").await;
    assert_eq!(app.states(campaign).await, "DELIVERED 1, BOUNCED 2");
    assert_eq!(app.mail_counts(campaign).await, [3, 1, 2, 1]);
    assert_eq!(app.suppressed().await.len(), 3);
    app.check_ledger().await;
}

#[tokio::test]
async fn what_is_forged_changes_nothing_what_is_malformed_is_kept_and_strangers_are_ignored() {
    let (app, campaign) = sent(2).await;
    let row = app.ledger(campaign).await[0].clone();
    let id = row.message_id.clone().unwrap();
    let forged = mailgun(&app, "another key", "failed", "permanent", "bounce", &id);
    assert_eq!(app.hook("mailgun", &[], forged).await, 401);
    let answer = app
        .http
        .get(format!("{}/hooks/mailgun", app.address))
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 404, "it only takes what is posted");
    assert_eq!(app.hook("mailgun", &[], "event=<b>delivered</b>").await, 400);
    let admin = app.sign_in_as(Role::Admin).await;
    let page = admin.page("/settings/channels/1").await;
    assert!(
        page.contains("event=") && !page.contains("<b>delivered"),
        "{page}"
    );
    assert!(
        !page.contains(KEY) && !page.contains("It worked when it was tested"),
        "{page}"
    );
    // Of another run, of no run, of another club.
    let (number, rest) = id.split_once('.').unwrap();
    let (run, domain) = rest.split_once('@').unwrap();
    for stranger in [
        format!("{number}.{}9@{domain}", run),
        format!("{}9999.{run}@{domain}", number),
        "1.1@elsewhere.example".to_owned(),
        "nonsense".to_owned(),
    ] {
        let body = mailgun(&app, KEY, "failed", "permanent", "bounce", &stranger);
        assert_eq!(app.hook("mailgun", &[], body).await, 200, "{stranger}");
    }
    assert_eq!(app.states(campaign).await, "SENT 2");
    assert!(app.suppressed().await.is_empty());
}

#[tokio::test]
async fn postmark_reports_by_its_password() {
    let (app, campaign) = sent(2).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let mut fields = vec![
        ("name", "Postmark".to_owned()),
        ("user", "fairway".to_owned()),
        ("password", "short".to_owned()),
    ];
    let typed: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let refused = admin.post("/settings/channels/new?kind=postmark", &typed).await;
    assert_eq!(refused.status(), 422);
    fields[2].1 = "a-long-enough-password".to_owned();
    admin.activate_provider("postmark", &fields).await;
    let rows = app.ledger(campaign).await;
    let said = |row: &deliveries::Model, kind: &str| {
        json!({
            "RecordType": kind, "Type": "HardBounce", "Email": row.address, "Details": "smtp;550 unknown",
            "Metadata": {"fairway": row.message_id},
        })
    };
    let pass = |password: &str| {
        let code = STANDARD.encode(format!("fairway:{password}"));
        [("Authorization", format!("Basic {code}"))]
    };
    let right = pass("a-long-enough-password");
    let wrong = pass("a-wrong-password-of-theirs");
    assert_eq!(app.hook("postmark", &wrong, said(&rows[0], "Bounce")).await, 401);
    assert_eq!(app.hook("postmark", &[], said(&rows[0], "Bounce")).await, 401);
    assert_eq!(app.states(campaign).await, "SENT 2");
    assert_eq!(app.hook("postmark", &right, said(&rows[0], "Bounce")).await, 200);
    assert_eq!(
        app.hook("postmark", &right, said(&rows[1], "Delivery")).await,
        200
    );
    assert_eq!(app.hook("postmark", &right, "{}").await, 400);
    assert_eq!(app.states(campaign).await, "DELIVERED 1, BOUNCED 1");
    assert_eq!(app.suppressed().await, [pair("person1@example.org", "bounce")]);
    app.check_ledger().await;
}

#[tokio::test]
async fn sendgrid_reports_by_its_key() {
    let (app, campaign) = sent(3).await;
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let keys = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
    // A P-256 key as SubjectPublicKeyInfo (RFC 5480).
    let mut der = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
    der.extend_from_slice(keys.public_key().as_ref());
    let admin = app.sign_in_as(Role::Admin).await;
    let fields = [
        ("name", "SendGrid".to_owned()),
        ("verification_key", STANDARD.encode(der)),
    ];
    admin.activate_provider("sendgrid", &fields).await;
    let rows = app.ledger(campaign).await;
    let line = |row: &deliveries::Model, event: &str, kind: &str| {
        json!({
            "event": event, "type": kind, "email": row.address, "timestamp": 1_772_438_400,
            "smtp-id": format!("<{}>", row.message_id.as_deref().unwrap()), "reason": "550 no",
        })
    };
    let body = json!([
        line(&rows[0], "bounce", "bounce"),
        line(&rows[0], "delivered", ""),
        line(&rows[1], "bounce", "blocked"),
        line(&rows[2], "delivered", ""),
        line(&rows[2], "spamreport", ""),
    ])
    .to_string();
    let signed = |body: &str| {
        let signature = keys
            .sign(&random, format!("1772438400{body}").as_bytes())
            .unwrap();
        [
            (
                "X-Twilio-Email-Event-Webhook-Signature",
                STANDARD.encode(signature),
            ),
            ("X-Twilio-Email-Event-Webhook-Timestamp", "1772438400".to_owned()),
        ]
    };
    assert_eq!(app.hook("sendgrid", &signed("[]"), &body).await, 401);
    assert_eq!(app.states(campaign).await, "SENT 3");
    assert_eq!(app.hook("sendgrid", &signed(&body), &body).await, 200);
    assert_eq!(app.hook("sendgrid", &signed(&body), &body).await, 200);
    assert_eq!(app.hook("sendgrid", &signed("no list"), "no list").await, 400);
    assert_eq!(app.states(campaign).await, "DELIVERED 1, BOUNCED 2");
    assert_eq!(
        app.suppressed().await,
        [
            pair("person1@example.org", "bounce"),
            pair("person3@example.org", "complaint")
        ]
    );
    app.check_ledger().await;
}

#[tokio::test]
async fn ses_reports_on_its_own_topic_alone() {
    let (app, campaign) = sent(1).await;
    let admin = app.sign_in_as(Role::Admin).await;
    let topic = "arn:aws:sns:eu-west-1:123456789012:mail";
    let refused = admin
        .post(
            "/settings/channels/new?kind=ses",
            &[("name", "SES"), ("topic", "mail")],
        )
        .await;
    assert_eq!(refused.status(), 422);
    let fields = [("name", "SES".to_owned()), ("topic", topic.to_owned())];
    admin.activate_provider("ses", &fields).await;
    let envelope = |topic: &str, certificate: &str| {
        json!({
            "Type": "Notification", "MessageId": "1", "TopicArn": topic, "Message": "{}", "SignatureVersion": "2",
            "Timestamp": "2026-03-02T08:00:00.000Z", "Signature": "AAAA", "SigningCertURL": certificate,
        })
    };
    let amazons = "https://sns.eu-west-1.amazonaws.com/a.pem";
    for (topic, certificate) in [
        ("arn:aws:sns:eu-west-1:999999999999:theirs", amazons),
        (
            topic,
            "https://sns.eu-west-1.amazonaws.com.elsewhere.example/a.pem",
        ),
        (topic, "http://127.0.0.1:1/a.pem"),
    ] {
        let answer = app.hook("ses", &[], envelope(topic, certificate)).await;
        assert_eq!(answer, 401, "{topic} {certificate}");
    }
    assert_eq!(app.hook("ses", &[], "{}").await, 400);
    assert_eq!(app.states(campaign).await, "SENT 1");
}
