//! The first start: a link, once, to make the first administrator.

use crate::support::{PASSWORD, TestApp};
use chrono::TimeDelta;
use fairway::accounts::links;
use fairway::domain::Role;
use fairway::entity::users;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};

/// The path of the link that the first start prints.
async fn setup_path(app: &TestApp) -> String {
    let link = links::setup_link(&app.cx).await.unwrap().unwrap();
    link.strip_prefix(&app.address).unwrap().to_owned()
}

async fn set_up(app: &TestApp, path: &str, password: &str) -> reqwest::Response {
    app.http
        .post(format!("{}{path}", app.address))
        .form(&[
            ("club_name", "Westlake Golf Club"),
            ("timezone", "Africa/Johannesburg"),
            ("name", "Ann Botha"),
            ("email", "ann@club.example"),
            ("password", password),
        ])
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_first_start_says_where_the_link_is_and_the_link_works_once() {
    let app = TestApp::spawn().await;
    let page = app.get("/sign-in").await.text().await.unwrap();
    assert!(page.contains("not set up yet") && !page.contains("type=\"password\""));
    let path = setup_path(&app).await;
    assert_eq!(app.get(&path).await.status(), 200);

    let refused = set_up(&app, &path, "too short").await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert!(page.contains("At least 12 characters") && page.contains("Westlake Golf Club"));

    let answer = set_up(&app, &path, PASSWORD).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/settings");
    let settings = app.get("/settings").await.text().await.unwrap();
    assert!(settings.contains("Westlake Golf Club") && settings.contains("Welcome"));

    for path in [path.as_str(), "/setup/guess"] {
        assert_eq!(app.get(path).await.status(), 410);
    }
    assert!(links::setup_link(&app.cx).await.unwrap().is_none());
    assert_eq!(users::Entity::find().count(&*app.cx.db).await.unwrap(), 1);
}

#[tokio::test]
async fn two_who_follow_the_setup_link_at_once_make_one_administrator() {
    let app = TestApp::spawn().await;
    let path = setup_path(&app).await;
    let both = futures_util::future::join(set_up(&app, &path, PASSWORD), set_up(&app, &path, PASSWORD));
    let (one, other) = both.await;
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
    assert_eq!(users::Entity::find().count(&*app.cx.db).await.unwrap(), 1);
}

#[tokio::test]
async fn a_setup_link_ends_with_the_next_start_with_a_day_and_with_the_first_person() {
    let app = TestApp::spawn().await;
    let older = setup_path(&app).await;
    let newer = setup_path(&app).await;
    assert_eq!(app.get(&older).await.status(), 410);
    assert_eq!(app.get(&newer).await.status(), 200);
    app.cx.clock.advance(TimeDelta::hours(25));
    assert_eq!(app.get(&newer).await.status(), 410);
    let last = setup_path(&app).await;
    assert_eq!(app.get(&last).await.status(), 200);
    app.staff(Role::Admin, "ann@club.example").await;
    assert_eq!(set_up(&app, &last, PASSWORD).await.status(), 410);
}
