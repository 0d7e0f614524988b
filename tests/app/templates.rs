//! Templates: written, checked, kept in versions, previewed, tried out.

use crate::support::TestApp;
use crate::support::staff::SignedIn;
use fairway::content::store;
use fairway::domain::Role;

async fn make(staff: &SignedIn, name: &str) -> String {
    let answer = staff
        .post(
            "/templates/new",
            &[
                ("name", name),
                ("channel", "EMAIL"),
                ("starter", "announcement-email"),
            ],
        )
        .await;
    assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Saves a body over the version that is in force.
async fn save(app: &TestApp, staff: &SignedIn, url: &str, body: &str) -> reqwest::Response {
    let version = current(app, url).await.id.to_string();
    staff
        .post(
            url,
            &[
                ("name", "Notice"),
                ("subject", "Hello {{ contact.first_name }}"),
                ("kind", "HTML"),
                ("body", body),
                ("version", &version),
            ],
        )
        .await
}

async fn current(app: &TestApp, url: &str) -> fairway::entity::template_versions::Model {
    let id = url.rsplit('/').next().unwrap().parse().unwrap();
    store::current_version(&*app.cx.db, id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_template_is_made_saved_and_restored_in_versions() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    assert!(staff.page("/templates").await.contains("No templates yet"));
    let url = make(&staff, "Notice").await;
    let first = current(&app, &url).await;
    assert_eq!(save(&app, &staff, &url, "<p>Second</p>").await.status(), 303);
    assert_eq!(save(&app, &staff, &url, "<p>Second</p>").await.status(), 303);
    assert_eq!(
        current(&app, &url).await.number,
        2,
        "nothing changed, so nothing was kept"
    );
    let back = format!("{url}/versions/{}/restore", first.number);
    assert_eq!(staff.post(&back, &[]).await.status(), 303);
    let restored = current(&app, &url).await;
    assert_eq!((restored.number, restored.body), (3, first.body));
}

#[tokio::test]
async fn two_people_saving_at_once_lose_nothing() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let url = make(&staff, "Notice").await;
    let opened = current(&app, &url).await.id.to_string();
    assert_eq!(save(&app, &staff, &url, "<p>Theirs</p>").await.status(), 303);
    let mine = staff
        .post(
            &url,
            &[
                ("name", "Notice"),
                ("subject", "Mine"),
                ("kind", "HTML"),
                ("body", "<p>Mine</p>"),
                ("version", &opened),
            ],
        )
        .await;
    assert_eq!(mine.status(), 409);
    let page = mine.text().await.unwrap();
    assert!(
        page.contains("while you were writing") && page.contains("&#60;p&#62;Mine"),
        "{page}"
    );
    assert_eq!(current(&app, &url).await.body, "<p>Theirs</p>");
}

#[tokio::test]
async fn an_unknown_variable_is_said_at_its_line_and_never_mailed() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let url = make(&staff, "Notice").await;
    let body = "<p>Dear</p>\n<p>{{ contact.frist_name }}</p>";
    let check = staff
        .hx_post(
            &format!("{url}/check"),
            &[("subject", "Hi"), ("kind", "HTML"), ("body", body)],
        )
        .await
        .text()
        .await
        .unwrap();
    assert!(
        check.contains("Body, line 2") && check.contains("frist_name"),
        "{check}"
    );
    assert_eq!(
        save(&app, &staff, &url, body).await.status(),
        303,
        "a draft may be unfinished"
    );
    staff
        .post(&format!("{url}/test"), &[("to", "me@club.example")])
        .await;
    let mailbox = staff.page("/mailbox").await;
    assert!(mailbox.contains("No mail yet"), "{mailbox}");
}

#[tokio::test]
async fn a_test_is_marked_and_reaches_the_address_as_a_person_would_get_it() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let club = [
        ("clubName", "Links Club"),
        ("sender.name", "Links"),
        ("sender.email", "club@links.example"),
        ("postalAddress", "1 Road"),
        ("timezone", "UTC"),
        ("accent", "#1f6f4a"),
    ];
    assert_eq!(admin.post("/settings", &club).await.status(), 303);
    let url = make(&admin, "Notice").await;
    assert_eq!(
        save(&app, &admin, &url, "<p>Hello <b>{{ contact.first_name }}</b></p>")
            .await
            .status(),
        303
    );
    assert_eq!(
        admin
            .post(&format!("{url}/test"), &[("to", "me@club.example")])
            .await
            .status(),
        303
    );
    let mailbox = admin.page("/mailbox").await;
    assert!(
        mailbox.contains("[Test] Hello") && mailbox.contains("me@club.example"),
        "{mailbox}"
    );
    let refused = admin.post(&format!("{url}/test"), &[("to", "nobody")]).await;
    assert_eq!(refused.status(), 303, "the sentence is on the page");
}

#[tokio::test]
async fn a_viewer_reads_and_previews_but_writes_nothing() {
    let app = TestApp::spawn().await;
    let manager = app.sign_in_as(Role::Manager).await;
    let url = make(&manager, "Notice").await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    viewer.page(&url).await;
    assert!(viewer.page(&format!("{url}/preview")).await.contains("Preview"));
    let frame = viewer.get(&format!("{url}/preview/html")).await;
    let policy = frame.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("sandbox"),
        "{policy}"
    );
    for write in ["", "/duplicate", "/archive", "/delete", "/test", "/draft"] {
        assert_eq!(
            viewer.post(&format!("{url}{write}"), &[]).await.status(),
            403,
            "{write}"
        );
    }
}

#[tokio::test]
async fn a_refused_template_keeps_what_was_typed() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let url = make(&staff, "Notice").await;
    let again = staff
        .post(
            "/templates/new",
            &[("name", "Other"), ("key", "notice"), ("channel", "EMAIL")],
        )
        .await;
    assert_eq!(again.status(), 422);
    assert!(again.text().await.unwrap().contains("has this key"));
    let version = current(&app, &url).await.id.to_string();
    let empty = staff
        .post(
            &url,
            &[
                ("name", ""),
                ("subject", "Kept"),
                ("kind", "HTML"),
                ("body", "<p>Kept</p>"),
                ("version", &version),
            ],
        )
        .await;
    assert_eq!(empty.status(), 422);
    let page = empty.text().await.unwrap();
    assert!(
        page.contains("Fill this in") && page.contains("value=\"Kept\""),
        "{page}"
    );
}

#[tokio::test]
async fn the_gallery_shows_each_template_in_the_clubs_colour_and_makes_it_the_clubs_own() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let club = [
        ("clubName", "Links & Dunes"),
        ("sender.name", "Links"),
        ("sender.email", "club@links.example"),
        ("postalAddress", "1 Road\nHermanus"),
        ("timezone", "UTC"),
        ("accent", "#123b6d"),
        ("logo", "https://links.example/logo.png"),
        ("website", "https://links.example"),
    ];
    assert_eq!(admin.post("/settings", &club).await.status(), 303);
    let cards = admin.page("/templates/new").await;
    for starter in fairway::content::starters::STARTERS {
        let url = format!("/templates/gallery/{}", starter.key);
        assert!(cards.contains(&format!("src=\"{url}\"")), "{url}");
        let answer = admin.get(&url).await;
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("sandbox"),
            "{policy}"
        );
        let mail = answer.text().await.unwrap();
        for shown in [
            "https://links.example/logo.png",
            "1 Road, Hermanus",
            "Links &amp; Dunes",
        ] {
            assert!(mail.contains(shown), "{url} has no {shown}");
        }
    }
    assert_eq!(admin.get("/templates/gallery/nothing").await.status(), 404);
    let made = admin
        .post(
            "/templates/new",
            &[
                ("name", "Open day"),
                ("channel", "EMAIL"),
                ("starter", "win-back-email"),
            ],
        )
        .await;
    let url = made.headers()["location"].to_str().unwrap().to_owned();
    let body = current(&app, &url).await.body;
    assert!(body.contains("https://links.example/welcome-back"), "{body}");
    assert!(
        admin
            .page(&url)
            .await
            .contains("Nothing keeps this from being sent"),
        "it can be sent as it is"
    );
}
