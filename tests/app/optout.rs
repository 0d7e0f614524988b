//! Saying no: by the page, by the mail program's button, and back again.

use crate::support::TestApp;
use fairway::domain::{ActivityKind, ConsentStatus};
use fairway::entity::{activities, consent_log, consents, topic_opt_outs, topics};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, QueryOrder as _};

impl TestApp {
    async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> reqwest::Response {
        self.http.post(url).form(form).send().await.unwrap()
    }

    async fn consent_of(&self, contact: Option<i64>) -> ConsentStatus {
        let rows = consents::Entity::find().all(&*self.cx.db).await.unwrap();
        rows.into_iter()
            .find(|row| Some(row.contact_id) == contact)
            .map_or(ConsentStatus::None, |row| row.status)
    }

    async fn topic(&self, name: &str) -> i64 {
        let tx = self.cx.db.begin().await.unwrap();
        let topic = topics::ActiveModel {
            id: NotSet,
            key: Set(name.to_lowercase()),
            name: Set(name.into()),
            description: Set(String::new()),
            position: Set(0),
            created_at: Set(self.cx.clock.now().into()),
            archived_at: Set(None),
        }
        .insert(&*tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        topic.id
    }
}

#[tokio::test]
async fn looking_at_the_page_changes_nothing() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let answer = app
        .http
        .get(app.urls().unsubscribe(sent[0].id))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["x-robots-tag"], "noindex, nofollow");
    let page = answer.text().await.unwrap();
    assert!(page.contains("person1@example.org") && !page.contains("<script"));
    assert_eq!(
        app.consent_of(sent[0].contact_id).await,
        ConsentStatus::Subscribed
    );
    assert_eq!(consent_log::Entity::find().all(&*app.cx.db).await.unwrap(), []);
}

#[tokio::test]
async fn the_mail_programs_button_ends_all_marketing_once() {
    let app = TestApp::spawn().await;
    let sent = app.sent(2).await;
    let url = app.urls().unsubscribe(sent[0].id);
    for _ in 0..2 {
        let answer = app.post_form(&url, &[("List-Unsubscribe", "One-Click")]).await;
        assert_eq!(answer.status(), 200);
        assert!(!answer.text().await.unwrap().contains("<html"));
    }
    assert_eq!(
        app.consent_of(sent[0].contact_id).await,
        ConsentStatus::Unsubscribed
    );
    assert_eq!(
        app.consent_of(sent[1].contact_id).await,
        ConsentStatus::Subscribed
    );
    assert_eq!(app.counts().await.unsubscribed, 1);
    let log = consent_log::Entity::find().all(&*app.cx.db).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].source, "one-click unsubscribe");
    app.check_ledger().await;
}

#[tokio::test]
async fn the_button_may_send_its_word_as_a_multipart_form() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let form = reqwest::multipart::Form::new().text("List-Unsubscribe", "One-Click");
    let url = app.urls().unsubscribe(sent[0].id);
    let answer = app.http.post(url).multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        app.consent_of(sent[0].contact_id).await,
        ConsentStatus::Unsubscribed
    );
}

#[tokio::test]
async fn who_leaves_by_the_page_can_undo_it() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let url = app.urls().unsubscribe(sent[0].id);
    let page = app
        .post_form(&url, &[("what", "all")])
        .await
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("You are unsubscribed") && page.contains("undo-all") && page.contains("/preferences/")
    );
    assert_eq!(
        app.consent_of(sent[0].contact_id).await,
        ConsentStatus::Unsubscribed
    );
    let page = app
        .post_form(&url, &[("what", "undo-all")])
        .await
        .text()
        .await
        .unwrap();
    assert!(page.contains("You stay subscribed"));
    assert_eq!(
        app.consent_of(sent[0].contact_id).await,
        ConsentStatus::Subscribed
    );
    let kinds: Vec<_> = activities::Entity::find()
        .order_by_asc(activities::Column::Id)
        .all(&*app.cx.db)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.kind)
        .collect();
    assert_eq!(kinds, [ActivityKind::Unsubscribe, ActivityKind::Resubscribe]);
    assert_eq!(app.post_form(&url, &[("what", "nonsense")]).await.status(), 400);
    app.check_ledger().await;
}

#[tokio::test]
async fn where_the_campaign_has_a_topic_it_can_be_left_alone() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let topic = app.topic("Tournaments").await;
    app.execute(&format!("UPDATE campaigns SET topic_id = {topic}"))
        .await;
    let url = app.urls().unsubscribe(sent[0].id);
    let page = app.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Tournaments"));
    app.post_form(&url, &[("what", "topic")]).await;
    let out = topic_opt_outs::Entity::find().all(&*app.cx.db).await.unwrap();
    assert_eq!((out.len(), out[0].topic_id), (1, topic));
    assert_eq!(
        app.consent_of(sent[0].contact_id).await,
        ConsentStatus::Subscribed
    );
    assert_eq!(app.counts().await.unsubscribed, 1);
    app.post_form(&url, &[("what", "undo-topic")]).await;
    assert_eq!(topic_opt_outs::Entity::find().all(&*app.cx.db).await.unwrap(), []);
    app.check_ledger().await;
}

#[tokio::test]
async fn preferences_change_what_was_ticked_and_nothing_else() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let (cups, bar) = (app.topic("Cups").await, app.topic("Bar").await);
    let url = app.urls().preferences(sent[0].id);
    let page = app.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Cups") && page.contains("person1@example.org"));
    let (cups, bar) = (cups.to_string(), bar.to_string());
    let form = [
        ("shown-channel", "EMAIL"),
        ("channel", "EMAIL"),
        ("shown-topic", &cups),
        ("topic", &cups),
        ("shown-topic", &bar),
    ];
    let page = app.post_form(&url, &form).await.text().await.unwrap();
    assert!(page.contains("Saved."));
    let out = topic_opt_outs::Entity::find().all(&*app.cx.db).await.unwrap();
    assert_eq!(
        out.iter().map(|row| row.topic_id.to_string()).collect::<Vec<_>>(),
        [bar]
    );
    assert_eq!(
        app.consent_of(sent[0].contact_id).await,
        ConsentStatus::Subscribed
    );
    app.post_form(&url, &[("shown-channel", "EMAIL")]).await;
    assert_eq!(
        app.consent_of(sent[0].contact_id).await,
        ConsentStatus::Unsubscribed
    );
    let log = consent_log::Entity::find().all(&*app.cx.db).await.unwrap();
    assert_eq!(log.len(), 2);
    assert!(log.iter().all(|row| row.source == "preferences page"));
    assert_eq!(app.counts().await.unsubscribed, 1);
    app.check_ledger().await;
}

#[tokio::test]
async fn who_was_erased_is_told_so() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    app.execute("DELETE FROM segment_members").await;
    app.execute("DELETE FROM consents").await;
    app.execute("DELETE FROM contacts").await;
    let urls = app.urls();
    for url in [urls.unsubscribe(sent[0].id), urls.preferences(sent[0].id)] {
        let page = app.http.get(&url).send().await.unwrap().text().await.unwrap();
        assert!(page.contains("We keep nothing about you"), "{page}");
    }
    let answer = app
        .post_form(
            &urls.unsubscribe(sent[0].id),
            &[("List-Unsubscribe", "One-Click")],
        )
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        app.http.get(urls.view(sent[0].id)).send().await.unwrap().status(),
        404
    );
}

#[tokio::test]
async fn the_message_can_be_read_in_the_browser_and_counts_nothing() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let answer = app.http.get(app.urls().view(sent[0].id)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let policy = answer.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"));
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("Dear Person 1") && page.contains("/t/c/") && !page.contains("/t/o/"),
        "{page}"
    );
    app.ingest.flush().await;
    assert_eq!(app.counts().await.opened, 0);
}
