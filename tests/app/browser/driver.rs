//! A headless Chromium behind chromedriver, and what the stories do with it.

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use scraper::{Html, Selector};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a page may take to show something.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Browser {
    pub client: Client,
    pub has_scripts: bool,
    driver: Child,
    /// `http://127.0.0.1:PORT/session/…` of the driver.
    session: String,
    profile: tempfile::TempDir,
}

impl Browser {
    /// Opens a browser window 1280 pixels wide, with or without JavaScript in its pages.
    pub async fn open(has_scripts: bool) -> Self {
        // Several providers of cryptography are linked into the tests; it fails where one was named.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed by bin/test");
        let profile = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1280,1000",
        ]
        .map(str::to_owned)
        .into();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let downloads = profile.path().join("downloads");
        let settings = json!({ "download.default_directory": downloads });
        let options = json!({ "args": arguments, "prefs": settings });
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".into(), options);
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities);
        let address = format!("http://127.0.0.1:{port}");
        let mut client = builder.connect(&address).await;
        for _ in 0..100 {
            if client.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            client = builder.connect(&address).await;
        }
        let client = client.expect("chromedriver starts Chromium");
        let session = client.session_id().await.unwrap().expect("a session has begun");
        let browser = Self {
            client,
            has_scripts,
            driver,
            session: format!("{address}/session/{session}"),
            profile,
        };
        browser.run_scripts(has_scripts).await;
        browser
    }

    /// Lets the pages that come from now on run their scripts, or not.
    async fn run_scripts(&self, yes: bool) {
        let command = json!({
            "cmd": "Emulation.setScriptExecutionDisabled",
            "params": { "value": !yes },
        });
        let post = reqwest::Client::new().post(format!("{}/goog/cdp/execute", self.session));
        let answer = post.json(&command).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The element, as soon as it is there.
    pub async fn find(&self, css: &str) -> Element {
        match self
            .client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await
        {
            Ok(element) => element,
            Err(_) => panic!("no “{css}” on this page:\n{}", self.text().await),
        }
    }

    /// Types into a field, in place of what it held.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        if element.click().await.is_err() {
            // Something was swapped in between; once more on what is there now.
            tokio::time::sleep(Duration::from_millis(300)).await;
            self.find(css).await.click().await.unwrap();
        }
    }

    /// Chooses what a list has under this value.
    pub async fn choose(&self, css: &str, value: &str) {
        let list = self.find(css).await;
        if let Err(error) = list.select_by_value(value).await {
            panic!("no “{value}” in “{css}”: {error}\n{}", self.text().await);
        }
    }

    /// Chooses what a list has under these words.
    pub async fn choose_named(&self, css: &str, words: &str) {
        let list = self.find(css).await;
        if let Err(error) = list.select_by_label(words).await {
            panic!("no “{words}” in “{css}”: {error}\n{}", self.text().await);
        }
    }

    /// Presses the button with these words on it.
    pub async fn press(&self, words: &str) {
        let button = format!("//button[normalize-space()='{words}']");
        let found = self.client.find(Locator::XPath(&button)).await;
        found.unwrap().click().await.unwrap();
    }

    /// Puts a file into a field for files.
    pub async fn attach(&self, css: &str, file: &Path) {
        let field = self.find(css).await;
        field.send_keys(file.to_str().unwrap()).await.unwrap();
    }

    /// Follows a link to a file, and answers what the file holds.
    pub async fn download(&self, css: &str) -> String {
        self.click(css).await;
        let folder = self.profile.path().join("downloads");
        for _ in 0..100 {
            let entries = std::fs::read_dir(&folder).into_iter().flatten();
            let mut files = entries.map(|entry| entry.unwrap().path());
            if let Some(file) = files.find(|file| file.extension().is_some_and(|end| end == "csv")) {
                return std::fs::read_to_string(file).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nothing came behind “{css}”");
    }

    /// What a field holds.
    pub async fn value(&self, css: &str) -> String {
        let value = self.find(css).await.prop("value").await.unwrap();
        value.unwrap_or_default()
    }

    pub async fn address(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// The figures of a page by their labels, as it has them this moment.
    pub async fn stats(&self, css: &str) -> HashMap<String, String> {
        let page = Html::parse_document(&self.client.source().await.unwrap());
        let select = |css: &str| Selector::parse(css).unwrap();
        let words = |of: scraper::ElementRef, css: &str| {
            let found = of.select(&select(css)).next();
            found.map(|one| one.text().collect::<String>().trim().to_owned())
        };
        page.select(&select(&format!("{css} .stat")))
            .filter_map(|stat| Some((words(stat, "dt")?, words(stat, "dd")?)))
            .collect()
    }

    /// What a person reads on the page; nothing while another page is taking its place.
    pub async fn text(&self) -> String {
        match self.client.find(Locator::Css("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until the page reads `text`; without scripts by loading it anew, as a person would.
    pub async fn sees(&self, text: &str) {
        let end = tokio::time::Instant::now() + PATIENCE;
        for round in 1.. {
            let page = self.text().await;
            if page.contains(text) {
                return;
            }
            assert!(
                tokio::time::Instant::now() < end,
                "“{text}” does not come:\n{page}"
            );
            tokio::time::sleep(Duration::from_millis(250)).await;
            // Not at once: the page may be on its way, and what it says of the last act it says once.
            if !self.has_scripts && round % 8 == 0 {
                self.client.refresh().await.unwrap();
            }
        }
    }

    /// Waits until a part of the page reads `text`.
    pub async fn shows(&self, css: &str, text: &str) {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let part = self.find(css).await.text().await.unwrap_or_default();
            if part.contains(text) {
                return;
            }
            assert!(
                tokio::time::Instant::now() < end,
                "“{text}” does not come in “{css}”:\n{part}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The same as `find` for what comes by itself; without scripts the page is loaded anew.
    pub async fn find_in_time(&self, css: &str) -> Element {
        for _ in 0..50 {
            if self.has_scripts || self.client.find(Locator::Css(css)).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            self.client.refresh().await.unwrap();
        }
        self.find(css).await
    }

    /// Holds the page against axe-core's rules for WCAG 2.2 AA. Those need timers, so that scripts are
    /// allowed meanwhile: the page's own were passed over when it was loaded.
    pub async fn is_accessible(&self) {
        if !self.has_scripts {
            self.run_scripts(true).await;
        }
        let axe = std::fs::read_to_string(
            std::env::var("FAIRWAY_TEST_AXE").expect("FAIRWAY_TEST_AXE names axe.min.js; bin/test sets it"),
        )
        .unwrap();
        self.client.execute(&axe, Vec::new()).await.unwrap();
        let found = self
            .client
            .execute_async(
                "const done = arguments[arguments.length - 1];
                 axe.run(document, { iframes: false, resultTypes: ['violations'] }).then(
                   result => done(result.violations.map(v => v.id + ': ' + v.help + ' | ' +
                     v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | '))),
                   error => done(['axe failed: ' + error]))",
                Vec::new(),
            )
            .await;
        let url = self.client.current_url().await.unwrap();
        match found {
            Ok(found) => assert_eq!(found, json!([]), "{url}"),
            Err(error) => panic!("axe-core does not end on {url}: {error}"),
        }
        if !self.has_scripts {
            self.run_scripts(false).await;
        }
    }

    pub async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to stop.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .unwrap()
        .port()
}
