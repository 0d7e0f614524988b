//! What the staff read of a campaign: its people, its figures, its exports.

use crate::support::TestApp;
use fairway::domain::DeliveryState;
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
