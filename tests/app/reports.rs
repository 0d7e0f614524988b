//! What the staff read of a campaign: its people, its figures, its exports.

use crate::support::TestApp;
use crate::support::sending::Plan;
use fairway::domain::{DeliveryState, Role};
use fairway::reports::ledger::{self, Filter, Mark};
use fairway::reports::person;

#[tokio::test]
async fn the_ledger_is_read_page_by_page_without_a_gap() {
    let app = TestApp::spawn().await;
    let sent = app.sent(25).await;
    let campaign = sent[0].campaign_id;
    app.execute("UPDATE deliveries SET state = 'FAILED', reason = 'refused' WHERE id % 3 = 0")
        .await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = ledger::page(&*app.cx.db, campaign, &Filter::default(), cursor, 10)
            .await
            .unwrap();
        seen.extend(page.rows.iter().map(|row| row.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let mut all: Vec<_> = sent.iter().map(|row| row.id).collect();
    all.sort_unstable();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn the_ledger_is_filtered_by_state_mark_person_and_words() {
    let app = TestApp::spawn().await;
    let sent = app.sent(12).await;
    let campaign = sent[0].campaign_id;
    app.http.get(app.urls().open(sent[2].id)).send().await.unwrap();
    let count = async |filter: Filter| {
        let page = ledger::page(&*app.cx.db, campaign, &filter, None, 100)
            .await
            .unwrap();
        page.rows.len()
    };
    let all = Filter::default;
    assert_eq!(
        count(Filter {
            mark: Some(Mark::Opened),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(Filter {
            mark: Some(Mark::Clicked),
            ..all()
        })
        .await,
        0
    );
    assert_eq!(
        count(Filter {
            state: Some(DeliveryState::Sent),
            ..all()
        })
        .await,
        11
    );
    assert_eq!(
        count(Filter {
            contact: sent[2].contact_id,
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(Filter {
            contact: sent[2].contact_id,
            state: Some(DeliveryState::Sent),
            ..all()
        })
        .await,
        0
    );
    assert_eq!(
        count(Filter {
            words: "PERSON3@".into(),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(Filter {
            words: "person_@".into(),
            ..all()
        })
        .await,
        0
    );
    let nobody = ledger::page(&*app.cx.db, campaign + 1, &all(), None, 10)
        .await
        .unwrap();
    assert_eq!(nobody.rows, []);
}

#[tokio::test]
async fn a_persons_history_tells_what_they_were_sent_and_did() {
    let app = TestApp::spawn().await;
    let sent = app.sent(2).await;
    app.advance(chrono::TimeDelta::minutes(5));
    app.http.get(app.urls().open(sent[0].id)).send().await.unwrap();
    app.advance(chrono::TimeDelta::minutes(5));
    app.http
        .post(app.urls().unsubscribe(sent[0].id))
        .form(&[("List-Unsubscribe", "One-Click")])
        .send()
        .await
        .unwrap();
    let history = person::history(&*app.cx.db, sent[0].contact_id.unwrap())
        .await
        .unwrap();
    let texts: Vec<_> = history.iter().map(|moment| moment.text.as_str()).collect();
    assert_eq!(
        texts,
        ["Unsubscribed.", "Opened the message.", "Was sent by e-mail."]
    );
    assert_eq!(history[0].campaign, "The spring cup");
}

#[tokio::test]
async fn the_report_shows_figures_rates_links_and_a_chart() {
    let app = TestApp::spawn().await;
    let sent = app.sent(4).await;
    let campaign = sent[0].campaign_id;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let path = format!("/campaigns/{campaign}/report");
    let before = viewer.get(&path).await.text().await.unwrap();
    assert!(
        before.contains("Nobody has opened or clicked yet") && before.contains("– of opened"),
        "{before}"
    );
    app.http.get(app.urls().open(sent[0].id)).send().await.unwrap();
    let after = viewer.get(&path).await.text().await.unwrap();
    for text in [
        "25.0 % of delivered",
        "100.0 % of sent",
        "<svg",
        "https://club.example/cup",
        "accepted by the mail server",
    ] {
        assert!(after.contains(text), "{text} is missing:\n{after}");
    }
    assert!(
        !after.contains("every 5s"),
        "a completed campaign asks for no news"
    );
    app.execute("UPDATE campaigns SET status = 'ACTIVE'").await;
    assert!(viewer.get(&path).await.text().await.unwrap().contains("every 5s"));
    assert_eq!(viewer.get("/campaigns/99/report").await.status(), 404);
}

#[tokio::test]
async fn the_people_of_a_campaign_are_listed_filtered_and_exported_safely() {
    let app = TestApp::spawn().await;
    let segment = app.people(60).await;
    app.execute("UPDATE contacts SET first_name = '=HYPERLINK(1)' WHERE key = '7'")
        .await;
    app.execute("UPDATE consents SET status = 'UNSUBSCRIBED' WHERE contact_id IN (SELECT id FROM contacts WHERE key = '9')").await;
    let campaign = app.campaign(Plan::to(segment)).await;
    app.work().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let path = |rest: &str| format!("/campaigns/{campaign}/people{rest}");
    let text = async |rest: &str| viewer.get(&path(rest)).await.text().await.unwrap();
    let all = text("").await;
    assert_eq!(all.matches("<a href=\"/contacts/").count(), 50);
    assert!(all.contains("Next page"));
    let skipped = text("?show=SKIPPED").await;
    assert!(
        skipped.contains("The person said no to this channel.") && skipped.contains("person9@example.org")
    );
    assert_eq!(skipped.matches("<a href=\"/contacts/").count(), 1);
    assert!(text("?show=opened").await.contains("Nobody here"));
    assert_eq!(viewer.get(&path("?show=nonsense")).await.status(), 400);
    let csv = text(".csv").await;
    assert_eq!(csv.lines().count(), 61);
    assert!(csv.contains(",'=HYPERLINK(1),"));
    let links = viewer.get(&format!("/campaigns/{campaign}/links.csv")).await;
    assert_eq!(links.headers()["content-type"], "text/csv; charset=utf-8");
    assert!(
        links
            .text()
            .await
            .unwrap()
            .contains("https://club.example/cup,0,0")
    );
    assert_eq!(
        app.get(&path(".csv")).await.status(),
        303,
        "a stranger is sent to the sign-in"
    );
}
