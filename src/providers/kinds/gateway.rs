//! A text gateway that is none of the others: everything about it is a setting.

use super::checks::web_address;
use super::sms::{ABROAD, COST, FROM, WORDS, cost, senders};
use super::{Field, Group, Kind, Part, Values};
use crate::context::Context;
use crate::domain::Channel;
use crate::messaging::Adapter;
use crate::messaging::sms::gateway::{
    Body, Gateway, GatewaySettings, PLACES, Reports, Taken, unknown_places,
};
use crate::messaging::sms::is_sender;
use crate::web::FormErrors;
use reqwest::Method;
use reqwest::header::HeaderName;
use std::sync::Arc;
use url::Url;

pub const GATEWAY: Kind = Kind {
    word: "gateway",
    channel: Channel::Sms,
    part: Part::Carrier,
    label: "Another text gateway",
    about: "Any that takes a text by one HTTP request, such as Clickatell, BulkSMS or Africa’s Talking.",
    hook: "Enter it at the gateway for delivery reports and for messages from people. Its last part is a secret: \
           whoever knows it may report.",
    signs: false,
    groups: &[
        Group {
            title: "The request",
            fields: &[
                Field::new(
                    "url",
                    "Address",
                    "May hold {{ to }}, {{ text }} and the others below, which are then written as addresses want it.",
                )
                .required()
                .leads()
                .max(1000),
                Field::new("method", "Method", "")
                    .required()
                    .options(&[("POST", "POST"), ("GET", "GET"), ("PUT", "PUT")])
                    .usual("POST"),
                Field::new("user", "User", "What stands for {{ user }}, where the gateway wants one.").max(200),
                Field::new("secret", "Secret", "The key or password: what stands for {{ secret }}. {{ basic }} is both in Base64.")
                    .secret()
                    .max(1000),
                Field::new("headers", "Headers", "A line for each, such as Authorization: Bearer {{ secret }}")
                    .rows(3)
                    .max(4000),
                Field::new("body_kind", "Body", "")
                    .required()
                    .options(&[("json", "JSON"), ("form", "Form fields"), ("none", "None")])
                    .usual("json"),
                Field::new(
                    "body",
                    "What the body holds",
                    "JSON, or a line name=value for each form field. {{ to }} is the number with its +, {{ to_digits }} \
                     without, {{ from }} the sender, {{ text }} the text, {{ id }} our own id of it, {{ status_url }} \
                     where to report.",
                )
                .rows(6)
                .max(8000)
                .usual("{\"to\": \"{{ to }}\", \"from\": \"{{ from }}\", \"text\": \"{{ text }}\"}"),
                FROM,
                ABROAD,
                Field::new(
                    "test_url",
                    "Address to test with",
                    "One that answers 200 to a GET with the same headers, such as the gateway’s account page.",
                )
                .leads()
                .max(1000),
            ],
        },
        Group {
            title: "What it answers",
            fields: &[
                Field::new(
                    "id_at",
                    "Where the message’s id stands",
                    "As a JSON Pointer such as /messages/0/id. An answer without it counts as a refusal.",
                ),
                Field::new(
                    "taken_at",
                    "Where a word says that it was taken",
                    "Also a pointer, for gateways that answer 200 to everything.",
                ),
                Field::new("taken_words", "Words that say so", "With commas between, such as true, 100, 101."),
            ],
        },
        Group {
            title: "What it reports",
            fields: &[
                Field::new(
                    "report_status",
                    "Where a report has its status",
                    "The name of a field, or a JSON Pointer. Left empty, what the gateway takes counts as delivered.",
                ),
                Field::new("report_id", "Where it has the message’s id", ""),
                Field::new("delivered_words", "Words for delivered", "With commas between, such as Success, DELIVERED."),
                Field::new("failed_words", "Words for not delivered", "With commas between."),
                Field::new("inbound_from", "Where a message from a person has its number", ""),
                Field::new("inbound_text", "Where it has its text", ""),
                Field::new("inbound_id", "Where it has its id", "By it, one that comes twice is known."),
            ],
        },
        COST,
        WORDS,
    ],
    build: gateway,
};

fn gateway(values: &Values, cx: &Context) -> Result<Arc<dyn Adapter>, FormErrors> {
    let mut errors = FormErrors::default();
    for field in ["url", "headers", "body"] {
        let unknown = unknown_places(values.get(field), PLACES);
        if let Some(name) = unknown.first() {
            errors.add(field, format!("“{{{{ {name} }}}}” stands for nothing here."));
        }
    }
    let url = address(&mut errors, values.get("url"));
    let method = Method::from_bytes(values.get("method").as_bytes()).unwrap_or(Method::POST);
    let headers = headers(&mut errors, values.get("headers"));
    let body = body(&mut errors, values);
    let test_url = match values.get("test_url") {
        "" => None,
        url => Some(web_address(&mut errors, "test_url", url)),
    };
    let taken = taken(&mut errors, values);
    let reports = reports(&mut errors, values);
    let senders = senders(&mut errors, values, is_sender);
    cost(&mut errors, values);
    errors.or(|| {
        let settings = GatewaySettings {
            url,
            method,
            headers,
            body,
            user: values.get("user").to_owned(),
            secret: values.get("secret").into(),
            senders,
            taken,
            test_url,
            reports,
        };
        Arc::new(Gateway::new(settings, cx.outbound.clone())) as Arc<dyn Adapter>
    })
}

/// An address with places in it. The host has none: a text must not say where it goes.
fn address(errors: &mut FormErrors, text: &str) -> String {
    let is_right = Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.contains("%7B"))
    });
    let host = text
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
    if !is_right || host.is_none_or(|host| host.contains('{') || host.contains('@')) {
        errors.add(
            "url",
            "This is no address, such as https://api.example.com/messages.",
        );
    }
    text.to_owned()
}

fn headers(errors: &mut FormErrors, text: &str) -> Vec<(HeaderName, String)> {
    let mut headers = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let parsed = line.split_once(':').and_then(|(name, value)| {
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            Some((name, value.trim().to_owned()))
        });
        match parsed {
            Some(header) => headers.push(header),
            None => errors.add(
                "headers",
                format!("“{line}” is no header, such as Accept: application/json."),
            ),
        }
    }
    headers
}

fn body(errors: &mut FormErrors, values: &Values) -> Body {
    let text = values.get("body");
    match values.get("body_kind") {
        "json" => match serde_json::from_str(text) {
            Ok(json) => Body::Json(json),
            Err(error) => {
                errors.add("body", format!("This is no JSON: {error}."));
                Body::Empty
            }
        },
        "form" => {
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let fields = lines.map(|line| match line.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    Ok((name.trim().to_owned(), value.trim().to_owned()))
                }
                _ => Err(format!("“{line}” is no field, such as to={{{{ to }}}}.")),
            });
            Body::Form(fields.collect::<Result<_, _>>().unwrap_or_else(|wrong| {
                errors.add("body", wrong);
                Vec::new()
            }))
        }
        _ => Body::Empty,
    }
}

fn taken(errors: &mut FormErrors, values: &Values) -> Taken {
    let mut pointer = |field: &str| match values.get(field) {
        "" => None,
        text => {
            if !text.starts_with('/') {
                errors.add(field, "A JSON Pointer begins with /, such as /messages/0/id.");
            }
            Some(text.to_owned())
        }
    };
    let (id_at, word_at) = (pointer("id_at"), pointer("taken_at"));
    let words = list(values.get("taken_words"));
    if word_at.is_some() == words.is_empty() {
        errors.add(
            "taken_words",
            "Say both where the word stands and which words it may be, or neither.",
        );
    }
    Taken {
        id_at,
        word_at,
        words,
    }
}

fn reports(errors: &mut FormErrors, values: &Values) -> Reports {
    let text = |field: &str| values.get(field).to_owned();
    let reports = Reports {
        word: values.get("hook_word").into(),
        id_at: text("report_id"),
        status_at: text("report_status"),
        delivered: list(values.get("delivered_words")),
        failed: list(values.get("failed_words")),
        from_at: text("inbound_from"),
        text_at: text("inbound_text"),
        inbound_id_at: text("inbound_id"),
    };
    if reports.status_at.is_empty() != reports.delivered.is_empty() {
        errors.add(
            "delivered_words",
            "Say both where the status stands and which words mean delivered, or neither.",
        );
    }
    if reports.from_at.is_empty() != reports.text_at.is_empty() {
        errors.add(
            "inbound_text",
            "Say where both the number and the text stand, or neither.",
        );
    }
    reports
}

fn list(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}
