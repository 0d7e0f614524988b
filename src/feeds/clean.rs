//! Foreign HTML made harmless, and made plain.

use ammonia::{Builder, UrlRelative};
use std::collections::HashSet;
use url::Url;

/// The longest texts that are kept of an item, in characters of the summary and bytes of the HTML.
const LONGEST_SUMMARY: usize = 600;
const LARGEST_HTML: usize = 12 * 1024;
/// What is cleaned at all, in bytes and in tags: of very many that are never closed each costs as
/// much as all before it.
const LARGEST_SOURCE: usize = 64 * 1024;
const MOST_TAGS: usize = 2_000;
const LONGEST_LINE: usize = 300;

/// What a mail may show of it; larger than a mail can carry many of, its text alone.
pub fn html(source: &str, base: Option<&Url>) -> String {
    let source = beginning(source);
    let relative = match base {
        Some(base) => UrlRelative::RewriteWithBase(base.clone()),
        None => UrlRelative::Deny,
    };
    let cleaned = Builder::default()
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(relative)
        .link_rel(None)
        .clean(source)
        .to_string();
    match cleaned.len() > LARGEST_HTML {
        true => of_text(&shortened(&plain(source), LARGEST_HTML / 8)),
        false => cleaned.trim().to_owned(),
    }
}

/// Text as HTML.
pub fn of_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.trim().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("<br>"),
            c => out.push(c),
        }
    }
    out
}

/// HTML as text, on one line.
pub fn plain(source: &str) -> String {
    let mut spaced = beginning(source).to_owned();
    // Words of different paragraphs are different words.
    for block in ["</p", "</div", "</li", "</h", "</t", "<br"] {
        spaced = spaced.replace(block, &format!(" {block}"));
    }
    let stripped = Builder::empty()
        .clean_content_tags(HashSet::from(["script", "style"]))
        .clean(&spaced)
        .to_string();
    let text = stripped
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&");
    one_line(&text)
}

/// The beginning of it, for a list.
pub fn summary(source: &str) -> String {
    shortened(&plain(source), LONGEST_SUMMARY)
}

/// A title, a place, a name.
pub fn line(source: &str) -> String {
    shortened(&plain(source), LONGEST_LINE)
}

/// The same of text that is no HTML.
pub fn plain_line(text: &str) -> String {
    shortened(&one_line(text), LONGEST_LINE)
}

pub fn plain_summary(text: &str) -> String {
    shortened(&one_line(text), LONGEST_SUMMARY)
}

fn one_line(text: &str) -> String {
    let words: Vec<_> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => {
            let cut = &text[..at];
            // Between words, where there are any.
            let end = cut.rfind(' ').filter(|end| *end > at / 2).unwrap_or(at);
            format!("{}…", cut[..end].trim_end())
        }
        None => text.to_owned(),
    }
}

fn beginning(text: &str) -> &str {
    let text = &text[..text.floor_char_boundary(LARGEST_SOURCE)];
    match text.match_indices('<').nth(MOST_TAGS) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// An address of the web, whole; empty where it is none.
pub fn web(text: &str, base: Option<&Url>) -> String {
    let text = text.trim();
    let url = match base {
        Some(base) => base.join(text),
        None => Url::parse(text),
    };
    match url {
        Ok(url) if !text.is_empty() && matches!(url.scheme(), "http" | "https") => {
            let url = String::from(url);
            match url.len() > crate::domain::feed::LONGEST_URL {
                true => String::new(),
                false => url,
            }
        }
        _ => String::new(),
    }
}

/// The first picture of cleaned HTML.
pub fn first_image(html: &str) -> String {
    let source = html.find("<img").and_then(|at| {
        let tag = &html[at..];
        let tag = &tag[..tag.find('>')?];
        let value = &tag[tag.find("src=\"")? + 5..];
        value.split('"').next()
    });
    let source = source.unwrap_or_default().replace("&amp;", "&");
    web(&source, None)
}
