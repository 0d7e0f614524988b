//! What comes out of templates: what all the tests of it share.

mod links;
mod mail;
mod problems;
mod values;

use super::*;
use crate::accounts::Club;
use crate::domain::Purpose;
use serde_json::json;
use std::time::{Duration, Instant};

fn version(kind: BodyKind, body: &str) -> template_versions::Model {
    template_versions::Model {
        id: 1,
        template_id: 1,
        number: 1,
        subject: "Hello {{ contact.first_name | default('golfer') }}".into(),
        preheader: String::new(),
        body_kind: kind,
        body: body.into(),
        text: None,
        whole: None,
        note: None,
        attachments: None,
        created_by: None,
        created_at: chrono::DateTime::UNIX_EPOCH.into(),
    }
}

fn html(body: &str) -> template_versions::Model {
    version(BodyKind::Html, body)
}

fn club() -> Club {
    Club {
        name: "Fynbos <Golf> & Co".into(),
        postal_address: "1 Fairway\nHermanus".into(),
        ..Club::default()
    }
}

fn anna() -> Recipient {
    Recipient {
        email: Some("anna@example.org".into()),
        first_name: "Anna".into(),
        attributes: json!({"handicap": 12, "joined": "2020-05-01"})
            .as_object()
            .unwrap()
            .clone(),
        ..Recipient::default()
    }
}

fn values(recipient: Recipient) -> Values {
    let urls = RenderUrls {
        unsubscribe: "https://f.example/u/abc".into(),
        preferences: "https://f.example/preferences/abc".into(),
        view: "https://f.example/v/abc".into(),
        pixel: Some("https://f.example/t/o/abc.gif".into()),
    };
    Values::new(recipient, &club(), Purpose::Marketing, "Spring", urls, None)
}

fn render(version: &template_versions::Model, recipient: Recipient) -> Rendered {
    let compiled = compile(version).unwrap_or_else(|problems| panic!("{problems:?}"));
    compiled
        .render(&values(recipient), &|index, url| {
            format!("https://f.example/t/c/{index}?{}", url.len())
        })
        .unwrap()
}

/// The mail with its links as they are.
fn plainly(version: &template_versions::Model, recipient: Recipient) -> Rendered {
    let compiled = compile(version).unwrap_or_else(|problems| panic!("{problems:?}"));
    compiled
        .render(&values(recipient), &|_, url| url.to_owned())
        .unwrap()
}
