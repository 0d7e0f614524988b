//! What a club's website reports, by the picture and by the script under Node.

use crate::support::TestApp;
use crate::support::sending::Plan;
use fairway::accounts::site_keys;
use fairway::domain::Role;
use fairway::entity::{activities, events, links};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

impl TestApp {
    async fn site_key(&self, origin: &str, tags_links: bool) -> String {
        let tx = self.cx.db.begin().await.unwrap();
        let key = site_keys::create(&tx, origin, tags_links, None, self.cx.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        key.key
    }

    /// A campaign with a goal went out; where a click of its first person leads.
    async fn landing(&self) -> String {
        let segment = self.people(2).await;
        let campaign = self.campaign(Plan::to(segment)).await;
        let goal = json!({"event": "booking", "window": "P7D", "value": "amount"});
        self.execute(&format!("UPDATE campaigns SET goal = '{goal}'"))
            .await;
        self.work().await;
        let link = links::Entity::find().one(&*self.cx.db).await.unwrap().unwrap();
        let delivery = self.ledger(campaign).await[0].id;
        let answer = self
            .http
            .get(self.urls().click(delivery, link.id, None))
            .send()
            .await
            .unwrap();
        self.ingest.flush().await;
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn pixel(&self, key: &str, query: &str, origin: Option<&str>) -> reqwest::Response {
        let mut request = self.http.get(format!("{}/t/g/{key}.gif?{query}", self.address));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.send().await.unwrap()
    }
}

fn token(landing: &str) -> String {
    let url = url::Url::parse(landing).unwrap();
    let found = url.query_pairs().find(|(name, _)| name == "fw");
    found.map(|(_, value)| value.into_owned()).unwrap()
}

#[tokio::test]
async fn only_links_to_the_clubs_own_site_carry_a_token() {
    let app = TestApp::spawn().await;
    app.site_key("https://other.example", true).await;
    assert_eq!(app.landing().await, "https://club.example/cup");
    let app = TestApp::spawn().await;
    app.site_key("https://club.example", false).await;
    assert_eq!(
        app.landing().await,
        "https://club.example/cup",
        "the key does not ask for it"
    );
    let app = TestApp::spawn().await;
    app.site_key("https://club.example", true).await;
    assert!(app.landing().await.starts_with("https://club.example/cup?fw="));
}

#[tokio::test]
async fn a_picture_with_a_token_counts_once_and_is_no_event() {
    let app = TestApp::spawn().await;
    let key = app.site_key("https://club.example", true).await;
    let fw = token(&app.landing().await);
    for _ in 0..3 {
        let query = format!("event=booking&fw={fw}&amount=45.50");
        let answer = app.pixel(&key, &query, Some("https://club.example")).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "image/gif");
        assert_eq!(
            answer.headers()["access-control-allow-origin"],
            "https://club.example"
        );
        assert!(answer.headers().get("set-cookie").is_none());
    }
    let counts = app.counts().await;
    assert_eq!((counts.converted, counts.converted_value), (1, 4550));
    assert!(events::Entity::find().all(&*app.cx.db).await.unwrap().is_empty());
    let told = activities::Entity::find()
        .filter(activities::Column::Kind.eq("CONVERSION"))
        .all(&*app.cx.db)
        .await
        .unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].detail,
        json!({"event": "booking", "value": 4550, "site": true})
    );
    app.check_ledger().await;
}

#[tokio::test]
async fn a_forged_call_counts_nothing_and_is_answered_alike() {
    let app = TestApp::spawn().await;
    let key = app.site_key("https://club.example", true).await;
    let fw = token(&app.landing().await);
    let other = app.urls().open(app.cx_delivery().await);
    let open_token = other
        .rsplit('/')
        .next()
        .unwrap()
        .trim_end_matches(".gif")
        .to_owned();
    let good = format!("event=booking&fw={fw}");
    for (key, query, origin) in [
        (key.as_str(), "event=booking".to_owned(), None),
        (&key, format!("event=booking&fw={fw}x"), None),
        (&key, format!("event=booking&fw={open_token}"), None),
        (&key, format!("event=lesson&fw={fw}"), None),
        (&key, good.clone(), Some("https://evil.example")),
        ("site_unknown", good.clone(), None),
        (&key, format!("{good}&x={}", "y".repeat(2_000)), None),
    ] {
        let answer = app.pixel(key, &query, origin).await;
        assert_eq!(answer.status(), 200, "{query}");
        assert_eq!(answer.bytes().await.unwrap().len(), 43, "{query}");
        assert_eq!(app.counts().await.converted, 0, "{query}");
    }
    app.pixel(&key, &good, None).await;
    assert_eq!(app.counts().await.converted, 1, "the same call, unforged");
}

impl TestApp {
    async fn cx_delivery(&self) -> i64 {
        let rows = fairway::entity::deliveries::Entity::find()
            .all(&*self.cx.db)
            .await
            .unwrap();
        rows[0].id
    }
}

#[tokio::test]
async fn site_keys_are_made_shown_and_revoked_by_administrators() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let refused = admin.post("/settings/keys/site", &[("origin", "club")]).await;
    assert_eq!(refused.status(), 422);
    let fields = [("origin", "https://Club.example/shop"), ("tagsLinks", "yes")];
    assert_eq!(admin.post("/settings/keys/site", &fields).await.status(), 303);
    let kept = site_keys::in_force(&*app.cx.db).await.unwrap();
    assert_eq!(
        (kept.len(), kept[0].origin.as_str(), kept[0].tags_links),
        (1, "https://club.example", true)
    );
    let page = admin.page("/settings/keys").await;
    assert!(
        page.contains(&kept[0].key) && page.contains("fairway-site.js"),
        "{page}"
    );
    let fw = token(&app.landing().await);
    let path = format!("/settings/keys/site/{}/revoke", kept[0].id);
    assert_eq!(admin.post(&path, &[]).await.status(), 303);
    app.pixel(&kept[0].key, &format!("event=booking&fw={fw}"), None)
        .await;
    assert_eq!(app.counts().await.converted, 0);
    let manager = app.sign_in_as(Role::Manager).await;
    assert_eq!(manager.post("/settings/keys/site", &fields).await.status(), 403);
}

/// Runs the script as a page of the site has it, with a document of our own.
const PAGE: &str = r##"
const fs = require("fs"), vm = require("vm");
const [file, base, key, landing] = process.argv.slice(2);
const kept = new Map();
const visit = (href, consent) => {
  const shown = [];
  const window = {
    location: { href },
    history: { state: null, replaceState: (_, __, to) => shown.push(to) },
    localStorage: {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => kept.set(name, value),
      removeItem: (name) => kept.delete(name),
    },
    fetch: (url, how) => fetch(url, { headers: { origin: "https://club.example" }, credentials: how.credentials }),
  };
  const document = { currentScript: { src: base + "/static/js/fairway-site.js", dataset: { key, consent } } };
  vm.runInNewContext(fs.readFileSync(file, "utf8"), { window, document, URL, URLSearchParams, Promise, Date, JSON, Number, String, Object, encodeURIComponent });
  return { fairway: window.fairway, shown };
};
(async () => {
  const said = {};
  said.stranger = await visit("https://club.example/", "ask").fairway.report("booking", {});
  const first = visit(landing + "#form", "ask");
  said.address = first.shown;
  said.before = kept.size;
  first.fairway.consent(true);
  said.after = kept.size;
  const later = visit("https://club.example/thanks", "ask");
  said.reported = await later.fairway.report("booking", { amount: "12.30" });
  later.fairway.consent(false);
  said.forgotten = kept.size;
  console.log(JSON.stringify(said));
})();
"##;

#[tokio::test]
async fn the_script_keeps_the_token_only_with_consent_and_reports_by_it() {
    let app = TestApp::spawn().await;
    let key = app.site_key("https://club.example", true).await;
    let landing = app.landing().await;
    let dir = tempfile::tempdir().unwrap();
    let script = app.get("/static/js/fairway-site.js").await.text().await.unwrap();
    std::fs::write(dir.path().join("site.js"), script).unwrap();
    std::fs::write(dir.path().join("page.cjs"), PAGE).unwrap();
    let node = tokio::process::Command::new("node")
        .args(["page.cjs", "site.js", &app.address, &key, &landing])
        .current_dir(dir.path())
        .output()
        .await
        .expect("Node is installed");
    assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
    let said: Value = serde_json::from_slice(&node.stdout).unwrap();
    assert_eq!(
        said,
        json!({
            "stranger": false,
            "address": ["/cup#form"],
            "before": 0,
            "after": 1,
            "reported": true,
            "forgotten": 0,
        })
    );
    let counts = app.counts().await;
    assert_eq!((counts.converted, counts.converted_value), (1, 1230));
}
