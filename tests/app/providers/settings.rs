//! The settings pages: what is entered, what is kept, what is never shown.

use crate::support::TestApp;
use crate::support::twilio::{TOKEN, TwilioServer};
use fairway::domain::{Channel, Role};
use fairway::entity::providers;
use sea_orm::{ConnectionTrait as _, EntityTrait as _};

async fn row(app: &TestApp, id: i64) -> providers::Model {
    providers::Entity::find_by_id(id)
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_secret_is_kept_encrypted_and_is_on_no_page_and_in_no_audit_row() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let id = admin.add_provider("twilio", &server.fields()).await;
    let kept = row(&app, id).await;
    assert_eq!(kept.key, "club-twilio");
    assert!(!kept.settings.to_string().contains(TOKEN), "{}", kept.settings);
    assert!(!kept.sealed.contains(TOKEN) && !kept.sealed.is_empty());
    for path in [
        "/settings/channels".to_owned(),
        format!("/settings/channels/{id}"),
    ] {
        let page = admin.page(&path).await;
        assert!(!page.contains(TOKEN), "{page}");
        assert!(!page.contains(&kept.sealed), "{page}");
    }
    let page = admin.page(&format!("/settings/channels/{id}")).await;
    assert!(page.contains("Kept. Write here only to replace it."), "{page}");
    assert!(page.contains("/hooks/club-twilio"), "{page}");
    let rows = app
        .cx
        .db
        .query_all_raw(
            app.cx
                .db
                .sql("SELECT CAST(detail AS TEXT) AS detail FROM audit_log", []),
        )
        .await
        .unwrap();
    let trail: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("", "detail").unwrap())
        .collect();
    let trail = trail.join("\n");
    assert!(trail.contains("Club Twilio") && !trail.contains(TOKEN), "{trail}");
}

#[tokio::test]
async fn a_kept_secret_stays_when_the_field_is_left_empty_and_goes_to_no_other_address() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let id = admin.add_provider("twilio", &server.fields()).await;
    let path = format!("/settings/channels/{id}");
    let edit = async |change: (&'static str, &str), revision: &str| {
        let mut fields: Vec<(&str, String)> = server.fields();
        fields.retain(|(name, _)| *name != "token" && *name != change.0);
        fields.push((change.0, change.1.to_owned()));
        fields.push(("revision", revision.to_owned()));
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        admin.post(&path, &fields).await
    };
    assert_eq!(edit(("from", "LinksGolf"), "1").await.status(), 303);
    admin.post(&format!("{path}/test"), &[]).await;
    let page = admin.page(&path).await;
    assert!(page.contains("The test went well."), "{page}");
    assert!(page.contains("LinksGolf"), "{page}");

    let elsewhere = edit(("home", "https://elsewhere.example"), "2").await;
    assert_eq!(elsewhere.status(), 422);
    let page = elsewhere.text().await.unwrap();
    assert!(page.contains("a kept secret goes nowhere else"), "{page}");

    let stale = edit(("from", "Links"), "1").await;
    assert_eq!(stale.status(), 409);
}

#[tokio::test]
async fn a_test_says_in_a_sentence_what_is_wrong_and_only_what_works_is_activated() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let mut fields = server.fields();
    fields.retain(|(name, _)| *name != "token");
    fields.push(("token", "wrong".into()));
    let id = admin.add_provider("twilio", &fields).await;
    let path = format!("/settings/channels/{id}");
    admin.post(&format!("{path}/test"), &[]).await;
    let page = admin.page(&path).await;
    let sentence =
        "Twilio does not take this account SID with this auth token. It said “20003: Authenticate”.";
    assert!(page.contains(sentence), "{page}");
    admin.post(&format!("{path}/activate"), &[]).await;
    assert!(!row(&app, id).await.is_active);
    let page = admin.page(&path).await;
    assert!(page.contains("It was not activated."), "{page}");

    let id = admin.add_provider("twilio", &server.fields()).await;
    assert_eq!(row(&app, id).await.key, "club-twilio-2");
    server.suspend();
    admin.post(&format!("/settings/channels/{id}/test"), &[]).await;
    let page = admin.page("/settings/channels").await;
    assert!(page.contains("Failed"), "{page}");
    assert_eq!(
        row(&app, id).await.test_result.unwrap(),
        "Twilio says that the account is suspended."
    );
}

#[tokio::test]
async fn one_carries_a_channel_at_a_time_and_the_page_says_who() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let page = admin.page("/settings/channels").await;
    assert!(page.contains("No provider is active"), "{page}");
    let first = admin.activate_provider("twilio", &server.fields()).await;
    let second = admin.activate_provider("twilio", &server.fields()).await;
    assert!(!row(&app, first).await.is_active && row(&app, second).await.is_active);
    assert_eq!(app.providers.carrier(Channel::Sms).unwrap().id, second);
    let page = admin.page("/settings/channels").await;
    assert!(page.contains("Messages go by “Club Twilio”."), "{page}");
    admin
        .post(&format!("/settings/channels/{second}/deactivate"), &[])
        .await;
    assert!(app.providers.carrier(Channel::Sms).is_none());
    let gone = admin
        .post(&format!("/settings/channels/{first}/delete"), &[])
        .await;
    assert_eq!(gone.headers()["location"], "/settings/channels");
    assert_eq!(
        admin.get(&format!("/settings/channels/{first}")).await.status(),
        404
    );
}

#[tokio::test]
async fn what_is_typed_wrong_is_said_beside_its_field_and_kept_but_for_secrets() {
    let app = TestApp::spawn().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let fields = [
        ("name", ""),
        ("account", "AC1"),
        ("token", "hunter2"),
        ("from", "ANameThatIsTooLong"),
        ("abroad", "44 Links"),
        ("home", "nonsense"),
        ("rate", "fast"),
        ("price", "cheap"),
    ];
    let answer = admin.post("/settings/channels/new?kind=twilio", &fields).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    for said in [
        "Fill this in.",
        "AC and 32 letters",
        "at most 11 letters",
        "no country’s code",
        "no address of a server",
        "Write a number from",
        "Write a price",
        "ANameThatIsTooLong",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("hunter2"), "{page}");
    assert_eq!(
        admin.get("/settings/channels/new?kind=pigeon").await.status(),
        404
    );
    for role in [Role::Viewer, Role::Manager] {
        let staff = app.sign_in_as(role).await;
        assert_eq!(staff.get("/settings/channels").await.status(), 403, "{role}");
        let answer = staff.post("/settings/channels/new?kind=twilio", &fields).await;
        assert_eq!(answer.status(), 403, "{role}");
    }
}

#[tokio::test]
async fn another_node_notices_a_change_and_a_changed_secret_key_lets_everything_wait() {
    let app = TestApp::spawn().await;
    let server = TwilioServer::start().await;
    let admin = app.sign_in_as(Role::Admin).await;
    let other = fairway::providers::Providers::load(&app.cx).await.unwrap();
    let id = admin.activate_provider("twilio", &server.fields()).await;
    assert!(other.carrier(Channel::Sms).is_none());
    other.refresh().await.unwrap();
    assert_eq!(other.carrier(Channel::Sms).unwrap().id, id);

    let mut cx = app.cx.clone();
    let mut settings = (*cx.settings).clone();
    settings.secret_key = Some("another secret key of 32 characters".into());
    cx.secret = fairway::secret::Secret::load(&settings).unwrap();
    let elsewhere = fairway::providers::Providers::load(&cx).await.unwrap();
    let error = elsewhere
        .carrier(Channel::Sms)
        .unwrap()
        .adapter
        .check()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Enter them again"), "{error}");
    assert!(matches!(error, fairway::messaging::SendError::Unreachable { .. }));
}
