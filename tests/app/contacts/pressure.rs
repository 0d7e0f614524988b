//! Contacts under pressure: two people at once, and input that no form would send.

use crate::segments::pages::{attribute, texts};
use crate::support::TestApp;
use fairway::audience::contacts::store;
use fairway::domain::Role;
use fairway::entity::contacts;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::json;

#[actix_web::test]
async fn who_edits_a_person_that_another_changed_meanwhile_is_told_and_loses_nothing() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let ada = app
        .contact()
        .email("ada@club.example")
        .name("Ada", "King")
        .create()
        .await;
    let path = format!("/contacts/{}/edit", ada.id);
    let seen = attribute(&staff.page(&path).await, "[name=seen]", "value").unwrap();
    app.advance(chrono::TimeDelta::seconds(1));
    let first = [
        ("email", "ada@club.example"),
        ("lastName", "Byron"),
        ("seen", seen.as_str()),
    ];
    assert_eq!(staff.post(&path, &first).await.status(), 303);
    app.advance(chrono::TimeDelta::seconds(1));
    let second = [
        ("email", "ada@club.example"),
        ("lastName", "Lovelace"),
        ("seen", seen.as_str()),
    ];
    let answer = staff.post(&path, &second).await;
    assert_eq!(answer.status(), 409);
    let page = answer.text().await.unwrap();
    assert!(
        texts(&page, "form .notice")[0].contains("changed by somebody else"),
        "{page}"
    );
    assert_eq!(
        attribute(&page, "#f-lastName", "value").as_deref(),
        Some("Lovelace")
    );
    let kept = store::find(&*app.cx.db, ada.id).await.unwrap().unwrap();
    assert_eq!(kept.last_name, "Byron");
    // Who has seen that may have it their way.
    let seen = attribute(&page, "[name=seen]", "value").unwrap();
    let again = [
        ("email", "ada@club.example"),
        ("lastName", "Lovelace"),
        ("seen", seen.as_str()),
    ];
    assert_eq!(staff.post(&path, &again).await.status(), 303);
    let kept = store::find(&*app.cx.db, ada.id).await.unwrap().unwrap();
    assert_eq!(kept.last_name, "Lovelace");
}

#[actix_web::test]
async fn a_person_who_is_gone_can_be_neither_edited_nor_erased_again() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let ada = app.contact().create().await;
    let path = format!("/contacts/{}", ada.id);
    assert_eq!(staff.post(&format!("{path}/erase"), &[]).await.status(), 303);
    for what in ["edit", "erase"] {
        let answer = staff
            .post(&format!("{path}/{what}"), &[("email", "x@club.example")])
            .await;
        assert_eq!(answer.status(), 404, "{what}");
    }
}

#[actix_web::test]
async fn no_field_of_a_person_takes_control_characters_or_more_than_its_limit() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let program = app.program(Role::Manager).await;
    app.contact().key("M-1").attribute("note", "x").create().await;
    for (form, api) in [
        ("firstName", "firstName"),
        ("lastName", "lastName"),
        ("email", "email"),
        ("phone", "phone"),
        ("key", "key"),
        ("timezone", "timezone"),
        ("locale", "locale"),
        ("tags", "tags"),
        ("attributes.note", "attributes"),
    ] {
        for bad in ["a\0b".to_owned(), "x".repeat(10_000)] {
            let mut fields = vec![(form, bad.as_str())];
            if form != "email" {
                fields.push(("email", "ada@club.example"));
            }
            let answer = staff.post("/contacts/new", &fields).await;
            assert_eq!(answer.status(), 422, "{form} {:.3}", bad);
            let value = match api {
                "tags" => json!([bad]),
                "attributes" => json!({"note": bad}),
                _ => json!(bad),
            };
            let mut body = json!({"email": "ada@club.example"});
            body[api] = value;
            let answer = program.put("/contacts/M-9", &body).await;
            assert_eq!(answer.status, 422, "{api} {:.3}: {}", bad, answer.body);
        }
    }
    assert_eq!(contacts::Entity::find().count(&*app.cx.db).await.unwrap(), 1);
}

#[actix_web::test]
async fn a_huge_attribute_and_an_impossible_name_are_refused_with_a_sentence() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let program = app.program(Role::Manager).await;
    app.contact().key("M-1").attribute("note", "x").create().await;
    let huge = "x".repeat(1 << 20);
    let answer = staff
        .post("/contacts/new", &[("key", "M-2"), ("attributes.note", &huge)])
        .await;
    assert_eq!(answer.status(), 422);
    let body = json!({"attributes": {"note": huge}});
    assert_eq!(
        program.put("/contacts/M-1", &body).await.refused(),
        ["attributes.note"]
    );
    let body = json!({"attributes": {huge.as_str(): 1}});
    assert_eq!(program.put("/contacts/M-1", &body).await.status, 422);
    for key in ["M%001", "%00@club.example"] {
        assert_eq!(
            program.get(&format!("/contacts/{key}")).await.status,
            404,
            "{key}"
        );
        assert_eq!(
            program.delete(&format!("/contacts/{key}")).await.status,
            404,
            "{key}"
        );
        assert_eq!(
            program.put(&format!("/contacts/{key}"), &json!({})).await.status,
            422,
            "{key}"
        );
    }
}
