//! `/settings/attributes`.

use crate::segments::pages::{attribute, count, texts};
use crate::support::TestApp;
use fairway::domain::{AttributeKind, Role};
use fairway::entity::{attribute_definitions, audit_log};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

const PAGE: &str = "/settings/attributes";

async fn kind_of(app: &TestApp, name: &str) -> Option<AttributeKind> {
    attribute_definitions::Entity::find_by_id(name)
        .one(&*app.cx.db)
        .await
        .unwrap()
        .map(|row| row.kind)
}

#[actix_web::test]
async fn an_attribute_is_added_relabelled_and_deleted() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    assert_eq!(texts(&admin.page(PAGE).await, ".empty h2"), ["No attributes yet"]);
    let fields = [("label", "Home club"), ("kind", "text"), ("name", "")];
    assert_eq!(admin.post(PAGE, &fields).await.status(), 303);
    let fields = [("label", "Handicap"), ("kind", "number"), ("name", "hcp")];
    assert_eq!(admin.post(PAGE, &fields).await.status(), 303);
    assert_eq!(kind_of(&app, "hcp").await, Some(AttributeKind::Number));
    let page = admin.page(PAGE).await;
    assert_eq!(
        texts(&page, "tbody th"),
        ["HandicapNumber · hcp", "Home clubText · home_club"]
    );
    assert_eq!(texts(&page, ".tabs a[aria-current]"), ["Attributes"]);

    let one = attribute(&page, "tbody tr:first-child a", "href").unwrap();
    let refused = admin.post(&one, &[("label", " ")]).await;
    assert_eq!(refused.status(), 422);
    assert_eq!(
        texts(&refused.text().await.unwrap(), "#d-label .error"),
        ["Fill this in."]
    );
    assert_eq!(
        admin.post(&one, &[("label", "Playing handicap")]).await.status(),
        303
    );
    assert_eq!(
        texts(&admin.page(PAGE).await, "tbody th"),
        ["Home clubText · home_club", "Playing handicapNumber · hcp"]
    );
    let delete = attribute(&admin.page(&one).await, "details.card form", "action").unwrap();
    assert_eq!(admin.post(&delete, &[]).await.status(), 303);
    assert_eq!(kind_of(&app, "hcp").await, None);
    assert_eq!(admin.get(&one).await.status(), 404);

    let trail = audit_log::Entity::find()
        .filter(audit_log::Column::SubjectKind.eq("attribute"))
        .order_by_asc(audit_log::Column::Id)
        .all(&*app.cx.db)
        .await
        .unwrap();
    let told: Vec<_> = trail.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(told, ["created", "created", "edited", "deleted"]);
}

#[actix_web::test]
async fn a_taken_or_impossible_name_is_refused_at_its_field_and_what_was_typed_stays() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    app.contact().attribute("handicap", 12).create().await;
    for (label, kind, name, field) in [
        ("Handicap", "text", "", "name"),
        ("Other", "text", "handicap", "name"),
        ("Other", "text", "Not a name", "name"),
        ("高尔夫", "text", "", "name"),
        ("", "text", "fine", "label"),
        ("Other", "fraction", "fine", "kind"),
    ] {
        let fields = [("label", label), ("kind", kind), ("name", name)];
        let answer = admin.post(PAGE, &fields).await;
        assert_eq!(answer.status(), 422, "{fields:?}");
        let page = answer.text().await.unwrap();
        assert_eq!(texts(&page, &format!("#d-{field} .error")).len(), 1, "{fields:?}");
        assert_eq!(attribute(&page, "#f-label", "value").as_deref(), Some(label));
        assert_eq!(attribute(&page, "#f-name", "value").as_deref(), Some(name));
    }
    assert_eq!(kind_of(&app, "handicap").await, Some(AttributeKind::Number));
}

#[actix_web::test]
async fn an_attribute_that_somebody_has_or_a_segment_asks_about_stays() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let ada = app.contact().attribute("handicap", 12).create().await;
    app.contact().attribute("handicap", 20).create().await;
    app.contact().attribute("town", "Knysna").create().await;
    let page = admin.page(PAGE).await;
    assert_eq!(texts(&page, "tbody td.num:nth-child(2)"), ["2", "1"]);

    let program = app.program(Role::Manager).await;
    let nested =
        serde_json::json!({"any": [{"none": [{"field": "attributes.handicap", "op": "lt", "value": 18}]}]});
    let body = serde_json::json!({"name": "High", "rule": nested});
    program.put("/segments/high", &body).await.is(201);
    let path = format!("{PAGE}/handicap");
    let one = admin.page(&path).await;
    assert_eq!(count(&one, "details.card form"), 0);
    assert_eq!(texts(&one, "main li a"), ["High"]);
    let answer = admin.post(&format!("{path}/delete"), &[]).await;
    assert_eq!(answer.status(), 409);
    let told = answer.text().await.unwrap();
    assert!(
        told.contains("2 people have a value, and the segment “High” asks about it"),
        "{told}"
    );

    // A segment alone keeps it too.
    let town =
        serde_json::json!({"name": "Coast", "rule": {"field": "attributes.town", "op": "eq", "value": "x"}});
    program.put("/segments/coast", &town).await.is(201);
    let edit = format!("/contacts/{}/edit", ada.id);
    assert_eq!(admin.get(&edit).await.status(), 200);
    let answer = admin.post(&format!("{PAGE}/town/delete"), &[]).await;
    assert_eq!(answer.status(), 409);
    assert!(kind_of(&app, "town").await.is_some());
}

#[actix_web::test]
async fn only_admins_have_the_page_of_attributes() {
    let app = TestApp::spawn().await;
    app.contact().attribute("handicap", 12).create().await;
    for role in [Role::Viewer, Role::Manager] {
        let person = app.sign_in_as(role).await;
        assert_eq!(person.get(PAGE).await.status(), 403);
        assert_eq!(person.post(PAGE, &[("label", "x")]).await.status(), 403);
        for path in ["", "/delete"] {
            let answer = person.post(&format!("{PAGE}/handicap{path}"), &[]).await;
            assert_eq!(answer.status(), 403);
        }
        assert_eq!(
            count(
                &person.page("/settings/topics").await,
                ".tabs a[href='/settings/attributes']"
            ),
            0
        );
    }
    assert!(kind_of(&app, "handicap").await.is_some());
}
