//! Signing in, sessions, and what a form must prove.

use crate::support::{PASSWORD, TestApp, client};
use chrono::TimeDelta;
use fairway::accounts::housekeeping;
use fairway::domain::Role;
use fairway::entity::sessions;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};

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
async fn signing_in_never_leads_to_another_site() {
    let app = TestApp::spawn().await;
    app.staff(Role::Viewer, "ann@club.example").await;
    for next in ["//evil.example", "/\\evil.example", "https://evil.example/", ""] {
        let answer = client()
            .post(format!("{}/sign-in", app.address))
            .form(&[
                ("email", "ann@club.example"),
                ("password", PASSWORD),
                ("next", next),
            ])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["location"], "/campaigns", "{next}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_read_alike() {
    let app = TestApp::spawn().await;
    app.staff(Role::Viewer, "ann@club.example").await;
    let mut pages = Vec::new();
    for email in ["ann@club.example", "bob@club.example"] {
        let answer = app.try_sign_in(email, "not the password").await;
        assert_eq!(answer.status(), 422);
        let page = answer.text().await.unwrap();
        assert!(page.contains("is wrong"));
        assert!(!page.contains("not the password"), "the password came back");
        pages.push(page.replace(email, "EMAIL"));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn guessing_is_slowed_down_for_the_address_guessed_at_and_no_other() {
    let app = TestApp::spawn().await;
    app.staff(Role::Viewer, "ann@club.example").await;
    app.staff(Role::Viewer, "bob@club.example").await;
    for _ in 0..5 {
        assert_eq!(
            app.try_sign_in("ann@club.example", "a wrong one").await.status(),
            422
        );
    }
    let refused = app.try_sign_in("ann@club.example", PASSWORD).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "900");
    assert!(refused.text().await.unwrap().contains("Try again in 15 minutes"));
    assert_eq!(app.try_sign_in("bob@club.example", PASSWORD).await.status(), 303);
    app.cx.clock.advance(TimeDelta::minutes(16));
    assert_eq!(app.try_sign_in("ann@club.example", PASSWORD).await.status(), 303);
}

#[tokio::test]
async fn guesses_made_at_once_are_all_counted() {
    let app = TestApp::spawn().await;
    app.staff(Role::Viewer, "ann@club.example").await;
    let guesses = (0..12).map(|_| app.try_sign_in("ann@club.example", "a wrong one"));
    let answers = futures_util::future::join_all(guesses).await;
    let looked_at = answers.iter().filter(|answer| answer.status() == 422).count();
    assert!(looked_at <= 5, "{looked_at} guesses were looked at");
    assert_eq!(app.try_sign_in("ann@club.example", PASSWORD).await.status(), 429);
}

#[tokio::test]
async fn one_network_address_cannot_guess_at_many_people() {
    let app = TestApp::spawn().await;
    for n in 0..25 {
        let answer = app
            .try_sign_in(&format!("p{n}@club.example"), "a wrong one")
            .await;
        assert_eq!(answer.status(), 422);
    }
    assert_eq!(
        app.try_sign_in("p99@club.example", "a wrong one").await.status(),
        429
    );
}

#[tokio::test]
async fn the_cookie_is_for_the_server_alone() {
    let app = TestApp::spawn().await;
    app.staff(Role::Viewer, "ann@club.example").await;
    let answer = app.try_sign_in("ann@club.example", PASSWORD).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "{cookie}");

    let app = TestApp::spawn_with(|settings| {
        settings.base_url = Some("https://mail.club.example".parse().unwrap());
    })
    .await;
    app.staff(Role::Viewer, "ann@club.example").await;
    let address = format!("http://{}", app.cx.settings.listen);
    let answer = client()
        .post(format!("{address}/sign-in"))
        .form(&[("email", "ann@club.example"), ("password", PASSWORD)])
        .send()
        .await
        .unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("Secure"), "{cookie}");
}

#[tokio::test]
async fn signing_in_again_makes_the_session_before_it_worthless() {
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let fields = [("email", viewer.user.email.as_str()), ("password", PASSWORD)];
    assert_eq!(viewer.post("/sign-in", &fields).await.status(), 303);
    assert_eq!(sessions::Entity::find().count(&*app.cx.db).await.unwrap(), 1);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert_eq!(viewer.get("/profile").await.status(), 200);
    assert_eq!(viewer.post("/sign-out", &[]).await.status(), 303);
    assert_eq!(viewer.get("/profile").await.status(), 303);
    assert_eq!(sessions::Entity::find().count(&*app.cx.db).await.unwrap(), 0);
}

#[tokio::test]
async fn a_page_is_read_without_writing_to_the_session() {
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let answer = viewer.get("/profile").await;
    assert!(!answer.headers().contains_key("set-cookie"));
}

#[tokio::test]
async fn a_message_shows_once() {
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let saved = viewer
        .post("/profile", &[("name", "Ann"), ("timezone", "Europe/Dublin")])
        .await;
    assert_eq!(saved.status(), 303);
    let page = viewer.page("/profile").await;
    assert!(page.contains("Your profile is saved.") && page.contains("(Europe/Dublin)"));
    assert!(!viewer.page("/profile").await.contains("Your profile is saved."));
}

#[tokio::test]
async fn a_password_change_ends_the_other_sessions_and_asks_for_the_old_one() {
    let app = TestApp::spawn().await;
    let here = app.sign_in_as(Role::Manager).await;
    let there = app.sign_in(here.user.clone()).await;
    let wrong = here
        .post(
            "/profile/password",
            &[("current", "no"), ("new", "another long one")],
        )
        .await;
    assert_eq!(wrong.status(), 422);
    assert!(wrong.text().await.unwrap().contains("This is not your password."));
    assert_eq!(there.get("/profile").await.status(), 200);

    app.cx.clock.advance(TimeDelta::seconds(1));
    let changed = here
        .post(
            "/profile/password",
            &[("current", PASSWORD), ("new", "another long one")],
        )
        .await;
    assert_eq!(changed.status(), 303);
    assert!(
        here.page("/profile")
            .await
            .contains("your other session was ended")
    );
    assert_eq!(there.get("/profile").await.status(), 303);
    assert_eq!(app.try_sign_in(&here.user.email, PASSWORD).await.status(), 422);
    assert_eq!(
        app.try_sign_in(&here.user.email, "another long one")
            .await
            .status(),
        303
    );
}

#[tokio::test]
async fn one_can_end_ones_own_other_sessions_and_nobody_elses() {
    let app = TestApp::spawn().await;
    let here = app.sign_in_as(Role::Viewer).await;
    let there = app.sign_in(here.user.clone()).await;
    let stranger = app.sign_in_as(Role::Admin).await;
    let page = here.page("/profile").await;
    let (_, rest) = page.split_once("/profile/sessions/").unwrap();
    let id = rest.split('/').next().unwrap();
    let path = format!("/profile/sessions/{id}/end");
    assert_eq!(stranger.post(&path, &[]).await.status(), 404);
    assert_eq!(there.get("/profile").await.status(), 200);
    assert_eq!(here.post(&path, &[]).await.status(), 303);
    assert_eq!(there.get("/profile").await.status(), 303);
    assert_eq!(here.get("/profile").await.status(), 200);
}

#[tokio::test]
async fn a_write_without_the_sessions_token_is_refused() {
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let url = format!("{}/profile", app.address);
    let fields = [("name", "Mallory"), ("timezone", "")];
    let form = viewer.http.post(&url).form(&fields);
    let wrong = viewer
        .http
        .post(&url)
        .form(&[("name", "Mallory"), ("_csrf", "guess")]);
    let htmx = viewer
        .http
        .post(&url)
        .header("HX-Request", "true")
        .header("X-CSRF-Token", "guess")
        .form(&fields);
    let upload = viewer
        .http
        .post(&url)
        .multipart(reqwest::multipart::Form::new().text("_csrf", viewer.csrf.clone()));
    let elsewhere = viewer
        .http
        .post(&url)
        .header("Origin", "https://evil.example")
        .header("X-CSRF-Token", &viewer.csrf)
        .form(&fields);
    let cross_site = viewer
        .http
        .post(&url)
        .header("Sec-Fetch-Site", "cross-site")
        .header("X-CSRF-Token", &viewer.csrf)
        .form(&fields);
    for (n, request) in [form, wrong, htmx, upload, elsewhere, cross_site]
        .into_iter()
        .enumerate()
    {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 403);
        let text = answer.text().await.unwrap();
        assert!(text.contains("Reload the page"), "{n}: {text}");
    }
    assert!(!viewer.page("/profile").await.contains("Mallory"));
    assert_eq!(viewer.hx_post("/profile", &fields).await.status(), 200);
    assert!(viewer.page("/profile").await.contains("Mallory"));
}

#[tokio::test]
async fn a_session_ends_after_two_weeks_and_is_cleared_away() {
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    app.cx.clock.advance(TimeDelta::days(15));
    assert_eq!(viewer.get("/profile").await.status(), 303);
    housekeeping::clear(&app.cx).await.unwrap();
    assert_eq!(sessions::Entity::find().count(&*app.cx.db).await.unwrap(), 0);
}

#[tokio::test]
async fn a_database_that_fails_is_a_sentence_and_no_empty_page() {
    use sea_orm::ConnectionTrait as _;
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    app.cx.db.execute_unprepared("DROP TABLE sessions").await.unwrap();
    let answer = viewer.get("/profile").await;
    assert_eq!(answer.status(), 500);
    assert!(answer.headers().contains_key("content-security-policy"));
    assert!(
        answer
            .text()
            .await
            .unwrap()
            .contains("Something went wrong on our side")
    );
    let answer = viewer.hx_get("/profile").await;
    assert_eq!(answer.headers()["hx-retarget"], "#toasts");
    assert!(answer.text().await.unwrap().contains("class=\"toast\""));
}

#[tokio::test]
async fn a_session_that_was_ended_meanwhile_is_not_brought_back_by_a_late_message() {
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let id = viewer.user.id;
    let tx = app.cx.db.begin().await.unwrap();
    let saving = tokio::spawn(async move {
        let fields = [("name", "Ann"), ("timezone", "")];
        viewer.post("/profile", &fields).await.status()
    });
    // The request has read its session and waits for its turn to write.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    fairway::accounts::sessions::end(&tx, id, app.cx.clock.now(), |_| true)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(saving.await.unwrap(), 303);
    assert_eq!(sessions::Entity::find().count(&*app.cx.db).await.unwrap(), 0);
}

#[tokio::test]
async fn an_upload_from_our_own_page_needs_no_field_because_its_origin_proves_it() {
    let app = TestApp::spawn_with(|settings| {
        settings.base_url = Some("http://mail.club.example".parse().unwrap());
    })
    .await;
    app.staff(Role::Viewer, "ann@club.example").await;
    let http = client();
    let url = |path: &str| format!("http://{}{path}", app.cx.settings.listen);
    let fields = [("email", "ann@club.example"), ("password", PASSWORD)];
    http.post(url("/sign-in")).form(&fields).send().await.unwrap();
    for (origin, status) in [
        (url(""), 422),
        ("http://mail.club.example".to_owned(), 422),
        ("http://mail.club.example.evil.example".to_owned(), 403),
        ("null".to_owned(), 403),
    ] {
        // The profile takes no upload: 422 says that the request got as far as its handler.
        let form = reqwest::multipart::Form::new().text("name", "Ann");
        let request = http
            .post(url("/profile"))
            .header("Origin", &origin)
            .multipart(form);
        assert_eq!(request.send().await.unwrap().status(), status, "{origin}");
    }
}
