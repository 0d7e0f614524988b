//! What an API key opens, and when it no longer does.

use crate::support::TestApp;
use actix_web::middleware::from_fn;
use actix_web::{App, http::StatusCode, test, web};
use chrono::TimeDelta;
use fairway::accounts::{Admin, ApiKey, Manager, keys};
use fairway::context::Context;
use fairway::domain::Role;
use fairway::entity::api_keys;
use fairway::web::error::render_errors;
use sea_orm::EntityTrait as _;

/// Asks an address that takes managers' keys, and answers status and body.
async fn ask(cx: &Context, authorization: Option<&str>) -> (StatusCode, String) {
    let service = test::init_service(
        App::new()
            .app_data(web::Data::new(cx.clone()))
            .route(
                "/api/managers",
                web::get().to(|key: ApiKey<Manager>| async move { key.actor().name }),
            )
            .wrap(from_fn(render_errors)),
    )
    .await;
    let mut request = test::TestRequest::get().uri("/api/managers");
    if let Some(value) = authorization {
        request = request.insert_header(("Authorization", value));
    }
    let response = test::call_service(&service, request.to_request()).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        assert_eq!(response.headers().get("www-authenticate").unwrap(), "Bearer");
    }
    let status = response.status();
    let body = test::read_body(response).await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[actix_web::test]
async fn a_key_opens_what_its_role_may() {
    let app = TestApp::spawn().await;
    for (role, expected) in [
        (Role::Viewer, StatusCode::FORBIDDEN),
        (Role::Manager, StatusCode::OK),
        (Role::Admin, StatusCode::OK),
    ] {
        let key = app.api_key(role).await;
        assert!(key.starts_with("fw_"));
        let (status, body) = ask(&app.cx, Some(&format!("Bearer {key}"))).await;
        assert_eq!(status, expected, "{role}: {body}");
        match expected {
            StatusCode::OK => assert_eq!(body, "API key “test”"),
            _ => assert!(body.contains("\"code\":\"role_needed\""), "{body}"),
        }
    }
}

#[actix_web::test]
async fn no_key_a_wrong_key_and_another_scheme_are_refused_alike() {
    let app = TestApp::spawn().await;
    let key = app.api_key(Role::Admin).await;
    for given in [
        None,
        Some(String::new()),
        Some("Bearer ".into()),
        Some("Bearer fw_guess".into()),
        Some(format!("Basic {key}")),
        Some(key.clone()),
    ] {
        let (status, body) = ask(&app.cx, given.as_deref()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{given:?}");
        assert!(body.contains("\"code\":\"key_needed\""), "{body}");
    }
}

#[actix_web::test]
async fn only_the_hash_of_a_key_is_kept() {
    let app = TestApp::spawn().await;
    let key = app.api_key(Role::Admin).await;
    let row = api_keys::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    assert!(!row.key_hash.contains(&key));
    assert!(key.starts_with(&row.hint) && row.hint.len() < 10);
}

#[actix_web::test]
async fn a_revoked_key_opens_nothing_from_then_on() {
    let app = TestApp::spawn().await;
    let bearer = format!("Bearer {}", app.api_key(Role::Manager).await);
    assert_eq!(ask(&app.cx, Some(&bearer)).await.0, StatusCode::OK);
    let row = api_keys::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    let tx = app.cx.db.begin().await.unwrap();
    keys::revoke(&tx, row.id, app.cx.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask(&app.cx, Some(&bearer)).await.0, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn the_use_of_a_key_is_noted_at_most_once_a_minute() {
    let app = TestApp::spawn().await;
    let bearer = format!("Bearer {}", app.api_key(Role::Manager).await);
    let used = async || {
        let row = api_keys::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
        row.last_used_at.map(|at| at.0)
    };
    assert_eq!(used().await, None);
    ask(&app.cx, Some(&bearer)).await;
    let first = used().await;
    assert_eq!(first, Some(app.cx.clock.now()));
    app.cx.clock.advance(TimeDelta::seconds(59));
    ask(&app.cx, Some(&bearer)).await;
    assert_eq!(used().await, first);
    app.cx.clock.advance(TimeDelta::seconds(1));
    ask(&app.cx, Some(&bearer)).await;
    assert_eq!(used().await, Some(app.cx.clock.now()));
}

#[actix_web::test]
async fn an_administrators_page_shows_a_new_key_once() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let answer = admin
        .post("/settings/keys", &[("name", "website"), ("role", "manager")])
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let page = answer.text().await.unwrap();
    let (_, rest) = page.split_once("value=\"fw_").unwrap();
    let key = format!("fw_{}", rest.split('"').next().unwrap());
    let bearer = format!("Bearer {key}");
    assert_eq!(ask(&app.cx, Some(&bearer)).await.1, "API key “website”");
    let list = admin.page("/settings/keys").await;
    assert!(list.contains("website") && !list.contains(&key));

    let (_, rest) = list.split_once("/settings/keys/").unwrap();
    let id = rest.split('/').next().unwrap();
    let revoked = admin.post(&format!("/settings/keys/{id}/revoke"), &[]).await;
    assert_eq!(revoked.status(), 303);
    assert_eq!(ask(&app.cx, Some(&bearer)).await.0, StatusCode::UNAUTHORIZED);
    let again = admin.post(&format!("/settings/keys/{id}/revoke"), &[]).await;
    assert_eq!(again.status(), 404);
}

/// A level is a type: a handler for administrators cannot be called with less.
#[actix_web::test]
async fn an_administrators_handler_refuses_a_managers_key() {
    let app = TestApp::spawn().await;
    let key = app.api_key(Role::Manager).await;
    let request = test::TestRequest::get()
        .insert_header(("Authorization", format!("bearer {key}")))
        .app_data(web::Data::new(app.cx.clone()))
        .to_http_request();
    let extracted =
        <ApiKey<Admin> as actix_web::FromRequest>::from_request(&request, &mut actix_web::dev::Payload::None)
            .await;
    assert!(matches!(
        extracted.err(),
        Some(fairway::web::AppError::RoleNeeded(Role::Admin))
    ));
}
