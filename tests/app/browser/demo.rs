//! The made-up club: what a person sees who tries Fairway out, with no mail server at all.

use super::driver::Browser;
use super::servers::Fairway;
use super::{number_behind, url_in};
use serde_json::Value;
use std::time::Duration;

const KEY: &str = "fw_the_key_of_the_browser_tests_0001";

pub struct Demo {
    server: Fairway,
    email: String,
    password: String,
}

impl Demo {
    pub async fn start() -> Self {
        let mut server = Fairway::start("demo", &[("FAIRWAY_DEMO_KEY", KEY)]);
        let (mut email, mut password) = (String::new(), String::new());
        while password.is_empty() {
            let line = server.line().await;
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("E-mail"), Some(text)) => email = text.to_owned(),
                (Some("Password"), Some(text)) => password = text.to_owned(),
                _ => {}
            }
        }
        Self {
            server,
            email,
            password,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.address)
    }

    pub async fn api(&self, path: &str) -> Value {
        let client = reqwest::Client::new();
        let url = self.url(&format!("/api/v1{path}"));
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

    pub async fn campaign(&self, name: &str) -> String {
        let list = self.api("/campaigns?limit=50").await;
        let campaigns = list["items"].as_array().unwrap();
        let found = campaigns.iter().find(|item| item["name"] == name);
        let id = &found.expect("the demo has this campaign")["id"];
        id.as_str().unwrap().to_owned()
    }

    pub async fn sign_in(&self, browser: &Browser) {
        browser.goto(&self.url("/sign-in")).await;
        browser.fill("[name=email]", &self.email).await;
        browser.fill("[name=password]", &self.password).await;
        browser.click("main form button").await;
        browser.sees("Campaigns").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_s_tournament_goes_into_the_mailbox_and_is_read_there() {
    let demo = Demo::start().await;
    let browser = Browser::open(true).await;
    demo.sign_in(&browser).await;
    let campaign = demo.campaign("Summer Tournament").await;

    let review = demo.url(&format!("/campaigns/{campaign}/review"));
    browser.goto(&review).await;
    browser.sees("Everything is in place").await;
    let reach = number_behind(&browser.text().await, "Send to ");
    assert!(reach > 1_000, "{reach}");
    browser.click("main form .btn.primary").await;
    demo.counts(&campaign, "sentCount", reach).await;
    demo.counts(&campaign, "openedCount", 0).await;

    // Its picture is loaded as in a mail program.
    let mailbox = demo.url(&format!("/mailbox?campaign={campaign}"));
    browser.goto(&mailbox).await;
    browser.click("#messages tbody a").await;
    browser.find("iframe").await;
    demo.counts(&campaign, "openedCount", 1).await;
    demo.counts(&campaign, "clickedCount", 0).await;

    let captured = demo.api(&format!("/captured?campaign={campaign}&limit=5")).await;
    let body = captured["items"][3]["body"].as_str().unwrap();
    let click = url_in(body, &demo.url("/t/c/"));
    let answer = crate::support::client().get(&click).send().await.unwrap();
    assert!(answer.status().is_redirection());
    demo.counts(&campaign, "clickedCount", 1).await;
    demo.counts(&campaign, "openedCount", 2).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_can_be_used_by_everyone() {
    let demo = Demo::start().await;
    let browser = Browser::open(true).await;
    demo.sign_in(&browser).await;
    let paused = demo.campaign("Members’ dinner: reserve your table").await;
    let draft = demo.campaign("Summer Tournament").await;
    let repeated = demo.campaign("Weekly newsletter").await;
    let to_repeat = demo.campaign("Your first months on the course").await;
    let triggered = demo.campaign("Booking confirmation").await;
    let greetings = demo.campaign("Year-end greetings").await;
    let journey = demo.campaign("Welcome to the club").await;
    let tried = demo.campaign("From the pro’s desk: winter coaching").await;
    let pages = [
        "/campaigns".to_owned(),
        "/campaigns/new".into(),
        "/calendar".into(),
        "/events".into(),
        format!("/campaigns/{repeated}"),
        format!("/campaigns/{to_repeat}/schedule"),
        format!("/campaigns/{triggered}"),
        format!("/events?campaign={triggered}"),
        format!("/calendar/move?campaign={greetings}"),
        format!("/campaigns/{journey}"),
        format!("/campaigns/{journey}/journey"),
        format!("/campaigns/{tried}"),
        format!("/campaigns/{paused}"),
        format!("/campaigns/{draft}/audience"),
        format!("/campaigns/{draft}/content"),
        format!("/campaigns/{draft}/schedule"),
        format!("/campaigns/{draft}/review"),
        "/contacts".into(),
        "/contacts/7".into(),
        "/contacts/7/edit".into(),
        "/contacts/7/erase".into(),
        "/segments".into(),
        "/segments/1".into(),
        "/segments/1/edit".into(),
        "/templates".into(),
        "/templates/1".into(),
        "/templates/1/preview".into(),
        "/templates/1/versions".into(),
        "/mailbox".into(),
        "/settings".into(),
        "/settings/sending".into(),
        "/settings/channels".into(),
        "/settings/channels/new?kind=twilio".into(),
        "/settings/channels/new?kind=gateway".into(),
        "/settings/keys".into(),
        "/settings/users".into(),
        "/settings/topics".into(),
        "/settings/attributes".into(),
        "/settings/attributes/handicap".into(),
        "/settings/suppressions".into(),
        "/settings/activity".into(),
    ];
    for page in pages {
        browser.goto(&demo.url(&page)).await;
        browser.find("main h1").await;
        browser.is_accessible().await;
    }
    browser.close().await;
}
