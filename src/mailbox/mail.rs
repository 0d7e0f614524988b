//! A captured mail as a mail program would show it: its headers, and its HTML where it can do no
//! harm.

use url::Url;

/// The headers of a raw message in their order, unfolded.
pub fn headers(raw: &str) -> Vec<(String, String)> {
    let head = raw.split_once("\r\n\r\n").map_or(raw, |(head, _)| head);
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.lines() {
        match (line.starts_with([' ', '\t']), headers.last_mut()) {
            (true, Some((_, value))) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            _ => {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
    }
    headers
}

/// The HTML with its links opening in a new tab: in the frame they would show nothing.
pub fn with_links_outside(html: &str) -> String {
    let base = r#"<base target="_blank">"#;
    let lower = html.to_ascii_lowercase();
    // Only where a document may have it; a mail without a head gets one by the browser.
    let place = ["<head", "<html", "<!doctype"]
        .iter()
        .find_map(|tag| {
            let start = lower.find(tag)?;
            // `<header` is another element.
            lower[start + tag.len()..]
                .starts_with(|c: char| c == '>' || c.is_ascii_whitespace())
                .then_some(start)
        })
        .and_then(|start| lower[start..].find('>').map(|end| start + end + 1))
        .unwrap_or(0);
    format!("{}{base}{}", &html[..place], &html[place..])
}

/// What a captured mail may do in its frame: show itself, and images, so that the pixel that
/// tells an open works as in a mail program. No script, no form; links open outside.
pub fn policy(base: &str) -> String {
    let origin = Url::parse(base)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    format!(
        "default-src 'none'; img-src 'self' {origin} https: data:; style-src 'unsafe-inline'; font-src https: data:; \
         form-action 'none'; frame-ancestors 'self'; \
         sandbox allow-popups allow-popups-to-escape-sandbox"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_unfolded_in_their_order() {
        let raw = "From: a@b.example\r\nSubject: one\r\n two\r\n\tthree\r\nX-Empty:\r\n\r\nBody: not one\r\n";
        let pairs = [
            ("From", "a@b.example"),
            ("Subject", "one two three"),
            ("X-Empty", ""),
        ];
        let expected: Vec<_> = pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(headers(raw), expected);
    }

    #[test]
    fn links_open_outside_whatever_the_document_is() {
        let base = r#"<base target="_blank">"#;
        for (html, expected) in [
            (
                "<!doctype html><html><HEAD lang=en><title>x",
                "<!doctype html><html><HEAD lang=en>{}<title>x",
            ),
            (
                "<!doctype html><html><header>x",
                "<!doctype html><html>{}<header>x",
            ),
            ("<!DOCTYPE html>\n<p>x", "<!DOCTYPE html>{}\n<p>x"),
            ("<p>ünï</p>", "{}<p>ünï</p>"),
            ("", "{}"),
        ] {
            assert_eq!(with_links_outside(html), expected.replace("{}", base), "{html}");
        }
    }

    #[test]
    fn the_policy_names_our_own_address_for_the_pixel() {
        let policy = policy("https://mail.club.example/fairway");
        assert!(policy.contains("img-src 'self' https://mail.club.example https: data:;"));
        assert!(!policy.contains("script-src"), "nothing is said, so none runs");
    }
}
