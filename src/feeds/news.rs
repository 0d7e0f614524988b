//! RSS, Atom and JSON Feed. Entities that a document defines are not expanded, and nothing that it
//! names is fetched.

use super::clean;
use super::{Asked, MOST_ITEMS, UNREADABLE};
use crate::domain::feed::{Feed, Item, Kind};
use chrono::SecondsFormat;
use feed_rs::model::{Entry, FeedType, Link, Text};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::HashSet;
use url::Url;

/// Categories of an item that are kept.
const MOST_CATEGORIES: usize = 20;

pub fn parse(body: &[u8], asked: &Asked) -> Result<Feed, String> {
    let read = feed_rs::parser::Builder::new()
        .base_uri(Some(&asked.url))
        .build()
        .parse(body)
        .map_err(|error| format!("{UNREADABLE} {}", said(&error)))?;
    let base = Url::parse(&asked.url).ok();
    let pictures = match read.feed_type {
        FeedType::JSON => pictures(body),
        _ => Vec::new(),
    };
    let mut seen = HashSet::new();
    let mut entries: Vec<_> = read
        .entries
        .into_iter()
        .enumerate()
        .filter(|(_, entry)| seen.insert(entry.id.clone()))
        .collect();
    // The newest first, and as they stand in the feed where nothing says when they are of.
    entries.sort_by_key(|(_, entry)| Reverse(entry.published.or(entry.updated)));
    Ok(Feed {
        kind: Kind::News,
        title: read
            .title
            .map(|title| clean::line(&title.content))
            .unwrap_or_default(),
        url: clean::web(page(&read.links), base.as_ref()),
        items: entries
            .into_iter()
            .take(MOST_ITEMS)
            .map(|(index, entry)| item(entry, base.as_ref(), pictures.get(index)))
            .collect(),
    })
}

/// Where a document cannot be read, in few words.
fn said(error: &feed_rs::parser::ParseFeedError) -> String {
    use feed_rs::parser::ParseFeedError;
    match error {
        ParseFeedError::XmlReader(_) => "Its XML is broken.".into(),
        ParseFeedError::JsonSerde(error) => format!("Its JSON is broken at line {}.", error.line()),
        _ => String::new(),
    }
    .trim_end()
    .to_owned()
}

/// The pictures of a JSON feed's items, which the library does not read.
fn pictures(body: &[u8]) -> Vec<String> {
    let read: Value = serde_json::from_slice(body).unwrap_or_default();
    let items = read["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .map(|item| {
            let picture = item["image"].as_str().or_else(|| item["banner_image"].as_str());
            picture.unwrap_or_default().to_owned()
        })
        .collect()
}

/// The page that something is about.
fn page(links: &[Link]) -> &str {
    let is_page = |link: &&Link| {
        let is_alternate = link.rel.as_deref().is_none_or(|rel| rel == "alternate");
        let is_html = link
            .media_type
            .as_deref()
            .is_none_or(|kind| kind.contains("html"));
        is_alternate && is_html
    };
    links.iter().find(is_page).map_or("", |link| &link.href)
}

fn is_html(kind: &impl ToString) -> bool {
    kind.to_string().contains("html")
}

fn item(entry: Entry, base: Option<&Url>, picture: Option<&String>) -> Item {
    let mut url = clean::web(page(&entry.links), base);
    if url.is_empty() && entry.id.starts_with("http") {
        url = clean::web(&entry.id, None);
    }
    let own = Url::parse(&url).ok();
    let base = own.as_ref().or(base);
    let content = entry.content.as_ref().and_then(|content| {
        let body = content.body.as_deref().filter(|body| !body.trim().is_empty())?;
        Some((body, is_html(&content.content_type)))
    });
    let summary = entry.summary.as_ref().map(text);
    let summary = summary.filter(|(body, _)| !body.trim().is_empty());
    let html = match content.or(summary) {
        Some((body, true)) => clean::html(body, base),
        Some((body, false)) => clean::of_text(&clean::plain_summary(body)),
        None => String::new(),
    };
    let short = match summary.or(content) {
        Some((body, true)) => clean::summary(body),
        Some((body, false)) => clean::plain_summary(body),
        None => String::new(),
    };
    let image = match picture.map(|picture| clean::web(picture, base)) {
        Some(picture) if !picture.is_empty() => picture,
        _ => image(&entry, base).unwrap_or_else(|| clean::first_image(&html)),
    };
    let published = entry.published.or(entry.updated);
    Item {
        title: entry
            .title
            .as_ref()
            .map(|title| clean::line(&title.content))
            .unwrap_or_default(),
        url,
        summary: short,
        html,
        image,
        published: published
            .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
            .unwrap_or_default(),
        author: entry
            .authors
            .first()
            .map(|person| clean::line(&person.name))
            .unwrap_or_default(),
        categories: entry
            .categories
            .iter()
            .take(MOST_CATEGORIES)
            .map(|category| clean::line(category.label.as_deref().unwrap_or(&category.term)))
            .collect(),
        id: entry.id,
        ..Item::default()
    }
}

/// A text, and whether it is HTML. What RSS calls a description is, whatever it says.
fn text(text: &Text) -> (&str, bool) {
    (
        &text.content,
        is_html(&text.content_type) || text.content.contains("</"),
    )
}

/// A picture that the entry names as one.
fn image(entry: &Entry, base: Option<&Url>) -> Option<String> {
    let enclosed = entry.links.iter().filter(|link| {
        link.media_type
            .as_deref()
            .is_some_and(|kind| kind.starts_with("image/"))
    });
    let media = entry.media.iter().flat_map(|media| {
        let pictures = media.content.iter().filter_map(|content| {
            let kind = content.content_type.as_ref().map(ToString::to_string);
            let is_picture = kind.is_some_and(|kind| kind.starts_with("image/"));
            content.url.as_ref().filter(|_| is_picture).map(Url::to_string)
        });
        let small = media
            .thumbnails
            .iter()
            .map(|thumbnail| thumbnail.image.uri.clone());
        pictures.chain(small)
    });
    enclosed
        .map(|link| link.href.clone())
        .chain(media)
        .map(|url| clean::web(&url, base))
        .find(|url| !url.is_empty())
}
