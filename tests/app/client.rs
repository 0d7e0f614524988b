//! The JavaScript client under Node, against the demo that the built program serves: the source
//! document's own example, then its campaign sent.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KEY: &str = "fw_the-demo-of-the-test";

/// The demo, stopped by its process when the test ends.
struct Demo {
    child: Child,
    address: String,
}

impl Demo {
    fn start(dir: &Path) -> Self {
        let address = {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            socket.local_addr().unwrap().to_string()
        };
        let child = Command::new(env!("CARGO_BIN_EXE_fairway"))
            .arg("demo")
            .current_dir(dir)
            .env_clear()
            .env("FAIRWAY_DATA_DIR", dir.join("data"))
            .env("FAIRWAY_LISTEN", &address)
            .env("FAIRWAY_DEMO_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.join("demo.log")).unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            address: format!("http://{address}"),
        }
    }

    async fn is_up(&mut self, dir: &Path) {
        let began = Instant::now();
        loop {
            let answer = reqwest::get(format!("{}/healthz", self.address)).await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            let log = || std::fs::read_to_string(dir.join("demo.log")).unwrap_or_default();
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {}", log());
            assert!(began.elapsed() < Duration::from_secs(120), "not up: {}", log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a module beside the client, which Node is given as the server gives it.
async fn node(demo: &Demo, dir: &Path, script: &str) -> serde_json::Value {
    let client = reqwest::get(format!("{}/static/js/fairway-client.js", demo.address))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    std::fs::write(dir.join("fairway-client.js"), client).unwrap();
    std::fs::write(dir.join("package.json"), r#"{"type": "module"}"#).unwrap();
    std::fs::write(dir.join("script.js"), script).unwrap();
    let mut child = Command::new("node")
        .arg("script.js")
        .current_dir(dir)
        .env("FAIRWAY_BASE_URL", &demo.address)
        .env("FAIRWAY_API_KEY", KEY)
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(dir.join("out.json")).unwrap())
        .stderr(std::fs::File::create(dir.join("node.log")).unwrap())
        .spawn()
        .expect("Node is installed");
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(180) {
            child.kill().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let said = std::fs::read_to_string(dir.join("node.log")).unwrap();
    assert!(status.success(), "{said}");
    let out = std::fs::read_to_string(dir.join("out.json")).unwrap();
    serde_json::from_str(&out).unwrap()
}

/// The document's example as it stands there but for its date.
const EXAMPLE: &str = r#"
// 1. Create campaign
const campaign = await createCampaign({
name: "Summer Tournament 2024",
type: "ONE_TIME",
segmentId: "active-golfers-segment-id",
channels: ["EMAIL", "SMS", "FACEBOOK"],
scheduledAt: "DATE",
timezone: "Africa/Johannesburg"
});
// 2. Configure channel content
await setCampaignContent(campaign.id, {
email: { templateId: "tournament-invite-email" },
sms: { templateId: "tournament-invite-sms" },
social: {
content: "Join us for the Summer Tournament 2024!",
mediaUrls: ["https://..."],
platforms: ["FACEBOOK", "INSTAGRAM"]
}
});
// 3. Schedule sends
await scheduleCampaign(campaign.id);
"#;

const BEFORE: &str = r#"
import { createCampaign, setCampaignContent, scheduleCampaign } from "./fairway-client.js";
"#;

/// What is looked at, and the campaign moved to where its sending can be waited for.
const AFTER: &str = r#"
import * as fairway from "./fairway-client.js";
const scheduled = await fairway.getCampaign(campaign.id);
await fairway.updateCampaign(campaign.id, { scheduledAt: new Date(Date.now() + 2000).toISOString() });
let stats, status;
for (let n = 0; n < 1500; n++) {
  stats = await fairway.getCampaignStats(campaign.id);
  status = (await fairway.getCampaign(campaign.id)).status;
  if (stats.sentCount > 0 && status === "COMPLETED") break;
  await new Promise((resolve) => setTimeout(resolve, 100));
}
const captured = await fairway.listCaptured({ campaign: campaign.id, channel: "EMAIL" });
const posts = await fairway.listCaptured({ campaign: campaign.id, channel: "SOCIAL" });
const texts = await fairway.listCaptured({ campaign: campaign.id, channel: "SMS" });
const refusal = await fairway.pauseCampaign(campaign.id).catch(({ name, status, code }) => ({ name, status, code }));
const club = fairway.connect({ baseUrl: process.env.FAIRWAY_BASE_URL, apiKey: "wrong" });
const stranger = await club.listCampaigns().catch(({ code }) => code);
console.log(JSON.stringify({ campaign, scheduled, stats, status, captured, texts, posts, refusal, stranger }));
"#;

#[tokio::test]
async fn the_documents_example_runs_under_node_and_its_campaign_is_sent() {
    // Two providers of cryptography are linked into the tests; name ours.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(dir.path());
    demo.is_up(dir.path()).await;
    let date = chrono::Utc::now() + chrono::TimeDelta::days(30);
    let date = date.format("%Y-%m-%dT09:00:00Z").to_string();
    let script = format!("{BEFORE}{}{AFTER}", EXAMPLE.replace("DATE", &date));
    let seen = node(&demo, dir.path(), &script).await;

    assert_eq!(seen["campaign"]["status"], "DRAFT");
    let scheduled = &seen["scheduled"];
    assert_eq!(scheduled["status"], "SCHEDULED");
    assert_eq!(scheduled["scheduledAt"], date);
    assert_eq!(scheduled["segmentId"], "active-golfers-segment-id");
    assert_eq!(scheduled["timezone"], "Africa/Johannesburg");
    assert_eq!(
        scheduled["channels"],
        serde_json::json!(["EMAIL", "SMS", "FACEBOOK"])
    );
    assert_eq!(
        scheduled["content"],
        serde_json::json!({
            "email": { "templateId": "tournament-invite-email" },
            "sms": { "templateId": "tournament-invite-sms" },
            "social": {
                "content": "Join us for the Summer Tournament 2024!",
                "mediaUrls": ["https://..."],
                "platforms": ["FACEBOOK", "INSTAGRAM"],
            },
        })
    );
    let stats = &seen["stats"];
    assert!(stats["sentCount"].as_i64().unwrap() > 0, "{stats}");
    assert_eq!(seen["status"], "COMPLETED", "{stats}");
    let sent = |channel: &str| stats["channels"][channel]["sentCount"].as_i64().unwrap();
    assert!(sent("EMAIL") > 0 && sent("SMS") > 0, "{stats}");
    // A post on each platform: of a post, a target is an account.
    assert_eq!(stats["channels"]["SOCIAL"]["targetCount"], 2, "{stats}");
    assert_eq!(sent("SOCIAL"), 2, "{stats}");
    assert_eq!(stats["sentCount"], sent("EMAIL") + sent("SMS") + 2);
    let posts = seen["posts"]["items"].as_array().unwrap();
    let mut places: Vec<_> = posts.iter().map(|post| post["to"].as_str().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places, ["Facebook", "Instagram"]);
    assert!(
        posts
            .iter()
            .all(|post| post["body"] == "Join us for the Summer Tournament 2024!")
    );
    let texts = seen["texts"]["items"].as_array().unwrap();
    assert!(!texts.is_empty());
    assert!(texts.iter().all(|text| {
        text["channel"] == "SMS"
            && text["to"].as_str().is_some_and(|to| to.starts_with('+'))
            && text["body"].as_str().is_some_and(|body| body.contains("/u/"))
    }));
    let mails = seen["captured"]["items"].as_array().unwrap();
    assert!(!mails.is_empty());
    assert!(mails.iter().all(|mail| {
        mail["channel"] == "EMAIL"
            && mail["campaignId"] == seen["campaign"]["id"]
            && mail["to"].as_str().is_some_and(|to| to.contains('@'))
            && mail["body"].as_str().is_some_and(|body| body.contains("/u/"))
    }));
    assert_eq!(
        seen["refusal"],
        serde_json::json!({ "name": "FairwayError", "status": 409, "code": "illegal_transition" })
    );
    assert_eq!(seen["stranger"], "key_needed");
}
