//! Shared blocks: written once, seen by every template that takes them in; what was sent stays.

use crate::support::TestApp;
use crate::support::sending::Plan;
use crate::support::smtp::SmtpServer;
use crate::support::staff::SignedIn;
use fairway::content::store;
use fairway::domain::Role;
use fairway::entity::template_versions;

async fn write(staff: &SignedIn, name: &str, kind: &str, body: &str) -> reqwest::Response {
    let fields = [("name", name), ("key", ""), ("kind", kind), ("body", body)];
    staff.post("/templates/blocks/new", &fields).await
}

async fn made(staff: &SignedIn, name: &str, kind: &str, body: &str) -> String {
    let answer = write(staff, name, kind, body).await;
    assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Changes a block's text, as its page has it.
async fn change(staff: &SignedIn, url: &str, kind: &str, body: &str) -> reqwest::Response {
    let page = staff.page(url).await;
    let seen = page.split("name=\"seen\" value=\"").nth(1).unwrap();
    let seen = seen.split('"').next().unwrap();
    let fields = [("name", "Hours"), ("kind", kind), ("body", body), ("seen", seen)];
    staff.post(url, &fields).await
}

async fn save(app: &TestApp, staff: &SignedIn, template: i64, body: &str) -> template_versions::Model {
    let opened = current(app, template).await.id.to_string();
    let fields = [
        ("name", "Notice"),
        ("subject", "Hello"),
        ("kind", "HTML"),
        ("body", body),
        ("version", &opened),
    ];
    let answer = staff.post(&format!("/templates/{template}"), &fields).await;
    assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    current(app, template).await
}

async fn current(app: &TestApp, template: i64) -> template_versions::Model {
    store::current_version(&*app.cx.db, template)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_changed_block_reaches_its_templates_and_what_was_sent_stays_as_it_was() {
    let server = SmtpServer::start().await;
    let url = server.url();
    let app = TestApp::spawn_with(move |settings| settings.smtp_url = Some(url.into())).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let hours = made(
        &staff,
        "Hours",
        "HTML",
        "<p>Open from seven, {{ contact.first_name }}</p>",
    )
    .await;
    let campaign = app.campaign(Plan::to(app.people(1).await)).await;
    let template = app.template_of(campaign).await;
    let first = save(
        &app,
        &staff,
        template,
        "<h1><a href=\"{{ view_url }}\">News</a></h1>\n{% include \"hours\" %}\n<p>End</p>",
    )
    .await;
    app.work().await;
    let answer = change(&staff, &hours, "HTML", "<p>Open from eight</p>").await;
    assert_eq!(answer.status(), 303);
    assert!(
        staff
            .page(&hours)
            .await
            .contains("One template has a new version")
    );

    let second = current(&app, template).await;
    assert_eq!((second.number, &second.body), (first.number + 1, &first.body));
    assert_eq!(second.note.as_deref(), Some("The block “Hours” changed"));
    assert!(second.whole.unwrap().contains("Open from eight"));
    let shown = staff.page(&format!("/templates/{template}/preview/html")).await;
    assert!(shown.contains("Open from eight"), "{shown}");
    let before = staff
        .page(&format!("/templates/{template}/versions/{}/html", first.number))
        .await;
    assert!(before.contains("Open from seven"), "{before}");

    let mail = server.messages().remove(0);
    let html = mail.parsed().body_html(0).unwrap().into_owned();
    assert!(html.contains("Open from seven, Person"), "{html}");
    let text = format!("{html}{}", mail.parsed().body_text(0).unwrap());
    let path = &text[text.find("/v/").unwrap()..];
    let path: String = path.chars().take_while(|c| !"\"'<> \r\n".contains(*c)).collect();
    let page = app.get(&path).await.text().await.unwrap();
    assert!(page.contains("Open from seven"), "{page}");
}

#[tokio::test]
async fn an_unknown_block_is_a_problem_until_there_is_one() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let template = app.template("Hello", "<p>x</p>").await;
    let body = "<p>x</p>\n{% include \"hours\" %}";
    save(&app, &staff, template, body).await;
    let page = staff.page(&format!("/templates/{template}")).await;
    assert!(
        page.contains("There is no shared block “hours”") && page.contains("Body, line 2"),
        "{page}"
    );
    made(&staff, "Hours", "HTML", "<p>From seven</p>").await;
    let page = staff.page(&format!("/templates/{template}")).await;
    assert!(page.contains("Nothing keeps this from being sent"), "{page}");
    assert!(
        current(&app, template)
            .await
            .whole
            .unwrap()
            .contains("From seven")
    );
}

#[tokio::test]
async fn a_block_that_would_break_a_template_or_stands_in_one_is_kept_from_it() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let hours = made(&staff, "Hours", "HTML", "<p>From seven</p>").await;
    let template = app.template("Hello", "<p>x</p>").await;
    let kept = save(&app, &staff, template, "{% include \"hours\" %}").await;
    for (kind, body, said) in [
        ("HTML", "<p>{{ contact.frist_name }}</p>", "frist_name"),
        ("HTML", "{% include \"other\" %}", "cannot take in another"),
        (
            "MJML",
            "<mj-section></mj-section>",
            "The template “Notice” could not be sent",
        ),
        ("HTML", " ", "Fill this in."),
    ] {
        let answer = change(&staff, &hours, kind, body).await;
        assert_eq!(answer.status(), 422, "{body}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(said), "{body}: {page}");
    }
    let deleted = staff.post(&format!("{hours}/delete"), &[]).await;
    assert_eq!(deleted.status(), 409);
    assert_eq!(current(&app, template).await, kept);
    save(&app, &staff, template, "<p>x</p>").await;
    assert_eq!(staff.post(&format!("{hours}/delete"), &[]).await.status(), 303);
}

#[tokio::test]
async fn whoever_is_writing_loses_nothing_by_a_changed_block() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let hours = made(&staff, "Hours", "HTML", "<p>From seven</p>").await;
    let template = app.template("Hello", "<p>x</p>").await;
    let opened = save(&app, &staff, template, "{% include \"hours\" %}").await;
    assert_eq!(
        change(&staff, &hours, "HTML", "<p>From nine</p>").await.status(),
        303
    );
    let id = opened.id.to_string();
    let fields = [
        ("name", "Notice"),
        ("subject", "Hello"),
        ("kind", "HTML"),
        ("body", "<p>More</p>{% include \"hours\" %}"),
        ("version", &id),
    ];
    let answer = staff.post(&format!("/templates/{template}"), &fields).await;
    assert_eq!(answer.status(), 303, "nobody wrote in it");
    assert!(
        current(&app, template)
            .await
            .whole
            .unwrap()
            .contains("<p>More</p><p>From nine</p>")
    );
    let seen = [
        ("name", "Hours"),
        ("kind", "HTML"),
        ("body", "<p>Old</p>"),
        ("seen", "1"),
    ];
    assert_eq!(
        staff.post(&hours, &seen).await.status(),
        409,
        "somebody else saved the block"
    );
}

#[tokio::test]
async fn a_designed_template_brings_its_header_and_footer_and_viewers_only_read_them() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let fields = [
        ("name", "Open day"),
        ("channel", "EMAIL"),
        ("starter", "survey-email"),
    ];
    assert_eq!(staff.post("/templates/new", &fields).await.status(), 303);
    let list = staff.page("/templates/blocks").await;
    assert!(
        list.contains("Header") && list.contains("include \"footer\""),
        "{list}"
    );
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert!(viewer.page("/templates/blocks").await.contains("Footer"));
    assert_eq!(write(&viewer, "Mine", "HTML", "<p>x</p>").await.status(), 403);
    assert_eq!(viewer.get("/templates/blocks/new").await.status(), 403);
}
