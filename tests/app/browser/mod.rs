//! The product in a real browser, against the real binary. The story goes from an empty instance to
//! a campaign that real mail carried and whose numbers are true; once with JavaScript, once without.

mod calendar;
mod campaign;
mod content;
mod demo;
mod driver;
mod people;
mod readers;
mod servers;
mod setup;

use driver::Browser;
use servers::{Fairway, MailServer};

/// An instance, and the browser of the club's president in it.
struct Story {
    browser: Browser,
    club: Fairway,
    mail: MailServer,
    /// The address of the club's website.
    website: String,
}

impl Story {
    async fn begin(has_scripts: bool) -> Self {
        let mail = MailServer::start("0.3").await;
        // Two connections, so that there is time to pause it.
        let smtp = format!("smtp://127.0.0.1:{}?connections=2", mail.port);
        Self {
            browser: Browser::open(has_scripts).await,
            club: Fairway::start("serve", &[("FAIRWAY_SMTP_URL", &smtp)]),
            mail,
            website: servers::start_website().await,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.club.address)
    }

    /// Goes to a page, and holds it against the rules of accessibility.
    async fn visit(&self, path: &str) {
        self.browser.goto(&self.url(path)).await;
        self.browser.find("main h1").await;
        self.browser.is_accessible().await;
    }
}

async fn story(has_scripts: bool) {
    let mut story = Story::begin(has_scripts).await;
    story.becomes_the_first_administrator().await;
    story.finds_nothing_but_what_to_do_next().await;
    story.says_who_the_club_is().await;
    story.signs_out_and_in().await;
    story.imports_the_members().await;
    story.makes_a_segment().await;
    story.writes_a_template().await;
    let campaign = story.makes_a_campaign().await;
    story.sends_it_with_a_pause(&campaign).await;
    story.people_read_it(&campaign).await;
    story.the_numbers_are_true(&campaign).await;
    story.browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_club_sends_its_first_campaign() {
    story(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_all_of_it_without_javascript() {
    story(false).await;
}

/// The number behind some words, its thousands grouped.
fn number_behind(page: &str, words: &str) -> i64 {
    let (_, rest) = page
        .split_once(words)
        .unwrap_or_else(|| panic!("no “{words}” on the page:\n{page}"));
    let number: String = rest
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == ',')
        .filter(char::is_ascii_digit)
        .collect();
    number.parse().unwrap()
}

/// The first address in a message that begins so.
fn url_in(body: &str, beginning: &str) -> String {
    let start = body
        .find(beginning)
        .unwrap_or_else(|| panic!("no {beginning} in {body}"));
    let address = body[start..].split(['"', '<', ' ', ')', '\r', '\n']).next();
    address.unwrap().to_owned()
}
