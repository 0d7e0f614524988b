//! Lists by hand, and segments as programs put them.

use super::pages::{attribute, count, texts};
use crate::support::{TestApp, people, start};
use fairway::accounts::Actor;
use fairway::audience::segments::commands::{self, NewSegment};
use fairway::audience::segments::store;
use fairway::domain::{Role, SegmentKind};
use fairway::entity::{segment_members, segments};
use fairway::web::{AppError, Result};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};

async fn three(app: &TestApp) {
    for (key, email) in [
        (Some("M-1"), Some("ada@club.example")),
        (Some("M-2"), None),
        (None, Some("cy@club.example")),
    ] {
        let mut person = people::nobody();
        person.key = key.map(str::to_owned);
        person.email = email.map(str::to_owned);
        people::keep(&*app.cx.db, &person, None).await;
    }
}

async fn put(app: &TestApp, key: &str, json: Value) -> Result<(segments::Model, bool)> {
    let tx = app.cx.db.begin().await?;
    let put = commands::put(
        &tx,
        key,
        NewSegment::from_json(&json)?,
        &Actor::fairway(),
        start(),
    )
    .await?;
    tx.commit().await?;
    Ok(put)
}

async fn people_in(app: &TestApp, segment: &segments::Model) -> i64 {
    store::count(&*app.cx.db, segment, start(), chrono_tz::UTC)
        .await
        .unwrap()
}

#[actix_web::test]
async fn people_are_pasted_into_a_list_and_unknown_lines_come_back() {
    let app = TestApp::spawn().await;
    three(&app).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let made = staff
        .post("/segments/new", &[("name", "Committee"), ("kind", "list")])
        .await;
    assert_eq!(made.status(), 303);
    let place = made.headers()["location"].to_str().unwrap().to_owned();
    let segment = segments::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    assert_eq!(segment.kind, SegmentKind::Static);
    assert_eq!(
        texts(&staff.page(&place).await, ".empty h2"),
        ["Nobody is on the list yet"]
    );

    let members = format!("{place}/members");
    let paste = "M-1\r\n\r\nnobody@club.example\r\n  CY@club.example,\r\nM-1\r\nM-99\r\n";
    let answer = staff.post(&members, &[("people", paste)]).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert_eq!(texts(&page, ".notice[data-kind=ok]"), ["2 people were added."]);
    assert_eq!(texts(&page, "textarea"), ["nobody@club.example M-99"]);
    assert_eq!(
        texts(&page, ".form ul li"),
        ["Line 3: nobody@club.example", "Line 6: M-99"]
    );
    assert_eq!(count(&page, "tbody tr"), 2);
    assert_eq!(people_in(&app, &segment).await, 2);

    let answer = staff.post(&members, &[("people", "M-2\nM-1")]).await;
    assert_eq!(answer.status(), 303);
    let page = staff.page(&place).await;
    assert_eq!(
        texts(&page, ".notice[data-kind=ok]"),
        ["One person was added. One was on the list already."]
    );
    let remove = attribute(&page, "tbody form", "action").unwrap();
    assert_eq!(staff.post(&remove, &[]).await.status(), 303);
    assert_eq!(people_in(&app, &segment).await, 2);
    assert_eq!(staff.post(&remove, &[]).await.status(), 303, "twice is once");

    let answer = staff.post(&members, &[("people", " \n")]).await;
    assert_eq!(answer.status(), 422);
}

#[actix_web::test]
async fn a_rule_takes_no_pasted_people() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let (segment, _) = put(&app, "everyone", json!({"name": "Everyone", "rule": {"all": []}}))
        .await
        .unwrap();
    let answer = staff
        .post(&format!("/segments/{}/members", segment.id), &[("people", "M-1")])
        .await;
    assert_eq!(answer.status(), 409);
}

#[actix_web::test]
async fn putting_a_segment_makes_it_once_and_then_changes_it() {
    let app = TestApp::spawn().await;
    three(&app).await;
    let (first, is_new) = put(
        &app,
        "members",
        json!({"name": "Members", "rule": {"field": "key", "op": "exists"}}),
    )
    .await
    .unwrap();
    assert!(is_new);
    assert_eq!(people_in(&app, &first).await, 2);
    let (second, is_new) = put(
        &app,
        "members",
        json!({"name": "By hand", "contacts": ["M-1", "cy@club.example"]}),
    )
    .await
    .unwrap();
    assert!(!is_new);
    assert_eq!(
        (second.id, second.kind, second.name.as_str()),
        (first.id, SegmentKind::Static, "By hand")
    );
    assert_eq!(people_in(&app, &second).await, 2);
    // The list is what was put, not what was added up.
    let (third, _) = put(&app, "members", json!({"name": "By hand", "contacts": ["M-2"]}))
        .await
        .unwrap();
    assert_eq!(people_in(&app, &third).await, 1);
    // Back to a rule, nobody is kept from the list.
    put(&app, "members", json!({"name": "Rule", "rule": {"all": []}}))
        .await
        .unwrap();
    assert_eq!(
        segment_members::Entity::find().count(&*app.cx.db).await.unwrap(),
        0
    );
    assert_eq!(
        store::by_key_or_id(&*app.cx.db, "members")
            .await
            .unwrap()
            .unwrap()
            .id,
        first.id
    );
    let by_id = store::by_key_or_id(&*app.cx.db, &first.id.to_string())
        .await
        .unwrap();
    assert_eq!(by_id.unwrap().key, "members");
}

#[actix_web::test]
async fn an_unknown_contact_refuses_the_whole() {
    let app = TestApp::spawn().await;
    three(&app).await;
    let error = put(&app, "members", json!({"name": "x", "contacts": ["M-1", "M-9"]}))
        .await
        .unwrap_err();
    let AppError::Invalid(errors) = error else {
        panic!("{error}");
    };
    assert_eq!(errors.0[0].field, "contacts[1]");
    assert!(
        store::by_key_or_id(&*app.cx.db, "members")
            .await
            .unwrap()
            .is_none()
    );
    let error = put(&app, "Not a key", json!({"name": "x", "rule": {"all": []}}))
        .await
        .unwrap_err();
    assert!(matches!(error, AppError::Invalid(errors) if errors.0[0].field == "key"));
}
