//! Each designed template is rendered for people of whom much, little and nothing is known.

use super::*;
use crate::content::render::blocks::{Blocks, expand};
use crate::content::render::{self, Recipient, RenderUrls, Values, mentions_event, sample_event};
use crate::content::{FeedValues, Happened, Rendered};
use crate::domain::Purpose;
use crate::domain::colour::contrast_with_white;
use crate::entity::template_versions;
use chrono::DateTime;
use scraper::{Html, Selector};
use serde_json::json;

/// Where large mailbox providers cut a mail off (102 kB).
const CLIPPED: usize = 102 * 1024;

fn version(starter: &Starter, club: &Club) -> template_versions::Model {
    let draft = starter
        .draft("https://mail.club.example", club)
        .checked()
        .unwrap();
    let body = draft.body;
    template_versions::Model {
        id: 1,
        template_id: 1,
        number: 1,
        subject: draft.subject,
        preheader: draft.preheader,
        body_kind: draft.kind,
        body: body.clone(),
        text: None,
        whole: expand(BodyKind::Mjml, &body, &ours()),
        note: None,
        attachments: None,
        created_by: None,
        created_at: DateTime::UNIX_EPOCH.into(),
    }
}

fn ours() -> Blocks {
    let ours = crate::content::blocks::DEFAULTS.into_iter();
    ours.map(|(key, _, body)| (key.to_owned(), (BodyKind::Mjml, body.to_owned())))
        .collect()
}

fn urls() -> RenderUrls {
    RenderUrls {
        unsubscribe: "https://mail.club.example/u/1".into(),
        preferences: "https://mail.club.example/preferences/1".into(),
        view: "https://mail.club.example/v/1".into(),
        pixel: None,
    }
}

/// A club that filled everything in, and one that has only what sending asks for.
fn clubs() -> [Club; 2] {
    let bare = Club {
        postal_address: "1 Fairway, Hermanus".into(),
        ..Club::default()
    };
    let full = Club {
        name: "Links & Dunes".into(),
        website: "https://links.example/".into(),
        logo: "https://links.example/logo.png".into(),
        accent: "#123b6d".into(),
        ..bare.clone()
    };
    [full, bare]
}

fn people() -> [Recipient; 2] {
    let known = Recipient {
        first_name: "Nomsa".into(),
        last_name: "Dlamini".into(),
        email: Some("nomsa@example.org".into()),
        ..Recipient::default()
    };
    [known, Recipient::default()]
}

/// Every starter for every club, person and amount of what an event says.
fn each(look: impl Fn(&Starter, &Club, &Recipient, &Rendered)) {
    for starter in STARTERS {
        for club in clubs() {
            let version = version(starter, &club);
            let compiled =
                render::compile(&version).unwrap_or_else(|problems| panic!("{}: {problems:?}", starter.key));
            for person in people() {
                for event in [sample_event(&version), json!({})] {
                    let happened = mentions_event(&version).then(|| Happened {
                        properties: event,
                        zone: "Africa/Johannesburg".into(),
                    });
                    let values = Values::new(person.clone(), &club, Purpose::Marketing, "", urls(), happened)
                        .with_feed(&FeedValues::shown("UTC"));
                    let rendered = compiled.render(&values, &|_, url| url.to_owned());
                    let rendered = rendered.unwrap_or_else(|error| panic!("{}: {error}", starter.key));
                    look(starter, &club, &person, &rendered);
                }
            }
        }
    }
}

#[test]
fn every_starter_can_be_sent_to_people_with_and_without_what_is_optional() {
    each(|starter, club, person, mail| {
        let what = starter.key;
        for text in [&mail.subject, &mail.html, &mail.text] {
            assert!(!text.trim().is_empty(), "{what}");
            assert!(!text.contains("{{") && !text.contains("{%"), "{what}: {text}");
            for left in ["art:", "site:", "fwx0", " ,", "( )"] {
                assert!(!text.contains(left), "{what} has “{left}”: {text}");
            }
        }
        assert!(
            mail.html.len() < CLIPPED / 2,
            "{what} has {} bytes",
            mail.html.len()
        );
        assert_eq!(mail.html.contains("logo.png"), !club.logo.is_empty(), "{what}");
        let shown = mail.html.contains("Nomsa") || mail.subject.contains("Nomsa");
        assert!(!shown || person.first_name == "Nomsa", "{what}");
    });
}

#[test]
fn every_starter_says_who_writes_from_where_and_how_to_leave() {
    each(|starter, club, _, mail| {
        let what = starter.key;
        for (part, text) in [("html", &mail.html), ("text", &mail.text)] {
            for needed in [
                "1 Fairway, Hermanus",
                "https://mail.club.example/u/1",
                "https://mail.club.example/preferences/1",
            ] {
                assert!(text.contains(needed), "{what}, {part}: no {needed}\n{text}");
            }
        }
        assert!(
            mail.html.contains(&club.accent) || ["announcement-email"].contains(&what),
            "{what}"
        );
    });
}

#[test]
fn every_picture_says_what_it_shows_and_is_there() {
    let pictures = Selector::parse("img").unwrap();
    each(|starter, _, _, mail| {
        for picture in Html::parse_document(&mail.html).select(&pictures) {
            let alt = picture.value().attr("alt");
            let src = picture.value().attr("src").unwrap();
            if let Some(file) = src.strip_prefix("https://mail.club.example/static/") {
                assert!(alt.is_some_and(|alt| alt.len() > 10), "{}: {src}", starter.key);
                let path = format!("{}/static/{file}", env!("CARGO_MANIFEST_DIR"));
                assert!(std::path::Path::new(&path).is_file(), "{file}");
            }
            assert!(alt.is_some(), "{}: {src}", starter.key);
        }
    });
}

#[test]
fn keys_are_the_starters_own() {
    let mut keys: Vec<_> = STARTERS.iter().map(|starter| starter.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), STARTERS.len());
    assert!(keys.iter().all(|key| crate::domain::slug::check(key).is_ok()));
    assert!(contrast_with_white(&Club::default().accent).is_some_and(|contrast| contrast >= 4.5));
}
