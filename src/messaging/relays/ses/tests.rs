use super::*;
use chrono::DateTime;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json as object};

/// A certificate as SNS has one, and its key: made for these tests, and nobody's.
const CERTIFICATE: &[u8] = include_bytes!("../../../../tests/fixtures/sns.pem");
const KEY: &str = include_str!("../../../../tests/fixtures/sns.key");
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:fairway";
const AT: &str = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem";

fn ses() -> Ses {
    let ses = Ses::new(TOPIC.into(), Outbound::new(false).unwrap());
    let key = public_key(CERTIFICATE).unwrap();
    ses.keys.lock().unwrap().insert(AT.into(), key);
    ses
}

fn sign(mut envelope: Value) -> Vec<u8> {
    let der: Vec<u8> = STANDARD
        .decode(
            KEY.lines()
                .filter(|line| !line.starts_with('-'))
                .collect::<String>(),
        )
        .unwrap();
    let pair = RsaKeyPair::from_pkcs8(&der).unwrap();
    let signed = serde_json::from_value::<Envelope>(envelope.clone())
        .unwrap()
        .signed();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .unwrap();
    envelope["Signature"] = STANDARD.encode(signature).into();
    serde_json::to_vec(&envelope).unwrap()
}

fn envelope(message: &Value) -> Value {
    object!({
        "Type": "Notification", "MessageId": "4d4dc071", "TopicArn": TOPIC, "Subject": "Amazon SES",
        "Message": message.to_string(), "Timestamp": "2026-03-02T07:00:00.000Z",
        "SignatureVersion": "2", "Signature": "", "SigningCertURL": AT,
    })
}

fn bounce() -> Value {
    object!({
        "notificationType": "Bounce",
        "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2026-03-02T07:00:01.000Z",
            "bouncedRecipients": [{"emailAddress": "ada@club.example", "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown"}]},
        "mail": {"messageId": "0102018d-000000", "headers": [{"name": "Message-ID", "value": "<17.4@club.example>"}]},
    })
}

async fn parse(ses: &Ses, body: &[u8]) -> Result<Vec<ProviderEvent>, Refusal> {
    let hook = Hook {
        method: "POST",
        url: "https://club.example/hooks/ses",
        headers: &[],
        body,
        now: DateTime::UNIX_EPOCH,
    };
    ses.parse(&hook).await
}

#[tokio::test]
async fn a_signed_bounce_is_read_by_the_message_id_that_we_gave() {
    let events = parse(&ses(), &sign(envelope(&bounce()))).await.unwrap();
    let expected = event(
        About::MessageId("17.4@club.example".into()),
        instant("2026-03-02T07:00:01Z"),
        failed("smtp; 550 5.1.1 user unknown", true),
    );
    assert_eq!(events, [expected]);
}

#[tokio::test]
async fn complaints_and_deliveries_are_read_and_other_news_is_not() {
    let mail = object!({"messageId": "0102018d-000000"});
    let cases = [
        (
            object!({"notificationType": "Complaint", "complaint": {"timestamp": ""}, "mail": mail}),
            Some(What::Complained),
        ),
        (
            object!({"eventType": "Delivery", "delivery": {"timestamp": ""}, "mail": mail}),
            Some(What::Delivered),
        ),
        (object!({"eventType": "Open", "mail": mail}), None),
    ];
    for (message, what) in cases {
        let events = parse(&ses(), &sign(envelope(&message))).await.unwrap();
        let about = About::Provider("0102018d-000000".into());
        let expected: Vec<_> = what
            .into_iter()
            .map(|what| event(about.clone(), None, what))
            .collect();
        assert_eq!(events, expected, "{message}");
    }
}

#[tokio::test]
async fn what_amazon_did_not_sign_for_this_topic_is_refused() {
    let ses = ses();
    let mut other_words = serde_json::from_slice::<Value>(&sign(envelope(&bounce()))).unwrap();
    other_words["Message"] = "{}".into();
    let mut other_topic = envelope(&bounce());
    other_topic["TopicArn"] = "arn:aws:sns:eu-west-1:999999999999:somebody".into();
    let mut other_certificate = envelope(&bounce());
    other_certificate["SigningCertURL"] = "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem".into();
    for body in [
        serde_json::to_vec(&other_words).unwrap(),
        sign(other_topic),
        sign(other_certificate),
    ] {
        assert_eq!(parse(&ses, &body).await, Err(Refusal::Signature));
    }
    assert!(matches!(parse(&ses, b"{").await, Err(Refusal::Malformed(_))));
}

#[test]
fn certificates_and_confirmations_come_from_amazon_alone() {
    for (url, expected) in [
        (AT, true),
        ("https://sns.cn-north-1.amazonaws.com.cn/x.pem", true),
        ("http://sns.eu-west-1.amazonaws.com/x.pem", false),
        ("https://sns.eu-west-1.amazonaws.com:8443/x.pem", false),
        ("https://bucket.s3.amazonaws.com/x.pem", false),
        ("https://sns.a.b.amazonaws.com/x.pem", false),
        ("https://sns..amazonaws.com/x.pem", false),
        ("https://evil.example/?sns.eu-west-1.amazonaws.com", false),
        ("sns.eu-west-1.amazonaws.com", false),
    ] {
        assert_eq!(is_amazons(url), expected, "{url}");
    }
}

#[test]
fn the_reply_over_smtp_names_the_message() {
    let id = "0102018d4f6c1a2b-3c4d5e6f-7a8b-9c0d-1e2f-3a4b5c6d7e8f-000000";
    assert_eq!(id_in(&format!("250 Ok {id}")), Some(id));
    assert_eq!(id_in("250 2.0.0 Ok: queued as 4F2A91C0"), None);
}
