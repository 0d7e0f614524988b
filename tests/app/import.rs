//! People from files, applied as programs and the command line do.

use crate::support::TestApp;
use fairway::accounts::Actor;
use fairway::audience::contacts::store;
use fairway::audience::import::{self, Format, ImportOutcome, Options};
use fairway::domain::{Channel, ConsentStatus};
use serde_json::json;

async fn put(app: &TestApp, text: &str, format: Format, options: Options) -> ImportOutcome {
    import::run(&app.cx, text.into(), format, options, &Actor::fairway())
        .await
        .unwrap()
}

async fn consent(app: &TestApp, email: &str) -> Option<ConsentStatus> {
    let contact = store::by_email(&*app.cx.db, email).await.unwrap().unwrap();
    let consents = store::consents(&*app.cx.db, contact.id).await.unwrap();
    consents
        .into_iter()
        .find(|row| row.channel == Channel::Email)
        .map(|row| row.status)
}

#[actix_web::test]
async fn a_file_makes_and_changes_people_and_reports_what_it_refused() {
    let app = TestApp::spawn().await;
    let first = "\u{feff}key;email;first_name;tags;handicap;consent_email\n\
                 M-1;ADA@club.example;Ada;golf;12.5;yes\n\
                 M-2;bo@club.example;Bo;;9;no\n\
                 M-3;ada@club.example;Again;;;\n\
                 M-4;nonsense;No;;;\n";
    let outcome = put(&app, first, Format::Csv, Options::default()).await;
    assert_eq!((outcome.created, outcome.updated, outcome.refused), (2, 0, 2));
    assert_eq!(outcome.report[0].line, 4);
    assert_eq!(outcome.report[0].reason, "This has the same e-mail as line 2.");
    assert_eq!(outcome.report[1].line, 5);

    let second = "{\"key\":\"M-1\",\"lastName\":\"King\",\"attributes\":{\"handicap\":11}}\n\
                  {\"key\":\"M-2\",\"attributes\":{\"handicap\":\"low\"}}\n\
                  {\"key\":\"M-5\",\"colour\":\"red\"}\n";
    let outcome = put(&app, second, Format::Ndjson, Options::default()).await;
    assert_eq!((outcome.created, outcome.updated, outcome.refused), (0, 1, 2));
    let ada = store::by_key(&*app.cx.db, "M-1").await.unwrap().unwrap();
    assert_eq!((ada.first_name.as_str(), ada.last_name.as_str()), ("Ada", "King"));
    assert_eq!(ada.attributes, json!({"handicap": 11}));
    assert_eq!(store::tags(&*app.cx.db, ada.id).await.unwrap(), ["golf"]);
}

#[actix_web::test]
async fn a_file_does_not_subscribe_again_who_left_unless_it_is_told_to() {
    let app = TestApp::spawn().await;
    put(
        &app,
        "email,consent_email\nbo@club.example,no\n",
        Format::Csv,
        Options::default(),
    )
    .await;
    let again = "email,consent_email\nbo@club.example,yes\n";
    put(&app, again, Format::Csv, Options::default()).await;
    assert_eq!(
        consent(&app, "bo@club.example").await,
        Some(ConsentStatus::Unsubscribed)
    );
    let told = Options {
        may_resubscribe: true,
        ..Options::default()
    };
    put(&app, again, Format::Csv, told).await;
    assert_eq!(
        consent(&app, "bo@club.example").await,
        Some(ConsentStatus::Subscribed)
    );
}
