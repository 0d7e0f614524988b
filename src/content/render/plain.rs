//! The plain-text part: made of the HTML where nobody wrote one, and ended by the footer.

use super::variables::mentions;

/// Lines are broken here, as RFC 5322 §2.1.1 recommends for readers.
const WIDTH: usize = 76;

const FOOTER: &str = "-- \n{{ club.name }}{% if club.postal_address %}\n{{ club.postal_address }}{% endif %}{% if is_marketing %}\n\nUnsubscribe: {{ unsubscribe_url }}\nChoose what you receive: {{ preferences_url }}{% endif %}\n";

/// Of a text that stands alone: in a mail as above, in a text message the way out alone.
const OWN_FOOTER: &str = "{% if is_brief %}{% if is_marketing %}\nStop: {{ unsubscribe_url }}{% endif %}{% else %}\n\n-- \n{{ club.name }}{% if club.postal_address %}\n{{ club.postal_address }}{% endif %}{% if is_marketing %}\n\nUnsubscribe: {{ unsubscribe_url }}\nChoose what you receive: {{ preferences_url }}{% endif %}{% endif %}";

/// What a page says, without its looks. Links are numbered and listed at the end.
pub(super) fn of_html(html: &str) -> String {
    let text = html2text::config::plain()
        .raw_mode(true)
        .no_table_borders()
        .no_link_wrapping()
        .allow_width_overflow()
        .link_footnotes(true)
        .string_from_read(without_preview(html).as_bytes(), WIDTH)
        .unwrap_or_default();
    let mut tidy = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines().map(str::trim_end) {
        empty = match line.trim().is_empty() {
            true => empty + 1,
            false => 0,
        };
        if empty < 2 {
            tidy.push_str(line);
            tidy.push('\n');
        }
    }
    tidy.trim().to_owned()
}

/// Without the preview line that MJML hides at the top; in plain text nothing is hidden.
fn without_preview(html: &str) -> String {
    let hidden = html
        .find("<div style=\"display:none")
        .or_else(|| html.find("<div style=\"display: none"));
    match hidden.and_then(|from| {
        html[from..]
            .find("</div>")
            .map(|length| (from, from + length + 6))
    }) {
        Some((from, to)) => format!("{}{}", &html[..from], &html[to..]),
        None => html.to_owned(),
    }
}

/// A text template with the club's footer, unless it brings its own way out.
pub(super) fn with_footer(text: &str) -> String {
    match mentions(text, "unsubscribe_url") {
        true => text.to_owned(),
        false => joined(text, FOOTER),
    }
}

/// A text that is the whole message, with its footer, unless it brings its own way out.
pub(super) fn with_own_footer(text: &str) -> String {
    match mentions(text, "unsubscribe_url") {
        true => text.to_owned(),
        false => format!("{}{OWN_FOOTER}", text.trim_end()),
    }
}

/// The footer of a text that is made of each person's HTML.
pub(super) fn footer_for_blocks(body: &str) -> String {
    match mentions(body, "unsubscribe_url") {
        true => String::new(),
        false => FOOTER.to_owned(),
    }
}

pub(super) fn joined(text: &str, footer: &str) -> String {
    match footer.is_empty() {
        true => text.to_owned(),
        false => format!("{}\n\n{footer}", text.trim_end()),
    }
}
