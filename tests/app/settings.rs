//! The settings' pages: the club, its staff, and what was done.

use crate::support::staff::SignedIn;
use crate::support::{PASSWORD, TestApp, client};
use fairway::accounts::{Actor, Club, audit};
use fairway::domain::Role;
use fairway::entity::{audit_log, users};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::json;

const CLUB: &[(&str, &str)] = &[
    ("clubName", "Westlake Golf Club"),
    ("sender.name", "Westlake Golf Club"),
    ("sender.email", "Office@Westlake.example"),
    ("sender.replyTo", ""),
    ("postalAddress", "1 Fairway Road\r\nCape Town"),
    ("timezone", "Africa/Johannesburg"),
    ("website", "https://www.westlake.example"),
    ("accent", "#0B5394"),
];

/// The club's form with one field changed.
fn club_with(field: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    CLUB.iter()
        .map(|(name, was)| (*name, if *name == field { value } else { was }))
        .collect()
}

#[tokio::test]
async fn only_an_administrator_sees_and_changes_the_settings() {
    let app = TestApp::spawn().await;
    for role in [Role::Viewer, Role::Manager] {
        let person = app.sign_in_as(role).await;
        for path in [
            "/settings",
            "/settings/users",
            "/settings/keys",
            "/settings/activity",
        ] {
            assert_eq!(person.get(path).await.status(), 403, "{role} {path}");
        }
        assert_eq!(person.post("/settings", CLUB).await.status(), 403);
        let add = [("name", "Eve"), ("email", "eve@club.example"), ("role", "admin")];
        assert_eq!(person.post("/settings/users", &add).await.status(), 403);
        let key = [("name", "mine"), ("role", "admin")];
        assert_eq!(person.post("/settings/keys", &key).await.status(), 403);
        let own = format!("/settings/users/{}/role", person.user.id);
        assert_eq!(person.post(&own, &[("role", "admin")]).await.status(), 403);
    }
    assert_eq!(Club::load(&*app.cx.db).await.unwrap(), Club::default());
}

#[tokio::test]
async fn the_club_is_saved_tidied_and_the_change_is_written_down() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    assert_eq!(admin.post("/settings", CLUB).await.status(), 303);
    let club = Club::load(&*app.cx.db).await.unwrap();
    assert_eq!(club.sender.email, "office@westlake.example");
    assert_eq!(club.postal_address, "1 Fairway Road\nCape Town");
    assert_eq!(club.accent, "#0b5394");
    let page = admin.page("/settings").await;
    assert!(page.contains("Westlake Golf Club") && page.contains("--club: #0b5394"));
    let line = last_line(&app).await;
    assert_eq!(
        (line.action.as_str(), line.subject_kind.as_str()),
        ("edited", "club")
    );
    assert_eq!(line.user_id, Some(admin.user.id));
    assert_eq!(line.detail["time zone"], "UTC → Africa/Johannesburg");
}

#[tokio::test]
async fn a_refused_form_comes_back_whole_with_a_message_beside_the_field() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    for (field, value, message) in [
        ("clubName", "", "Fill this in."),
        ("sender.email", "nobody", "This is no e-mail address"),
        ("timezone", "Mars/Olympus", "Choose a time zone from the list"),
        ("website", "javascript:alert(1)", "This is no address"),
        ("accent", "#ffee00", "hard to read"),
    ] {
        let answer = admin.post("/settings", &club_with(field, value)).await;
        assert_eq!(answer.status(), 422, "{field}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(message), "{field}: {message}");
        assert!(page.contains("https://www.westlake.example") || field == "website");
        assert!(page.contains("Cape Town"), "{field}: something typed was lost");
    }
    assert_eq!(Club::load(&*app.cx.db).await.unwrap(), Club::default());
}

/// Adds someone and answers the path of their link.
async fn invite(app: &TestApp, admin: &SignedIn, email: &str, role: &str) -> String {
    let fields = [("name", "Bob Dlamini"), ("email", email), ("role", role)];
    let answer = admin.post("/settings/users", &fields).await;
    assert_eq!(answer.status(), 200);
    join_path(app, &answer.text().await.unwrap())
}

fn join_path(app: &TestApp, page: &str) -> String {
    let (_, rest) = page.split_once(&format!("{}/join/", app.address)).unwrap();
    format!("/join/{}", rest.split('"').next().unwrap())
}

async fn choose_password(app: &TestApp, path: &str) -> reqwest::Response {
    client()
        .post(format!("{}{path}", app.address))
        .form(&[("password", PASSWORD)])
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn someone_invited_chooses_a_password_by_a_link_that_works_once() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let path = invite(&app, &admin, "Bob@Club.example", "manager").await;
    assert!(
        !admin.page("/settings/users").await.contains("/join/"),
        "shown again"
    );
    assert_eq!(app.try_sign_in("bob@club.example", "").await.status(), 422);

    let page = app.get(&path).await.text().await.unwrap();
    assert!(page.contains("bob@club.example"));
    let answer = choose_password(&app, &path).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/campaigns");
    assert_eq!(choose_password(&app, &path).await.status(), 410);
    assert_eq!(app.try_sign_in("bob@club.example", PASSWORD).await.status(), 303);
}

#[tokio::test]
async fn a_newer_link_takes_the_place_of_an_older_and_ends_the_sessions_when_used() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let renew = format!("/settings/users/{}/link", viewer.user.id);
    let older = join_path(&app, &admin.post(&renew, &[]).await.text().await.unwrap());
    let newer = join_path(&app, &admin.post(&renew, &[]).await.text().await.unwrap());
    assert_eq!(app.get(&older).await.status(), 410);
    assert_eq!(viewer.get("/profile").await.status(), 200);
    assert_eq!(choose_password(&app, &newer).await.status(), 303);
    assert_eq!(viewer.get("/profile").await.status(), 303);
}

#[tokio::test]
async fn the_same_address_twice_is_refused_beside_the_field() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    invite(&app, &admin, "bob@club.example", "viewer").await;
    let fields = [
        ("name", "Robert"),
        ("email", "BOB@club.example"),
        ("role", "admin"),
    ];
    let answer = admin.post("/settings/users", &fields).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert!(page.contains("is staff already") && page.contains("Robert"));
}

#[tokio::test]
async fn the_last_administrator_who_can_sign_in_stays_one() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    // Invited, but without a password yet: cannot sign in, and so does not count.
    let path = invite(&app, &admin, "bob@club.example", "admin").await;
    let own = format!("/settings/users/{}", admin.user.id);
    let refused = admin.post(&format!("{own}/role"), &[("role", "viewer")]).await;
    assert_eq!(refused.status(), 409);
    assert!(
        refused
            .text()
            .await
            .unwrap()
            .contains("is the only administrator")
    );
    assert_eq!(admin.post(&format!("{own}/disable"), &[]).await.status(), 409);

    choose_password(&app, &path).await;
    assert_eq!(
        admin
            .post(&format!("{own}/role"), &[("role", "manager")])
            .await
            .status(),
        303
    );
    assert_eq!(admin.get("/settings").await.status(), 403);
}

#[tokio::test]
async fn two_administrators_cannot_take_each_others_role_at_once() {
    let app = TestApp::spawn().await;
    let ann = app.sign_in_as(Role::Admin).await;
    let bob = app.sign_in_as(Role::Admin).await;
    let of = |person: &SignedIn| format!("/settings/users/{}/role", person.user.id);
    let (bobs, anns) = (of(&bob), of(&ann));
    let demote = [("role", "viewer")];
    futures_util::future::join(ann.post(&bobs, &demote), bob.post(&anns, &demote)).await;
    let admins = users::Entity::find().all(&*app.cx.db).await.unwrap();
    let left = admins.iter().filter(|user| user.role == Role::Admin).count();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn someone_disabled_is_signed_out_and_cannot_sign_in_until_enabled() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let manager = app.sign_in_as(Role::Manager).await;
    let path = format!("/settings/users/{}", manager.user.id);
    assert_eq!(admin.post(&format!("{path}/disable"), &[]).await.status(), 303);
    assert_eq!(manager.get("/profile").await.status(), 303);
    assert_eq!(app.try_sign_in(&manager.user.email, PASSWORD).await.status(), 422);
    assert_eq!(admin.post(&format!("{path}/link"), &[]).await.status(), 409);
    assert_eq!(admin.post(&format!("{path}/enable"), &[]).await.status(), 303);
    assert_eq!(app.try_sign_in(&manager.user.email, PASSWORD).await.status(), 303);
}

#[tokio::test]
async fn a_new_role_counts_at_once() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert_eq!(viewer.get("/settings").await.status(), 403);
    let path = format!("/settings/users/{}/role", viewer.user.id);
    assert_eq!(admin.post(&path, &[("role", "admin")]).await.status(), 303);
    assert_eq!(viewer.get("/settings").await.status(), 200);
    assert_eq!(admin.post(&path, &[("role", "owner")]).await.status(), 400);
    assert_eq!(
        admin
            .post("/settings/users/999/role", &[("role", "admin")])
            .await
            .status(),
        404
    );
}

#[tokio::test]
async fn the_activity_is_paged_newest_first() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let tx = app.cx.db.begin().await.unwrap();
    for n in 1..=60 {
        let subject = audit::Subject("campaign", Some(n));
        let detail = json!({"name": format!("Open day {n}.")});
        audit::record(
            &tx,
            app.cx.clock.now(),
            &Actor::fairway(),
            "started",
            subject,
            detail,
        )
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let first = admin.page("/settings/activity").await;
    assert!(first.contains("Open day 60.") && !first.contains("Open day 10."));
    assert!(first.contains("href=\"/campaigns/60\""));
    let (_, rest) = first.split_once("/settings/activity?before=").unwrap();
    let before = rest.split('"').next().unwrap();
    let second = admin.page(&format!("/settings/activity?before={before}")).await;
    assert!(second.contains("Open day 10.") && !second.contains("Open day 11."));
    assert!(second.contains("signed in"));
}

async fn last_line(app: &TestApp) -> audit_log::Model {
    audit_log::Entity::find()
        .order_by_desc(audit_log::Column::Id)
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap()
}
