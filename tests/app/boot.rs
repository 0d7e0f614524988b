//! The server starts, answers, and says what is not there.

use crate::support::TestApp;

#[tokio::test]
async fn a_fresh_instance_answers_its_health_check() {
    let app = TestApp::spawn().await;
    let answer = app.get("/healthz").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "ok\n");
}

#[tokio::test]
async fn an_unknown_page_is_a_404_in_the_askers_language() {
    let app = TestApp::spawn().await;
    let page = app.get("/nothing").await;
    assert_eq!(page.status(), 404);
    assert!(page.text().await.unwrap().contains("Nothing is here"));
    let api = app.get("/api/v1/nothing").await;
    assert_eq!(api.status(), 404);
    assert_eq!(api.headers()["content-type"], "application/problem+json");
    assert_eq!(
        api.json::<serde_json::Value>().await.unwrap()["code"],
        "not_found"
    );
}
