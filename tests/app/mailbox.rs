//! The capture mailbox: what would have been sent, on its pages.

use crate::support::{TestApp, start};
use chrono::TimeDelta;
use fairway::domain::{CampaignType, Channel, InDoubt, Purpose, Role, Status};
use fairway::entity::{audit_log, campaigns, captured_messages};
use fairway::mailbox::store::{self, Captured, Filter};
use fairway::messaging::capture::Capture;
use fairway::messaging::{Adapter as _, Outgoing};
use scraper::{Html, Selector};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _};

fn captured(to: &str, subject: &str, campaign_id: Option<i64>) -> Captured {
    Captured {
        channel: Channel::Email,
        delivery_id: None,
        campaign_id,
        sender: "news@club.example".into(),
        recipient: to.into(),
        subject: subject.into(),
        html: format!(
            "<html><head></head><body><a href=\"https://club.example/\">{subject}</a></body></html>"
        ),
        text: format!("{subject}, in words"),
        raw: format!("From: news@club.example\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nbody"),
        at: start(),
    }
}

impl TestApp {
    async fn keep(&self, messages: Vec<Captured>) {
        let tx = self.cx.db.begin().await.unwrap();
        store::keep_many(&tx, messages).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The key of the message with this subject.
    async fn key_of(&self, subject: &str) -> i64 {
        let rows = captured_messages::Entity::find().all(&*self.cx.db).await.unwrap();
        rows.into_iter().find(|row| row.subject == subject).unwrap().id
    }

    async fn named_campaign(&self, name: &str) -> i64 {
        let now = start();
        let row = campaigns::ActiveModel {
            id: NotSet,
            name: Set(name.into()),
            kind: Set(CampaignType::OneTime),
            status: Set(Status::Active),
            purpose: Set(Purpose::Marketing),
            topic_id: Set(None),
            segment_id: Set(None),
            channels: Set(serde_json::json!(["EMAIL"])),
            timezone: Set("UTC".into()),
            send_now: Set(true),
            scheduled_at: Set(None),
            recurrence: Set(None),
            trigger: Set(None),
            journey: Set(None),
            goal: Set(None),
            sender_name: Set(None),
            sender_email: Set(None),
            reply_to: Set(None),
            in_doubt: Set(InDoubt::Retry),
            pause_reason: Set(None),
            revision: Set(1),
            created_by: Set(None),
            created_at: Set(now.into()),
            updated_at: Set(now.into()),
            started_at: Set(None),
            finished_at: Set(None),
            ..Default::default()
        };
        row.insert(&*self.cx.db).await.unwrap().id
    }
}

fn texts(page: &str, css: &str) -> Vec<String> {
    Html::parse_document(page)
        .select(&Selector::parse(css).unwrap())
        .map(|found| {
            found
                .text()
                .collect::<String>()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

fn attribute(page: &str, css: &str, name: &str) -> Option<String> {
    Html::parse_document(page)
        .select(&Selector::parse(css).unwrap())
        .next()
        .and_then(|found| found.value().attr(name))
        .map(str::to_owned)
}

const SUBJECTS: &str = "#messages tbody td:nth-child(1) a";

#[tokio::test]
async fn an_empty_mailbox_says_what_will_land_in_it() {
    let app = TestApp::spawn().await;
    let page = app.sign_in_as(Role::Viewer).await.page("/mailbox").await;
    assert_eq!(texts(&page, ".empty h2"), ["No mail yet"]);
    assert!(page.contains("FAIRWAY_SMTP_URL"));
}

#[tokio::test]
async fn with_a_server_set_the_mailbox_says_where_mail_goes() {
    let app = TestApp::spawn_with(|settings| {
        settings.smtp_url = Some("smtp://news:hunter2@mail.club.example".into());
    })
    .await;
    let page = app.sign_in_as(Role::Viewer).await.page("/mailbox").await;
    assert!(page.contains("Mail goes out through mail.club.example:587."));
    assert!(!page.contains("hunter2"));
}

#[tokio::test]
async fn the_mailbox_is_for_staff_alone() {
    let app = TestApp::spawn().await;
    app.keep(vec![captured("ada@example.org", "Spring cup", None)])
        .await;
    let id = app.key_of("Spring cup").await;
    for path in [
        "/mailbox".to_owned(),
        format!("/mailbox/{id}"),
        format!("/mailbox/{id}/html"),
        format!("/mailbox/{id}/source.eml"),
    ] {
        assert_eq!(app.get(&path).await.status(), 303, "{path}");
    }
}

#[tokio::test]
async fn messages_are_listed_newest_first_with_their_campaign() {
    let app = TestApp::spawn().await;
    let cup = app.named_campaign("The <b>spring</b> cup").await;
    app.keep(vec![
        captured("ada@example.org", "One", Some(cup)),
        captured("bob@example.org", "Two", None),
        captured("cyd@example.org", "Three", Some(cup)),
    ])
    .await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page("/mailbox").await;
    assert_eq!(texts(&page, SUBJECTS), ["Three", "Two", "One"]);
    assert_eq!(
        texts(&page, "#messages tbody td:nth-child(2)"),
        ["The <b>spring</b> cup", "Test", "The <b>spring</b> cup"]
    );
    assert!(texts(&page, ".pager")[0].starts_with("3 messages. At most 200,000 are kept"));
    let page = staff.page(&format!("/mailbox?campaign={cup}")).await;
    assert_eq!(texts(&page, SUBJECTS), ["Three", "One"]);
    assert_eq!(
        texts(&page, "#mailbox-campaign [selected]"),
        ["The <b>spring</b> cup"]
    );
}

#[tokio::test]
async fn a_search_finds_recipients_and_subjects_and_takes_no_wildcards() {
    let app = TestApp::spawn().await;
    app.keep(vec![
        captured("Ada@Example.org", "Spring cup", None),
        captured("bob@example.org", "100% of the spring", None),
        captured("a_d@example.org", "Autumn", None),
    ])
    .await;
    let staff = app.sign_in_as(Role::Viewer).await;
    for (q, subjects) in [
        ("ada", vec!["Spring cup"]),
        ("SPRING", vec!["100% of the spring", "Spring cup"]),
        ("%25", vec!["100% of the spring"]),
        ("a_d", vec!["Autumn"]),
        ("%5C", vec![]),
        ("nobody", vec![]),
    ] {
        let page = staff.page(&format!("/mailbox?q={q}")).await;
        assert_eq!(texts(&page, SUBJECTS), subjects, "{q}");
        if subjects.is_empty() {
            assert_eq!(texts(&page, ".empty h2"), ["No such message"]);
        }
    }
    // An address that cannot be read finds nothing, not everything.
    let page = staff.page("/mailbox?campaign=everything").await;
    assert_eq!(texts(&page, SUBJECTS), [""; 0]);
}

#[tokio::test]
async fn older_messages_are_a_page_away_and_the_filter_stays() {
    let app = TestApp::spawn().await;
    let messages = (1..=120).map(|n| captured(&format!("m{n}@example.org"), &format!("No {n}"), None));
    app.keep(messages.collect()).await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let mut path = "/mailbox?q=example".to_owned();
    let mut seen = Vec::new();
    for rows in [50, 50, 20] {
        let page = staff.page(&path).await;
        let subjects = texts(&page, SUBJECTS);
        assert_eq!(subjects.len(), rows);
        seen.extend(subjects);
        if let Some(next) = attribute(&page, "a[rel=next]", "href") {
            assert!(next.starts_with("/mailbox?q=example&before="), "{next}");
            path = next;
        }
    }
    let expected: Vec<_> = (1..=120).rev().map(|n| format!("No {n}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_list_refreshes_itself_with_its_rows_alone() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page("/mailbox?campaign=7").await;
    assert_eq!(
        attribute(&page, "#messages", "hx-get").as_deref(),
        Some("/mailbox?campaign=7")
    );
    app.keep(vec![captured("ada@example.org", "Spring cup", Some(7))])
        .await;
    let rows = staff.hx_get("/mailbox?campaign=7").await.text().await.unwrap();
    assert!(rows.trim_start().starts_with("<div id=\"messages\""), "{rows}");
    assert!(rows.contains("Spring cup"));
    assert!(!rows.contains("<html"));
    // A search reads every message, and is not repeated by itself.
    let page = staff.page("/mailbox?q=cup").await;
    assert_eq!(attribute(&page, "#messages", "hx-get"), None);
}

#[tokio::test]
async fn a_message_shows_its_sides() {
    let app = TestApp::spawn().await;
    let outgoing = Outgoing {
        to: "ada@example.org".into(),
        to_name: "Ada".into(),
        from_email: "news@club.example".into(),
        subject: "Grüße & <tips>".into(),
        html: "<!doctype html><html><head><title>x</title></head><body><script>alert(1)</script>Hallo</body></html>"
            .into(),
        text: "Hallo <Ada>".into(),
        message_id: "1.1@club.example".into(),
        unsubscribe_url: Some("https://club.example/u/abc".into()),
        ..Outgoing::default()
    };
    let raw = Capture.send(&outgoing).await.unwrap().captured.unwrap();
    let tx = app.cx.db.begin().await.unwrap();
    store::keep(&tx, Captured::of(Channel::Email, &outgoing, raw.clone(), start()))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let id = app.key_of("Grüße & <tips>").await;
    let staff = app.sign_in_as(Role::Viewer).await;

    let page = staff.page(&format!("/mailbox/{id}")).await;
    assert_eq!(texts(&page, "h1"), ["Grüße & <tips>"]);
    assert_eq!(
        attribute(&page, "iframe", "src").unwrap(),
        format!("/mailbox/{id}/html")
    );
    assert_eq!(
        attribute(&page, "iframe", "sandbox").unwrap(),
        "allow-popups allow-popups-to-escape-sandbox"
    );
    assert!(texts(&page, "details dt").contains(&"List-Unsubscribe-Post".to_owned()));
    let text = staff.page(&format!("/mailbox/{id}?view=text")).await;
    assert_eq!(texts(&text, "pre"), ["Hallo <Ada>"]);
    let source = staff.page(&format!("/mailbox/{id}?view=source")).await;
    assert!(texts(&source, "pre")[0].contains("Message-ID: <1.1@club.example>"));

    let file = staff.get(&format!("/mailbox/{id}/source.eml")).await;
    assert_eq!(file.headers()["content-type"], "message/rfc822");
    assert_eq!(file.text().await.unwrap(), raw);
}

#[tokio::test]
async fn a_captured_mail_is_shown_where_it_can_do_no_harm() {
    let app = TestApp::spawn().await;
    app.keep(vec![captured("ada@example.org", "Spring cup", None)])
        .await;
    let id = app.key_of("Spring cup").await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let answer = staff.get(&format!("/mailbox/{id}/html")).await;
    let policy = answer.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    for part in [
        "default-src 'none'",
        &format!("img-src 'self' {} https: data:", app.address),
        "form-action 'none'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    ] {
        assert!(policy.contains(part), "{part} is missing in {policy}");
    }
    assert!(!policy.contains("allow-scripts") && !policy.contains("script-src"));
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let html = answer.text().await.unwrap();
    assert!(html.contains("<head><base target=\"_blank\"></head>"), "{html}");
}

#[tokio::test]
async fn a_message_that_is_gone_is_a_404() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Viewer).await;
    for path in ["/mailbox/77", "/mailbox/77/html", "/mailbox/77/source.eml"] {
        assert_eq!(staff.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn clearing_says_its_number_takes_only_those_and_is_on_record() {
    let app = TestApp::spawn().await;
    let cup = app.named_campaign("The spring cup").await;
    app.keep(vec![
        captured("ada@example.org", "One", Some(cup)),
        captured("bob@example.org", "Two", Some(cup)),
        captured("cyd@example.org", "Of a test", None),
    ])
    .await;
    let staff = app.sign_in_as(Role::Manager).await;
    let list = staff.page(&format!("/mailbox?campaign={cup}")).await;
    let path = attribute(&list, ".page-head .actions a", "href").unwrap();
    assert_eq!(path, format!("/mailbox/clear?campaign={cup}"));
    let page = staff.page(&path).await;
    assert_eq!(
        texts(&page, ".form-actions button"),
        ["Remove 2 messages"],
        "{page}"
    );
    assert!(page.contains("“The spring cup”"));
    let newest = attribute(&page, "[name=newest]", "value").unwrap();
    // While the person thinks, another arrives.
    app.keep(vec![captured("eve@example.org", "Three", Some(cup))])
        .await;
    let answer = staff
        .post(
            "/mailbox/clear",
            &[("newest", &newest), ("campaign", &cup.to_string())],
        )
        .await;
    assert_eq!(answer.status(), 303);
    let list = staff.page("/mailbox").await;
    assert_eq!(texts(&list, ".notice"), ["2 messages were removed."]);
    assert_eq!(texts(&list, SUBJECTS), ["Three", "Of a test"]);
    let trail = audit_log::Entity::find().all(&*app.cx.db).await.unwrap();
    let line = trail.iter().find(|line| line.action == "cleared").unwrap();
    assert_eq!(line.subject_kind, "mailbox");
    assert_eq!(
        line.detail,
        serde_json::json!({"messages": 2, "campaignId": cup.to_string()})
    );
}

#[tokio::test]
async fn a_viewer_reads_and_does_not_clear() {
    let app = TestApp::spawn().await;
    app.keep(vec![captured("ada@example.org", "One", None)]).await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page("/mailbox").await;
    assert_eq!(texts(&page, ".page-head .actions a"), [""; 0]);
    assert_eq!(staff.get("/mailbox/clear").await.status(), 403);
    let answer = staff.post("/mailbox/clear", &[("newest", "1000")]).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(store::count(&*app.cx.db, &Filter::default()).await.unwrap().0, 1);
}

#[tokio::test]
async fn a_full_mailbox_lets_the_oldest_go() {
    let app = TestApp::spawn().await;
    app.keep(vec![captured("ada@example.org", "Oldest", None)]).await;
    let oldest = app.key_of("Oldest").await;
    let far = captured_messages::Entity::find_by_id(oldest)
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap();
    let mut far: captured_messages::ActiveModel = far.into();
    far.id = Set(oldest + store::CAPACITY - 1);
    far.subject = Set("Later".into());
    far.insert(&*app.cx.db).await.unwrap();
    app.keep(vec![captured("bob@example.org", "Nothing goes yet", None)])
        .await;
    let count = async || store::count(&*app.cx.db, &Filter::default()).await.unwrap().0;
    assert_eq!(count().await, if app.cx.db.is_postgres() { 3 } else { 2 });
    let mut last: captured_messages::ActiveModel =
        captured_messages::Entity::find_by_id(oldest + store::CAPACITY - 1)
            .one(&*app.cx.db)
            .await
            .unwrap()
            .unwrap()
            .into();
    last.id = Set(oldest + store::CAPACITY * 3);
    last.insert(&*app.cx.db).await.unwrap();
    app.keep(vec![captured("cyd@example.org", "Newest", None)]).await;
    let page = app.sign_in_as(Role::Viewer).await.page("/mailbox").await;
    assert!(!texts(&page, SUBJECTS).contains(&"Oldest".to_owned()));
}

#[tokio::test]
async fn the_api_reads_the_same_messages_in_pages() {
    let app = TestApp::spawn().await;
    let cup = app.named_campaign("The spring cup").await;
    let plain = Captured {
        html: String::new(),
        ..captured("cyd@example.org", "Three", Some(cup))
    };
    app.keep(vec![
        captured("ada@example.org", "One", Some(cup)),
        captured("bob@example.org", "Two", None),
        plain,
    ])
    .await;
    let key = app.api_key(Role::Viewer).await;
    let read = async |query: String| -> serde_json::Value {
        let request = app.http.get(format!("{}/api/v1/captured?{query}", app.address));
        let answer = request.bearer_auth(&key).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{query}");
        answer.json().await.unwrap()
    };
    let first = read(format!("channel=EMAIL&campaign={cup}&limit=1")).await;
    let item = &first["items"][0];
    assert_eq!(item["to"], "cyd@example.org");
    assert_eq!(item["channel"], "EMAIL");
    assert_eq!(item["subject"], "Three");
    assert_eq!(
        item["body"], "Three, in words",
        "a mail without HTML shows its text"
    );
    assert_eq!(item["campaignId"], cup.to_string());
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = read(format!("campaign={cup}&limit=1&cursor={cursor}")).await;
    assert_eq!(second["items"][0]["to"], "ada@example.org");
    assert!(second["items"][0]["body"].as_str().unwrap().contains("<a href="));
    assert_eq!(second["nextCursor"], serde_json::Value::Null);
    let none = read("channel=SMS".into()).await;
    assert_eq!(none["items"], serde_json::json!([]));
}

#[tokio::test]
async fn many_messages_are_kept_at_once_in_their_order() {
    let app = TestApp::spawn().await;
    let messages = (0..1000).map(|n| Captured {
        at: start() + TimeDelta::milliseconds(n),
        text: "with a NUL \0 in it".into(),
        ..captured("ada@example.org", &format!("No {n}"), None)
    });
    app.keep(messages.collect()).await;
    let rows = store::list(&*app.cx.db, &Filter::default(), 2000).await.unwrap();
    let subjects: Vec<_> = rows.iter().rev().map(|row| row.subject.clone()).collect();
    let expected: Vec<_> = (0..1000).map(|n| format!("No {n}")).collect();
    assert_eq!(subjects, expected);
    assert_eq!(rows[0].at.0, start() + TimeDelta::milliseconds(999));
}
