//! The whole story in a real browser, against the real binary: the demo club's tournament is sent,
//! read, clicked, unsubscribed from, and counted. Once with JavaScript, once without.

mod driver;

use driver::{Browser, free_port};
use serde_json::Value;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const KEY: &str = "fw_the_key_of_the_browser_tests_0001";

/// The demo, served by the binary as a new user would start it.
struct Demo {
    address: String,
    email: String,
    password: String,
    _child: Child,
    _dir: tempfile::TempDir,
}

impl Demo {
    async fn start() -> Self {
        // Several providers of cryptography are linked into the tests; it fails where one was named.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let mut child = Command::new(env!("CARGO_BIN_EXE_fairway"))
            .arg("demo")
            .current_dir(dir.path())
            .env("FAIRWAY_LISTEN", &address)
            .env("FAIRWAY_DATA_DIR", dir.path())
            .env("FAIRWAY_DEMO_KEY", KEY)
            .env("FAIRWAY_LOG", "error")
            // No settings of the product, and so refused by it.
            .env_remove("FAIRWAY_TEST_AXE")
            .env_remove("FAIRWAY_TEST_POSTGRES")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut email, mut password) = (String::new(), String::new());
        while password.is_empty() {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("the demo prints its sign-in");
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("E-mail"), Some(text)) => email = text.to_owned(),
                (Some("Password"), Some(text)) => password = text.to_owned(),
                _ => {}
            }
        }
        Self {
            address: format!("http://{address}"),
            email,
            password,
            _child: child,
            _dir: dir,
        }
    }

    async fn api(&self, path: &str) -> Value {
        let client = reqwest::Client::new();
        let url = format!("{}/api/v1{path}", self.address);
        let answer = client.get(url).bearer_auth(KEY).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// Waits until a campaign's count is what it should be.
    async fn counts(&self, campaign: &str, count: &str, expected: i64) {
        let mut last = Value::Null;
        for _ in 0..200 {
            let stats = self.api(&format!("/campaigns/{campaign}/stats")).await;
            if stats[count] == expected {
                return;
            }
            last = stats;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{count} never became {expected}: {last}");
    }

    async fn campaign(&self, name: &str) -> String {
        let list = self.api("/campaigns?limit=50").await;
        let found = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["name"] == name);
        found.expect("the demo has this campaign")["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn sign_in(&self, browser: &Browser) {
        browser.goto(&format!("{}/sign-in", self.address)).await;
        browser.fill("[name=email]", &self.email).await;
        browser.fill("[name=password]", &self.password).await;
        browser.click("main form button").await;
        browser.sees("Campaigns").await;
    }
}

async fn story(has_scripts: bool) {
    let demo = Demo::start().await;
    let browser = Browser::open(has_scripts).await;
    demo.sign_in(&browser).await;
    let campaign = demo.campaign("Summer Tournament").await;

    // Send it, after being told how many people that is.
    browser
        .goto(&format!("{}/campaigns/{campaign}/review", demo.address))
        .await;
    browser.sees("Everything is in place").await;
    let reach: i64 = digits(&browser.text().await, "Send to ");
    assert!(reach > 1_000, "{reach}");
    browser.click("main form .btn.primary").await;
    demo.counts(&campaign, "sentCount", reach).await;
    demo.counts(&campaign, "openedCount", 0).await;

    // Somebody reads it: in the mailbox, where its picture is loaded as in a mail program.
    browser
        .goto(&format!("{}/mailbox?campaign={campaign}", demo.address))
        .await;
    browser.click("#messages tbody a").await;
    browser.find("iframe").await;
    demo.counts(&campaign, "openedCount", 1).await;
    demo.counts(&campaign, "clickedCount", 0).await;

    // Somebody else follows a link, and unsubscribes: looking at the page changes nothing.
    let captured = demo.api(&format!("/captured?campaign={campaign}&limit=5")).await;
    let body = captured["items"][3]["body"].as_str().unwrap();
    let click = url_in(body, &format!("{}/t/c/", demo.address));
    let answer = crate::support::client().get(&click).send().await.unwrap();
    assert!(answer.status().is_redirection());
    demo.counts(&campaign, "clickedCount", 1).await;
    demo.counts(&campaign, "openedCount", 2).await;
    browser.goto(&url_in(body, &format!("{}/u/", demo.address))).await;
    browser.find("main form button").await;
    demo.counts(&campaign, "unsubscribedCount", 0).await;
    browser.click("main form button").await;
    browser.sees("You are unsubscribed").await;
    demo.counts(&campaign, "unsubscribedCount", 1).await;

    // The page shows it all.
    browser
        .goto(&format!("{}/campaigns/{campaign}", demo.address))
        .await;
    browser.sees("Completed").await;
    let page = browser.text().await;
    for word in ["Delivery rate", "Open rate", "Click rate", "Conversion rate"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    browser.close().await;
}

/// The number behind some words, its thousands grouped.
fn digits(page: &str, before: &str) -> i64 {
    let (_, rest) = page.split_once(before).expect("the words are on the page");
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
    body[start..].split(['"', '<', ' ']).next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_is_sent_read_clicked_and_counted() {
    story(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_all_of_it_without_javascript() {
    story(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_can_be_used_by_everyone() {
    let demo = Demo::start().await;
    let browser = Browser::open(true).await;
    browser.goto(&format!("{}/sign-in", demo.address)).await;
    browser.is_accessible().await;
    demo.sign_in(&browser).await;
    let paused = demo.campaign("Members’ dinner: reserve your table").await;
    let draft = demo.campaign("Summer Tournament").await;
    let pages = [
        "/campaigns".to_owned(),
        "/campaigns/new".into(),
        format!("/campaigns/{paused}"),
        format!("/campaigns/{draft}/audience"),
        format!("/campaigns/{draft}/content"),
        format!("/campaigns/{draft}/schedule"),
        format!("/campaigns/{draft}/review"),
        "/contacts".into(),
        "/contacts/new".into(),
        "/contacts/7".into(),
        "/contacts/7/edit".into(),
        "/contacts/7/erase".into(),
        "/segments".into(),
        "/segments/new".into(),
        "/segments/1".into(),
        "/segments/1/edit".into(),
        "/templates".into(),
        "/templates/new".into(),
        "/templates/1".into(),
        "/templates/1/preview".into(),
        "/templates/1/versions".into(),
        "/mailbox".into(),
        "/settings".into(),
        "/settings/users".into(),
        "/settings/topics".into(),
        "/settings/attributes".into(),
        "/settings/attributes/handicap".into(),
        "/settings/suppressions".into(),
        "/settings/keys".into(),
        "/settings/activity".into(),
        "/profile".into(),
    ];
    for page in pages {
        browser.goto(&format!("{}{page}", demo.address)).await;
        browser.find("main h1").await;
        browser.is_accessible().await;
    }
    browser.close().await;
}
