//! `/settings/topics` and `/settings/suppressions`.

use crate::segments::pages::{attribute, count, texts};
use crate::support::{TestApp, people};
use fairway::audience::eligibility;
use fairway::domain::consent::SkipReason;
use fairway::domain::{Channel, Purpose, Role, Status};
use fairway::entity::{audit_log, suppressions, topics};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

const TOPICS: &str = "/settings/topics";
const SUPPRESSIONS: &str = "/settings/suppressions";

#[actix_web::test]
async fn topics_are_added_renamed_and_put_in_order() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    assert_eq!(texts(&staff.page(TOPICS).await, ".empty h2"), ["No topics yet"]);
    for name in ["Newsletter", "Tournaments & cups"] {
        assert_eq!(staff.post(TOPICS, &[("name", name)]).await.status(), 303);
    }
    let page = staff.page(TOPICS).await;
    assert_eq!(
        texts(&page, "tbody th"),
        ["Newsletternewsletter", "Tournaments & cupstournaments-cups"]
    );

    let cups = attribute(&page, "tbody tr:nth-child(2) a", "href").unwrap();
    let refused = staff.post(&cups, &[("name", ""), ("position", "first")]).await;
    assert_eq!(refused.status(), 422);
    let refused = refused.text().await.unwrap();
    assert_eq!(texts(&refused, ".error").len(), 2);
    assert_eq!(
        attribute(&refused, "#f-position", "value").as_deref(),
        Some("first")
    );
    let fields = [("name", "Cups"), ("description", "Club cups"), ("position", "0")];
    assert_eq!(staff.post(&cups, &fields).await.status(), 303);
    let page = staff.page(TOPICS).await;
    assert_eq!(
        texts(&page, "tbody th"),
        ["Cupstournaments-cups", "Newsletternewsletter"]
    );
    assert_eq!(texts(&page, "tbody td")[0], "Club cups");
}

#[actix_web::test]
async fn a_topic_with_a_taken_or_impossible_key_is_refused_at_its_field() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    staff.post(TOPICS, &[("name", "Offers")]).await;
    for (fields, field) in [
        ([("name", "Offers"), ("key", "")], "key"),
        ([("name", "Other"), ("key", "Not a key")], "key"),
        ([("name", "高尔夫"), ("key", "")], "key"),
        ([("name", " "), ("key", "")], "name"),
    ] {
        let answer = staff.post(TOPICS, &fields).await;
        assert_eq!(answer.status(), 422, "{fields:?}");
        let page = answer.text().await.unwrap();
        assert_eq!(texts(&page, &format!("#d-{field} .error")).len(), 1, "{fields:?}");
        assert_eq!(attribute(&page, "#f-name", "value").as_deref(), Some(fields[0].1));
    }
    assert_eq!(topics::Entity::find().all(&*app.cx.db).await.unwrap().len(), 1);
}

#[actix_web::test]
async fn a_topic_that_a_campaign_is_on_is_not_archived() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let topic = people::topic(&*app.cx.db, "offers").await;
    let mut row: fairway::entity::campaigns::ActiveModel =
        people::campaign(&*app.cx.db, "Half price", Status::Draft, None)
            .await
            .into();
    row.topic_id = Set(Some(topic.id));
    let campaign = fairway::entity::campaigns::Entity::update(row.clone())
        .exec(&*app.cx.db)
        .await
        .unwrap();
    let archive = format!("{TOPICS}/{}/archive", topic.id);
    let answer = staff.post(&archive, &[]).await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().await.unwrap().contains("Half price"));
    let mut row: fairway::entity::campaigns::ActiveModel = campaign.into();
    row.status = Set(Status::Cancelled);
    fairway::entity::campaigns::Entity::update(row)
        .exec(&*app.cx.db)
        .await
        .unwrap();
    assert_eq!(staff.post(&archive, &[]).await.status(), 303);
    let page = staff.page(TOPICS).await;
    assert_eq!(count(&page, "tbody tr"), 0);
    let restore = attribute(&page, ".topic-archive form", "action").unwrap();
    assert_eq!(staff.post(&restore, &[]).await.status(), 303);
    assert_eq!(count(&staff.page(TOPICS).await, "tbody tr"), 1);
}

#[actix_web::test]
async fn an_address_is_suppressed_by_hand_and_let_go_again() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let ada = app.contact().email("ada@club.example").create().await;
    let reason = async || {
        eligibility::check(&*app.cx.db, ada.id, Channel::Email, Purpose::Transactional, None)
            .await
            .unwrap()
    };
    assert_eq!(
        texts(&staff.page(SUPPRESSIONS).await, ".empty h2"),
        ["Nobody is suppressed"]
    );
    assert_eq!(reason().await, None);

    let fields = [
        ("channel", "EMAIL"),
        ("address", " Ada@Club.example"),
        ("note", "Asked by phone"),
    ];
    assert_eq!(staff.post(SUPPRESSIONS, &fields).await.status(), 303);
    assert_eq!(reason().await, Some(SkipReason::Suppressed));
    let again = staff.post(SUPPRESSIONS, &fields).await;
    assert_eq!(again.status(), 422);
    let again = again.text().await.unwrap();
    assert_eq!(
        texts(&again, "#d-address .error"),
        ["This address is on the list already."]
    );
    assert_eq!(
        attribute(&again, "#f-note", "value").as_deref(),
        Some("Asked by phone")
    );

    let page = staff.page(SUPPRESSIONS).await;
    assert_eq!(texts(&page, "tbody th"), ["ada@club.example"]);
    let remove = attribute(&page, "tbody a", "href").unwrap();
    let question = staff.page(&remove).await;
    assert_eq!(
        reason().await,
        Some(SkipReason::Suppressed),
        "looking removes nothing"
    );
    assert!(texts(&question, ".notice")[0].contains("reach this address again"));
    assert_eq!(staff.post(&remove, &[]).await.status(), 303);
    assert_eq!(reason().await, None);

    let trail = audit_log::Entity::find()
        .filter(audit_log::Column::SubjectKind.eq("suppression"))
        .order_by_asc(audit_log::Column::Id)
        .all(&*app.cx.db)
        .await
        .unwrap();
    let told: Vec<_> = trail
        .iter()
        .map(|line| (line.action.as_str(), &line.detail["address"]))
        .collect();
    assert_eq!(
        told,
        [
            ("added", &"ada@club.example".into()),
            ("removed", &"ada@club.example".into())
        ]
    );
}

#[actix_web::test]
async fn suppressions_are_found_and_paged() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    for number in 0..60 {
        people::suppressed(&*app.cx.db, Channel::Email, &format!("p{number}@club.example")).await;
    }
    people::suppressed(&*app.cx.db, Channel::Sms, "+353861234567").await;
    let page = staff.page(SUPPRESSIONS).await;
    assert_eq!(count(&page, "tbody tr"), 50);
    assert_eq!(
        count(&page, "main form[method=post], main a[href$='/remove']"),
        0,
        "a viewer only reads"
    );
    let older = attribute(&page, "a[rel=next]", "href").unwrap();
    let page = staff.page(&older).await;
    assert_eq!(count(&page, "tbody tr"), 11);
    assert_eq!(count(&page, "a[rel=next]"), 0);
    for (query, found) in [
        ("q=P59@", 1),
        ("q=5%25", 0),
        ("q=_", 0),
        ("channel=SMS", 1),
        ("channel=SMS&q=p1", 0),
        ("q=p1", 11),
    ] {
        let page = staff.page(&format!("{SUPPRESSIONS}?{query}")).await;
        assert_eq!(count(&page, "tbody tr"), found, "{query}");
    }
}

#[actix_web::test]
async fn viewers_change_neither_topics_nor_suppressions() {
    let app = TestApp::spawn().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let topic = people::topic(&*app.cx.db, "offers").await;
    people::suppressed(&*app.cx.db, Channel::Email, "a@club.example").await;
    let row = suppressions::Entity::find()
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap();
    for path in [
        TOPICS.to_owned(),
        format!("{TOPICS}/{}", topic.id),
        format!("{TOPICS}/{}/archive", topic.id),
        SUPPRESSIONS.to_owned(),
        format!("{SUPPRESSIONS}/{}/remove", row.id),
    ] {
        assert_eq!(viewer.post(&path, &[("name", "x")]).await.status(), 403, "{path}");
    }
    assert_eq!(count(&viewer.page(TOPICS).await, "main form, tbody a"), 0);
}
