//! Text gateways as their documentation describes them, each behind the product's generic one:
//! Clickatell's One API, BulkSMS's JSON API, Africa's Talking's form API.
#![allow(dead_code)] // each area uses what it needs

use super::stand_in::{Act, StandIn};
use super::web::{Heard, Say, Web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub struct State {
    /// Number and text of what was taken.
    pub texts: Vec<(String, String)>,
    script: VecDeque<Act>,
}

/// A gateway with a shape of its own.
pub struct Gateway {
    pub web: Web,
    pub state: Arc<Mutex<State>>,
}

impl Gateway {
    async fn start(answer: fn(&mut State, &Heard) -> Say) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let inner = state.clone();
        let web = Web::start(move |heard| answer(&mut inner.lock().unwrap(), heard)).await;
        Self { web, state }
    }

    fn next(&self, act: Act) {
        self.state.lock().unwrap().script.push_back(act);
    }

    fn taken(&self) -> usize {
        self.state.lock().unwrap().texts.len()
    }
}

const KEY: &str = "the-key-of-the-club";

fn of<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let found = fields.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str()).unwrap_or_default()
}

macro_rules! stand_in {
    ($name:ident, $answer:ident, $secret:literal, $fields:expr) => {
        pub struct $name(pub Gateway);

        impl StandIn for $name {
            const KIND: &'static str = "gateway";
            const SECRET: &'static str = $secret;

            async fn start() -> Self {
                Self(Gateway::start($answer).await)
            }

            fn fields(&self) -> Vec<(&'static str, String)> {
                let fields: fn(&str) -> Vec<(&'static str, String)> = $fields;
                fields(&self.0.web.address)
            }

            fn next(&self, act: Act) {
                self.0.next(act);
            }

            fn taken(&self) -> usize {
                self.0.taken()
            }
        }
    };
}

stand_in!(Clickatell, clickatell, "secret", |address| {
    vec![
    ("name", "Clickatell".into()),
    ("url", format!("{address}/v1/message")),
    ("method", "POST".into()),
    ("secret", KEY.into()),
    ("headers", "Authorization: {{ secret }}".into()),
    ("body_kind", "json".into()),
    (
        "body",
        r#"{"messages": [{"channel": "sms", "to": "{{ to_digits }}", "content": "{{ text }}", "clientMessageId": "{{ id }}"}]}"#.into(),
    ),
    ("from", "12027530410".into()),
    ("test_url", format!("{address}/v1/balance")),
    ("id_at", "/messages/0/apiMessageId".into()),
    ("taken_at", "/messages/0/accepted".into()),
    ("taken_words", "true".into()),
    ("report_status", "/event/messageStatusUpdate/0/status".into()),
    ("report_id", "/event/messageStatusUpdate/0/messageId".into()),
    ("delivered_words", "DEVICE_ACK".into()),
    ("failed_words", "DELIVERY_FAILURE, EXPIRED".into()),
]
});

fn clickatell(state: &mut State, heard: &Heard) -> Say {
    let global = |status, code, text: &str| {
        Say::json(
            status,
            json!({"messages": [], "error": {"code": code, "description": text}}),
        )
    };
    if heard.header("authorization") != KEY {
        return global(401, 1, "Invalid or missing Integration API Key.");
    }
    match (heard.method.as_str(), heard.target.as_str()) {
        ("GET", "/v1/balance") => return Say::json(200, json!({"balance": 120.5, "currency": "ZAR"})),
        ("POST", "/v1/message") => {}
        _ => return Say::reply(404, "text/plain", "no such resource"),
    }
    let body = heard.json();
    let message = &body["messages"][0];
    let to = message["to"].as_str().unwrap();
    let rejected = |status, code, text: &str| {
        let error = json!({"code": code, "description": text});
        let message = json!({"apiMessageId": null, "accepted": false, "to": to, "error": error});
        Say::json(status, json!({"messages": [message], "error": null}))
    };
    assert_eq!(message["channel"], "sms");
    match state.script.pop_front() {
        Some(Act::RefuseForGood) => return rejected(207, 23, "Number has opted out."),
        Some(Act::RefuseForNow(seconds)) => {
            return global(429, 4, "Too many requests.").with("Retry-After", seconds);
        }
        Some(Act::Silence) => return Say::Silence,
        Some(Act::HangUp) => return Say::HangUp,
        None => {}
    }
    if !to.bytes().all(|byte| byte.is_ascii_digit()) {
        return rejected(400, 17, "Invalid destination address.");
    }
    state
        .texts
        .push((to.into(), message["content"].as_str().unwrap().into()));
    let id = format!("{:032x}", state.texts.len());
    let message = json!({"apiMessageId": id, "accepted": true, "to": to, "error": null});
    Say::json(202, json!({"messages": [message], "error": null}))
}

stand_in!(BulkSms, bulksms, "secret", |address| vec![
    ("name", "BulkSMS".into()),
    ("url", format!("{address}/v1/messages?auto-unicode=true")),
    ("method", "POST".into()),
    ("user", "club-token-id".into()),
    ("secret", KEY.into()),
    ("headers", "Authorization: Basic {{ basic }}".into()),
    ("body_kind", "json".into()),
    (
        "body",
        r#"{"to": "{{ to }}", "from": "{{ from }}", "body": "{{ text }}", "userSuppliedId": "{{ id }}"}"#
            .into(),
    ),
    ("from", "LinksGolf".into()),
    ("test_url", format!("{address}/v1/profile")),
    ("id_at", "/0/id".into()),
    ("report_status", "/status/type".into()),
    ("report_id", "/id".into()),
    ("delivered_words", "DELIVERED".into()),
    ("failed_words", "FAILED".into()),
    ("inbound_from", "/from".into()),
    ("inbound_text", "/body".into()),
    ("inbound_id", "/id".into()),
]);

fn bulksms(state: &mut State, heard: &Heard) -> Say {
    let problem = |status: u16, title: &str, detail: &str| {
        let kind = "https://developer.bulksms.com/json/v1/errors#x";
        Say::json(
            status,
            json!({"type": kind, "title": title, "status": status, "detail": detail}),
        )
    };
    if heard.header("authorization") != format!("Basic {}", STANDARD.encode(format!("club-token-id:{KEY}"))) {
        return problem(401, "Authentication Failure", "The credentials are wrong.");
    }
    match (heard.method.as_str(), heard.target.as_str()) {
        ("GET", "/v1/profile") => return Say::json(200, json!({"id": "1", "username": "club"})),
        ("POST", "/v1/messages?auto-unicode=true") => {}
        _ => return problem(404, "Not Found", "Nothing is here."),
    }
    let body = heard.json();
    match state.script.pop_front() {
        Some(Act::RefuseForGood) => return problem(400, "Bad Request", "invalid-recipient"),
        Some(Act::RefuseForNow(seconds)) => {
            return problem(503, "Service Unavailable", "busy").with("Retry-After", seconds);
        }
        Some(Act::Silence) => return Say::Silence,
        Some(Act::HangUp) => return Say::HangUp,
        None => {}
    }
    let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    assert_eq!(text("from"), "LinksGolf");
    state.texts.push((text("to"), text("body")));
    let id = state.texts.len().to_string();
    Say::json(
        201,
        json!([{
            "id": id, "type": "SENT", "from": "LinksGolf", "to": text("to"), "body": text("body"),
            "status": {"id": "ACCEPTED.null", "type": "ACCEPTED", "subtype": null},
        }]),
    )
}

stand_in!(AfricasTalking, africas_talking, "secret", |address| vec![
    ("name", "Africa’s Talking".into()),
    ("url", format!("{address}/version1/messaging")),
    ("method", "POST".into()),
    ("user", "club".into()),
    ("secret", KEY.into()),
    ("headers", "apiKey: {{ secret }}\nAccept: application/json".into()),
    ("body_kind", "form".into()),
    (
        "body",
        "username={{ user }}\nto={{ to }}\nfrom={{ from }}\nmessage={{ text }}".into(),
    ),
    ("from", "LINKSGOLF".into()),
    ("test_url", format!("{address}/version1/user")),
    ("id_at", "/SMSMessageData/Recipients/0/messageId".into()),
    ("taken_at", "/SMSMessageData/Recipients/0/statusCode".into()),
    ("taken_words", "100, 101, 102".into()),
    ("report_status", "status".into()),
    ("report_id", "id".into()),
    ("delivered_words", "Success".into()),
    (
        "failed_words",
        "Failed, Rejected, AbsentSubscriber, Expired".into()
    ),
    ("inbound_from", "from".into()),
    ("inbound_text", "text".into()),
    ("inbound_id", "id".into()),
]);

fn africas_talking(state: &mut State, heard: &Heard) -> Say {
    if heard.header("apikey") != KEY {
        return Say::reply(401, "text/plain", "The supplied authentication is invalid");
    }
    assert_eq!(heard.header("accept"), "application/json");
    match (heard.method.as_str(), heard.path()) {
        ("GET", "/version1/user") => return Say::json(200, json!({"UserData": {"balance": "KES 120.00"}})),
        ("POST", "/version1/messaging") => {}
        _ => return Say::reply(404, "text/plain", "Nothing is here"),
    }
    let form = heard.form();
    assert_eq!((of(&form, "username"), of(&form, "from")), ("club", "LINKSGOLF"));
    let to = of(&form, "to");
    let recipient = |code: u16, status: &str, id: &str| {
        let recipient = json!({"statusCode": code, "number": to, "status": status, "cost": "KES 0.8000", "messageId": id});
        let data = json!({"Message": "Sent to 1/1 Total Cost: KES 0.8000", "Recipients": [recipient]});
        Say::json(201, json!({"SMSMessageData": data}))
    };
    match state.script.pop_front() {
        Some(Act::RefuseForGood) => return recipient(403, "InvalidPhoneNumber", "None"),
        Some(Act::RefuseForNow(seconds)) => {
            return Say::reply(429, "text/plain", "Too many requests").with("Retry-After", seconds);
        }
        Some(Act::Silence) => return Say::Silence,
        Some(Act::HangUp) => return Say::HangUp,
        None => {}
    }
    state.texts.push((to.into(), of(&form, "message").into()));
    recipient(101, "Success", &format!("ATXid_{}", state.texts.len()))
}
