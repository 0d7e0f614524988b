//! The addresses and hashtags in a text, as platforms find them: an address begins with its
//! scheme, and the stop that ends a sentence is not part of it.

/// An address in a text, by the bytes it takes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Link {
    pub start: usize,
    pub end: usize,
    pub url: String,
}

/// The addresses of a text, in their order.
pub fn links(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut from = 0;
    while let Some(start) = next(text, from) {
        let length = length(&text[start..]);
        let scheme = text[start..].find("://").map_or(0, |at| at + 3);
        let is_within_word = text[..start]
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric);
        if length > scheme && !is_within_word {
            links.push(Link {
                start,
                end: start + length,
                url: text[start..start + length].to_owned(),
            });
        }
        from = start + length.max(scheme);
    }
    links
}

fn next(text: &str, from: usize) -> Option<usize> {
    let is_scheme = |at: usize| {
        let rest = text.as_bytes();
        [&b"https://"[..], b"http://"].iter().any(|scheme| {
            rest.get(at..at + scheme.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(scheme))
        })
    };
    (from..text.len()).find(|at| text.is_char_boundary(*at) && is_scheme(*at))
}

/// How much of a text that begins with an address is the address.
fn length(text: &str) -> usize {
    let is_end =
        |c: char| c.is_whitespace() || c.is_control() || "<>\"“”„«»`{}|\\^，。、！？；：）（".contains(c);
    let mut address = &text[..text.find(is_end).unwrap_or(text.len())];
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '’', '…', '*', '_']);
        let is_extra = |open: char, close: char| {
            shorter.ends_with(close) && shorter.matches(close).count() > shorter.matches(open).count()
        };
        let shorter = match is_extra('(', ')') || is_extra('[', ']') {
            true => &shorter[..shorter.len() - 1],
            false => shorter,
        };
        if shorter.len() == address.len() {
            return address.len();
        }
        address = shorter;
    }
}

/// The hashtags of a text by the bytes they take, with their sign: letters and digits, not digits
/// alone, and not within an address or a word.
pub fn hashtags(text: &str) -> Vec<(usize, usize)> {
    let links = links(text);
    let mut tags = Vec::new();
    for (start, sign) in text.char_indices().filter(|(_, c)| matches!(c, '#' | '＃')) {
        let is_in_link = links.iter().any(|link| (link.start..link.end).contains(&start));
        let before = text[..start].chars().next_back();
        if is_in_link || before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '&' | '_' | '#')) {
            continue;
        }
        let word = &text[start + sign.len_utf8()..];
        let end = word
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(word.len());
        if word[..end].chars().any(char::is_alphabetic) {
            tags.push((start, start + sign.len_utf8() + end));
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_ends_where_the_sentence_goes_on() {
        for (text, found) in [
            (
                "Enter: https://club.example/cup.",
                &["https://club.example/cup"][..],
            ),
            ("(see https://club.example/cup)", &["https://club.example/cup"]),
            (
                "https://en.example/Golf_(sport), then HTTP://b.example",
                &["https://en.example/Golf_(sport)", "HTTP://b.example"],
            ),
            (
                "“https://club.example/?a=1&b=2”",
                &["https://club.example/?a=1&b=2"],
            ),
            ("nothttps://club.example", &[]),
            ("https:// nothing", &[]),
            ("no address here: club.example", &[]),
            ("https://club.example/é!", &["https://club.example/é"]),
        ] {
            let urls: Vec<_> = links(text).into_iter().map(|link| link.url).collect();
            assert_eq!(urls, found, "{text}");
        }
    }

    #[test]
    fn hashtags_are_words_with_a_sign() {
        for (text, found) in [
            ("#Golf and #open2026!", &["#Golf", "#open2026"][..]),
            ("#1 is none, a#b neither, https://a.example/#c neither", &[]),
            ("#Süd #女子", &["#Süd", "#女子"]),
        ] {
            let tags: Vec<_> = hashtags(text)
                .into_iter()
                .map(|(start, end)| &text[start..end])
                .collect();
            assert_eq!(tags, found, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_stands_in_the_text(text in "[a-z#(). éé\u{1f3cc}]{0,20}(https?://[a-z./()?é]{0,12}[ ,)]?){0,3}") {
            let mut last = 0;
            for link in links(&text) {
                prop_assert_eq!(&text[link.start..link.end], &link.url);
                prop_assert!(link.start >= last);
                last = link.end;
            }
            for (start, end) in hashtags(&text) {
                prop_assert!(text.get(start..end).is_some());
            }
        }
    }
}
