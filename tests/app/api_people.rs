//! Contacts and events over the JSON API.

use crate::support::TestApp;
use crate::support::api::Answer;
use fairway::domain::Role;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_contact_is_made_changed_read_and_erased_by_its_key() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let given = json!({
        "email": "Ann@Example.org", "phone": "+27 82 123 4567", "firstName": "Ann", "lastName": "Nel",
        "timezone": "Africa/Johannesburg", "locale": "en-ZA", "tags": ["members", "juniors"],
        "attributes": { "handicap": 12.5, "has_cart": true },
        "consents": { "EMAIL": { "status": "SUBSCRIBED", "source": "membership form" } },
    });
    let made = program.put("/contacts/M-1", &given).await.is(201);
    assert_eq!(made["key"], "M-1");
    assert_eq!(made["email"], "ann@example.org");
    assert_eq!(made["phone"], "+27821234567");
    assert_eq!(made["tags"], json!(["juniors", "members"]));
    assert_eq!(made["attributes"], given["attributes"]);
    assert_eq!(made["consents"]["EMAIL"]["status"], "SUBSCRIBED");
    assert_eq!(made["consents"]["EMAIL"]["source"], "membership form");
    for name in ["M-1", "ANN@example.org", made["id"].as_str().unwrap()] {
        assert_eq!(
            program.get(&format!("/contacts/{name}")).await.is(200),
            made,
            "{name}"
        );
    }
    let changed = json!({ "lastName": "Botha", "attributes": { "handicap": null } });
    let after = program.put("/contacts/M-1", &changed).await.is(200);
    assert_eq!(after["id"], made["id"]);
    assert_eq!(
        (&after["firstName"], &after["lastName"]),
        (&json!("Ann"), &json!("Botha"))
    );
    assert_eq!(after["attributes"], json!({ "has_cart": true }));
    assert_eq!(program.delete("/contacts/M-1").await.is(204), Value::Null);
    program.get("/contacts/M-1").await.is(404);
    program.delete("/contacts/M-1").await.is(404);
}

#[tokio::test]
async fn a_contact_is_put_by_e_mail_address() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let made = program
        .put("/contacts/ann@example.org", &json!({ "firstName": "Ann" }))
        .await
        .is(201);
    assert_eq!(
        (&made["email"], &made["key"]),
        (&json!("ann@example.org"), &Value::Null)
    );
    let keyed = json!({ "key": "M-1" });
    let after = program.put("/contacts/Ann@Example.org", &keyed).await.is(200);
    assert_eq!((&after["id"], &after["key"]), (&made["id"], &json!("M-1")));
}

#[tokio::test]
async fn wrong_contacts_are_refused_field_by_field() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let wrong = json!({
        "email": "nobody", "phone": "1", "timezone": "Mars/Olympus",
        "consents": { "FAX": { "status": "SUBSCRIBED" }, "EMAIL": { "status": "MAYBE" } },
    });
    let mut fields = program.put("/contacts/M-1", &wrong).await.refused();
    fields.sort();
    assert_eq!(
        fields,
        ["consents.EMAIL", "consents.FAX", "email", "phone", "timezone"]
    );
    let other = json!({ "key": "M-2" });
    assert_eq!(program.put("/contacts/M-1", &other).await.refused(), ["key"]);
    let other = json!({ "email": "bob@example.org" });
    assert_eq!(
        program.put("/contacts/ann@example.org", &other).await.refused(),
        ["email"]
    );
    let unknown = json!({ "nickname": "Annie" });
    let body = program.put("/contacts/M-1", &unknown).await.is(422);
    assert!(
        body["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("nickname")
    );
    program.get("/contacts/M-1").await.is(404);
}

#[tokio::test]
async fn who_unsubscribed_is_subscribed_again_only_on_a_ground() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let put = async |status: &str, source: &str| {
        let body = json!({ "consents": { "EMAIL": { "status": status, "source": source } } });
        let answer = program.put("/contacts/ann@example.org", &body).await;
        answer.body["consents"]["EMAIL"]["status"].clone()
    };
    assert_eq!(put("SUBSCRIBED", "").await, "SUBSCRIBED");
    assert_eq!(put("UNSUBSCRIBED", "").await, "UNSUBSCRIBED");
    assert_eq!(put("SUBSCRIBED", "").await, "UNSUBSCRIBED");
    assert_eq!(put("SUBSCRIBED", "paper form of 1 March").await, "SUBSCRIBED");
}

#[tokio::test]
async fn the_same_person_put_at_once_is_one_contact() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let body = json!({ "email": "ann@example.org" });
    let puts = (0..8).map(|_| program.put("/contacts/M-1", &body));
    let mut statuses: Vec<_> = futures_util::future::join_all(puts)
        .await
        .into_iter()
        .map(|answer| answer.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201]);
}

#[tokio::test]
async fn an_event_counts_once_and_an_array_is_kept_whole_or_not_at_all() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    app.people(1).await;
    let event = json!({
        "name": "booking.confirmed", "contact": "1", "id": "b-1",
        "properties": { "holes": 18 }, "occurredAt": "2026-03-02T07:00:00Z",
    });
    let first = program.post("/events", &event).await.is(202);
    assert_eq!((&first["accepted"], &first["duplicates"]), (&json!(1), &json!(0)));
    let mut other = event.clone();
    other["id"] = json!("b-2");
    let both = program.post("/events", &json!([event, other])).await.is(202);
    assert_eq!((&both["accepted"], &both["duplicates"]), (&json!(1), &json!(1)));

    let wrong = json!([
        { "name": "booking.confirmed", "contact": "1", "id": "b-3" },
        { "name": "", "contact": "" },
        { "name": "booking.confirmed", "contact": "1", "when": "now" },
    ]);
    assert_eq!(
        program.post("/events", &wrong).await.refused(),
        ["[1].name", "[1].contact", "[2]"]
    );
    let again = json!({ "name": "booking.confirmed", "contact": "1", "id": "b-3" });
    assert_eq!(program.post("/events", &again).await.is(202)["accepted"], 1);
    let wrong = json!({ "name": "booking.confirmed", "contact": "1", "occurredAt": "2027-01-01T00:00:00Z" });
    assert_eq!(program.post("/events", &wrong).await.refused(), ["occurredAt"]);
}

#[tokio::test]
async fn people_and_events_need_a_managers_key_to_be_written() {
    let app = TestApp::spawn().await;
    let viewer = app.program(Role::Viewer).await;
    for (method, path) in [
        (Method::PUT, "/contacts/M-1"),
        (Method::DELETE, "/contacts/M-1"),
        (Method::POST, "/contacts/import"),
        (Method::POST, "/events"),
    ] {
        let request = viewer.request(method.clone(), path).json(&json!({}));
        assert_eq!(
            Answer::to(request).await.is(403)["code"],
            "role_needed",
            "{method}"
        );
        let url = format!("{}/api/v1{path}", app.address);
        let request = app.http.request(method.clone(), url).json(&json!({}));
        assert_eq!(
            Answer::to(request).await.is(401)["code"],
            "key_needed",
            "{method}"
        );
    }
    viewer.get("/contacts/M-1").await.is(404);
}

#[tokio::test]
async fn a_csv_file_is_imported_and_its_refused_lines_are_named() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    program
        .put("/contacts/M-1", &json!({ "firstName": "Old" }))
        .await
        .is(201);
    let file = "key,email,first_name,tags,consent_email,handicap\n\
                M-1,ann@example.org,Ann,members;juniors,yes,12.5\n\
                M-2,bob@example.org,Bob,,no,\n\
                M-3,nobody,Eve,,yes,3\n";
    let post = |file: &'static str, key: &'static str| {
        program
            .request(Method::POST, "/contacts/import?source=members%20list")
            .header("Content-Type", "text/csv; charset=utf-8")
            .header("Idempotency-Key", key)
            .body(file)
    };
    let done = Answer::to(post(file, "import-1")).await.is(200);
    assert_eq!(
        (&done["created"], &done["updated"], &done["refused"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(done["report"][0]["line"], 4);
    assert!(done["report"][0]["reason"].as_str().unwrap().contains("e-mail"));
    let again = Answer::to(post(file, "import-1")).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.is(200), done);
    let ann = program.get("/contacts/M-1").await.is(200);
    assert_eq!(ann["firstName"], "Ann");
    assert_eq!(ann["tags"], json!(["juniors", "members"]));
    assert_eq!(ann["attributes"]["handicap"], json!(12.5));
    assert_eq!(ann["consents"]["EMAIL"]["status"], "SUBSCRIBED");
    assert_eq!(ann["consents"]["EMAIL"]["source"], "members list");
    program.get("/contacts/M-3").await.is(404);
}

#[tokio::test]
async fn a_contact_on_each_line_is_imported_as_the_client_sends_it() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let file = concat!(
        r#"{"key":"M-1","email":"ann@example.org","consents":{"EMAIL":{"status":"SUBSCRIBED"}}}"#,
        "\n",
        r#"{"key":"M-2","nickname":"Bob"}"#,
    );
    let request = program
        .request(Method::POST, "/contacts/import")
        .header("Content-Type", "application/x-ndjson")
        .body(file);
    let done = Answer::to(request).await.is(200);
    assert_eq!((&done["created"], &done["refused"]), (&json!(1), &json!(1)));
    assert_eq!(done["report"][0]["line"], 2);
    let request = program.request(Method::POST, "/contacts/import").json(&json!([]));
    let refused = Answer::to(request).await.is(400);
    assert!(
        refused["detail"].as_str().unwrap().contains("text/csv"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_file_is_imported_with_a_tag_and_a_country_for_its_numbers() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let import = async |query: &str| {
        let request = program.request(Method::POST, &format!("/contacts/import?{query}"));
        let request = request.header("Content-Type", "text/csv");
        Answer::to(request.body("key,phone\nM-1,0161 496 0000\n")).await
    };
    let mut fields = import("country=Narnia&tag=a%3Bb").await.refused();
    fields.sort();
    assert_eq!(fields, ["country", "tag"]);
    let outcome = import("country=uk&tag=Spring%20Fair").await.is(200);
    assert_eq!((&outcome["created"], &outcome["refused"]), (&json!(1), &json!(0)));
    let made = program.get("/contacts/M-1").await.is(200);
    assert_eq!(made["tags"], json!(["spring fair"]));
    assert_eq!(made["phone"], "+441614960000");
}
