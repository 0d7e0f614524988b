//! From a body as written to a whole HTML page: MJML translated, styles inlined, footer placed.

use super::links::{FOOTER_PLACE, PIXEL_PLACE, PREHEADER_PLACE};
use super::mjml;
use super::placeholders::{Hidden, hide, pieces};
use super::problem::{Part, Problem};
use crate::domain::BodyKind;
use css_inline::{CSSInliner, InlineError, StylesheetResolver};
use std::sync::Arc;

/// A body as a page, its expressions hidden.
pub(super) struct Body {
    pub hidden: Hidden,
    pub html: String,
}

/// Elements that mail programs throw away, and that could act on the page that shows a mail in
/// the browser.
const REFUSED: &[(&str, &str)] = &[
    ("<script", "Scripts do not run in mails; remove this."),
    (
        "<iframe",
        "Frames are not shown in mails; use a picture with a link.",
    ),
    (
        "<object",
        "Objects are not shown in mails; use a picture with a link.",
    ),
    (
        "<embed",
        "Objects are not shown in mails; use a picture with a link.",
    ),
    (
        "<base",
        "A base address is not kept by mail programs; write whole addresses.",
    ),
    (
        "<mj-include",
        "A template stands by itself: mj-include cannot take in another file.",
    ),
];

/// Finds what may not stand in a body at all.
pub(super) fn check(kind: BodyKind, source: &str, problems: &mut Vec<Problem>) {
    for (line, text) in source.lines().enumerate() {
        let text = text.to_ascii_lowercase();
        for (element, message) in REFUSED {
            let is_named = text.match_indices(element).any(|(at, _)| {
                !text[at + element.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
            });
            if is_named {
                problems.push(Problem::error(Part::Body, line + 1, *message));
            }
        }
        if kind == BodyKind::Mjml {
            for (at, _) in text.match_indices("<mj-") {
                let name = &text[at + 1..];
                let name = &name[..name
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
                    .unwrap_or(name.len())];
                if name != "mj-include" && !mjml::ELEMENTS.contains(&name) {
                    let message = format!("MJML has no element <{name}>.");
                    problems.push(Problem::error(Part::Body, line + 1, message));
                }
            }
        }
    }
    if pieces(source).iter().all(|piece| piece.source.trim().is_empty()) {
        problems.push(Problem::error(
            Part::Body,
            1,
            "The body is empty. Write what the mail says.",
        ));
    }
}

/// MJML to HTML and styles inlined, with the expressions hidden from both tools.
pub(super) fn prepare(kind: BodyKind, source: &str) -> Result<Body, Problem> {
    let hidden = hide(source);
    let html = match kind {
        BodyKind::Mjml => mjml::to_html(&hidden)?,
        BodyKind::Html | BodyKind::Text => hidden.html.clone(),
    };
    let mut html = inline(&html)?;
    if !source.contains("<tbody") {
        html = hidden.before_blocks(&html, "<tbody>");
    }
    Ok(Body { hidden, html })
}

/// Fetches nothing: a template's styles are its own.
#[derive(Debug)]
struct Nothing;

impl StylesheetResolver for Nothing {
    fn retrieve(&self, location: &str) -> Result<String, InlineError> {
        let refusal = std::io::Error::new(std::io::ErrorKind::Unsupported, location.to_owned());
        Err(InlineError::IO(refusal))
    }
}

/// Writes the rules of `style` elements into the elements they apply to, because several mail
/// programs drop the elements; rules for small screens stay.
fn inline(html: &str) -> Result<String, Problem> {
    let inlined = CSSInliner::options()
        .load_remote_stylesheets(false)
        .resolver(Arc::new(Nothing))
        .keep_style_tags(true)
        .keep_at_rules(true)
        .remove_inlined_selectors(true)
        .build()
        .inline(html)
        .map_err(|error| Problem::error(Part::Body, 1, format!("The styles cannot be read: {error}.")))?;
    let has_doctype = inlined
        .trim_start()
        .get(..9)
        .is_some_and(|start| start.eq_ignore_ascii_case("<!doctype"));
    Ok(match has_doctype {
        true => inlined,
        false => format!("<!DOCTYPE html>{inlined}"),
    })
}

/// The footer of the club: who writes, from where, and how to leave. The postal address and the
/// way out are required of marketing mail (CAN-SPAM, 15 U.S.C. § 7704(a)(3) and (5)).
const FOOTER: &str = r##"<div style="margin:24px auto 0;max-width:600px;padding:16px 24px;border-top:1px solid #d7dcd9;font-family:-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:13px;line-height:20px;color:#5a6660;text-align:center">{{ club.name }}{% for line in club.address_lines %}<br>{{ line }}{% endfor %}{% if is_marketing %}<br><br><a href="{{ unsubscribe_url }}" style="color:#5a6660">Unsubscribe</a> &middot; <a href="{{ preferences_url }}" style="color:#5a6660">Choose what you receive</a>{% endif %}</div>"##;

/// Marks where preheader, footer and pixel come.
pub(super) fn finish(page: &str) -> String {
    let mut page = page.to_owned();
    let end = page.rfind("</body").unwrap_or(page.len());
    page.insert(end, PIXEL_PLACE);
    page.insert(end, FOOTER_PLACE);
    let start = page
        .find("<body")
        .and_then(|at| page[at..].find('>').map(|length| at + length + 1))
        .unwrap_or(0);
    page.insert(start, PREHEADER_PLACE);
    page
}

/// Puts the club's footer in its place, or nothing.
pub(super) fn place_footer(template: &str, is_needed: bool) -> String {
    let footer = match is_needed {
        true => FOOTER,
        false => "",
    };
    template.replacen(FOOTER_PLACE, footer, 1)
}

/// Appends text as it may stand in an element or a quoted attribute.
pub(super) fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}
