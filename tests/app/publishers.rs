//! Each platform's client against a stand-in that checks what it is sent and answers as the
//! platform documents: what is posted, what is refused, what is looked up, what came of it.

use crate::support::standin::{Asked, StandIn, Told};
use crate::support::start;
use chrono::TimeDelta;
use fairway::clock::Clock;
use fairway::domain::Platform;
use fairway::messaging::post::{Media, Post, Tracked};
use fairway::messaging::{Adapter, Engagement, Found, Outgoing, Receipt, SendError};
use fairway::outbound::Outbound;
use fairway::social::{Account, Bluesky, Facebook, Graph, Instagram, Keys, LinkedIn, Mastodon, X};
use serde_json::{Value, json};
use std::time::Duration;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture";
const TRACKED: &str = "https://club.example/t/c/abc";

fn outbound() -> Outbound {
    // Two providers of cryptography are linked into the tests; name ours.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Outbound::new(true).unwrap()
}

/// “Enter: https://club.example/cup #golf” with these pictures.
fn message(platform: Platform, media: &[String]) -> Outgoing {
    let text = "Enter: https://club.example/cup #golf";
    let post = Post {
        platform,
        account: "account".into(),
        text: text.into(),
        links: vec![Tracked {
            start: 7,
            end: 31,
            url: TRACKED.into(),
        }],
        media: media.iter().map(|url| Media { url: url.clone() }).collect(),
        made_at: start(),
    };
    Outgoing {
        to: "The club".into(),
        text: post.tracked_text(),
        message_id: "7.1@club.example".into(),
        date: start().timestamp(),
        post: Some(Box::new(post)),
        ..Outgoing::default()
    }
}

fn text() -> String {
    format!("Enter: {TRACKED} #golf")
}

fn picture() -> Told {
    Told::Whole(200, vec![("Content-Type", "image/jpeg".into())], JPEG.to_vec())
}

fn ok(json: Value) -> Told {
    Told::Json(200, json)
}

fn seen(receipt: &Receipt) -> (&str, &str) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    assert!(receipt.is_delivered && receipt.captured.is_none());
    assert!(!text(&receipt.provider_id).is_empty());
    (
        receipt.provider_id.as_deref().unwrap_or_default(),
        receipt.permalink.as_deref().unwrap_or_default(),
    )
}

fn counts(likes: i64, comments: i64, shares: i64) -> Option<Engagement> {
    Some(Engagement {
        likes: Some(likes),
        comments: Some(comments),
        shares: Some(shares),
    })
}

fn mastodon(server: &StandIn) -> Account<Mastodon> {
    Account(Mastodon {
        home: server.address.clone(),
        token: "the-token".into(),
        outbound: outbound(),
        rest: Duration::from_millis(1),
    })
}

fn status(id: &str, text: &str, at: &str) -> Value {
    json!({
        "id": id, "url": format!("https://social.example/@club/{id}"), "created_at": at,
        "content": format!("<p>{}</p>", text.replace("https://", "<a><span class=\"invisible\">https://</span>")),
        "favourites_count": 3, "replies_count": 2, "reblogs_count": 1,
    })
}

#[tokio::test]
async fn mastodon_is_posted_to_with_a_key_that_makes_repeating_harmless() {
    let server = StandIn::start(|asked| match asked.line().as_str() {
        "GET /cup.jpg" | "GET /film.mp4" => picture(),
        "POST /api/v2/media" => Told::Json(202, json!({ "id": "m1", "url": null })),
        "GET /api/v1/media/m1" => ok(json!({ "id": "m1", "url": "https://social.example/m1" })),
        "POST /api/v1/statuses" => ok(status("109", "x", "2026-03-02T08:00:01.000Z")),
        "GET /api/v1/accounts/verify_credentials" => ok(json!({ "id": "14" })),
        "GET /api/v1/accounts/14/statuses" => ok(json!([
            status("110", "Another", "2026-03-02T08:00:05.000Z"),
            status("109", &text(), "2026-03-02T08:00:01.000Z"),
        ])),
        "GET /api/v1/statuses/109" => ok(status("109", "x", "2026-03-02T08:00:01.000Z")),
        _ => Told::Json(404, json!({ "error": "Record not found" })),
    })
    .await;
    let account = mastodon(&server);
    let message = message(Platform::Mastodon, &[format!("{}/cup.jpg", server.address)]);
    let receipt = account.send(&message).await.unwrap();
    assert_eq!(seen(&receipt), ("109", "https://social.example/@club/109"));
    let upload = server.of("POST /api/v2/media").remove(0);
    assert_eq!(upload.header("authorization"), "Bearer the-token");
    assert!(
        upload
            .header("content-type")
            .starts_with("multipart/form-data; boundary=")
    );
    let body = upload.text();
    assert!(
        body.contains("name=\"file\"; filename=\"media.jpeg\"") && body.contains("a picture"),
        "{body}"
    );
    let posted = server.of("POST /api/v1/statuses").remove(0);
    assert_eq!(posted.header("authorization"), "Bearer the-token");
    assert_eq!(posted.header("idempotency-key"), "7.1@club.example");
    assert_eq!(
        posted.json(),
        json!({ "status": text(), "media_ids": ["m1"], "visibility": "public" })
    );
    let found = account.look_up(&message).await.unwrap();
    let Found::Taken(there) = found else {
        panic!("{found:?}")
    };
    assert_eq!(seen(&there).0, "109");
    assert_eq!(
        account.engagement("account", "109").await.unwrap(),
        counts(3, 2, 1)
    );
    account.check().await.unwrap();
}

#[tokio::test]
async fn what_mastodon_refuses_is_told_apart() {
    let server = StandIn::start(|asked| match asked.header("authorization") {
        "Bearer slow" => Told::Whole(429, vec![("Retry-After", "90".into())], b"{}".to_vec()),
        "Bearer wrong" => Told::Json(401, json!({ "error": "The access token is invalid" })),
        "Bearer long" => Told::Json(
            422,
            json!({ "error": "Validation failed: Text limit of 500 exceeded" }),
        ),
        "Bearer down" => Told::Json(503, json!({})),
        _ => Told::HangUp,
    })
    .await;
    let message = message(Platform::Mastodon, &[]);
    for (token, expected) in [
        ("slow", "Temporary 90"),
        ("wrong", "Temporary"),
        ("long", "Permanent"),
        ("down", "Ambiguous"),
        ("silent", "Ambiguous"),
    ] {
        let mut account = mastodon(&server);
        account.0.token = token.into();
        let error = account.send(&message).await.unwrap_err();
        let word = match &error {
            SendError::Temporary {
                retry_after: Some(rest),
                ..
            } => format!("Temporary {}", rest.as_secs()),
            SendError::Temporary { .. } => "Temporary".into(),
            SendError::Permanent { .. } => "Permanent".into(),
            SendError::Ambiguous { .. } => "Ambiguous".into(),
            other => format!("{other:?}"),
        };
        assert_eq!(word, expected, "{token}: {error}");
    }
    let mut account = mastodon(&server);
    account.0.home = "http://127.0.0.1:9".into();
    let error = account.send(&message).await.unwrap_err();
    assert!(
        matches!(error, SendError::Temporary { .. }),
        "one account's trouble is its own: {error:?}"
    );
}

#[tokio::test]
async fn a_picture_that_cannot_be_posted_keeps_the_post_from_going_out() {
    let server = StandIn::start(|asked| match asked.line().as_str() {
        "GET /page.jpg" => Told::Whole(200, vec![], b"<!doctype html>".to_vec()),
        "GET /huge.jpg" => Told::Whole(200, vec![], vec![0xff; 17_000_000]),
        "GET /busy.jpg" => Told::Json(503, json!({})),
        _ => Told::Json(404, json!({})),
    })
    .await;
    for (name, is_final, words) in [
        ("page.jpg", true, "it is no picture or film"),
        (
            "huge.jpg",
            true,
            "it is larger than the 16 MB that Mastodon takes",
        ),
        ("gone.jpg", true, "its server answers 404"),
        ("busy.jpg", false, "did not come: 503"),
    ] {
        let message = message(Platform::Mastodon, &[format!("{}/{name}", server.address)]);
        let error = mastodon(&server).send(&message).await.unwrap_err();
        assert_eq!(
            matches!(error, SendError::Permanent { .. }),
            is_final,
            "{name}: {error}"
        );
        assert!(error.to_string().contains(words), "{name}: {error}");
    }
    assert_eq!(server.of("POST /api/v1/statuses").len(), 0);
}

fn graph(server: &StandIn) -> Graph {
    Graph {
        home: server.address.clone(),
        token: "page-token".into(),
        app_secret: Some("app-secret".into()),
        outbound: outbound(),
    }
}

fn facebook(server: &StandIn) -> Account<Facebook> {
    Account(Facebook {
        graph: graph(server),
        page: "1001".into(),
    })
}

/// HMAC-SHA256 of `page-token` under `app-secret`, in hexadecimal.
fn proof() -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"app-secret").unwrap();
    mac.update(b"page-token");
    let code = mac.finalize().into_bytes();
    code.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signed(asked: &Asked) {
    assert_eq!(asked.header("authorization"), "Bearer page-token", "{asked:?}");
    assert_eq!(asked.field("appsecret_proof"), proof(), "{asked:?}");
}

#[tokio::test]
async fn a_facebook_page_gets_text_with_its_link_one_photo_several_and_a_film() {
    let server = StandIn::start(|asked| match asked.line().as_str() {
        "POST /1001/feed" => ok(json!({ "id": "1001_5" })),
        "POST /1001/photos" if asked.field("published") == "false" => ok(json!({ "id": asked.field("url") })),
        "POST /1001/photos" => ok(json!({ "id": "77", "post_id": "1001_6" })),
        "POST /1001/videos" => ok(json!({ "id": "88" })),
        "GET /1001" => ok(json!({ "id": "1001", "name": "Links" })),
        line if line.starts_with("GET /1001_") => ok(json!({
            "permalink_url": "https://www.facebook.com/links/posts/5",
            "reactions": { "summary": { "total_count": 12 } }, "comments": { "summary": { "total_count": 4 } },
        })),
        _ => Told::Json(404, json!({ "error": { "message": "no", "code": 100 } })),
    })
    .await;
    let account = facebook(&server);
    let receipt = account.send(&message(Platform::Facebook, &[])).await.unwrap();
    assert_eq!(
        seen(&receipt),
        ("1001_5", "https://www.facebook.com/links/posts/5")
    );
    let feed = server.of("POST /1001/feed").remove(0);
    signed(&feed);
    assert_eq!(
        (feed.field("message"), feed.field("link")),
        (text(), TRACKED.into())
    );

    let [one, two] = ["https://club.example/1.jpg", "https://club.example/2.jpg"].map(str::to_owned);
    let receipt = account
        .send(&message(Platform::Facebook, std::slice::from_ref(&one)))
        .await
        .unwrap();
    assert_eq!(seen(&receipt).0, "1001_6");
    let photo = server.of("POST /1001/photos").remove(0);
    signed(&photo);
    assert_eq!(
        (photo.field("url"), photo.field("caption")),
        (one.clone(), text())
    );

    account
        .send(&message(Platform::Facebook, &[one.clone(), two.clone()]))
        .await
        .unwrap();
    let feed = server.of("POST /1001/feed").remove(1);
    assert_eq!(
        feed.field("attached_media[0]"),
        json!({ "media_fbid": one }).to_string()
    );
    assert_eq!(
        feed.field("attached_media[1]"),
        json!({ "media_fbid": two }).to_string()
    );
    assert_eq!(
        (feed.field("message"), feed.field("link")),
        (text(), String::new())
    );

    let film = "https://club.example/swing.mp4".to_owned();
    let receipt = account
        .send(&message(Platform::Facebook, std::slice::from_ref(&film)))
        .await
        .unwrap();
    assert_eq!(
        seen(&receipt),
        ("88", "https://www.facebook.com/88"),
        "it is there all the same"
    );
    let video = server.of("POST /1001/videos").remove(0);
    assert_eq!(
        (video.field("file_url"), video.field("description")),
        (film, text())
    );

    assert_eq!(
        account.engagement("account", "1001_5").await.unwrap(),
        counts(12, 4, 0)
    );
    account.check().await.unwrap();
}

#[tokio::test]
async fn facebooks_own_codes_say_what_became_of_a_post() {
    let server = StandIn::start(|asked| match asked.line().as_str() {
        "GET /1001/published_posts" => ok(json!({ "data": [
            { "id": "1001_9", "message": text(), "created_time": "2026-03-01T08:00:00+0000" },
            { "id": "1001_5", "message": text(), "created_time": "2026-03-02T08:00:02+0000",
              "permalink_url": "https://www.facebook.com/5" },
        ] })),
        _ => {
            let code: i64 = asked
                .header("authorization")
                .trim_start_matches("Bearer ")
                .parse()
                .unwrap();
            Told::Json(
                400,
                json!({ "error": { "message": "said", "code": code, "type": "OAuthException" } }),
            )
        }
    })
    .await;
    for (code, expected) in [
        (190, "temporary"),
        (200, "temporary"),
        (32, "temporary, in 900 s"),
        (2, "ambiguous"),
        (506, "ambiguous"),
        (100, "permanent"),
    ] {
        let mut account = facebook(&server);
        account.0.graph.token = code.to_string().into();
        let word = match account.send(&message(Platform::Facebook, &[])).await.unwrap_err() {
            SendError::Temporary {
                retry_after: Some(rest),
                ..
            } => format!("temporary, in {} s", rest.as_secs()),
            SendError::Temporary { .. } => "temporary".into(),
            SendError::Permanent { .. } => "permanent".into(),
            SendError::Ambiguous { .. } => "ambiguous".into(),
            other => format!("{other:?}"),
        };
        assert_eq!(word, expected, "{code}");
    }
    let found = facebook(&server)
        .look_up(&message(Platform::Facebook, &[]))
        .await
        .unwrap();
    let Found::Taken(there) = found else {
        panic!("{found:?}")
    };
    assert_eq!(seen(&there), ("1001_5", "https://www.facebook.com/5"));
}

#[tokio::test]
async fn instagram_makes_a_container_waits_for_it_and_publishes_it() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let asks = AtomicUsize::new(0);
    let made = AtomicUsize::new(0);
    let server = StandIn::start(move |asked| match asked.line().as_str() {
        "POST /17/media" => ok(json!({ "id": format!("c{}", made.fetch_add(1, Ordering::SeqCst)) })),
        "POST /17/media_publish" => ok(json!({ "id": "180" })),
        "GET /180" => ok(json!({
            "permalink": "https://www.instagram.com/p/abc/", "like_count": 9, "comments_count": 1,
        })),
        "GET /17/media" => ok(json!({ "data": [
            { "id": "180", "caption": text(), "permalink": "https://www.instagram.com/p/abc/",
              "timestamp": "2026-03-02T08:01:00+0000" },
        ] })),
        "GET /17" => ok(json!({ "id": "17", "username": "links" })),
        _ => match asks.fetch_add(1, Ordering::SeqCst) {
            0 => ok(json!({ "status_code": "IN_PROGRESS" })),
            _ => ok(json!({ "status_code": "FINISHED" })),
        },
    })
    .await;
    let account = Account(Instagram {
        graph: graph(&server),
        user: "17".into(),
        rest: Duration::from_millis(1),
    });
    let [jpg, mp4] = ["https://club.example/1.jpg", "https://club.example/2.mp4"].map(str::to_owned);
    let image = message(Platform::Instagram, std::slice::from_ref(&jpg));
    let receipt = account.send(&image).await.unwrap();
    assert_eq!(seen(&receipt), ("180", "https://www.instagram.com/p/abc/"));
    let container = server.of("POST /17/media").remove(0);
    signed(&container);
    assert_eq!(
        (container.field("image_url"), container.field("caption")),
        (jpg.clone(), text())
    );
    assert_eq!(server.of("GET /c0").len(), 2, "it was not ready at once");
    assert_eq!(server.of("POST /17/media_publish")[0].field("creation_id"), "c0");

    account
        .send(&message(Platform::Instagram, std::slice::from_ref(&mp4)))
        .await
        .unwrap();
    let reel = server.of("POST /17/media").remove(1);
    assert_eq!(
        (reel.field("media_type"), reel.field("video_url")),
        ("REELS".into(), mp4.clone())
    );

    account
        .send(&message(Platform::Instagram, &[jpg, mp4]))
        .await
        .unwrap();
    let made = server.of("POST /17/media");
    let kinds: Vec<_> = made[2..].iter().map(|asked| asked.field("media_type")).collect();
    assert_eq!(kinds, ["", "VIDEO", "CAROUSEL"]);
    assert_eq!(made[2].field("is_carousel_item"), "true");
    assert_eq!(
        (made[4].field("children"), made[4].field("caption")),
        ("c2,c3".into(), text())
    );

    let found = account.look_up(&image).await.unwrap();
    let Found::Taken(there) = found else {
        panic!("{found:?}")
    };
    assert_eq!(seen(&there).0, "180");
    let engagement = account.engagement("account", "180").await.unwrap().unwrap();
    assert_eq!(
        (engagement.likes, engagement.comments, engagement.shares),
        (Some(9), Some(1), None)
    );
    account.check().await.unwrap();
    let nothing = account.send(&message(Platform::Instagram, &[])).await;
    assert!(matches!(nothing, Err(SendError::Permanent { .. })), "{nothing:?}");
}

#[tokio::test]
async fn linkedin_gets_its_pictures_and_a_text_that_means_nothing_but_its_hashtags() {
    let server = StandIn::start(|asked| {
        let home = asked.header("host");
        match asked.line().as_str() {
            "GET /1.jpg" | "GET /2.jpg" => picture(),
            "POST /rest/images" => ok(json!({ "value": {
                "uploadUrl": format!("http://{home}/upload/1"), "image": "urn:li:image:C1",
            } })),
            "PUT /upload/1" => Told::Whole(201, vec![], vec![]),
            "POST /rest/posts" => Told::Whole(201, vec![("x-restli-id", "urn:li:share:7".into())], vec![]),
            "GET /rest/posts" => ok(json!({ "elements": [
                { "id": "urn:li:share:7", "createdAt": 1_772_438_401_000_i64,
                  "commentary": format!("Enter: {TRACKED} {{hashtag|\\#|golf}}") },
            ] })),
            "GET /rest/organizationalEntityShareStatistics" => ok(json!({ "elements": [
                { "totalShareStatistics": { "likeCount": 5, "commentCount": 2, "shareCount": 1 } },
            ] })),
            _ => Told::Json(404, json!({ "message": "no", "status": 404 })),
        }
    })
    .await;
    let account = Account(LinkedIn {
        home: server.address.clone(),
        organization: "42".into(),
        token: "the-token".into(),
        version: "202606".into(),
        outbound: outbound(),
    });
    let pictures = ["1.jpg", "2.jpg"].map(|name| format!("{}/{name}", server.address));
    let message = message(Platform::LinkedIn, &pictures);
    let receipt = account.send(&message).await.unwrap();
    assert_eq!(
        seen(&receipt),
        (
            "urn:li:share:7",
            "https://www.linkedin.com/feed/update/urn:li:share:7"
        )
    );
    let begun = server.of("POST /rest/images").remove(0);
    assert_eq!(begun.field("action"), "initializeUpload");
    assert_eq!(
        begun.json()["initializeUploadRequest"]["owner"],
        "urn:li:organization:42"
    );
    let put = server.of("PUT /upload/1").remove(0);
    assert_eq!(
        (put.body.as_slice(), put.header("content-type")),
        (JPEG, "image/jpeg")
    );
    let posted = server.of("POST /rest/posts").remove(0);
    for (name, value) in [
        ("authorization", "Bearer the-token"),
        ("linkedin-version", "202606"),
        ("x-restli-protocol-version", "2.0.0"),
    ] {
        assert_eq!(posted.header(name), value);
    }
    let body = posted.json();
    assert_eq!(body["author"], "urn:li:organization:42");
    assert_eq!(
        body["commentary"],
        format!("Enter: {TRACKED} {{hashtag|\\#|golf}}")
    );
    assert_eq!(body["lifecycleState"], "PUBLISHED");
    assert_eq!(
        body["content"]["multiImage"]["images"],
        json!([{ "id": "urn:li:image:C1" }, { "id": "urn:li:image:C1" }])
    );
    let found = account.look_up(&message).await.unwrap();
    let Found::Taken(there) = found else {
        panic!("{found:?}")
    };
    assert_eq!(seen(&there).0, "urn:li:share:7");
    let listed = server.of("GET /rest/posts").remove(0);
    assert_eq!(
        (listed.field("author"), listed.field("q")),
        ("urn:li:organization:42".into(), "author".into())
    );
    assert_eq!(
        account.engagement("account", "urn:li:share:7").await.unwrap(),
        counts(5, 2, 1)
    );
    let asked = server
        .of("GET /rest/organizationalEntityShareStatistics")
        .remove(0);
    assert_eq!(asked.field("shares"), "List(urn:li:share:7)");
    account.check().await.unwrap();
}

#[tokio::test]
async fn x_is_asked_with_a_signature_of_the_account() {
    let server = StandIn::start(|asked| match asked.line().as_str() {
        "GET /cup.jpg" => picture(),
        "POST /2/media/upload" => ok(json!({ "data": { "id": "1146" } })),
        "POST /2/tweets" => Told::Json(201, json!({ "data": { "id": "900", "text": "Enter" } })),
        "GET /2/users/me" => ok(json!({ "data": { "id": "55", "username": "links" } })),
        "GET /2/users/55/tweets" => ok(json!({ "data": [ {
            "id": "900", "text": "Enter: https://t.co/a #golf https://t.co/pic", "created_at": "2026-03-02T08:00:03.000Z",
            "entities": { "urls": [
                { "url": "https://t.co/a", "expanded_url": TRACKED },
                { "url": "https://t.co/pic", "expanded_url": "https://x.com/links/status/900/photo/1", "media_key": "3_1146" },
            ] },
        } ] })),
        "GET /2/tweets/900" => ok(json!({ "data": { "public_metrics": {
            "like_count": 8, "reply_count": 3, "retweet_count": 2, "quote_count": 1,
        } } })),
        _ => Told::Json(404, json!({ "title": "Not Found Error" })),
    })
    .await;
    let account = x(&server);
    let message = message(Platform::X, &[format!("{}/cup.jpg", server.address)]);
    let receipt = account.send(&message).await.unwrap();
    assert_eq!(seen(&receipt), ("900", "https://x.com/i/status/900"));
    let upload = server.of("POST /2/media/upload").remove(0);
    assert!(upload.text().contains("tweet_image") && upload.text().contains("a picture"));
    let posted = server.of("POST /2/tweets").remove(0);
    assert_eq!(
        posted.json(),
        json!({ "text": text(), "media": { "media_ids": ["1146"] } })
    );
    let signed = posted.header("authorization");
    let part = |name: &str| {
        let from = signed.split(&format!("{name}=\"")).nth(1).unwrap();
        from.split('"').next().unwrap().to_owned()
    };
    assert_eq!(
        (part("oauth_consumer_key"), part("oauth_token")),
        ("app".into(), "account".into())
    );
    // Signed with both secrets, for this address, this once.
    let url = format!("{}/2/tweets", server.address).parse().unwrap();
    let again = account
        .0
        .keys
        .authorization("POST", &url, &part("oauth_nonce"), start().timestamp());
    assert_eq!(signed, again);
    let found = account.look_up(&message).await.unwrap();
    let Found::Taken(there) = found else {
        panic!("{found:?}")
    };
    assert_eq!(seen(&there), ("900", "https://x.com/links/status/900"));
    assert_eq!(
        account.engagement("account", "900").await.unwrap(),
        counts(8, 3, 3)
    );
    account.check().await.unwrap();
}

fn x(server: &StandIn) -> Account<X> {
    Account(X {
        home: server.address.clone(),
        keys: Keys {
            consumer: "app".into(),
            consumer_secret: "app-secret".into(),
            token: "account".into(),
            token_secret: "account-secret".into(),
        },
        outbound: outbound(),
        clock: Clock::manual(start()),
    })
}

#[tokio::test]
async fn x_rests_until_its_window_ends_and_a_duplicate_is_looked_up() {
    let reset = (start() + TimeDelta::seconds(600)).timestamp().to_string();
    let server = StandIn::start(move |asked| match asked.json()["text"].as_str() {
        Some(_) => Told::Whole(429, vec![("x-rate-limit-reset", reset.clone())], b"{}".to_vec()),
        None => Told::Json(404, json!({})),
    })
    .await;
    let error = x(&server).send(&message(Platform::X, &[])).await.unwrap_err();
    let rest = match error {
        SendError::Temporary { retry_after, .. } => retry_after,
        other => panic!("{other:?}"),
    };
    assert_eq!(rest, Some(Duration::from_secs(600)));
    let said = "You are not allowed to create a Tweet with duplicate content.";
    let server =
        StandIn::start(move |_| Told::Json(403, json!({ "detail": said, "title": "Forbidden" }))).await;
    let error = x(&server).send(&message(Platform::X, &[])).await.unwrap_err();
    assert!(matches!(error, SendError::Ambiguous { .. }), "{error:?}");
}

fn bluesky(server: &StandIn) -> Account<Bluesky> {
    Account(Bluesky {
        home: server.address.clone(),
        identifier: "links.example".into(),
        password: "app-password".into(),
        outbound: outbound(),
        session: Default::default(),
    })
}

#[tokio::test]
async fn bluesky_gets_a_record_whose_key_is_the_same_each_time() {
    use std::sync::Mutex;
    let there = Mutex::new(None::<Value>);
    let server = StandIn::start(move |asked| match asked.line().as_str() {
        "GET /cup.jpg" => picture(),
        "POST /xrpc/com.atproto.server.createSession" => {
            ok(json!({ "accessJwt": "jwt", "did": "did:plc:abc", "handle": "links.example" }))
        }
        _ if asked.header("authorization") != "Bearer jwt" => Told::Json(401, json!({ "error": "AuthMissing" })),
        "POST /xrpc/com.atproto.repo.uploadBlob" => ok(json!({ "blob": { "$type": "blob", "size": 14 } })),
        "POST /xrpc/com.atproto.repo.createRecord" => {
            let mut there = there.lock().unwrap();
            match there.is_some() {
                true => Told::Json(400, json!({ "error": "InvalidRequest", "message": "Record already exists" })),
                false => {
                    *there = Some(asked.json());
                    ok(json!({ "uri": format!("at://x/{}", asked.json()["rkey"].as_str().unwrap()), "cid": "c" }))
                }
            }
        }
        "GET /xrpc/com.atproto.repo.getRecord" => match &*there.lock().unwrap() {
            Some(record) if record["rkey"] == asked.field("rkey").as_str() => ok(json!({ "uri": "at://x" })),
            _ => Told::Json(400, json!({ "error": "RecordNotFound" })),
        },
        "GET /xrpc/app.bsky.feed.getPosts" => ok(json!({ "posts": [
            { "likeCount": 6, "replyCount": 2, "repostCount": 3, "quoteCount": 1 },
        ] })),
        _ => Told::Json(404, json!({})),
    })
    .await;
    let account = bluesky(&server);
    let message = message(Platform::Bluesky, &[format!("{}/cup.jpg", server.address)]);
    assert_eq!(account.look_up(&message).await.unwrap(), Found::Not);
    let receipt = account.send(&message).await.unwrap();
    let again = account.send(&message).await.unwrap();
    assert_eq!(receipt, again, "it is there once");
    let made = server.of("POST /xrpc/com.atproto.repo.createRecord");
    let body = made[0].json();
    assert_eq!(body["rkey"], made[1].json()["rkey"]);
    let key = body["rkey"].as_str().unwrap();
    let uri = format!("at://did:plc:abc/app.bsky.feed.post/{key}");
    let link = format!("https://bsky.app/profile/links.example/post/{key}");
    assert_eq!(seen(&receipt), (uri.as_str(), link.as_str()));
    let record = &body["record"];
    assert_eq!(
        record["text"], "Enter: https://club.example/cup #golf",
        "readers see what was written"
    );
    assert_eq!(
        record["facets"],
        json!([
            { "index": { "byteStart": 7, "byteEnd": 31 },
              "features": [{ "$type": "app.bsky.richtext.facet#link", "uri": TRACKED }] },
            { "index": { "byteStart": 32, "byteEnd": 37 },
              "features": [{ "$type": "app.bsky.richtext.facet#tag", "tag": "golf" }] },
        ])
    );
    assert_eq!(record["embed"]["images"][0]["image"]["$type"], "blob");
    assert_eq!(record["createdAt"], "2026-03-02T08:00:00.000Z");
    let upload = server.of("POST /xrpc/com.atproto.repo.uploadBlob").remove(0);
    assert_eq!(
        (upload.body.as_slice(), upload.header("content-type")),
        (JPEG, "image/jpeg")
    );
    assert!(matches!(
        account.look_up(&message).await.unwrap(),
        Found::Taken(_)
    ));
    assert_eq!(
        account.engagement("account", &uri).await.unwrap(),
        counts(6, 2, 4)
    );
    let signed_in = server.of("POST /xrpc/com.atproto.server.createSession");
    assert_eq!(signed_in.len(), 1, "one sign-in serves all");
    assert_eq!(
        signed_in[0].json(),
        json!({ "identifier": "links.example", "password": "app-password" })
    );
}

#[tokio::test]
async fn bluesky_signs_in_anew_where_its_token_has_expired() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let number = AtomicUsize::new(0);
    let server = StandIn::start(move |asked| match asked.line().as_str() {
        "POST /xrpc/com.atproto.server.createSession" => {
            let jwt = format!("jwt{}", number.fetch_add(1, Ordering::SeqCst));
            ok(json!({ "accessJwt": jwt, "did": "did:plc:abc", "handle": "links.example" }))
        }
        _ if asked.header("authorization") == "Bearer jwt0" => {
            Told::Json(400, json!({ "error": "ExpiredToken" }))
        }
        _ => ok(json!({ "uri": "at://x", "cid": "c" })),
    })
    .await;
    let account = bluesky(&server);
    account.send(&message(Platform::Bluesky, &[])).await.unwrap();
    assert_eq!(server.of("POST /xrpc/com.atproto.repo.createRecord").len(), 2);
    let wrong = StandIn::start(|_| {
        Told::Json(
            401,
            json!({ "error": "AuthenticationRequired", "message": "Invalid identifier or password" }),
        )
    })
    .await;
    let error = bluesky(&wrong).check().await.unwrap_err();
    assert!(
        error.to_string().contains("Invalid identifier or password"),
        "{error}"
    );
}
