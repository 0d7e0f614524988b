//! The editor and the pages of segments, as a browser uses them.

use crate::support::{TestApp, people};
use fairway::domain::{Channel, ConsentStatus, Role, SegmentKind, Status};
use fairway::entity::{attribute_definitions, audit_log, segments};
use scraper::{Html, Selector};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;

/// Every match's text, spaces folded.
pub fn texts(page: &str, css: &str) -> Vec<String> {
    let page = Html::parse_document(page);
    page.select(&Selector::parse(css).unwrap())
        .map(|element| {
            element
                .text()
                .collect::<String>()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

/// How often something is on a page.
pub fn count(page: &str, css: &str) -> usize {
    Html::parse_document(page)
        .select(&Selector::parse(css).unwrap())
        .count()
}

/// An attribute of the first match.
pub fn attribute(page: &str, css: &str, name: &str) -> Option<String> {
    let page = Html::parse_document(page);
    let found = page
        .select(&Selector::parse(css).unwrap())
        .next()?
        .attr(name)?
        .to_owned();
    Some(found)
}

/// Three golfers: Ada of 12 who wants e-mail, Ben of 24 who never said, Cy without a handicap.
async fn golfers(app: &TestApp) {
    attribute_definitions::Entity::insert(attribute_definitions::ActiveModel {
        name: Set("handicap".into()),
        kind: Set(fairway::domain::AttributeKind::Number),
        label: Set("Handicap".into()),
        created_at: Set(crate::support::start().into()),
    })
    .exec_without_returning(&*app.cx.db)
    .await
    .unwrap();
    for (name, handicap, wants) in [
        ("Ada", Some(12), true),
        ("Ben", Some(24), false),
        ("Cy", None, true),
    ] {
        let mut person = people::nobody();
        person.first_name = name.into();
        person.key = Some(format!("M-{name}"));
        person.email = Some(format!("{}@club.example", name.to_lowercase()));
        if let Some(handicap) = handicap {
            person.attributes.insert("handicap".into(), json!(handicap));
        }
        if wants {
            person.consents.insert(Channel::Email, ConsentStatus::Subscribed);
        }
        person.tags.insert("member".into());
        people::keep(&*app.cx.db, &person, None).await;
    }
}

const BELOW_18: &[(&str, &str)] = &[
    ("name", "Good golfers"),
    ("key", ""),
    ("r.mode", "all"),
    ("r.0.field", "attributes.handicap"),
    ("r.0.op", "lt"),
    ("r.0.value", "18"),
    ("r.0.kind", "number@attributes.handicap"),
];

fn with<'a>(fields: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    fields.iter().chain(more).copied().collect()
}

#[actix_web::test]
async fn the_list_teaches_how_to_begin() {
    let app = TestApp::spawn().await;
    let manager = app.sign_in_as(Role::Manager).await;
    let page = manager.page("/segments").await;
    assert_eq!(texts(&page, ".empty h2"), ["No segments yet"]);
    assert_eq!(count(&page, ".empty a[href='/segments/new']"), 1);
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert_eq!(
        count(&viewer.page("/segments").await, "main a[href^='/segments/new']"),
        0
    );
}

#[actix_web::test]
async fn a_rule_is_built_without_a_script() {
    let app = TestApp::spawn().await;
    golfers(&app).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let page = staff.page("/segments/new").await;
    assert_eq!(count(&page, "select[name='r.0.field']"), 1);
    assert_eq!(
        count(&page, "select[name='r.0.op']"),
        0,
        "nothing is compared before a field is chosen"
    );
    // In it, and of these by e-mail and by SMS.
    assert_eq!(texts(&page, ".segment-preview .stat dd"), ["3", "2", "0"]);

    // A field is chosen: the comparisons of a number come.
    let fields = [
        ("name", "Golfers"),
        ("r.mode", "all"),
        ("r.0.field", "attributes.handicap"),
        ("do", "refresh"),
    ];
    let page = staff.post("/segments/new", &fields).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert_eq!(
        attribute(&page, "input[name='name']", "value").as_deref(),
        Some("Golfers")
    );
    assert_eq!(
        texts(&page, "select[name='r.0.op'] option[selected]"),
        ["is less than"]
    );

    // A group is added, and a condition to it; what was typed stays.
    let page = staff
        .post("/segments/new", &with(BELOW_18, &[("do", "group:")]))
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(
        attribute(&page, "input[name='r.0.value']", "value").as_deref(),
        Some("18")
    );
    assert_eq!(
        texts(&page, "select[name='r.1.mode'] option[selected]"),
        ["at least one of these"]
    );
    assert_eq!(count(&page, "select[name='r.1.0.field']"), 1);
    assert_eq!(texts(&page, ".segment-preview .stat dd"), ["1", "1", "0"]);
    assert_eq!(
        texts(&page, ".segment-preview .hint"),
        ["One condition is not finished and not counted yet."]
    );
    assert_eq!(texts(&page, ".segment-people a"), ["Ada"]);

    let saved = staff
        .post("/segments/new", &with(BELOW_18, &[("do", "save")]))
        .await;
    assert_eq!(saved.status(), 303);
    let place = saved.headers()["location"].to_str().unwrap().to_owned();
    let page = staff.page(&place).await;
    assert_eq!(texts(&page, "h1"), ["Good golfers"]);
    assert_eq!(texts(&page, "main .segment-words")[0], "Handicap is less than 18");
    let segment = segments::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    assert_eq!(
        (segment.key.as_str(), segment.kind),
        ("good-golfers", SegmentKind::Rule)
    );
    assert_eq!(
        segment.rule,
        json!({"all": [{"field": "attributes.handicap", "op": "lt", "value": 18}]})
    );
    let page = staff.page("/segments").await;
    assert_eq!(texts(&page, "tbody td.num"), ["1"]);
}

#[actix_web::test]
async fn htmx_gets_the_form_or_the_preview_alone() {
    let app = TestApp::spawn().await;
    golfers(&app).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let part = staff
        .hx_post("/segments/new", &with(BELOW_18, &[("do", "add:")]))
        .await;
    assert_eq!(part.status(), 200);
    let part = part.text().await.unwrap();
    assert!(part.trim_start().starts_with("<form id=\"editor\""), "{part}");
    let part = staff
        .hx_post("/segments/preview", BELOW_18)
        .await
        .text()
        .await
        .unwrap();
    assert!(!part.contains("<form"));
    assert_eq!(texts(&part, ".stat dd"), ["1", "1", "0"]);
    let saved = staff
        .hx_post("/segments/new", &with(BELOW_18, &[("do", "save")]))
        .await;
    assert!(
        saved.headers()["hx-redirect"]
            .to_str()
            .unwrap()
            .starts_with("/segments/")
    );
}

#[actix_web::test]
async fn a_mistake_stands_beside_its_condition_and_loses_nothing() {
    let app = TestApp::spawn().await;
    golfers(&app).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let fields = [
        ("name", ""),
        ("key", "Not A Key"),
        ("r.mode", "any"),
        ("r.0.field", "attributes.handicap"),
        ("r.0.op", "lt"),
        ("r.0.value", "low"),
        ("r.1.field", "email"),
        ("r.1.op", "contains"),
        ("r.1.value", "<b>\"@club"),
        ("do", "save"),
    ];
    let page = staff.post("/segments/new", &fields).await;
    assert_eq!(page.status(), 422);
    let page = page.text().await.unwrap();
    assert_eq!(texts(&page, "[id='d-name'] .error"), ["Fill this in."]);
    assert_eq!(texts(&page, ".rule-line .error"), ["“low” is no number."]);
    assert_eq!(
        attribute(&page, "input[name='r.0.value']", "aria-describedby").as_deref(),
        Some("r.0.e")
    );
    assert_eq!(
        attribute(&page, "input[name='r.1.value']", "value").as_deref(),
        Some("<b>\"@club")
    );
    assert_eq!(
        texts(&page, "select[name='r.mode'] option[selected]"),
        ["at least one of these"]
    );
    assert_eq!(segments::Entity::find().all(&*app.cx.db).await.unwrap().len(), 0);
}

#[actix_web::test]
async fn a_key_that_is_taken_is_refused_at_its_field() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let fields = |key: &'static str| {
        [
            ("name", "Everyone"),
            ("key", key),
            ("r.mode", "all"),
            ("do", "save"),
        ]
    };
    assert_eq!(staff.post("/segments/new", &fields("")).await.status(), 303);
    let again = staff.post("/segments/new", &fields("")).await;
    assert_eq!(again.status(), 422);
    let page = again.text().await.unwrap();
    assert_eq!(
        texts(&page, "[id='d-key'] .error"),
        ["The segment “Everyone” has this key. Choose another."]
    );
    assert_eq!(
        staff
            .post("/segments/new", &fields("everyone-else"))
            .await
            .status(),
        303
    );
}

#[actix_web::test]
async fn a_rule_is_edited_and_the_trail_says_who() {
    let app = TestApp::spawn().await;
    golfers(&app).await;
    let staff = app.sign_in_as(Role::Manager).await;
    staff.post("/segments/new", BELOW_18).await;
    let segment = segments::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    let place = format!("/segments/{}/edit", segment.id);
    let page = staff.page(&place).await;
    assert_eq!(
        attribute(&page, "input[name='r.0.value']", "value").as_deref(),
        Some("18")
    );
    assert_eq!(count(&page, "input[name='key']"), 0, "a key stays");
    let fields = [
        ("name", "All golfers"),
        ("r.mode", "none"),
        ("key", "other"),
        ("do", "save"),
    ];
    assert_eq!(staff.post(&place, &fields).await.status(), 303);
    let segment = segments::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    assert_eq!(
        (segment.name.as_str(), segment.key.as_str()),
        ("All golfers", "good-golfers")
    );
    let trail = audit_log::Entity::find()
        .filter(audit_log::Column::SubjectKind.eq("segment"))
        .all(&*app.cx.db)
        .await
        .unwrap();
    let actions: Vec<_> = trail
        .iter()
        .map(|line| (line.action.as_str(), line.user_id))
        .collect();
    let me = Some(staff.user.id);
    assert_eq!(actions, [("created", me), ("edited", me)]);
}

#[actix_web::test]
async fn a_segment_in_use_is_neither_archived_nor_deleted() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    staff
        .post("/segments/new", &[("name", "Everyone"), ("r.mode", "all")])
        .await;
    let id = segments::Entity::find()
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap()
        .id;
    let at = |verb: &str| format!("/segments/{id}/{verb}");
    let campaign = people::campaign(&*app.cx.db, "Spring open", Status::Scheduled, Some(id)).await;
    let page = staff.page(&format!("/segments/{id}")).await;
    assert_eq!(texts(&page, ".segment-campaigns a"), ["Spring open"]);
    for verb in ["archive", "delete"] {
        let answer = staff.post(&at(verb), &[]).await;
        assert_eq!(answer.status(), 409, "{verb}");
        assert!(
            answer.text().await.unwrap().contains("Spring open"),
            "{verb} names the campaign"
        );
    }
    // Done campaigns let it be archived, and still keep it from being deleted.
    let mut row: fairway::entity::campaigns::ActiveModel = campaign.into();
    row.status = Set(Status::Completed);
    fairway::entity::campaigns::Entity::update(row)
        .exec(&*app.cx.db)
        .await
        .unwrap();
    assert_eq!(staff.post(&at("archive"), &[]).await.status(), 303);
    assert_eq!(staff.post(&at("delete"), &[]).await.status(), 409);
    assert_eq!(count(&staff.page("/segments").await, "tbody tr"), 0);
    assert_eq!(
        texts(&staff.page("/segments?archived=1").await, "tbody th a"),
        ["Everyone"]
    );
    assert_eq!(staff.post(&at("restore"), &[]).await.status(), 303);
    assert_eq!(count(&staff.page("/segments").await, "tbody tr"), 1);
}

#[actix_web::test]
async fn a_segment_that_nothing_uses_is_deleted() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    staff
        .post("/segments/new", &[("name", "Everyone"), ("r.mode", "all")])
        .await;
    let id = segments::Entity::find()
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap()
        .id;
    assert_eq!(
        staff.post(&format!("/segments/{id}/delete"), &[]).await.status(),
        303
    );
    assert_eq!(staff.get(&format!("/segments/{id}")).await.status(), 404);
}

#[actix_web::test]
async fn viewers_read_segments_and_change_none() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    staff
        .post("/segments/new", &[("name", "Everyone"), ("r.mode", "all")])
        .await;
    let id = segments::Entity::find()
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap()
        .id;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let page = viewer.page(&format!("/segments/{id}")).await;
    assert_eq!(count(&page, "main form, main a[href$='/edit']"), 0);
    for path in [
        "/segments/new".to_owned(),
        "/segments/preview".to_owned(),
        format!("/segments/{id}/edit"),
        format!("/segments/{id}/archive"),
        format!("/segments/{id}/delete"),
        format!("/segments/{id}/members"),
    ] {
        assert_eq!(
            viewer
                .post(&path, &[("name", "x"), ("r.mode", "all")])
                .await
                .status(),
            403,
            "{path}"
        );
    }
}

#[actix_web::test]
async fn segments_are_found_by_part_of_their_name() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    for name in ["Ladies 100%", "Gentlemen", "Juniors"] {
        staff
            .post("/segments/new", &[("name", name), ("r.mode", "all")])
            .await;
    }
    for (words, found) in [
        ("LADIES", 1),
        ("0%", 1),
        ("%", 1),
        ("_", 0),
        ("men", 1),
        ("nobody", 0),
    ] {
        let page = staff
            .page(&format!("/segments?q={}", words.replace('%', "%25")))
            .await;
        assert_eq!(count(&page, "tbody tr"), found, "{words}");
    }
    let page = staff.page("/segments?page=9").await;
    assert_eq!(texts(&page, ".empty h2"), ["Nothing found"]);
    // The number alone, for a row that was not counted in time.
    let id = segments::Entity::find()
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap()
        .id;
    assert_eq!(staff.page(&format!("/segments/{id}/count")).await, "0");
}

#[tokio::test]
async fn a_rule_that_cannot_be_read_any_more_is_said_everywhere_and_can_be_made_anew() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(2).await;
    let segment = draft.segment_id.unwrap();
    fairway::campaigns::commands::schedule(&app.cx, draft.id, &fairway::accounts::Actor::fairway())
        .await
        .unwrap();
    let waits = app.draft().segment(segment).create().await.id;
    app.execute(&format!(
        "UPDATE segments SET kind = 'RULE', rule = '{{\"field\": \"shoeSize\", \"op\": \"eq\", \"value\": 43}}' WHERE id = {segment}"
    ))
    .await;
    let staff = app.sign_in_as(Role::Manager).await;
    let url = format!("/segments/{segment}");
    let page = staff.page(&url).await;
    let said = texts(&page, ".notice[data-kind='error']").concat();
    assert!(
        said.contains("cannot be read") && said.contains("shoeSize"),
        "{said}"
    );
    assert_eq!(count(&page, &format!(".notice a[href='{url}/edit']")), 1);
    assert!(
        texts(&page, "details pre").concat().contains("shoeSize"),
        "{page}"
    );
    let editor = staff.get(&format!("{url}/edit")).await.text().await.unwrap();
    assert!(
        editor.contains("Make it anew") && count(&editor, "select[name^='r.']") > 0,
        "{editor}"
    );
    let list = staff.page("/segments").await;
    assert!(
        texts(&list, "td.num").concat().contains("Cannot be read"),
        "{list}"
    );
    assert_eq!(staff.get(&format!("{url}/count")).await.status(), 409);

    for step in ["audience", "review"] {
        let page = staff.page(&format!("/campaigns/{waits}/{step}")).await;
        assert!(
            page.contains("cannot be read") && page.contains("shoeSize"),
            "{step}: {page}"
        );
    }
    app.work().await;
    let row = app.campaign_row(draft.id).await;
    assert_eq!(row.status, Status::Paused);
    let why = row.pause_reason.unwrap();
    assert!(
        why.contains("cannot be read") && why.contains("shoeSize"),
        "{why}"
    );
}
