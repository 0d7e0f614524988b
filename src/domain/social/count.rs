//! How long a text is as a platform counts it.

use super::limits::Unit;
use super::links::links;
use crate::domain::Platform;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// What an address counts on X and Mastodon, however long it is.
const ADDRESS: usize = 23;

/// A text measured against a platform's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    pub used: usize,
    pub most: usize,
}

impl Measure {
    pub const fn is_too_long(&self) -> bool {
        self.used > self.most
    }

    /// How many are too many.
    pub const fn over(&self) -> usize {
        self.used.saturating_sub(self.most)
    }
}

/// Measures a text as `platform` does.
pub fn measure(platform: Platform, text: &str) -> Measure {
    let limits = platform.limits();
    let used = match limits.unit {
        Unit::Characters => text.chars().count(),
        Unit::Graphemes => text.graphemes(true).count(),
        Unit::ShortLinks => with_short_links(text, |rest| rest.chars().count()),
        Unit::Weighted => {
            let text: String = text.nfc().collect();
            with_short_links(&text, weight)
        }
    };
    Measure {
        used,
        most: limits.text,
    }
}

fn with_short_links(text: &str, count: fn(&str) -> usize) -> usize {
    let mut used = 0;
    let mut from = 0;
    for link in links(text) {
        used += count(&text[from..link.start]) + ADDRESS;
        from = link.end;
    }
    used + count(&text[from..])
}

/// twitter-text 3: an emoji counts 2 whatever it is put together of; of the rest, Latin and its
/// neighbours, and most punctuation, count 1, everything else 2.
fn weight(text: &str) -> usize {
    text.graphemes(true)
        .map(|grapheme| match is_emoji(grapheme) {
            true => 2,
            false => grapheme.chars().map(weight_of).sum(),
        })
        .sum()
}

/// The ranges of config/v3.json.
const fn weight_of(c: char) -> usize {
    match c as u32 {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    }
}

/// Whether a grapheme is shown as a picture: it begins with one, or is a keycap.
fn is_emoji(grapheme: &str) -> bool {
    let Some(first) = grapheme.chars().next() else {
        return false;
    };
    let is_keycap = grapheme.ends_with('\u{20e3}') && matches!(first, '0'..='9' | '#' | '*');
    is_keycap
        || matches!(first as u32, 0x1f000..=0x1faff)
        || (grapheme.contains('\u{fe0f}') && !first.is_alphanumeric())
        || matches!(first as u32, 0x2600..=0x27bf | 0x2b00..=0x2bff | 0x231a..=0x23ff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Platform::*;

    fn used(platform: Platform, text: &str) -> usize {
        measure(platform, text).used
    }

    #[test]
    fn x_counts_as_twitter_text_does() {
        let long = format!("https://club.example/{}", "a".repeat(200));
        for (text, weight) in [
            ("", 0),
            ("Summer Cup", 10),
            ("Café", 4),
            // The same composed of two code points.
            ("Cafe\u{301}", 4),
            ("日本語", 6),
            ("Привет", 6),
            ("“quoted” – dash… ", 18),
            ("🏌", 2),
            ("👨\u{200d}👩\u{200d}👧\u{200d}👦", 2),
            ("🇿🇦", 2),
            ("👍🏽", 2),
            ("⛳", 2),
            ("1\u{fe0f}\u{20e3}", 2),
            ("Enter https://a.example", 29),
            (&long, 23),
            (&format!("{long} {long}."), 48),
        ] {
            assert_eq!(used(X, text), weight, "{text}");
        }
    }

    #[test]
    fn mastodon_counts_characters_and_short_links() {
        let long = format!("https://club.example/{}", "a".repeat(200));
        assert_eq!(used(Mastodon, &long), 23);
        assert_eq!(used(Mastodon, &format!("Enter: {long}")), 30);
        assert_eq!(used(Mastodon, "日本語"), 3);
    }

    #[test]
    fn bluesky_counts_what_a_reader_takes_for_characters() {
        assert_eq!(used(Bluesky, "👨\u{200d}👩\u{200d}👧\u{200d}👦 é e\u{301}"), 5);
        assert_eq!(used(Bluesky, "https://a.example"), 17);
    }

    #[test]
    fn each_platforms_limit_is_the_last_that_is_taken() {
        for (platform, most) in [
            (X, 280),
            (Bluesky, 300),
            (Mastodon, 500),
            (Instagram, 2_200),
            (LinkedIn, 3_000),
            (Facebook, 63_206),
        ] {
            let fits = measure(platform, &"a".repeat(most));
            assert!(!fits.is_too_long(), "{platform}");
            let over = measure(platform, &"a".repeat(most + 3));
            assert!(over.is_too_long() && over.over() == 3, "{platform}");
        }
    }
}
