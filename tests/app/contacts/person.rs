//! One person: their page, making, changing and erasing them.

use super::{names, three};
use crate::segments::pages::{attribute, count, texts};
use crate::support::TestApp;
use chrono::TimeDelta;
use fairway::audience::contacts::store;
use fairway::domain::{Channel, Role};
use fairway::entity::{audit_log, captured_messages, contacts, deliveries};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::json;

async fn reload(app: &TestApp, id: i64) -> contacts::Model {
    store::find(&*app.cx.db, id).await.unwrap().unwrap()
}

#[actix_web::test]
async fn a_person_is_made_with_attributes_tags_and_consent() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    app.contact().attribute("handicap", 12).create().await;
    let fields = [
        ("firstName", "Ada"),
        ("lastName", "King"),
        ("email", " ADA@Club.example"),
        ("phone", "+27 82 123 4567"),
        ("key", "M-1"),
        ("tags", "Juniors; ladies;juniors"),
        ("timezone", "Africa/Johannesburg"),
        ("locale", "en-ZA"),
        ("attributes.handicap", "12,5"),
        ("consent", "yes"),
    ];
    let answer = staff.post("/contacts/new", &fields).await;
    assert_eq!(answer.status(), 303);
    let path = answer.headers()["location"].to_str().unwrap().to_owned();
    let ada = store::by_key(&*app.cx.db, "M-1").await.unwrap().unwrap();
    assert_eq!(path, format!("/contacts/{}", ada.id));
    assert_eq!(ada.email.as_deref(), Some("ada@club.example"));
    assert_eq!(ada.phone.as_deref(), Some("+27821234567"));
    assert_eq!(ada.attributes, json!({"handicap": 12.5}));
    let page = staff.page(&path).await;
    assert_eq!(texts(&page, "h1"), ["Ada King"]);
    assert_eq!(texts(&page, ".page-head .tag"), ["juniors", "ladies"]);
    assert_eq!(
        texts(&page, "section[aria-labelledby=consent] .chip")[0],
        "Subscribed"
    );
    let log = texts(&page, "section[aria-labelledby=log] li");
    assert!(log[0].contains("subscribed · staff, by The manager"), "{log:?}");
}

#[actix_web::test]
async fn a_refused_person_is_told_beside_the_fields_and_nothing_typed_is_lost() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    app.contact().attribute("handicap", 12).create().await;
    let fields = [
        ("firstName", "Ada <b>"),
        ("email", "nobody"),
        ("phone", "12"),
        ("timezone", "Mars/Olympus"),
        ("tags", "one; two"),
        ("attributes.handicap", "low"),
        ("consent", "yes"),
    ];
    let answer = staff.post("/contacts/new", &fields).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert_eq!(count(&page, ".field[data-invalid]"), 4);
    for (name, typed) in &fields[..6] {
        let field = format!("[name='{name}']");
        assert_eq!(attribute(&page, &field, "value").as_deref(), Some(*typed));
    }
    assert_eq!(count(&page, "[name=consent][checked]"), 1);
    assert_eq!(contacts::Entity::find().count(&*app.cx.db).await.unwrap(), 1);
    let answer = staff.post("/contacts/new", &[("firstName", "Ada")]).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert!(texts(&page, "main .notice")[0].contains("needs a key, an e-mail address or"));
}

#[actix_web::test]
async fn an_address_or_key_that_another_has_is_refused_and_nobody_is_changed() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let [ada, bo, _] = three(&app).await;
    for (path, fields, field) in [
        (
            "/contacts/new".to_owned(),
            [("email", "ADA@club.example"), ("lastName", "New")],
            "email",
        ),
        (
            "/contacts/new".into(),
            [("key", "M_1"), ("lastName", "New")],
            "key",
        ),
        (
            format!("/contacts/{}/edit", bo.id),
            [("email", "ada@club.example"), ("lastName", "New")],
            "email",
        ),
        (
            format!("/contacts/{}/edit", bo.id),
            [("key", "M_1"), ("lastName", "New")],
            "key",
        ),
    ] {
        let answer = staff.post(&path, &fields).await;
        assert_eq!(answer.status(), 422, "{path} {field}");
        let page = answer.text().await.unwrap();
        let told = texts(&page, &format!("#d-{field} .error"));
        assert!(
            told.len() == 1 && told[0].contains("has this already"),
            "{told:?}"
        );
        assert_eq!(
            attribute(&page, "#f-lastName", "value").as_deref(),
            Some("New"),
            "{path}"
        );
    }
    assert_eq!(reload(&app, ada.id).await, ada);
    assert_eq!(reload(&app, bo.id).await, bo);
    assert_eq!(contacts::Entity::find().count(&*app.cx.db).await.unwrap(), 3);
}

#[actix_web::test]
async fn an_edited_person_is_what_the_form_says_empty_fields_too() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let ada = app
        .contact()
        .key("M-1")
        .email("ada@club.example")
        .name("Ada", "King");
    let ada = ada
        .tag("juniors")
        .attribute("handicap", 12)
        .attribute("town", "Knysna")
        .subscribed(Channel::Email)
        .create()
        .await;
    let path = format!("/contacts/{}/edit", ada.id);
    let form = staff.page(&path).await;
    for (name, value) in [
        ("firstName", "Ada"),
        ("tags", "juniors"),
        ("attributes.handicap", "12"),
    ] {
        let field = format!("[name='{name}']");
        assert_eq!(attribute(&form, &field, "value").as_deref(), Some(value));
    }
    let fields = [
        ("email", "ada@club.example"),
        ("lastName", "Byron"),
        ("attributes.handicap", "9"),
    ];
    assert_eq!(staff.post(&path, &fields).await.status(), 303);
    let ada = reload(&app, ada.id).await;
    assert_eq!(
        (
            ada.key.as_deref(),
            ada.first_name.as_str(),
            ada.last_name.as_str()
        ),
        (None, "", "Byron")
    );
    assert_eq!(ada.attributes.as_object().unwrap().len(), 1);
    assert_eq!(ada.attributes["handicap"].as_f64(), Some(9.0));
    assert_eq!(
        store::tags(&*app.cx.db, ada.id).await.unwrap(),
        Vec::<String>::new()
    );
    assert_eq!(names(&staff, "/contacts?q=king").await, Vec::<String>::new());
    let refused = staff
        .post(&path, &[("email", "ada"), ("lastName", "Lovelace")])
        .await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert_eq!(
        attribute(&page, "#f-lastName", "value").as_deref(),
        Some("Lovelace")
    );
    assert_eq!(reload(&app, ada.id).await, ada);
}

#[actix_web::test]
async fn an_erased_person_leaves_the_counts_true_and_nothing_else() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let sent = app.sent(3).await;
    app.http.get(app.urls().open(sent[0].id)).send().await.unwrap();
    let id = sent[0].contact_id.unwrap();
    let path = format!("/contacts/{id}/erase");
    let question = staff.page(&path).await;
    assert!(
        texts(&question, "main .card p")[0].contains("keeps 1 row without name"),
        "{question}"
    );
    assert!(
        store::find(&*app.cx.db, id).await.unwrap().is_some(),
        "looking erases nobody"
    );
    let before = app.counts().await;
    assert_eq!((before.target, before.sent, before.opened), (3, 3, 1));
    let captured = async || {
        captured_messages::Entity::find()
            .count(&*app.cx.db)
            .await
            .unwrap()
    };
    assert_eq!(captured().await, 3);

    assert_eq!(staff.post(&path, &[]).await.status(), 303);
    assert_eq!(staff.get(&format!("/contacts/{id}")).await.status(), 404);
    assert_eq!(staff.post(&path, &[]).await.status(), 404);
    assert_eq!(app.counts().await, before);
    app.check_ledger().await;
    assert_eq!(captured().await, 2);
    let row = deliveries::Entity::find_by_id(sent[0].id)
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.contact_id, row.address.as_str()), (None, ""));
    let line = audit_log::Entity::find()
        .filter(audit_log::Column::Action.eq("erased"))
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((line.subject_id, line.actor.as_str()), (Some(id), "The manager"));
    assert_eq!(line.detail, json!({}), "the trail does not keep who it was");
}

#[actix_web::test]
async fn a_persons_page_shows_what_they_were_sent_and_did() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let sent = app.sent(2).await;
    let path = |place: usize| format!("/contacts/{}", sent[place].contact_id.unwrap());
    app.advance(TimeDelta::minutes(5));
    app.http.get(app.urls().open(sent[0].id)).send().await.unwrap();
    let told = texts(
        &staff.page(&path(0)).await,
        "section[aria-labelledby=sent] .timeline li",
    );
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains("The spring cup") && told[0].ends_with("Opened the message."),
        "{told:?}"
    );
    assert!(told[1].contains("Was sent by e-mail"), "{told:?}");
    let other = texts(
        &staff.page(&path(1)).await,
        "section[aria-labelledby=sent] .timeline li",
    );
    assert_eq!(other.len(), 1, "{other:?}");
    let fresh = app.contact().create().await;
    let page = staff.page(&format!("/contacts/{}", fresh.id)).await;
    assert!(texts(&page, "section[aria-labelledby=sent] p")[0].starts_with("Nothing yet"));
}

#[actix_web::test]
async fn what_a_person_said_is_written_down_with_its_ground() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let ada = app.contact().subscribed(Channel::Email).create().await;
    let (person, path) = (
        format!("/contacts/{}", ada.id),
        format!("/contacts/{}/consent", ada.id),
    );
    let said = [("channel", "EMAIL"), ("status", "UNSUBSCRIBED"), ("source", "")];
    staff.post(&path, &said).await;
    let page = staff.page(&person).await;
    assert!(texts(&page, ".notice[data-kind=error]")[0].contains("on what ground"));
    assert_eq!(
        texts(&page, "section[aria-labelledby=consent] .chip")[0],
        "Subscribed"
    );
    let said = [
        ("channel", "EMAIL"),
        ("status", "UNSUBSCRIBED"),
        ("source", "front desk"),
        ("evidence", "said so on Sunday"),
    ];
    assert_eq!(staff.post(&path, &said).await.status(), 303);
    let page = staff.page(&person).await;
    assert_eq!(
        texts(&page, "section[aria-labelledby=consent] .chip")[0],
        "Unsubscribed"
    );
    let log = texts(&page, "section[aria-labelledby=log] li");
    assert_eq!(log.len(), 2);
    assert!(
        log[0].contains("front desk, by The managersaid so on Sunday"),
        "{log:?}"
    );
}

#[actix_web::test]
async fn viewers_read_people_and_write_none() {
    let app = TestApp::spawn().await;
    let ada = app.contact().name("Ada", "King").create().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let person = format!("/contacts/{}", ada.id);
    for path in ["/contacts", person.as_str()] {
        let page = viewer.page(path).await;
        assert_eq!(
            count(
                &page,
                "main form[method=post], main a[href$='/edit'], main a[href$='/new']"
            ),
            0
        );
    }
    for path in ["/edit", "/erase"] {
        assert_eq!(viewer.get(&format!("{person}{path}")).await.status(), 403);
        let answer = viewer
            .post(&format!("{person}{path}"), &[("email", "x@club.example")])
            .await;
        assert_eq!(answer.status(), 403);
    }
    let answer = viewer.post("/contacts/new", &[("email", "x@club.example")]).await;
    assert_eq!(answer.status(), 403);
    let said = [
        ("channel", "EMAIL"),
        ("status", "SUBSCRIBED"),
        ("source", "front desk"),
    ];
    assert_eq!(
        viewer.post(&format!("{person}/consent"), &said).await.status(),
        403
    );
    assert_eq!(reload(&app, ada.id).await, ada);
    assert_eq!(contacts::Entity::find().count(&*app.cx.db).await.unwrap(), 1);
}

#[actix_web::test]
async fn all_that_is_kept_of_a_person_can_be_given_to_them_and_leaves_a_trace() {
    let app = TestApp::spawn().await;
    let ada = app
        .contact()
        .email("ada@club.example")
        .name("Ada", "King")
        .subscribed(Channel::Email)
        .create()
        .await;
    let manager = app.sign_in_as(Role::Manager).await;
    let answer = manager.post(&format!("/contacts/{}/data", ada.id), &[]).await;
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-disposition"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(kind.starts_with("attachment"), "{kind}");
    let data: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(data["contact"]["email"], "ada@club.example");
    assert_eq!(data["consentHistory"][0]["channel"], "EMAIL");
    assert_eq!(data["messages"], serde_json::json!([]));
    let trail = audit_log::Entity::find()
        .filter(audit_log::Column::Action.eq("data exported"))
        .one(&*app.cx.db)
        .await
        .unwrap();
    assert_eq!(trail.unwrap().subject_id, Some(ada.id));
    let viewer = app.sign_in_as(Role::Viewer).await;
    let refused = viewer.post(&format!("/contacts/{}/data", ada.id), &[]).await;
    assert_eq!(refused.status(), 403);
}
