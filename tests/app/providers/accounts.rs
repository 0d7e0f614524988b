//! Accounts on social platforms, from the administrator's form to posts that are there.

use crate::segments::pages::{attribute, texts};
use crate::support::TestApp;
use crate::support::standin::{StandIn, Told};
use chrono::TimeDelta;
use fairway::domain::{Role, Status};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Meta's Graph API for a page 1001 and the Instagram account 17 that belongs to it.
async fn meta() -> StandIn {
    StandIn::start(|asked| {
        if asked.header("authorization") != "Bearer page-token" {
            let error = json!({ "message": "Invalid OAuth access token.", "code": 190 });
            return Told::Json(400, json!({ "error": error }));
        }
        let answer = match asked.line().as_str() {
            "GET /1001" => json!({ "id": "1001", "name": "Links" }),
            "GET /17" => json!({ "id": "17", "username": "links" }),
            "POST /1001/photos" => json!({ "id": "77", "post_id": "1001_6" }),
            "GET /1001_6" => json!({ "permalink_url": "https://www.facebook.com/links/posts/6" }),
            "POST /17/media" => json!({ "id": "c1" }),
            "GET /c1" => json!({ "status_code": "FINISHED" }),
            "POST /17/media_publish" => json!({ "id": "180" }),
            "GET /180" => json!({ "permalink": "https://www.instagram.com/p/abc/" }),
            _ => return Told::Json(404, json!({ "error": { "message": "no", "code": 100 } })),
        };
        Told::Json(200, answer)
    })
    .await
}

fn fields(own: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    own.iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn the_documents_campaign_is_posted_on_both_of_its_platforms() {
    let app = TestApp::spawn().await;
    app.people(2).await;
    app.template_on(
        fairway::domain::Channel::Email,
        "tournament-invite-email",
        "Invitation",
        "<p>Come</p>",
    )
    .await;
    app.template_on(fairway::domain::Channel::Sms, "tournament-invite-sms", "", "Come")
        .await;
    let server = meta().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let common = [("token", "page-token"), ("home", server.address.as_str())];
    let page = [[("name", "Links on Facebook"), ("page", "1001")], common].concat();
    admin.activate_provider("facebook", &fields(&page)).await;
    let account = [[("name", "@links"), ("user", "17")], common].concat();
    admin.activate_provider("instagram", &fields(&account)).await;

    let api = app.program(Role::Manager).await;
    let new = json!({
        "name": "Summer Tournament 2024", "type": "ONE_TIME", "segmentId": "everyone",
        "channels": ["EMAIL", "SMS", "FACEBOOK"], "scheduledAt": "2026-06-01T09:00:00Z",
        "timezone": "Africa/Johannesburg",
    });
    let campaign = api.post("/campaigns", &new).await.is(201);
    let id = campaign["id"].as_str().unwrap();
    let content = json!({
        "email": { "templateId": "tournament-invite-email" },
        "sms": { "templateId": "tournament-invite-sms" },
        "social": {
            "content": "Join us for the Summer Tournament 2024!",
            "mediaUrls": ["https://..."],
            "platforms": ["FACEBOOK", "INSTAGRAM"],
        },
    });
    api.put(&format!("/campaigns/{id}/content"), &content)
        .await
        .is(200);
    api.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    app.cx.clock.set("2026-06-01T09:00:00Z".parse().unwrap());
    app.work().await;
    app.tick().await;

    let photo = server.of("POST /1001/photos");
    assert_eq!(photo.len(), 1);
    assert_eq!(
        photo[0].field("caption"),
        "Join us for the Summer Tournament 2024!"
    );
    assert_eq!(photo[0].field("url"), "https://...");
    let container = server.of("POST /17/media");
    assert_eq!(container.len(), 1);
    assert_eq!(
        container[0].field("caption"),
        "Join us for the Summer Tournament 2024!"
    );
    assert_eq!(server.of("POST /17/media_publish").len(), 1);

    let stats = api.get(&format!("/campaigns/{id}/stats")).await.is(200);
    let on = &stats["channels"]["SOCIAL"];
    assert_eq!(
        (&on["targetCount"], &on["sentCount"], &on["deliveredCount"]),
        (&json!(2), &json!(2), &json!(2))
    );
    assert_eq!(app.status(id.parse().unwrap()).await, Status::Completed);
    let captured = api
        .get(&format!("/captured?channel=SOCIAL&campaign={id}"))
        .await
        .is(200);
    assert_eq!(captured["items"], json!([]), "they went out");
    let ledger = api
        .get(&format!("/campaigns/{id}/deliveries?status=SENT"))
        .await
        .is(200);
    let mut links: Vec<_> = ledger["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["permalink"].as_str())
        .collect();
    links.sort_unstable();
    assert_eq!(
        links,
        [
            "https://www.facebook.com/links/posts/6",
            "https://www.instagram.com/p/abc/"
        ]
    );
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page(&format!("/campaigns/{id}")).await;
    let rows = texts(&page, "section[aria-labelledby=posts-title] tbody th");
    assert_eq!(rows, ["Links on FacebookFacebook", "@linksInstagram"]);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_wrong_token_is_said_in_a_sentence_and_one_accounts_trouble_is_not_the_others() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let is_down = Arc::new(AtomicBool::new(false));
    let down = is_down.clone();
    let server = StandIn::start(move |asked| match asked.header("authorization") {
        "Bearer sick" if down.load(Ordering::SeqCst) => Told::Json(503, json!({ "error": "down" })),
        "Bearer sick" | "Bearer well" => match asked.line().as_str() {
            "POST /api/v1/statuses" => {
                Told::Json(200, json!({ "id": "1", "url": "https://social.example/1" }))
            }
            "GET /api/v1/accounts/14/statuses" => Told::Json(200, json!([])),
            _ => Told::Json(200, json!({ "id": "14" })),
        },
        _ => Told::Json(401, json!({ "error": "The access token is invalid" })),
    })
    .await;
    let admin = app.sign_in_as(Role::Admin).await;
    let mastodon = |name: &'static str, token: &'static str| {
        fields(&[("name", name), ("home", &server.address), ("token", token)])
    };
    let wrong = admin.add_provider("mastodon", &mastodon("Wrong", "wrong")).await;
    admin.post(&format!("/settings/channels/{wrong}/test"), &[]).await;
    let page = admin.page(&format!("/settings/channels/{wrong}")).await;
    assert!(page.contains("The access token is invalid"), "{page}");
    assert!(attribute(&page, "input[name=token]", "value").is_none_or(|value| value.is_empty()));

    admin
        .activate_provider("mastodon", &mastodon("Sick", "sick"))
        .await;
    admin
        .activate_provider("mastodon", &mastodon("Well", "well"))
        .await;
    is_down.store(true, Ordering::SeqCst);
    let api = app.program(Role::Manager).await;
    let new = json!({ "name": "Cup", "type": "ONE_TIME", "channels": ["MASTODON"] });
    let id = api.post("/campaigns", &new).await.is(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let content = json!({ "social": { "content": "Join us", "mediaUrls": [], "platforms": ["MASTODON"] } });
    api.put(&format!("/campaigns/{id}/content"), &content)
        .await
        .is(200);
    api.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    app.tick().await;
    app.drain().await;
    let number = id.parse().unwrap();
    assert_eq!(app.states(number).await, "QUEUED 1, SENT 1");
    is_down.store(false, Ordering::SeqCst);
    app.advance(TimeDelta::minutes(2));
    app.work().await;
    assert_eq!(app.states(number).await, "SENT 2");
    app.check_ledger().await;
}
