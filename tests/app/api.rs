//! The JSON API, as a program meets it.

use crate::support::TestApp;
use crate::support::api::{Answer, Program};
use fairway::domain::Role;
use reqwest::Method;
use serde_json::{Value, json};

/// A segment of three people, a template, and a draft to them that can be scheduled.
async fn ready(app: &TestApp, program: &Program) -> String {
    app.people(3).await;
    program
        .put(
            "/templates/invite",
            &json!({
                "channel": "EMAIL", "name": "Invite", "subject": "Spring Open",
                "html": "<p>Dear {{ contact.first_name }}, <a href=\"https://club.example/\">come</a>.</p>"
            }),
        )
        .await
        .is(201);
    let body = json!({
        "name": "Spring Open", "type": "ONE_TIME", "segmentId": "everyone", "channels": ["EMAIL"],
    });
    let campaign = program.post("/campaigns", &body).await.is(201);
    let id = campaign["id"].as_str().unwrap().to_owned();
    let content = json!({ "email": { "templateId": "invite" } });
    program
        .put(&format!("/campaigns/{id}/content"), &content)
        .await
        .is(200);
    id
}

#[tokio::test]
async fn a_campaign_comes_back_as_it_was_given() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    app.people(1).await;
    crate::support::people::topic(&*app.cx.db, "tournaments").await;
    let given = json!({
        "name": "Summer Tournament", "type": "ONE_TIME", "segmentId": "everyone",
        "channels": ["EMAIL", "SMS", "FACEBOOK"], "scheduledAt": "2026-06-01T11:00:00+02:00",
        "timezone": "Africa/Johannesburg", "topic": "tournaments", "purpose": "MARKETING",
        "goal": {"event": "booking.confirmed", "window": "P7D"},
        "sender": {"name": "The Captain", "email": "captain@club.example", "replyTo": null},
    });
    let made = program.post("/campaigns", &given).await.is(201);
    assert_eq!(made["status"], "DRAFT");
    assert!(made["id"].is_string());
    for field in [
        "name",
        "type",
        "segmentId",
        "channels",
        "timezone",
        "topic",
        "purpose",
        "goal",
        "sender",
    ] {
        assert_eq!(made[field], given[field], "{field}");
    }
    assert_eq!(made["scheduledAt"], "2026-06-01T09:00:00Z");
    assert_eq!(made["createdAt"], "2026-03-02T08:00:00Z");
    assert_eq!(made["updatedAt"], "2026-03-02T08:00:00Z");
    for field in ["startedAt", "finishedAt", "recurrence", "trigger", "journey"] {
        assert_eq!(made[field], Value::Null, "{field}");
    }
    assert_eq!(made["content"], json!({}));
    let path = format!("/campaigns/{}", made["id"].as_str().unwrap());
    assert_eq!(program.get(&path).await.is(200), made);
}

#[tokio::test]
async fn what_a_change_does_not_name_keeps_its_value() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let id = ready(&app, &program).await;
    let path = format!("/campaigns/{id}");
    let before = program.get(&path).await.is(200);
    let change = json!({ "name": "Autumn Open", "scheduledAt": "2026-09-01T09:00:00Z" });
    let after = program.patch(&path, &change).await.is(200);
    let mut expected = before.clone();
    expected["name"] = json!("Autumn Open");
    expected["scheduledAt"] = json!("2026-09-01T09:00:00Z");
    assert_eq!(after, expected);
    let after = program.patch(&path, &json!({ "segmentId": null })).await.is(200);
    assert_eq!(after["segmentId"], Value::Null);
    assert_eq!(after["name"], "Autumn Open");
}

#[tokio::test]
async fn content_is_kept_on_every_channel_and_replaced_whole() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let id = ready(&app, &program).await;
    let sms = json!({ "channel": "SMS", "name": "Invite", "text": "Come, {{ contact.first_name }}" });
    program.put("/templates/invite-sms", &sms).await.is(201);
    let path = format!("/campaigns/{id}/content");
    let content = json!({
        "email": { "templateId": "invite" },
        "sms": { "templateId": "invite-sms" },
        "social": {
            "content": "Join us!", "mediaUrls": ["https://club.example/1.jpg"],
            "platforms": ["FACEBOOK", "INSTAGRAM"],
        },
    });
    let answered = program.put(&path, &content).await.is(200);
    assert_eq!(answered["content"], content);
    let content = json!({ "email": { "templateId": "invite" } });
    assert_eq!(program.put(&path, &content).await.is(200)["content"], content);
    let wrong = json!({ "email": { "templateId": "invite-sms" }, "sms": { "templateId": "nothing" } });
    assert_eq!(
        program.put(&path, &wrong).await.refused(),
        ["email.templateId", "sms.templateId"]
    );
    assert_eq!(
        program.get(&format!("/campaigns/{id}")).await.is(200)["content"],
        content
    );
}

#[tokio::test]
async fn a_list_is_paged_by_cursor_and_filtered_by_status() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let ready = ready(&app, &program).await;
    for n in 1..=4 {
        let body = json!({ "name": format!("Draft {n}"), "type": "ONE_TIME", "channels": ["EMAIL"] });
        program.post("/campaigns", &body).await.is(201);
    }
    program
        .tell(&format!("/campaigns/{ready}/schedule"))
        .await
        .is(200);
    let names = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = program.get("/campaigns?limit=3").await.is(200);
    assert_eq!(names(&first), ["Draft 4", "Draft 3", "Draft 2"]);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = program
        .get(&format!("/campaigns?limit=3&cursor={cursor}"))
        .await
        .is(200);
    assert_eq!(names(&second), ["Draft 1", "Spring Open"]);
    assert_eq!(second["nextCursor"], Value::Null);
    let scheduled = program.get("/campaigns?status=SCHEDULED").await.is(200);
    assert_eq!(names(&scheduled), ["Spring Open"]);
    assert_eq!(
        names(&program.get("/campaigns?q=draft&type=ONE_TIME").await.is(200)).len(),
        4
    );
    assert_eq!(program.get("/campaigns?status=GONE").await.refused(), ["status"]);
    assert_eq!(program.get("/campaigns?cursor=x").await.refused(), ["cursor"]);
}

#[tokio::test]
async fn a_campaign_is_scheduled_sent_and_counted() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let id = ready(&app, &program).await;
    let scheduled = program.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    assert_eq!(scheduled["status"], "SCHEDULED");
    app.work().await;
    let campaign = program.get(&format!("/campaigns/{id}")).await.is(200);
    assert_eq!(campaign["status"], "COMPLETED");
    assert_eq!(campaign["startedAt"], "2026-03-02T08:00:00Z");
    assert_eq!(campaign["finishedAt"], "2026-03-02T08:00:00Z");
    let stats = program.get(&format!("/campaigns/{id}/stats")).await.is(200);
    for (name, value) in [
        ("targetCount", json!(3)),
        ("sentCount", json!(3)),
        ("deliveredCount", json!(3)),
        ("openedCount", json!(0)),
        ("clickedCount", json!(0)),
        ("convertedCount", json!(0)),
        ("unsubscribedCount", json!(0)),
        ("deliveryRate", json!(1.0)),
        ("openRate", json!(0.0)),
    ] {
        assert_eq!(stats[name], value, "{name}");
        assert_eq!(stats["channels"]["EMAIL"][name], value, "EMAIL {name}");
        assert_eq!(stats["runs"][0][name], value, "run {name}");
    }
    assert!(stats.get("clickRate").is_some() && stats.get("conversionRate").is_some());
    let captured = program.get(&format!("/captured?campaign={id}")).await.is(200);
    assert_eq!(captured["items"].as_array().unwrap().len(), 3);
    assert_eq!(captured["items"][0]["campaignId"], json!(id));
}

#[tokio::test]
async fn what_the_status_does_not_allow_is_a_conflict_that_names_both_states() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let id = ready(&app, &program).await;
    let tell = async |command: &str| program.tell(&format!("/campaigns/{id}/{command}")).await;
    let refused = |answer: Answer, from: &str, to: &str| {
        let body = answer.is(409);
        assert_eq!(body["code"], "illegal_transition");
        assert_eq!((&body["from"], &body["to"]), (&json!(from), &json!(to)));
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains(from) && detail.contains(to), "{detail}");
    };
    for (command, to) in [("pause", "PAUSED"), ("resume", "ACTIVE"), ("cancel", "CANCELLED")] {
        refused(tell(command).await, "DRAFT", to);
    }
    tell("schedule").await.is(200);
    refused(tell("schedule").await, "SCHEDULED", "SCHEDULED");
    app.tick().await;
    assert_eq!(tell("pause").await.is(200)["status"], "PAUSED");
    assert_eq!(tell("resume").await.is(200)["status"], "ACTIVE");
    tell("pause").await.is(200);
    assert_eq!(tell("cancel").await.is(200)["status"], "CANCELLED");
    refused(tell("resume").await, "CANCELLED", "ACTIVE");
    let change = json!({ "name": "Too late" });
    let body = program.patch(&format!("/campaigns/{id}"), &change).await.is(409);
    assert_eq!(body["code"], "conflict");
    let gone = program.delete(&format!("/campaigns/{id}")).await.is(409);
    assert!(gone["detail"].as_str().unwrap().contains("CANCELLED"));
}

#[tokio::test]
async fn a_draft_that_cannot_be_sent_is_refused_with_every_problem_at_once() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let body = json!({ "name": "Empty", "type": "ONE_TIME", "channels": ["EMAIL"], "scheduledAt": "2020-01-01T00:00:00Z" });
    let campaign = program.post("/campaigns", &body).await.is(201);
    let path = format!("/campaigns/{}/schedule", campaign["id"].as_str().unwrap());
    assert_eq!(
        program.tell(&path).await.refused(),
        [
            "segmentId",
            "email.templateId",
            "sender.email",
            "postalAddress",
            "scheduledAt"
        ]
    );
}

#[tokio::test]
async fn a_draft_is_deleted_and_gone() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let path = format!("/campaigns/{}", ready(&app, &program).await);
    assert_eq!(program.delete(&path).await.is(204), Value::Null);
    program.get(&path).await.is(404);
    program.delete(&path).await.is(404);
}

#[tokio::test]
async fn wrong_input_is_refused_field_by_field_and_an_unknown_field_by_name() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let wrong = json!({
        "name": "x".repeat(201), "type": "SOMETIMES", "segmentId": "nobody", "channels": ["FAX"],
        "scheduledAt": "tomorrow", "timezone": "Mars/Olympus", "topic": "nothing", "purpose": "FUN",
        "goal": {},
    });
    let mut fields = program.post("/campaigns", &wrong).await.refused();
    fields.sort();
    assert_eq!(
        fields,
        [
            "channels",
            "goal.event",
            "name",
            "purpose",
            "scheduledAt",
            "segmentId",
            "timezone",
            "topic",
            "type"
        ]
    );
    assert_eq!(
        program.post("/campaigns", &json!({})).await.refused(),
        ["name", "type", "channels"]
    );
    let unknown = json!({ "name": "A", "type": "ONE_TIME", "channels": ["EMAIL"], "segment": "everyone" });
    let body = program.post("/campaigns", &unknown).await.is(422);
    assert!(
        body["errors"][0]["message"].as_str().unwrap().contains("segment"),
        "{body}"
    );
    let broken = program.request(Method::POST, "/campaigns").body("{\"name\":");
    assert_eq!(Answer::to(broken).await.is(400)["code"], "bad_request");
    let list = program.get("/campaigns").await.is(200);
    assert_eq!(list["items"], json!([]));
}

/// Every call that changes something, with a body where it needs one.
fn writes() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::POST, "/campaigns", json!({})),
        (Method::PATCH, "/campaigns/1", json!({})),
        (Method::DELETE, "/campaigns/1", Value::Null),
        (Method::PUT, "/campaigns/1/content", json!({})),
        (Method::POST, "/campaigns/1/schedule", Value::Null),
        (Method::POST, "/campaigns/1/pause", Value::Null),
        (Method::POST, "/campaigns/1/resume", Value::Null),
        (Method::POST, "/campaigns/1/cancel", Value::Null),
        (Method::PUT, "/segments/new", json!({})),
        (Method::PUT, "/templates/new", json!({})),
        (Method::PUT, "/settings", json!({})),
    ]
}

const READS: &[&str] = &[
    "/campaigns",
    "/campaigns/1",
    "/campaigns/1/stats",
    "/campaigns/1/occurrences",
    "/segments/none",
    "/segments/none/count",
    "/templates/none",
    "/captured",
    "/settings",
];

#[tokio::test]
async fn without_a_key_nothing_is_answered_and_a_viewers_key_writes_nothing() {
    let app = TestApp::spawn().await;
    let viewer = app.program(Role::Viewer).await;
    let stranger =
        |method: Method, path: &str| app.http.request(method, format!("{}/api/v1{path}", app.address));
    for (method, path, body) in writes() {
        let answer = Answer::to(stranger(method.clone(), path).json(&body)).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer", "{method} {path}");
        assert_eq!(answer.is(401)["code"], "key_needed", "{method} {path}");
        let answer = Answer::to(viewer.request(method.clone(), path).json(&body)).await;
        assert_eq!(answer.is(403)["code"], "role_needed", "{method} {path}");
    }
    for path in READS {
        let answer = Answer::to(stranger(Method::GET, path)).await;
        assert_eq!(answer.is(401)["code"], "key_needed", "{path}");
        let answer = viewer.get(path).await;
        assert!([200, 404].contains(&answer.status), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let app = TestApp::spawn().await;
    let manager = app.program(Role::Manager).await;
    for (method, path, body) in writes() {
        if path.starts_with("/campaigns/") {
            for path in [path.to_owned(), path.replace('1', "no-number")] {
                let answer = Answer::to(manager.request(method.clone(), &path).json(&body)).await;
                assert_eq!(answer.is(404)["code"], "not_found", "{method} {path}");
            }
        }
    }
    for path in READS {
        if path.contains("/1") || path.contains("/none") {
            assert_eq!(manager.get(path).await.is(404)["code"], "not_found", "{path}");
        }
    }
}

#[tokio::test]
async fn the_same_idempotency_key_twice_makes_one_campaign() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let body = json!({ "name": "Once", "type": "ONE_TIME", "channels": ["EMAIL"] });
    let post = |body: &Value| {
        program
            .request(Method::POST, "/campaigns")
            .header("Idempotency-Key", "8e03978e-40d5-43dd-bc93-6894a57f9324")
            .json(body)
    };
    let first = Answer::to(post(&body)).await;
    assert!(first.headers.get("idempotency-replayed").is_none());
    let second = Answer::to(post(&body)).await;
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(second.is(201), first.is(201));
    let list = program.get("/campaigns").await.is(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let mut other = body.clone();
    other["name"] = json!("Another");
    assert_eq!(Answer::to(post(&other)).await.refused(), ["Idempotency-Key"]);
}

#[tokio::test]
async fn a_refused_request_may_be_tried_again_with_its_idempotency_key() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let id = {
        let body = json!({ "name": "Early", "type": "ONE_TIME", "channels": ["EMAIL"] });
        program.post("/campaigns", &body).await.is(201)["id"].clone()
    };
    let path = format!("/campaigns/{}/cancel", id.as_str().unwrap());
    for _ in 0..2 {
        let request = program
            .request(Method::POST, &path)
            .header("Idempotency-Key", "cancel-1");
        let answer = Answer::to(request).await;
        assert!(answer.headers.get("idempotency-replayed").is_none());
        answer.is(409);
    }
}

#[tokio::test]
async fn a_segment_is_put_read_and_counted() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    app.people(5).await;
    let rule = json!({ "all": [{ "field": "email", "op": "starts_with", "value": "person1" }] });
    let body = json!({ "name": "The first", "rule": rule });
    let made = program.put("/segments/first", &body).await.is(201);
    assert_eq!(
        (&made["key"], &made["name"]),
        (&json!("first"), &json!("The first"))
    );
    assert_eq!(made["rule"], rule);
    let count = async || program.get("/segments/first/count").await.is(200);
    assert_eq!(count().await, json!({ "count": 1 }));
    let list = json!({ "name": "Two", "contacts": ["2", "PERSON3@example.org"] });
    let changed = program.put("/segments/first", &list).await.is(200);
    assert_eq!(changed["id"], made["id"]);
    assert!(changed.get("rule").is_none());
    assert_eq!(count().await, json!({ "count": 2 }));
    assert_eq!(program.get("/segments/first").await.is(200), changed);

    let unknown = json!({ "name": "Two", "contacts": ["2", "nobody"] });
    assert_eq!(
        program.put("/segments/first", &unknown).await.refused(),
        ["contacts[1]"]
    );
    assert_eq!(count().await, json!({ "count": 2 }));
    let wrong =
        json!({ "name": "", "rule": { "all": [{ "field": "email", "op": "resembles", "value": "a" }] } });
    assert_eq!(
        program.put("/segments/first", &wrong).await.refused(),
        ["name", "rule.all[0].op"]
    );
    let both = json!({ "name": "Both", "rule": rule, "contacts": [] });
    assert_eq!(program.put("/segments/first", &both).await.refused(), ["rule"]);
    assert_eq!(program.put("/segments/No%20Key", &body).await.refused(), ["key"]);
}

#[tokio::test]
async fn a_template_is_put_read_and_says_what_keeps_it_from_being_sent() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let good = json!({
        "channel": "EMAIL", "name": "Invite", "subject": "Hello {{ contact.first_name }}",
        "mjml": "<mjml><mj-body><mj-section><mj-column><mj-text>Hi</mj-text></mj-column></mj-section></mj-body></mjml>",
    });
    let made = program.put("/templates/hello", &good).await.is(201);
    for field in ["channel", "name", "subject", "mjml"] {
        assert_eq!(made[field], good[field], "{field}");
    }
    assert_eq!((&made["version"], &made["problems"]), (&json!(1), &json!([])));
    assert_eq!(program.get("/templates/hello").await.is(200), made);
    assert_eq!(program.put("/templates/hello", &good).await.is(200)["version"], 1);
    let mut broken = good.clone();
    broken["subject"] = json!("Hello {{ contact.frist_name }}");
    let kept = program.put("/templates/hello", &broken).await.is(200);
    assert_eq!(kept["version"], 2);
    assert_eq!(kept["problems"][0]["part"], "subject");
    assert!(
        kept["problems"][0]["message"]
            .as_str()
            .unwrap()
            .contains("first_name")
    );
    let wrong = json!({ "channel": "EMAIL", "name": "", "mjml": "<mjml/>", "html": "<p>" });
    let mut fields = program.put("/templates/hello", &wrong).await.refused();
    fields.sort();
    fields.dedup();
    assert_eq!(fields, ["body", "mjml", "name", "subject"]);
}

#[tokio::test]
async fn only_a_recurring_campaign_has_occurrences() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    for (kind, recurrence, field) in [
        ("RECURRING", json!(null), "recurrence.rule"),
        (
            "RECURRING",
            json!({ "rule": "FREQ=WEEKLY;BYDAY=TU,FR" }),
            "recurrence.start",
        ),
        ("ONE_TIME", json!({ "rule": "FREQ=WEEKLY;BYDAY=TU,FR" }), "type"),
    ] {
        let body = json!({ "name": kind, "type": kind, "channels": ["EMAIL"], "recurrence": recurrence });
        let campaign = program.post("/campaigns", &body).await.is(201);
        assert_eq!(campaign["recurrence"]["rule"], recurrence["rule"]);
        let path = format!(
            "/campaigns/{}/occurrences?count=5",
            campaign["id"].as_str().unwrap()
        );
        assert_eq!(program.get(&path).await.refused(), [field]);
    }
}

/// `GET /campaigns/{id}` and so on, of the routes' own table.
fn routes() -> std::collections::BTreeSet<String> {
    let (_, api) = include_str!("../../src/routes.rs")
        .split_once("scope(\"/api/v1\")")
        .unwrap();
    api.split(".service(at(")
        .skip(1)
        .flat_map(|service| {
            let path = service.split('"').nth(1).unwrap();
            let methods: Vec<_> = service
                .split("Method::")
                .skip(1)
                .map(|rest| rest.split(',').next().unwrap())
                .collect();
            let named = |path: String| methods.iter().map(move |method| format!("{method} {path}"));
            paths(path).into_iter().flat_map(named).collect::<Vec<_>>()
        })
        .collect()
}

/// `/{command:pause|resume}` is several paths.
fn paths(pattern: &str) -> Vec<String> {
    match pattern
        .rsplit_once("/{")
        .and_then(|(base, last)| Some((base, last.strip_suffix('}')?.split_once(':')?.1)))
    {
        Some((base, words)) => words.split('|').map(|word| format!("{base}/{word}")).collect(),
        None => vec![pattern.to_owned()],
    }
}

#[tokio::test]
async fn the_document_describes_every_route_and_no_other() {
    let app = TestApp::spawn().await;
    let document: Value = app.get("/api/v1/openapi.json").await.json().await.unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = std::collections::BTreeSet::new();
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method != "parameters" {
                described.insert(format!("{} {path}", method.to_uppercase()));
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name), "{name} twice");
            }
        }
    }
    let routes = routes();
    assert!(routes.len() > 20);
    assert_eq!(described, routes);
}

/// Every `$ref` of a JSON document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_documents_references_lead_somewhere() {
    let document: Value = serde_json::from_str(fairway::api::openapi::DOCUMENT).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

/// The answers have the fields that the document names, and no others.
#[tokio::test]
async fn answers_are_as_described() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let id = ready(&app, &program).await;
    program.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    app.work().await;
    let document: Value = serde_json::from_str(fairway::api::openapi::DOCUMENT).unwrap();
    let fields = |value: &Value| -> std::collections::BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let first = |list: Value| list["items"][0].clone();
    let key = |path: &str| format!("/campaigns/{id}{path}");
    for (schema, answer) in [
        ("Campaign", program.get(&key("")).await.is(200)),
        ("Delivery", first(program.get(&key("/deliveries")).await.is(200))),
        ("Captured", first(program.get("/captured").await.is(200))),
        ("Contact", program.get("/contacts/1").await.is(200)),
        ("Settings", program.get("/settings").await.is(200)),
        (
            "Figures",
            program.get(&key("/stats")).await.is(200)["channels"]["EMAIL"].clone(),
        ),
    ] {
        let described = fields(&document["components"]["schemas"][schema]["properties"]);
        assert_eq!(fields(&answer), described, "{schema}");
    }
}

#[tokio::test]
async fn the_ledger_is_listed_by_status_and_by_person() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let id = ready(&app, &program).await;
    app.execute("UPDATE consents SET status = 'UNSUBSCRIBED' WHERE contact_id = (SELECT id FROM contacts WHERE key = '2')")
        .await;
    program.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    app.work().await;
    let list = async |query: &str| {
        let path = format!("/campaigns/{id}/deliveries{query}");
        program.get(&path).await.is(200)["items"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert_eq!(list("").await.len(), 3);
    let skipped = list("?status=SKIPPED").await;
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0]["contact"]["key"], "2");
    assert_eq!(skipped[0]["reason"], "unsubscribed");
    assert_eq!(skipped[0]["sentAt"], Value::Null);
    for name in ["3", "person3@example.org"] {
        let rows = list(&format!("?contact={name}")).await;
        assert_eq!(rows.len(), 1, "{name}");
        assert_eq!(rows[0]["address"], "person3@example.org");
        assert_eq!(rows[0]["status"], "SENT");
        assert_eq!(rows[0]["sentAt"], "2026-03-02T08:00:00Z");
        assert_eq!(rows[0]["dueAt"], Value::Null);
    }
    assert_eq!(list("?contact=nobody@example.org").await.len(), 0);
    let page = program
        .get(&format!("/campaigns/{id}/deliveries?limit=2"))
        .await
        .is(200);
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(list(&format!("?limit=2&cursor={cursor}")).await.len(), 1);
    let wrong = program
        .get(&format!("/campaigns/{id}/deliveries?status=LOST"))
        .await;
    assert_eq!(wrong.refused(), ["status"]);
}

#[test]
fn the_javascript_client_has_a_function_for_every_call() {
    let document: Value = serde_json::from_str(fairway::api::openapi::DOCUMENT).unwrap();
    let client = include_str!("../../static/js/fairway-client.js");
    let (_, exports) = client.split_once("export const {").unwrap();
    let (exports, _) = exports.split_once('}').unwrap();
    let exports: Vec<_> = exports.split(',').map(str::trim).collect();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let Some(name) = operation["operationId"].as_str() else {
                continue;
            };
            assert!(exports.contains(&name) || name == "getOpenapi", "{name}");
        }
    }
}

#[tokio::test]
async fn a_method_that_an_address_does_not_take_is_a_405_that_names_those_it_takes() {
    let app = TestApp::spawn().await;
    for (method, path, allowed) in [
        (reqwest::Method::DELETE, "/api/v1/campaigns", "GET, POST"),
        (reqwest::Method::POST, "/api/v1/campaigns/1", "GET, PATCH, DELETE"),
        (reqwest::Method::GET, "/api/v1/campaigns/1/pause", "POST"),
        (reqwest::Method::PATCH, "/api/v1/settings", "GET, PUT"),
    ] {
        let answer = app
            .http
            .request(method.clone(), format!("{}{path}", app.address))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 405, "{method} {path}");
        assert_eq!(answer.headers()["allow"], allowed, "{method} {path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["code"], "method_not_allowed");
    }
    assert_eq!(app.get("/api/v1/nothing").await.status(), 404);
}
