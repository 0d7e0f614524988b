//! The links of a mail. Compiling marks each one in place; rendering reads the marks, so that a
//! link inside a loop or a condition is found as often as it stands in this person's mail.

use super::html::escape_into;
use super::placeholders::Hidden;
use super::problem::{Part, Problem};
use std::cell::Cell;
use url::Url;

/// Characters of the private use area that no text carries: begin, middle and end of a link, the
/// places of preheader, footer and pixel. Values are stripped of them.
pub(super) const MARKS: [char; 6] = [BEGIN, MIDDLE, END, PREHEADER_PLACE, FOOTER_PLACE, PIXEL_PLACE];
const BEGIN: char = '\u{F5A0}';
const MIDDLE: char = '\u{F5A1}';
const END: char = '\u{F5A2}';
pub(super) const PREHEADER_PLACE: char = '\u{F5A3}';
pub(super) const FOOTER_PLACE: char = '\u{F5A4}';
pub(super) const PIXEL_PLACE: char = '\u{F5A5}';

/// A page whose links are marked, as template source again.
pub(super) struct Marked {
    pub html: String,
    pub urls: Vec<String>,
    pub labels: Vec<String>,
}

/// What is done with a link.
enum Treatment {
    /// Counted and redirected.
    Tracked,
    /// Checked for each person, and left as it is.
    Checked,
    /// Left as it is.
    Kept,
}

/// Marks the links of a page whose expressions are hidden, and restores the expressions.
pub(super) fn mark(page: &str, hidden: &Hidden) -> Result<Marked, Vec<Problem>> {
    let mut marked = Marked {
        html: String::with_capacity(page.len() * 5 / 4),
        urls: Vec::new(),
        labels: Vec::new(),
    };
    let mut problems = Vec::new();
    let mut done = 0;
    for (from, to) in hrefs(page) {
        let value = &page[from..to];
        match treatment(value, hidden) {
            Ok(Treatment::Kept) => {}
            Ok(kind) => {
                marked.html.push_str(&hidden.restore(&page[done..from]));
                marked.html.push(BEGIN);
                if let Treatment::Tracked = kind {
                    marked.html.push_str(&marked.urls.len().to_string());
                    marked.urls.push(hidden.restore(&unescape(value)));
                    marked.labels.push(label(&page[to..], hidden));
                }
                marked.html.push(MIDDLE);
                marked.html.push_str(&restore_url(value, hidden));
                marked.html.push(END);
                done = to;
            }
            Err(message) => {
                let shown = hidden.restore(&unescape(value));
                // Inlining moved the lines; the author's is where the address first stands.
                let line = hidden.html.find(value).map_or(1, |place| hidden.line_of(place));
                problems.push(Problem::error(
                    Part::Body,
                    line,
                    format!("The link “{shown}” {message}"),
                ));
            }
        }
    }
    marked.html.push_str(&hidden.restore(&page[done..]));
    match problems.is_empty() {
        true => Ok(marked),
        false => Err(problems),
    }
}

/// The number of a link that the template does not have: it stands in the HTML of a feed's item.
pub(in crate::content) const FOREIGN: usize = usize::MAX;

/// Marks the links of cleaned HTML that comes from elsewhere.
pub(super) fn mark_foreign(html: &str) -> String {
    let html = without_marks(html);
    let mut marked = String::with_capacity(html.len() + 64);
    let mut done = 0;
    for (from, to) in hrefs(&html) {
        marked.push_str(&html[done..from]);
        marked.push(BEGIN);
        marked.push_str(&FOREIGN.to_string());
        marked.push(MIDDLE);
        marked.push_str(&html[from..to]);
        marked.push(END);
        done = to;
    }
    marked.push_str(&html[done..]);
    marked
}

/// Text without the characters that mark.
pub(super) fn without_marks(text: &str) -> String {
    text.replace(MARKS, "")
}

fn treatment(value: &str, hidden: &Hidden) -> Result<Treatment, &'static str> {
    let has_variable = hidden.is_in(value);
    let url = hidden.restore(&unescape(value));
    let url = url.trim();
    if ["unsubscribe_url", "preferences_url", "view_url"]
        .iter()
        .any(|own| url.contains(own))
    {
        return Ok(Treatment::Checked);
    }
    let scheme = scheme_of(url);
    Ok(match (scheme.as_deref(), has_variable) {
        _ if url.is_empty() || url.starts_with('#') => Treatment::Kept,
        (Some("http" | "https"), false) => match Url::parse(url) {
            Ok(_) => Treatment::Tracked,
            Err(_) => return Err("is not an address that a browser understands."),
        },
        (Some("http" | "https"), true) => Treatment::Tracked,
        (Some("mailto" | "tel" | "sms"), false) => Treatment::Kept,
        (Some("mailto" | "tel" | "sms"), true) => Treatment::Checked,
        (Some(_), _) => return Err("may not stand in a mail; use https:, mailto: or tel:."),
        (None, true) if url.starts_with("{{") || url.starts_with("{%") => Treatment::Tracked,
        (None, _) => return Err("needs its whole address, beginning with https://."),
    })
}

/// The scheme in lower case, where the text begins with one.
fn scheme_of(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then(|| scheme.to_ascii_lowercase())
}

/// Restores a URL's expressions. A value that does not begin the URL is percent-encoded, so that
/// it stays within its part of it.
fn restore_url(value: &str, hidden: &Hidden) -> String {
    let begins = hidden.is_in(value.get(..12).unwrap_or_default());
    let is_first = Cell::new(begins);
    hidden.restore_as(value, |expression| {
        let inside = expression
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        match inside {
            Some(inside) if !is_first.replace(false) => encoded(inside),
            _ => expression.to_owned(),
        }
    })
}

/// The places of the values of `href` on `a` and `area` elements.
fn hrefs(page: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = page[at..].find("<a").map(|i| at + i) {
        at = open + 2;
        let after = &page[at..];
        let name = match after.strip_prefix("rea") {
            Some(_) => 3,
            None => 0,
        };
        if !after[name..].starts_with(|c: char| c.is_ascii_whitespace()) {
            continue;
        }
        at += name;
        at = attributes(page, at, |name, from, to| {
            if name == "href" {
                found.push((from, to));
            }
        });
    }
    found
}

/// Walks the attributes of a serialised tag from `at`; answers the place after the tag.
fn attributes(page: &str, mut at: usize, mut see: impl FnMut(&str, usize, usize)) -> usize {
    loop {
        let rest = &page[at..];
        let Some(end) = rest.find(['=', '>']) else {
            return page.len();
        };
        if rest[end..].starts_with('>') {
            return at + end + 1;
        }
        let name = rest[..end]
            .trim()
            .rsplit(|c: char| c.is_whitespace())
            .next()
            .unwrap_or("");
        let value = at + end + 1;
        let Some(quote @ ('"' | '\'')) = page[value..].chars().next() else {
            at = value;
            continue;
        };
        let Some(length) = page[value + 1..].find(quote) else {
            return page.len();
        };
        see(name, value + 1, value + 1 + length);
        at = value + 1 + length + 1;
    }
}

/// A text whose links are marked.
pub(super) struct MarkedText {
    pub text: String,
    pub urls: Vec<String>,
}

/// Marks the web addresses of a text template. An address ends at white space outside an
/// expression; what closes a sentence or a bracket behind it is not part of it.
pub(super) fn mark_text(source: &str) -> MarkedText {
    let mut marked = MarkedText {
        text: String::with_capacity(source.len() + 64),
        urls: Vec::new(),
    };
    let mut rest = source;
    while let Some(at) = next_address(rest) {
        let (before, from) = rest.split_at(at);
        let url = &from[..address_length(from)];
        marked.text.push_str(before);
        marked.text.push(BEGIN);
        marked.text.push_str(&marked.urls.len().to_string());
        marked.text.push(MIDDLE);
        marked.text.push_str(&encode_values(url));
        marked.text.push(END);
        marked.urls.push(url.to_owned());
        rest = &from[url.len()..];
    }
    marked.text.push_str(rest);
    marked
}

/// Where the next address begins that stands in the text itself, not in an expression.
fn next_address(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let address = ["https://", "http://"]
            .iter()
            .filter_map(|scheme| rest.find(scheme))
            .min()?;
        match rest[..address]
            .rfind('{')
            .filter(|open| is_open(&rest[*open..address]))
        {
            None => return Some(at + address),
            Some(_) => at += address + rest[address..].find('}').unwrap_or(rest.len() - address),
        }
        if at >= text.len() {
            return None;
        }
    }
}

/// Whether what begins with a brace is an expression that is not closed.
fn is_open(text: &str) -> bool {
    !text.contains('}')
}

fn address_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with("{{") {
            match text[at..].find("}}") {
                Some(end) => at += end + 2,
                None => break,
            }
        } else if ["{%", "{#"].iter().any(|open| text[at..].starts_with(open))
            || c.is_whitespace()
            || "<>\"".contains(c)
        {
            break;
        } else {
            at += c.len_utf8();
        }
    }
    text[..at]
        .trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'', '’'])
        .len()
}

/// Percent-encodes the values in an address, so that each stays within its part of it.
fn encode_values(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some((before, from)) = rest.split_once("{{") {
        let Some((inside, after)) = from.split_once("}}") else {
            break;
        };
        out.push_str(before);
        out.push_str(&encoded(inside));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn encoded(inside: &str) -> String {
    match inside.contains("urlencode") {
        true => format!("{{{{{inside}}}}}"),
        false => {
            let inside = inside.trim_matches(['-', '+']).trim();
            format!("{{{{ ({inside}) | url_part }}}}")
        }
    }
}

/// Reads the marks of a rendered text.
pub(super) fn rewrite_text(text: &str, links: &dyn Fn(usize, &str) -> String) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, from)) = rest.split_once(BEGIN) {
        out.push_str(before);
        let (link, after) = from.split_once(END).unwrap_or((from, ""));
        let (index, url) = link.split_once(MIDDLE).unwrap_or(("", link));
        match (is_safe(url), index.parse()) {
            (true, Ok(index)) => out.push_str(&links(index, url)),
            _ => out.push_str(url),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What a link reads: its text, else its picture's description.
fn label(after: &str, hidden: &Hidden) -> String {
    let inside = after.split_once('>').map_or("", |(_, rest)| {
        rest.split_once("</a").map_or("", |(inside, _)| inside)
    });
    let mut text = String::new();
    let mut is_tag = false;
    for c in inside.chars() {
        match c {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    if text.trim().is_empty()
        && let Some((_, alt)) = inside.split_once("alt=\"")
    {
        text = alt.split('"').next().unwrap_or_default().to_owned();
    }
    super::single_line(&hidden.restore(&unescape(&text)), 80)
}

/// Reads the marks of a rendered page: links become what `links` answers, preheader and pixel
/// take their places. A link that came out as anything but http, https, mailto, tel or sms
/// leads nowhere: a contact's value must not become a script.
pub(super) fn rewrite(
    page: &str,
    pixel: Option<&str>,
    preheader: &str,
    links: &dyn Fn(usize, &str) -> String,
) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 4 + 512);
    let mut rest = page;
    while let Some(at) = rest.find(MARKS) {
        out.push_str(&rest[..at]);
        let mark = rest[at..].chars().next().unwrap_or(END);
        rest = &rest[at + mark.len_utf8()..];
        match mark {
            BEGIN => {
                let Some((link, after)) = rest.split_once(END) else {
                    continue;
                };
                let (index, url) = link.split_once(MIDDLE).unwrap_or(("", link));
                let url = unescape(url);
                let url = url.trim();
                let is_web = matches!(scheme_of(url).as_deref(), Some("http" | "https"));
                match (is_safe(url), index.parse::<usize>()) {
                    (true, Ok(index)) if is_web => escape_into(&mut out, &links(index, url)),
                    (true, _) => escape_into(&mut out, url),
                    (false, _) => out.push('#'),
                }
                rest = after;
            }
            PREHEADER_PLACE if !preheader.is_empty() => {
                out.push_str("<div style=\"display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all\">");
                escape_into(&mut out, preheader);
                out.push_str("</div>");
            }
            PIXEL_PLACE => {
                if let Some(pixel) = pixel {
                    out.push_str("<img src=\"");
                    escape_into(&mut out, pixel);
                    out.push_str("\" width=\"1\" height=\"1\" alt=\"\" style=\"display:block;border:0;width:1px;height:1px\">");
                }
            }
            _ => {}
        }
    }
    out.push_str(rest);
    out
}

fn is_safe(url: &str) -> bool {
    matches!(
        scheme_of(url).as_deref(),
        Some("http" | "https" | "mailto" | "tel" | "sms")
    ) && !url.contains(|c: char| c.is_control())
}

/// Reads the entities that a serialiser and our own escaping write.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let entity = [
            ("&amp;", "&"),
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&#39;", "'"),
            ("&nbsp;", "\u{a0}"),
        ]
        .into_iter()
        .find(|(entity, _)| rest.starts_with(entity));
        let (length, plain) = entity.map_or((1, "&"), |(entity, plain)| (entity.len(), plain));
        out.push_str(plain);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}
