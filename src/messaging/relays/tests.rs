use super::*;
use crate::messaging::hooks::Hook;
use crate::secret::sign;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json as object};

const NOW: i64 = 1_772_438_400;

fn hook<'a>(headers: &'a [(String, String)], body: &'a [u8]) -> Hook<'a> {
    Hook {
        method: "POST",
        url: "https://club.example/hooks/relay",
        headers,
        body,
        now: DateTime::from_timestamp(NOW, 0).unwrap(),
    }
}

fn about() -> About {
    About::MessageId("17.4@club.example".into())
}

fn at() -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(NOW, 0)
}

fn mailgun(timestamp: i64, data: &Value) -> Vec<u8> {
    let timestamp = timestamp.to_string();
    let signature: String = sign(b"signing-key", format!("{timestamp}token").as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let signature = object!({"timestamp": timestamp, "token": "token", "signature": signature});
    object!({"signature": signature, "event-data": data})
        .to_string()
        .into_bytes()
}

fn mailgun_data(event: &str, severity: &str, reason: &str) -> Value {
    object!({
        "event": event, "timestamp": NOW, "severity": severity, "reason": reason, "recipient": "ada@club.example",
        "message": {"headers": {"message-id": "17.4@club.example"}},
        "delivery-status": {"message": "", "description": "no such user"},
    })
}

#[test]
fn mailgun_is_read_where_it_signed() {
    let cases = [
        (mailgun_data("delivered", "", ""), Some(What::Delivered)),
        (
            mailgun_data("failed", "permanent", "bounce"),
            Some(failed("no such user", true)),
        ),
        (
            mailgun_data("failed", "permanent", "old"),
            Some(failed("no such user", false)),
        ),
        (mailgun_data("failed", "temporary", "generic"), None),
        (mailgun_data("complained", "", ""), Some(What::Complained)),
        (mailgun_data("unsubscribed", "", ""), Some(What::OptedOut)),
        (mailgun_data("opened", "", ""), None),
    ];
    for (data, what) in cases {
        let body = mailgun(NOW, &data);
        let events = mailgun::parse(&hook(&[], &body), "signing-key").unwrap();
        let expected: Vec<_> = what.into_iter().map(|what| event(about(), at(), what)).collect();
        assert_eq!(events, expected, "{data}");
        assert_eq!(
            mailgun::parse(&hook(&[], &body), "another"),
            Err(Refusal::Signature)
        );
    }
    let old = mailgun(NOW - 86_400, &mailgun_data("delivered", "", ""));
    assert_eq!(
        mailgun::parse(&hook(&[], &old), "signing-key"),
        Err(Refusal::Signature)
    );
    let broken = mailgun::parse(&hook(&[], b"event=delivered"), "signing-key");
    assert!(matches!(broken, Err(Refusal::Malformed(_))));
}

#[test]
fn postmark_is_read_where_its_password_is_right() {
    let bounce = |kind: &str| {
        object!({"RecordType": "Bounce", "Type": kind, "Email": "ada@club.example", "Details": "smtp;550",
            "BouncedAt": "2026-03-02T09:00:00+01:00", "Metadata": {"fairway": "17.4@club.example"}})
    };
    let delivery = object!({"RecordType": "Delivery", "Recipient": "ada@club.example",
        "DeliveredAt": "2026-03-02T08:00:00Z", "Metadata": {"fairway": "17.4@club.example"}});
    let mut without = delivery.clone();
    without["Metadata"] = object!({});
    let opt_out = object!({"RecordType": "SubscriptionChange", "Recipient": "ada@club.example",
        "ChangedAt": "2026-03-02T08:00:00Z", "SuppressSending": true, "SuppressionReason": "ManualSuppression",
        "Metadata": {"fairway": "17.4@club.example"}});
    let cases = [
        (delivery, about(), Some(What::Delivered)),
        (
            without,
            About::Address("ada@club.example".into()),
            Some(What::Delivered),
        ),
        (bounce("HardBounce"), about(), Some(failed("smtp;550", true))),
        (bounce("SoftBounce"), about(), Some(failed("smtp;550", false))),
        (bounce("Transient"), about(), None),
        (bounce("SpamComplaint"), about(), Some(What::Complained)),
        (opt_out, about(), Some(What::OptedOut)),
        (object!({"RecordType": "Open"}), about(), None),
    ];
    let pass = [(
        "authorization".to_owned(),
        format!("Basic {}", STANDARD.encode("hook:s3cret")),
    )];
    for (body, about, what) in cases {
        let body = body.to_string().into_bytes();
        let events = postmark::parse(&hook(&pass, &body), "hook", "s3cret").unwrap();
        let expected: Vec<_> = what
            .into_iter()
            .map(|what| event(about.clone(), at(), what))
            .collect();
        assert_eq!(events, expected);
        for (headers, password) in [(&pass[..], "other"), (&[], "s3cret"), (&[], "")] {
            let refused = postmark::parse(&hook(headers, &body), "hook", password);
            assert_eq!(refused, Err(Refusal::Signature));
        }
    }
}

#[test]
fn sendgrid_is_read_where_it_signed() {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
    // The key as SendGrid shows it: SubjectPublicKeyInfo (RFC 5480) of a P-256 key in base64.
    let mut der = STANDARD.decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgA=").unwrap();
    der.extend_from_slice(pair.public_key().as_ref());
    let key = STANDARD.encode(der);
    let line = |event: &str, kind: &str, reason: &str| {
        object!({"event": event, "type": kind, "reason": reason, "email": "ada@club.example", "timestamp": NOW,
            "smtp-id": "<17.4@club.example>", "sg_event_id": "x"})
    };
    let mut complaint = line("spamreport", "", "");
    complaint.as_object_mut().unwrap().remove("smtp-id");
    let body = Value::from(vec![
        line("processed", "", ""),
        line("delivered", "", ""),
        line("bounce", "bounce", "550 no such user"),
        line("bounce", "blocked", "421 busy"),
        line("dropped", "", "Bounced Address"),
        complaint,
        line("unsubscribe", "", ""),
    ])
    .to_string()
    .into_bytes();
    let signed = [NOW.to_string().as_bytes(), &body].concat();
    let signature = STANDARD.encode(pair.sign(&random, &signed).unwrap());
    let headers = [
        ("x-twilio-email-event-webhook-signature".to_owned(), signature),
        (
            "x-twilio-email-event-webhook-timestamp".to_owned(),
            NOW.to_string(),
        ),
    ];
    let events = sendgrid::parse(&hook(&headers, &body), &key).unwrap();
    let ours = |what| event(about(), at(), what);
    assert_eq!(
        events,
        [
            ours(What::Delivered),
            ours(failed("550 no such user", true)),
            ours(failed("421 busy", false)),
            ours(failed("Bounced Address", true)),
            event(About::Address("ada@club.example".into()), at(), What::Complained),
            ours(What::OptedOut),
        ]
    );
    assert!(sendgrid::is_key(&key) && !sendgrid::is_key("nonsense"));
    let changed = [&body[..], b" "].concat();
    for (headers, body, key) in [
        (&headers[..], &changed[..], key.as_str()),
        (&[], &body[..], key.as_str()),
        (&headers[..], &body[..], "nonsense"),
    ] {
        let refused = sendgrid::parse(&hook(headers, body), key);
        assert_eq!(refused, Err(Refusal::Signature));
    }
}
