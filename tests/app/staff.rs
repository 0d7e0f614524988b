//! Signing in, sessions, roles, and who may do what.

use crate::support::{PASSWORD, TestApp, client};
use fairway::domain::Role;

#[tokio::test]
async fn a_visitor_without_a_session_is_asked_to_sign_in_and_then_gets_where_they_wanted() {
    let app = TestApp::spawn().await;
    let user = app.staff(Role::Manager, "ann@club.example").await;
    let answer = app.get("/profile?tab=1").await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/sign-in?next=%2Fprofile%3Ftab%3D1");
    let answer = app
        .http
        .post(format!("{}/sign-in", app.address))
        .form(&[
            ("email", " Ann@Club.example "),
            ("password", PASSWORD),
            ("next", "/profile?tab=1"),
        ])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/profile?tab=1");
    let page = app.get("/profile").await.text().await.unwrap();
    assert!(page.contains(&user.email));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_read_alike() {
    let app = TestApp::spawn().await;
    app.staff(Role::Viewer, "ann@club.example").await;
    let mut pages = Vec::new();
    for email in ["ann@club.example", "bob@club.example"] {
        let answer = client()
            .post(format!("{}/sign-in", app.address))
            .form(&[("email", email), ("password", "not the password")])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 422);
        let page = answer.text().await.unwrap();
        assert!(page.contains("is wrong"));
        assert!(!page.contains("not the password"), "the password came back");
        pages.push(page.replace(email, "EMAIL"));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert_eq!(viewer.get("/profile").await.status(), 200);
    assert_eq!(viewer.post("/sign-out", &[]).await.status(), 303);
    assert_eq!(viewer.get("/profile").await.status(), 303);
}
