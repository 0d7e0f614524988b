//! Posts on social platforms: written in the wizard or through the API, checked for each platform,
//! in the ledger once for each account, and captured where there is no account.

use crate::segments::pages::{attribute as attr, texts};
use crate::support::TestApp;
use crate::support::api::Program;
use crate::support::standin::{StandIn, Told};
use chrono::TimeDelta;
use fairway::dispatch::{Dispatcher, Of, engagement, rescue};
use fairway::domain::{Channel, DeliveryState, Role, Status};
use fairway::messaging::Channels;
use fairway::social::{Account, Mastodon};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

async fn campaign(api: &Program, channels: &[&str], social: &Value) -> String {
    let new = json!({ "name": "Cup", "type": "ONE_TIME", "channels": channels });
    let campaign = api.post("/campaigns", &new).await.is(201);
    let id = campaign["id"].as_str().unwrap().to_owned();
    let content = json!({ "social": social });
    api.put(&format!("/campaigns/{id}/content"), &content)
        .await
        .is(200);
    id
}

fn post(text: &str, platforms: &[&str]) -> Value {
    json!({ "content": text, "mediaUrls": ["https://club.example/cup.jpg"], "platforms": platforms })
}

#[tokio::test]
async fn a_campaign_that_only_posts_needs_no_segment_and_posts_once_on_each_platform() {
    let app = TestApp::spawn().await;
    app.people(3).await;
    let api = app.program(Role::Manager).await;
    let mut social = post(
        "{{ club.name }}: enter at https://club.example/cup!",
        &["FACEBOOK", "MASTODON"],
    );
    social["overrides"] = json!({ "MASTODON": "Hello Fediverse https://club.example/cup" });
    let id = campaign(&api, &["SOCIAL"], &social).await;
    let answered = api.get(&format!("/campaigns/{id}")).await.is(200);
    assert_eq!(answered["content"]["social"], social);
    api.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    app.work().await;
    app.work().await;
    let number = id.parse().unwrap();
    assert_eq!(app.status(number).await, Status::Completed);
    assert_eq!(app.states(number).await, "SENT 2");

    let captured = api
        .get(&format!("/captured?channel=SOCIAL&campaign={id}"))
        .await
        .is(200);
    let of = |place: &str| {
        let items = captured["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["to"] == place).unwrap();
        item["body"].as_str().unwrap().to_owned()
    };
    let text = of("Facebook");
    let link = text
        .strip_prefix("Links Golf Club: enter at ")
        .unwrap()
        .trim_end_matches('!');
    let other = of("Mastodon");
    let other = other.strip_prefix("Hello Fediverse ").unwrap();
    assert!(link.starts_with(&format!("{}/t/c/", app.address)), "{text}");
    assert_ne!(link, other, "each account's clicks are counted apart");

    // Three strangers follow the one, nobody the other; what makes a card of it is nobody.
    let browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0";
    let card = "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)";
    for agent in [browser, card, browser, browser] {
        let followed = app
            .http
            .get(link)
            .header("User-Agent", agent)
            .send()
            .await
            .unwrap();
        assert_eq!(followed.headers()["location"], "https://club.example/cup");
    }
    let stats = api.get(&format!("/campaigns/{id}/stats")).await.is(200);
    let on = &stats["channels"]["SOCIAL"];
    for (count, expected) in [
        ("targetCount", 2),
        ("sentCount", 2),
        ("deliveredCount", 2),
        ("clickedCount", 1),
    ] {
        assert_eq!(on[count], expected, "{count}: {stats}");
    }
    app.check_ledger().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page(&format!("/campaigns/{id}")).await;
    let rows = texts(&page, "section[aria-labelledby=posts-title] tbody tr");
    assert_eq!(rows.len(), 2);
    assert!(
        rows[0].contains("Facebook") && rows[0].contains("In the mailbox"),
        "{rows:?}"
    );
    let clicks = texts(
        &page,
        "section[aria-labelledby=posts-title] tbody tr td.num:nth-of-type(2)",
    );
    assert_eq!(clicks, ["3", "0"]);
    assert!(page.contains("2 of them are accounts"), "{page}");
    let report = staff.page(&format!("/campaigns/{id}/report")).await;
    assert!(report.contains("2 of the audience are accounts"), "{report}");
}

#[tokio::test]
async fn what_a_platform_does_not_take_is_said_before_it_is_scheduled() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let api = app.program(Role::Manager).await;
    let long = "a".repeat(281);
    let social = json!({ "content": long, "mediaUrls": [], "platforms": ["X", "INSTAGRAM", "FACEBOOK"] });
    let id = campaign(&api, &["SOCIAL"], &social).await;
    let path = format!("/campaigns/{id}/schedule");
    let refused = api.tell(&path).await.refused();
    assert_eq!(refused, ["social.content", "social.mediaUrls"]);
    let social = json!({ "content": "Dear {{ contact.first_name }}", "mediaUrls": [], "platforms": ["X"] });
    let content = json!({ "social": social });
    api.put(&format!("/campaigns/{id}/content"), &content)
        .await
        .is(200);
    let answer = api.tell(&path).await;
    assert!(answer.body.to_string().contains("one person"), "{}", answer.body);
    assert_eq!(answer.refused(), ["social.content"]);
    let wrong = json!({ "social": { "content": "x", "overrides": { "MYSPACE": "y", "X": "" } } });
    let answer = api.put(&format!("/campaigns/{id}/content"), &wrong).await;
    assert_eq!(answer.refused(), ["social.overrides", "social.overrides.X"]);

    let new = json!({ "name": "Booked", "type": "TRIGGERED", "channels": ["FACEBOOK"],
        "trigger": { "event": "booking.confirmed" } });
    let id = api.post("/campaigns", &new).await.is(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let answer = api.tell(&format!("/campaigns/{id}/schedule")).await;
    assert!(
        answer.body.to_string().contains("take Social out"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn the_wizard_keeps_what_the_api_keeps_and_shows_each_platforms_post() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let draft = app
        .draft()
        .channels(&["FACEBOOK", "INSTAGRAM"])
        .now()
        .create()
        .await;
    let staff = app.sign_in_as(Role::Manager).await;
    let step = format!("/campaigns/{}/content", draft.id);
    let page = staff.page(&step).await;
    assert!(
        attr(&page, "input[value=FACEBOOK]", "checked").is_some(),
        "its channels say so"
    );
    assert!(attr(&page, "input[value=X]", "checked").is_none());
    let revision = draft.revision.to_string();
    let fields = [
        ("revision", revision.as_str()),
        ("social.content", "Join {{ club.name }}: https://club.example/cup"),
        (
            "social.mediaUrls",
            "https://club.example/1.jpg\r\nhttps://club.example/2.jpg\r\n",
        ),
        ("social.platforms", "FACEBOOK"),
        ("social.platforms", "X"),
        ("social.overrides.X", "Short"),
    ];
    let previewed = staff.hx_post(&format!("{step}/posts"), &fields).await;
    assert_eq!(previewed.status(), 200);
    let part = previewed.text().await.unwrap();
    assert_eq!(
        texts(&part, ".post-text"),
        ["Join Links Golf Club: https://club.example/cup", "Short"]
    );
    assert_eq!(texts(&part, ".post-count"), ["46 of 63206", "5 of 280"]);
    assert_eq!(
        app.content_of(draft.id, Channel::Social).await,
        None,
        "it keeps nothing"
    );

    let saved = staff.post(&step, &fields).await;
    assert_eq!(saved.status(), 303);
    let api = app.program(Role::Manager).await;
    let answered = api.get(&format!("/campaigns/{}", draft.id)).await.is(200);
    assert_eq!(
        answered["content"]["social"],
        json!({
            "content": "Join {{ club.name }}: https://club.example/cup",
            "mediaUrls": ["https://club.example/1.jpg", "https://club.example/2.jpg"],
            "platforms": ["FACEBOOK", "X"],
            "overrides": { "X": "Short" },
        })
    );
    let review = staff.page(&format!("/campaigns/{}/review", draft.id)).await;
    assert!(review.contains("One post on each of Facebook and X."), "{review}");
    assert!(
        review.contains("There is no account for Facebook and X"),
        "{review}"
    );
    assert_eq!(texts(&review, "button.confirm"), ["Post to 2 accounts now"]);

    let none = [
        ("revision", "2"),
        ("social.content", "Join"),
        ("social.mediaUrls", "ftp://club.example/1.jpg"),
    ];
    let again = staff.post(&step, &none).await;
    assert_eq!(again.status(), 422);
    let page = again.text().await.unwrap();
    assert!(page.contains("Choose at least one platform."), "{page}");
    assert!(
        page.contains("begins with https://") && page.contains("ftp://club.example/1.jpg"),
        "{page}"
    );
}

#[tokio::test]
async fn a_captured_post_is_shown_as_a_post() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let api = app.program(Role::Manager).await;
    let id = campaign(&api, &["FACEBOOK"], &post("Join us!", &["FACEBOOK"])).await;
    api.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    app.work().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    assert!(staff.page("/mailbox").await.contains("Social: Join us!"));
    let page = staff.page("/mailbox/1").await;
    assert_eq!(texts(&page, "h1"), ["Post on Facebook"]);
    assert_eq!(texts(&page, ".post-text"), ["Join us!"]);
    assert_eq!(
        attr(&page, ".post-media img", "src").as_deref(),
        Some("https://club.example/cup.jpg")
    );
}

/// A server that keeps every post it is given, lists them, and says of the first what a test says.
async fn forgetful(first: Told, stalls_on: &'static str) -> (StandIn, Arc<AtomicUsize>) {
    let kept = Arc::new(Mutex::new(Vec::<Value>::new()));
    let number = Arc::new(AtomicUsize::new(0));
    let (counted, has_stalled) = (number.clone(), AtomicUsize::new(0));
    let server = StandIn::start(move |asked| {
        if asked.line() == stalls_on && has_stalled.fetch_add(1, Ordering::SeqCst) == 0 {
            return Told::Silence;
        }
        match asked.line().as_str() {
            "POST /api/v1/statuses" => {
                let id = counted.fetch_add(1, Ordering::SeqCst) + 1;
                let status = json!({
                    "id": id.to_string(), "url": format!("https://social.example/@club/{id}"),
                    "content": format!("<p>{}</p>", asked.json()["status"].as_str().unwrap()),
                    "created_at": "2026-03-02T08:00:01.000Z", "favourites_count": 4, "replies_count": 2,
                    "reblogs_count": 1,
                });
                kept.lock().unwrap().push(status.clone());
                match id {
                    1 => match &first {
                        Told::Json(200, _) => Told::Json(200, status),
                        other => other.clone(),
                    },
                    _ => Told::Json(200, status),
                }
            }
            "GET /api/v1/accounts/verify_credentials" => Told::Json(200, json!({ "id": "14" })),
            "GET /api/v1/accounts/14/statuses" => Told::Json(200, json!(*kept.lock().unwrap())),
            "GET /api/v1/statuses/1" => Told::Json(200, kept.lock().unwrap()[0].clone()),
            "GET /cup.jpg" => Told::Whole(200, vec![], b"\xff\xd8\xff a picture".to_vec()),
            "POST /api/v2/media" => Told::Json(200, json!({ "id": "m1" })),
            _ => Told::Json(404, json!({ "error": "Record not found" })),
        }
    })
    .await;
    (server, number)
}

/// Everything that is posted goes to this server.
fn channels(app: &TestApp, server: &StandIn) -> Channels {
    let account = Account(Mastodon {
        home: server.address.clone(),
        token: "the-token".into(),
        outbound: app.cx.outbound.clone(),
        rest: Duration::from_millis(1),
    });
    Channels::default().with(Channel::Social, Arc::new(account))
}

/// A campaign that is under way, with one post that is due.
async fn under_way(app: &TestApp, media: &[String]) -> i64 {
    app.people(1).await;
    let api = app.program(Role::Manager).await;
    let social = json!({ "content": "Enter: https://club.example/cup", "mediaUrls": media, "platforms": ["MASTODON"] });
    let id = campaign(&api, &["SOCIAL"], &social).await;
    // Nobody wants a post twice, whatever is said of mails.
    api.patch(&format!("/campaigns/{id}"), &json!({ "inDoubt": "RETRY" }))
        .await
        .is(200);
    api.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    app.tick().await;
    id.parse().unwrap()
}

#[tokio::test]
async fn a_server_that_takes_a_post_and_hangs_up_is_not_given_it_twice() {
    let app = TestApp::spawn().await;
    let (server, posted) = forgetful(Told::HangUp, "").await;
    let id = under_way(&app, &[]).await;
    let dispatcher = Dispatcher::new(app.cx.clone(), &channels(&app, &server));
    dispatcher.drain().await.unwrap();
    let row = app.ledger(id).await.remove(0);
    assert_eq!(
        (row.state, row.reason.as_deref()),
        (DeliveryState::Queued, Some("in_doubt"))
    );
    app.advance(TimeDelta::minutes(2));
    dispatcher.drain().await.unwrap();
    app.tick().await;
    let row = app.ledger(id).await.remove(0);
    assert_eq!(row.state, DeliveryState::Sent);
    assert_eq!(row.permalink.as_deref(), Some("https://social.example/@club/1"));
    assert_eq!(posted.load(Ordering::SeqCst), 1, "it was found, not repeated");
    assert_eq!(app.status(id).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_post_on_a_connection_when_the_process_dies_is_there_once() {
    // Killed when the server had taken it; killed before it was asked to.
    for (first, stalls_on) in [
        (Told::Silence, ""),
        (Told::Json(200, Value::Null), "POST /api/v2/media"),
    ] {
        let app = TestApp::spawn().await;
        app.may_leave_leases.store(true, Ordering::SeqCst);
        let (server, posted) = forgetful(first, stalls_on).await;
        let id = under_way(&app, &[format!("{}/cup.jpg", server.address)]).await;
        let dispatcher = Dispatcher::new(app.cx.clone(), &channels(&app, &server));
        let killed = tokio::time::timeout(Duration::from_secs(2), dispatcher.drain()).await;
        assert!(killed.is_err(), "it hung");
        assert_eq!(app.ledger(id).await[0].state, DeliveryState::Sending);
        rescue(&app.cx, Of::Everyone).await.unwrap();
        app.advance(TimeDelta::minutes(2));
        let other = Dispatcher::new(app.cx.clone(), &channels(&app, &server));
        other.drain().await.unwrap();
        let row = app.ledger(id).await.remove(0);
        assert_eq!(row.state, DeliveryState::Sent, "{stalls_on}");
        assert_eq!(posted.load(Ordering::SeqCst), 1, "{stalls_on}");
        app.check_ledger().await;
    }
}

#[tokio::test]
async fn where_nobody_can_say_whether_it_is_there_it_stays_in_doubt() {
    let app = TestApp::spawn().await;
    let id = under_way(&app, &[]).await;
    let posts = Arc::new(AtomicUsize::new(0));
    let counted = posts.clone();
    let server = StandIn::start(move |asked| match asked.line().as_str() {
        "POST /api/v1/statuses" => {
            counted.fetch_add(1, Ordering::SeqCst);
            Told::HangUp
        }
        _ => Told::Json(
            403,
            json!({ "error": "This action is outside the authorized scopes" }),
        ),
    })
    .await;
    let dispatcher = Dispatcher::new(app.cx.clone(), &channels(&app, &server));
    for _ in 0..8 {
        dispatcher.drain().await.unwrap();
        app.advance(TimeDelta::hours(30));
    }
    assert_eq!(app.ledger(id).await[0].state, DeliveryState::Unknown);
    assert_eq!(posts.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn likes_comments_and_shares_are_fetched_for_a_week() {
    let app = TestApp::spawn().await;
    let (server, _) = forgetful(Told::Json(200, Value::Null), "").await;
    let id = under_way(&app, &[]).await;
    // As if the platform had an account.
    app.execute("UPDATE posts SET account = 'club', look_at = made_at")
        .await;
    let channels = channels(&app, &server);
    Dispatcher::new(app.cx.clone(), &channels).drain().await.unwrap();
    app.tick().await;
    let looks = || server.of("GET /api/v1/statuses/1").len();
    engagement::look_at_due(&app.cx, &channels).await.unwrap();
    assert_eq!(looks(), 0, "nobody can have seen it yet");
    app.advance(TimeDelta::minutes(11));
    engagement::look_at_due(&app.cx, &channels).await.unwrap();
    engagement::look_at_due(&app.cx, &channels).await.unwrap();
    assert_eq!(looks(), 1);
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page(&format!("/campaigns/{id}")).await;
    let figures = texts(&page, "section[aria-labelledby=posts-title] td.num");
    assert_eq!(figures, ["0", "4", "2", "1"]);
    let link = attr(&page, "section[aria-labelledby=posts-title] td a", "href");
    assert_eq!(link.as_deref(), Some("https://social.example/@club/1"));
    for _ in 0..200 {
        app.advance(TimeDelta::hours(1));
        engagement::look_at_due(&app.cx, &channels).await.unwrap();
    }
    assert_eq!(looks(), 11, "growing intervals, and an end");
}

#[tokio::test]
async fn pictures_are_looked_at_while_a_post_is_written() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let server = StandIn::start(|asked| match asked.line().as_str() {
        "GET /cup.png" => Told::Whole(200, vec![], b"\x89PNG\r\n\x1a\n a picture".to_vec()),
        "GET /big.jpg" => Told::Whole(
            200,
            vec![],
            [b"\xff\xd8\xff".to_vec(), vec![0; 1_200_000]].concat(),
        ),
        _ => Told::Json(404, json!({})),
    })
    .await;
    let draft = app.draft().channels(&["SOCIAL"]).now().create().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let media = ["cup.png", "big.jpg", "gone.jpg"].map(|name| format!("{}/{name}", server.address));
    let fields = [
        ("social.content", "Join"),
        ("social.mediaUrls", &media.join("\n")),
        ("social.platforms", "INSTAGRAM"),
        ("social.platforms", "BLUESKY"),
    ];
    let answer = staff
        .hx_post(&format!("/campaigns/{}/content/media", draft.id), &fields)
        .await;
    let part = answer.text().await.unwrap();
    assert_eq!(
        texts(&part, ".notice"),
        [
            "cup.png: It is a PNG picture, which Instagram does not take.",
            "big.jpg: It has 1.3 MB, and Bluesky takes 1 MB.",
            "gone.jpg: It cannot be seen at present: its server answers 404.",
        ]
    );
}
