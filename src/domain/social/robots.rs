//! Who follows a link in a post: a person's browser, or a program that makes a card of it. Every
//! platform, and of Mastodon every server that a post reaches, fetches its links at once.

/// What programs that look at links call themselves, among others.
const ROBOTS: [&str; 12] = [
    "bot",
    "crawl",
    "spider",
    "preview",
    "externalhit",
    "facebookcatalog",
    "embed",
    "mastodon",
    "http.rb",
    "cardyb",
    "headless",
    "whatsapp",
];

/// Whether a `User-Agent` is a browser's. All of them begin alike, and programs that say who they
/// are do not, or name themselves in brackets.
pub fn is_browser(agent: &str) -> bool {
    let agent = agent.to_ascii_lowercase();
    agent.starts_with("mozilla/") && !ROBOTS.iter().any(|name| agent.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_make_cards_are_not_people() {
        for (agent, is) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                true,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
                true,
            ),
            (
                "Mozilla/5.0 (iPhone; like Mac OS X) AppleWebKit/605.1.15 [FBAN/FBIOS;FBAV/450.0]",
                true,
            ),
            (
                "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
                false,
            ),
            ("Twitterbot/1.0", false),
            (
                "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
                false,
            ),
            (
                "Mastodon/4.3.0 (http.rb/5.2.0; +https://social.example/) Bot",
                false,
            ),
            (
                "Mozilla/5.0 (compatible; Bluesky Cardyb/1.1; +mailto:support@bsky.app)",
                false,
            ),
            (
                "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1)",
                false,
            ),
            ("curl/8.5.0", false),
            ("", false),
        ] {
            assert_eq!(is_browser(agent), is, "{agent}");
        }
    }
}
