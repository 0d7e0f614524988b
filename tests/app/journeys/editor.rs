//! The editor over HTTP: plain forms from nothing to a journey that runs, what it refuses, and what
//! each role may.

use crate::support::TestApp;
use crate::support::journeys::welcome;
use crate::support::staff::SignedIn;
use fairway::domain::journey::Journey;
use fairway::domain::{Role, Status};
use scraper::{Html, Selector};
use serde_json::json;

fn texts(html: &str, css: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    let selector = Selector::parse(css).unwrap();
    page.select(&selector)
        .map(|found| {
            let text: String = found.text().collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

async fn revision(app: &TestApp, id: i64) -> String {
    app.campaign_row(id).await.revision.to_string()
}

/// Posts one of the editor's forms with the revision that is there.
async fn post(
    app: &TestApp,
    staff: &SignedIn,
    id: i64,
    path: &str,
    fields: &[(&str, &str)],
) -> reqwest::Response {
    let revision = revision(app, id).await;
    let mut fields = fields.to_vec();
    fields.push(("revision", &revision));
    staff
        .post(&format!("/campaigns/{id}/journey{path}"), &fields)
        .await
}

async fn journey_of(app: &TestApp, id: i64) -> Journey {
    Journey::parse(&app.campaign_row(id).await.journey.unwrap()).unwrap()
}

#[tokio::test]
async fn a_journey_is_made_of_plain_forms_and_started() {
    let app = TestApp::spawn().await;
    let segment = app.people(4).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let staff = app.sign_in_as(Role::Manager).await;
    let answer = staff
        .post(
            "/campaigns/new",
            &[
                ("name", "New members"),
                ("type", "JOURNEY"),
                ("channels", "EMAIL"),
                ("purpose", "MARKETING"),
            ],
        )
        .await;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let id: i64 = location.split('/').nth(2).unwrap().parse().unwrap();
    let text = segment.to_string();
    let answer = staff
        .post(
            &format!("/campaigns/{id}/audience"),
            &[("segmentId", &text), ("revision", &revision(&app, id).await)],
        )
        .await;
    assert_eq!(answer.status(), 303);
    let answer = staff.get(&format!("/campaigns/{id}/content")).await;
    assert_eq!(answer.headers()["location"], format!("/campaigns/{id}/journey"));
    // Message, wait, branch on whether it was opened; on “no” another message.
    let ok = async |path: &str, fields: &[(&str, &str)]| {
        let answer = post(&app, &staff, id, path, fields).await;
        assert_eq!(answer.status(), 303, "{path} {}", answer.text().await.unwrap());
    };
    ok("/add", &[("kind", "message"), ("template", &first)]).await;
    ok(
        "/add",
        &[
            ("kind", "wait"),
            ("after", "message"),
            ("way", "0"),
            ("number", "2"),
            ("unit", "day"),
        ],
    )
    .await;
    ok(
        "/add",
        &[
            ("kind", "branch"),
            ("after", "wait"),
            ("way", "0"),
            ("test", "message"),
            ("message", "message"),
            ("did", "OPENED"),
        ],
    )
    .await;
    ok(
        "/add",
        &[
            ("kind", "message"),
            ("after", "branch"),
            ("way", "1"),
            ("template", &second),
        ],
    )
    .await;
    ok(
        "/add",
        &[("kind", "tag"), ("before", "end"), ("add", "welcomed, vip")],
    )
    .await;
    let page = staff.page(&format!("/campaigns/{id}/journey")).await;
    assert_eq!(
        texts(&page, ".flow-words"),
        [
            "Send an e-mail “Template Welcome”",
            "Wait 2 days",
            "Branch Opened “Template Welcome”?",
            "Send an e-mail “Template Tips”",
            "Change tags add welcomed, vip",
            "End The journey is over",
        ]
    );
    assert_eq!(texts(&page, ".flow-way-label"), ["Yes", "No"]);
    assert!(texts(&page, ".error").is_empty(), "{:?}", texts(&page, ".error"));
    ok(
        "/entry",
        &[("by", "SEGMENT"), ("existing", "true"), ("reentry", "NEVER")],
    )
    .await;
    // When, then start.
    let answer = staff
        .post(
            &format!("/campaigns/{id}/schedule"),
            &[
                ("when", "now"),
                ("timezone", "Europe/London"),
                ("inDoubt", "RETRY"),
                ("goal.window", "P7D"),
                ("revision", &revision(&app, id).await),
            ],
        )
        .await;
    assert_eq!(answer.status(), 303);
    let review = staff.page(&format!("/campaigns/{id}/review")).await;
    assert_eq!(texts(&review, ".btn.confirm"), ["Start the journey now"]);
    let answer = staff
        .post(
            &format!("/campaigns/{id}/review"),
            &[("people", "4"), ("revision", &revision(&app, id).await)],
        )
        .await;
    assert_eq!(answer.status(), 303);
    app.advance(chrono::TimeDelta::minutes(2));
    app.work().await;
    assert_eq!(app.status(id).await, Status::Active);
    assert_eq!(app.states(id).await, "SENT 4");
    let page = staff.page(&format!("/campaigns/{id}/journey")).await;
    assert_eq!(texts(&page, ".flow-here"), ["4 here"]);
    assert!(
        texts(&page, ".flow-counts")[0].contains("4 came (100 %) · 4 sent"),
        "{:?}",
        texts(&page, ".flow-counts")
    );
    // A change is a draft, until it is published.
    ok(
        "/steps/wait",
        &[("kind", "wait"), ("number", "3"), ("unit", "day")],
    )
    .await;
    let page = staff.page(&format!("/campaigns/{id}/journey")).await;
    assert_eq!(texts(&page, "#journey > .notice p").len(), 1);
    let page = staff.page(&format!("/campaigns/{id}/journey/publish")).await;
    assert_eq!(texts(&page, "tbody tr").len(), 1);
    ok("/publish", &[("inside", "move")]).await;
    app.tick().await;
    assert_eq!(app.places(id).await, "wait 4");
    app.check_walks().await;
}

#[tokio::test]
async fn steps_are_moved_changed_and_deleted_and_a_refused_form_keeps_what_was_typed() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let id = app.journey_draft(None, &welcome(&first, &second)).await.id;
    let staff = app.sign_in_as(Role::Manager).await;
    let order = async || {
        let journey = journey_of(&app, id).await;
        let (main, _) = journey.tree();
        main.nodes
            .iter()
            .map(|node| node.step.id.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(post(&app, &staff, id, "/steps/tips/up", &[]).await.status(), 303);
    assert_eq!(order().await, "hello tips pause end");
    assert_eq!(
        post(&app, &staff, id, "/steps/hello/down", &[]).await.status(),
        303
    );
    assert_eq!(order().await, "tips hello pause end");
    assert_eq!(post(&app, &staff, id, "/steps/tips/up", &[]).await.status(), 409);
    assert_eq!(
        post(&app, &staff, id, "/steps/pause/delete", &[("keep", "0")])
            .await
            .status(),
        303
    );
    assert_eq!(order().await, "tips hello end");
    let answer = post(
        &app,
        &staff,
        id,
        "/add",
        &[
            ("kind", "split"),
            ("after", "hello"),
            ("way", "0"),
            ("weights", "60"),
            ("weights", "50"),
            ("slot", "slot-hello-0"),
        ],
    )
    .await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert_eq!(
        texts(&page, "#d-weights"),
        ["The shares add up to 110 per cent; make it 100."]
    );
    // With htmx the form comes back to where it was typed.
    let fields = [
        ("kind", "wait"),
        ("number", "soon"),
        ("unit", "day"),
        ("slot", "slot-first"),
        ("revision", "1"),
    ];
    let answer = staff
        .hx_post(&format!("/campaigns/{id}/journey/add"), &fields)
        .await;
    assert_eq!(answer.status(), 422);
    assert_eq!(answer.headers()["hx-retarget"], "#slot-first");
    let html = answer.text().await.unwrap();
    assert!(!html.contains("<html") && html.contains("soon"), "{html}");
    // Who saw an older journey does not overwrite it.
    let answer = staff
        .post(
            &format!("/campaigns/{id}/journey/add"),
            &[
                ("kind", "wait"),
                ("number", "1"),
                ("unit", "day"),
                ("revision", "1"),
            ],
        )
        .await;
    assert_eq!(answer.status(), 409);
    assert_eq!(order().await, "tips hello end");
    let viewer = app.sign_in_as(Role::Viewer).await;
    let page = viewer.page(&format!("/campaigns/{id}/journey")).await;
    assert!(texts(&page, ".flow-buttons").is_empty());
    assert_eq!(
        post(&app, &viewer, id, "/add", &[("kind", "end")]).await.status(),
        403
    );
}

#[tokio::test]
async fn a_dry_run_says_when_each_step_would_come_and_writes_nothing() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let id = app
        .journey_draft(Some(segment), &welcome(&first, &second))
        .await
        .id;
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff
        .page(&format!("/campaigns/{id}/journey/try?contact=1"))
        .await;
    let lines = texts(&page, ".flow-walk li");
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[2].contains("5 Mar 2026"), "{lines:?}");
    assert!(app.walks(id).await.is_empty());
    let page = staff
        .page(&format!("/campaigns/{id}/journey/try?contact=nobody"))
        .await;
    assert_eq!(texts(&page, ".error"), ["There is nobody “nobody”."]);
}

#[tokio::test]
async fn an_entry_s_conditions_are_rows_and_a_nested_one_is_kept() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let (first, second) = (app.message("Welcome").await, app.message("Tips").await);
    let id = app.journey_draft(None, &welcome(&first, &second)).await.id;
    let staff = app.sign_in_as(Role::Manager).await;
    let by_event = [("by", "EVENT"), ("event", "member.joined"), ("reentry", "NEVER")];
    let with = |more: &[(&'static str, &'static str)]| [by_event.to_vec(), more.to_vec()].concat();
    let condition = async || {
        let journey = journey_of(&app, id).await;
        journey.to_json()["entry"]["where"].clone()
    };
    let rows = [
        ("where.match", "any"),
        ("where.field", "membership"),
        ("where.op", "in"),
        ("where.value", "Full, Weekday"),
        ("where.field", "age"),
        ("where.op", "lt"),
        ("where.value", "18"),
        ("where.field", ""),
        ("where.op", "eq"),
        ("where.value", ""),
    ];
    assert_eq!(post(&app, &staff, id, "/entry", &with(&rows)).await.status(), 303);
    assert_eq!(
        condition().await,
        json!({"any": [
            {"field": "event.membership", "op": "in", "value": ["Full", "Weekday"]},
            {"field": "event.age", "op": "lt", "value": 18},
        ]})
    );
    let wrong = [
        ("where.field", "age"),
        ("where.op", "lt"),
        ("where.value", "true"),
    ];
    let refused = post(&app, &staff, id, "/entry", &with(&wrong)).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("Row 1: "));

    // A program's nested one is said in words, and stays while it is ticked.
    let mut journey = journey_of(&app, id).await.to_json();
    let nested = json!({"all": [{"none": [{"field": "event.age", "op": "lt", "value": 18}]}]});
    journey["entry"]["where"] = nested.clone();
    let api = app.program(Role::Manager).await;
    api.put(&format!("/campaigns/{id}/journey"), &journey)
        .await
        .is(200);
    let page = staff.page(&format!("/campaigns/{id}/journey/entry")).await;
    assert!(page.contains("name=\"where.kept\""), "{page}");
    let kept = [("where.kept", "yes")];
    assert_eq!(post(&app, &staff, id, "/entry", &with(&kept)).await.status(), 303);
    assert_eq!(condition().await, nested);
    assert_eq!(post(&app, &staff, id, "/entry", &by_event).await.status(), 303);
    assert_eq!(condition().await, json!(null));
}
