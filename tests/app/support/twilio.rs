//! Twilio, as its documentation describes it: checks what it is sent, answers in its shapes, signs
//! what it says by itself.
#![allow(dead_code)] // each area uses what it needs

use super::stand_in::{Act, StandIn};
use super::web::{Heard, Say, Web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha1::Sha1;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "the-auth-token-of-the-club";

/// A text that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub sid: String,
    pub to: String,
    pub from: String,
    pub body: String,
    pub callback: Option<String>,
}

#[derive(Default)]
struct State {
    texts: Vec<Text>,
    /// What is answered to the next messages instead of the usual.
    script: VecDeque<Say>,
    is_suspended: bool,
    /// What is answered to every message.
    always: Option<Say>,
}

pub struct TwilioServer {
    pub web: Web,
    state: Arc<Mutex<State>>,
}

impl TwilioServer {
    pub async fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let inner = state.clone();
        let web = Web::start(move |heard| answer(&mut inner.lock().unwrap(), heard)).await;
        Self { web, state }
    }

    pub fn texts(&self) -> Vec<Text> {
        self.state.lock().unwrap().texts.clone()
    }

    /// Answers the next message with this.
    pub fn say(&self, say: Say) {
        self.state.lock().unwrap().script.push_back(say);
    }

    /// Answers every message with this, or as usual.
    pub fn always(&self, say: Option<Say>) {
        self.state.lock().unwrap().always = say;
    }

    /// How often it was asked to send.
    pub fn asked(&self) -> usize {
        let heard = self.web.heard();
        heard.iter().filter(|heard| heard.method == "POST").count()
    }

    pub fn suspend(&self) {
        self.state.lock().unwrap().is_suspended = true;
    }

    /// The fields of the settings' form.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("name", "Club Twilio".into()),
            ("account", ACCOUNT.into()),
            ("token", TOKEN.into()),
            ("from", "+15005550006".into()),
            ("abroad", "+44 LinksGolf".into()),
            ("home", self.web.address.clone()),
        ]
    }

    /// Calls an address as Twilio does.
    pub async fn call(
        &self,
        http: &reqwest::Client,
        url: &str,
        fields: &[(&str, &str)],
    ) -> reqwest::Response {
        let signature = sign(TOKEN, url, fields);
        http.post(url)
            .header("X-Twilio-Signature", signature)
            .form(fields)
            .send()
            .await
            .unwrap()
    }
}

impl StandIn for TwilioServer {
    const KIND: &'static str = "twilio";
    const SECRET: &'static str = "token";

    async fn start() -> Self {
        Self::start().await
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        self.fields()
    }

    fn next(&self, act: Act) {
        self.say(match act {
            Act::RefuseForGood => error(400, 21211, "Invalid 'To' Phone Number"),
            Act::RefuseForNow(seconds) => error(429, 20429, "Too Many Requests").with("Retry-After", seconds),
            Act::Silence => Say::Silence,
            Act::HangUp => Say::HangUp,
        });
    }

    fn taken(&self) -> usize {
        self.texts().len()
    }
}

/// As Twilio signs: the address, and the fields in the order of their names.
pub fn sign(token: &str, url: &str, fields: &[(&str, &str)]) -> String {
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    let mut text = url.to_owned();
    for (name, value) in fields {
        text.push_str(name);
        text.push_str(value);
    }
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// An error in Twilio's shape.
pub fn error(status: u16, code: u32, message: &str) -> Say {
    Say::json(
        status,
        json!({
            "code": code, "message": message, "status": status,
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
        }),
    )
}

fn answer(state: &mut State, heard: &Heard) -> Say {
    let given = heard
        .header("authorization")
        .strip_prefix("Basic ")
        .unwrap_or_default();
    let given = String::from_utf8(STANDARD.decode(given).unwrap_or_default()).unwrap();
    if given != format!("{ACCOUNT}:{TOKEN}") {
        return error(401, 20003, "Authenticate");
    }
    let Some(rest) = heard
        .target
        .strip_prefix(&format!("/2010-04-01/Accounts/{ACCOUNT}"))
    else {
        return error(404, 20404, "The requested resource was not found");
    };
    match (heard.method.as_str(), rest) {
        ("GET", ".json") => {
            let status = if state.is_suspended { "suspended" } else { "active" };
            Say::json(
                200,
                json!({"sid": ACCOUNT, "status": status, "friendly_name": "Links"}),
            )
        }
        ("POST", "/Messages.json") => match state.script.pop_front().or_else(|| state.always.clone()) {
            Some(say) => say,
            None => take(state, heard),
        },
        _ => error(405, 20004, "Method not allowed"),
    }
}

fn take(state: &mut State, heard: &Heard) -> Say {
    let form = heard.form();
    for (name, _) in &form {
        let known = ["To", "From", "MessagingServiceSid", "Body", "StatusCallback"];
        assert!(known.contains(&name.as_str()), "Twilio knows no parameter {name}");
    }
    let field = |name: &str| {
        let found = form.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    let Some(to) = field("To") else {
        return error(400, 21604, "A 'To' phone number is required.");
    };
    if !to.starts_with('+') || to.len() < 8 || !to[1..].bytes().all(|byte| byte.is_ascii_digit()) {
        return error(400, 21211, &format!("Invalid 'To' Phone Number: {to}"));
    }
    let Some(from) = field("From").or_else(|| field("MessagingServiceSid")) else {
        return error(400, 21603, "A 'From' phone number is required.");
    };
    let Some(body) = field("Body").filter(|body| !body.is_empty()) else {
        return error(400, 21602, "Message body is required.");
    };
    if body.chars().count() > 1600 {
        return error(
            400,
            21617,
            "The concatenated message body exceeds the 1600 character limit",
        );
    }
    let sid = format!("SM{:032x}", state.texts.len() + 1);
    state.texts.push(Text {
        sid: sid.clone(),
        to: to.clone(),
        from: from.clone(),
        body: body.clone(),
        callback: field("StatusCallback"),
    });
    Say::json(
        201,
        json!({
            "sid": sid, "status": "queued", "to": to, "from": from, "body": body, "account_sid": ACCOUNT,
            "error_code": null, "error_message": null, "num_segments": "1", "price": null, "price_unit": "USD",
        }),
    )
}
