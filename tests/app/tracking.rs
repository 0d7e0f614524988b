//! Opens and clicks: once a person however often and however many at once, only with our tokens.

use crate::support::TestApp;
use crate::support::sending::Plan;
use fairway::domain::token::Urls;
use fairway::domain::{ActivityKind, DeliveryState};
use fairway::entity::{activities, deliveries, link_clicks, links, run_counts};
use sea_orm::EntityTrait as _;

impl TestApp {
    pub fn urls(&self) -> Urls {
        Urls::new(self.address.clone(), self.cx.secret.derive("tracking"))
    }

    /// A campaign that was sent to so many people; its ledger.
    pub async fn sent(&self, people: i64) -> Vec<deliveries::Model> {
        let campaign = self.campaign(Plan::to(self.people(people).await)).await;
        self.work().await;
        self.ledger(campaign).await
    }

    pub async fn counts(&self) -> run_counts::Model {
        run_counts::Entity::find()
            .one(&*self.cx.db)
            .await
            .unwrap()
            .unwrap()
    }

    async fn link(&self) -> links::Model {
        links::Entity::find().one(&*self.cx.db).await.unwrap().unwrap()
    }

    async fn fetch(&self, url: &str) -> reqwest::Response {
        self.http.get(url).send().await.unwrap()
    }
}

#[tokio::test]
async fn an_open_counts_once_and_is_kept_before_the_picture_comes() {
    let app = TestApp::spawn().await;
    let sent = app.sent(2).await;
    for _ in 0..3 {
        let picture = app.fetch(&app.urls().open(sent[0].id)).await;
        assert_eq!(picture.status(), 200);
        assert_eq!(picture.headers()["content-type"], "image/gif");
        assert_eq!(picture.headers()["cache-control"], "no-store");
        assert_eq!(app.counts().await.opened, 1);
        assert_eq!(picture.bytes().await.unwrap().len(), 43);
    }
    let row = app.ledger(sent[0].campaign_id).await.remove(0);
    assert_eq!(row.state, DeliveryState::Delivered);
    assert_eq!(row.opened_at.unwrap().0, app.cx.clock.now());
    app.check_ledger().await;
}

#[tokio::test]
async fn fifty_clicks_of_one_person_at_once_are_one_person_who_clicked() {
    let app = TestApp::spawn().await;
    let sent = app.sent(3).await;
    let url = app.urls().click(sent[0].id, app.link().await.id, None);
    let clicks = (0..50).map(|_| app.fetch(&url));
    for answer in futures_util::future::join_all(clicks).await {
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()["location"], "https://club.example/cup");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    app.ingest.flush().await;
    let counts = app.counts().await;
    assert_eq!((counts.opened, counts.clicked), (1, 1));
    let link = app.link().await;
    assert_eq!((link.clicks, link.people), (50, 1));
    assert_eq!(
        link_clicks::Entity::find().all(&*app.cx.db).await.unwrap().len(),
        1
    );
    app.check_ledger().await;
}

#[tokio::test]
async fn a_crowd_that_opens_and_clicks_at_once_is_counted_to_a_person() {
    let app = TestApp::spawn().await;
    let sent = app.sent(40).await;
    let link = app.link().await.id;
    let urls = app.urls();
    let visits = sent.iter().flat_map(|row| {
        let opens = [urls.open(row.id), urls.open(row.id)];
        let clicks = (row.id % 2 == 0).then(|| urls.click(row.id, link, None));
        opens.into_iter().chain(clicks)
    });
    let visits: Vec<_> = visits.collect();
    futures_util::future::join_all(visits.iter().map(|url| app.fetch(url))).await;
    app.ingest.flush().await;
    let counts = app.counts().await;
    assert_eq!((counts.opened, counts.clicked, counts.delivered), (40, 20, 40));
    let seen = activities::Entity::find().all(&*app.cx.db).await.unwrap();
    let clicks = seen.iter().filter(|row| row.kind == ActivityKind::Click).count();
    assert_eq!(clicks, 20);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_token_that_is_not_ours_counts_nothing_and_leads_nowhere() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let (id, link) = (sent[0].id, app.link().await.id);
    let stranger = Urls::new(app.address.clone(), [1; 32]);
    assert_eq!(app.fetch(&stranger.open(id)).await.status(), 200);
    for url in [
        stranger.click(id, link, None),
        stranger.click(id, link, Some("https://evil.example/")),
        app.urls().open(id).replace("/t/o/", "/t/c/").replace(".gif", ""),
        app.urls().click(id, link + 1, None),
        app.urls().click(id + 1, link, None),
        stranger.unsubscribe(id),
    ] {
        let answer = app.fetch(&url).await;
        assert_eq!(answer.status(), 404, "{url}");
        assert_eq!(answer.headers()["x-robots-tag"], "noindex, nofollow");
        assert!(answer.text().await.unwrap().contains("This link does not work"));
    }
    app.ingest.flush().await;
    let counts = app.counts().await;
    assert_eq!((counts.opened, counts.clicked), (0, 0));
}

#[tokio::test]
async fn a_persons_own_address_is_followed_where_the_token_carries_it() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let link = app.link().await.id;
    let own = "https://club.example/cup?member=7";
    let answer = app.fetch(&app.urls().click(sent[0].id, link, Some(own))).await;
    assert_eq!(answer.headers()["location"], own);
    let script = app.urls().click(sent[0].id, link, Some("javascript:alert(1)"));
    assert_eq!(app.fetch(&script).await.status(), 404);
    app.ingest.flush().await;
    assert_eq!(app.link().await.clicks, 1);
}

#[tokio::test]
async fn a_look_at_the_headers_alone_counts_nothing() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let click = app.urls().click(sent[0].id, app.link().await.id, None);
    assert_eq!(app.http.head(&click).send().await.unwrap().status(), 303);
    let open = app.urls().open(sent[0].id);
    assert_eq!(app.http.head(&open).send().await.unwrap().status(), 200);
    app.ingest.flush().await;
    let counts = app.counts().await;
    assert_eq!((counts.opened, counts.clicked), (0, 0));
}

#[tokio::test]
async fn a_click_proves_that_a_message_in_doubt_arrived() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    app.execute("UPDATE deliveries SET state = 'UNKNOWN', sent_at = NULL, delivered_at = NULL")
        .await;
    app.execute("UPDATE run_counts SET unknown = 1, sent = 0, delivered = 0")
        .await;
    app.execute("UPDATE run_hours SET sent = 0").await;
    app.fetch(&app.urls().click(sent[0].id, app.link().await.id, None))
        .await;
    app.ingest.flush().await;
    assert_eq!(app.states(sent[0].campaign_id).await, "DELIVERED 1");
    app.check_ledger().await;
}

#[tokio::test]
async fn a_person_does_not_wait_for_a_locked_database_and_the_click_is_kept() {
    let app = TestApp::spawn().await;
    let sent = app.sent(1).await;
    let link = app.link().await.id;
    let lock = app.cx.db.begin().await.unwrap();
    use sea_orm::ConnectionTrait as _;
    lock.execute_unprepared("UPDATE deliveries SET lane = lane")
        .await
        .unwrap();
    let began = std::time::Instant::now();
    let answer = app.fetch(&app.urls().click(sent[0].id, link, None)).await;
    assert_eq!(answer.status(), 303);
    assert!(
        began.elapsed() < std::time::Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(app.counts().await.clicked, 0);
    lock.commit().await.unwrap();
    app.ingest.flush().await;
    assert_eq!(app.counts().await.clicked, 1);
    app.check_ledger().await;
}

#[tokio::test]
async fn what_was_handed_over_is_kept_at_the_stop() {
    use sea_orm::ConnectionTrait as _;
    let app = TestApp::spawn().await;
    let sent = app.sent(5).await;
    let link = app.link().await.id;
    let lock = app.cx.db.begin().await.unwrap();
    lock.execute_unprepared("UPDATE deliveries SET lane = lane")
        .await
        .unwrap();
    for row in &sent {
        app.fetch(&app.urls().click(row.id, link, None)).await;
    }
    let unlocking = async {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        lock.commit().await.unwrap();
    };
    tokio::join!(app.ingest.stop(), unlocking);
    assert_eq!(app.counts().await.clicked, 5);
    app.check_ledger().await;
}
