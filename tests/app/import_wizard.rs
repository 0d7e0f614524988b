//! People from a file, step by step, as staff do it.

use crate::support::TestApp;
use crate::support::staff::SignedIn;
use fairway::audience::import::wizard;
use fairway::domain::{ImportState, Role};
use fairway::entity::{contacts, imports};
use reqwest::multipart::{Form, Part};
use sea_orm::{EntityTrait as _, PaginatorTrait as _};

const FILE: &str = "E-mail,First name,note\nada@club.example,Ada,x\nnobody,No,=1+1\nbo@club.example,Bo,y\n";

async fn upload(staff: &SignedIn, bytes: impl Into<Vec<u8>>) -> reqwest::Response {
    let file = Part::bytes(bytes.into()).file_name("people.csv");
    staff
        .post_multipart("/contacts/import", Form::new().part("file", file))
        .await
}

async fn people(app: &TestApp) -> u64 {
    contacts::Entity::find().count(&*app.cx.db).await.unwrap()
}

async fn until(app: &TestApp, state: ImportState) -> imports::Model {
    for _ in 0..200 {
        let import = imports::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
        if import.state == state {
            return import;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the import never was {state}");
}

/// A file checked and waiting for its confirmation; answers its address.
async fn ready(app: &TestApp, staff: &SignedIn) -> String {
    let answer = upload(staff, FILE).await;
    assert_eq!(answer.status(), 303);
    let path = answer.headers()["location"].to_str().unwrap().to_owned();
    let fields = [
        ("column", "email"),
        ("column", "first_name"),
        ("column", "note"),
        ("source", "form"),
    ];
    assert_eq!(staff.post(&path, &fields).await.status(), 303);
    until(app, ImportState::Ready).await;
    path
}

#[tokio::test]
async fn a_file_is_previewed_then_confirmed_and_its_refused_lines_can_be_had() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let path = ready(&app, &staff).await;
    assert_eq!(people(&app).await, 0);
    assert!(staff.page(&path).await.contains("This is no e-mail address"));
    assert_eq!(staff.post(&format!("{path}/confirm"), &[]).await.status(), 303);
    let done = until(&app, ImportState::Done).await;
    assert_eq!(
        (done.created_count, done.updated_count, done.refused_count),
        (2, 0, 1)
    );
    assert_eq!(people(&app).await, 2);
    let report = staff.page(&format!("{path}/refused.csv")).await;
    assert!(
        report.contains("nobody,No,'=1+1") && report.contains("\n3,"),
        "{report}"
    );
}

#[tokio::test]
async fn columns_are_understood_by_the_names_that_clubs_give_them() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let file = "Member no,E-mail,Mail,Surname,Newsletter,Handicap\nB1,ada@club.example,x,Byron,yes,12\n";
    let answer = upload(&staff, file).await;
    let path = answer.headers()["location"].to_str().unwrap().to_owned();
    let page = staff.page(&path).await;
    let page = scraper::Html::parse_document(&page);
    let chosen = scraper::Selector::parse("select[name=column] option[selected]").unwrap();
    let chosen: Vec<_> = page
        .select(&chosen)
        .map(|option| option.attr("value").unwrap())
        .collect();
    // Of two that look like the address the first is it.
    let expected = ["key", "email", "mail", "last_name", "consent_email", "handicap"];
    assert_eq!(chosen, expected);
}

#[tokio::test]
async fn a_file_without_consent_says_whom_marketing_does_not_reach() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let path = ready(&app, &staff).await;
    let warning = "No column of this file says who agreed";
    assert!(staff.page(&path).await.contains(warning));

    let answer = upload(&staff, "E-mail,Newsletter\ncy@club.example,yes\n").await;
    let path = answer.headers()["location"].to_str().unwrap().to_owned();
    let fields = [
        ("column", "email"),
        ("column", "consent_email"),
        ("source", "form"),
    ];
    staff.post(&path, &fields).await;
    for _ in 0..100 {
        if staff.page(&path).await.contains("Look at the numbers") {
            assert!(!staff.page(&path).await.contains(warning));
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    panic!("the import never was ready");
}

#[tokio::test]
async fn nothing_is_written_of_a_cancelled_import() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let path = ready(&app, &staff).await;
    assert_eq!(staff.post(&format!("{path}/cancel"), &[]).await.status(), 303);
    assert_eq!(staff.post(&format!("{path}/confirm"), &[]).await.status(), 409);
    assert_eq!(people(&app).await, 0);
}

#[tokio::test]
async fn a_file_in_another_encoding_and_a_viewer_are_refused() {
    let app = TestApp::spawn().await;
    let answer = upload(&app.sign_in_as(Role::Manager).await, b"email\n\xff@x\n".to_vec()).await;
    assert_eq!(answer.status(), 422);
    assert!(answer.text().await.unwrap().contains("not in UTF-8"));
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert_eq!(viewer.get("/contacts/import").await.status(), 403);
    assert_eq!(upload(&viewer, FILE).await.status(), 403);
    assert_eq!(imports::Entity::find().count(&*app.cx.db).await.unwrap(), 0);
}

#[tokio::test]
async fn an_import_cut_off_by_a_stop_has_failed() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    ready(&app, &staff).await;
    let import = imports::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    let mut row: imports::ActiveModel = import.into();
    row.state = sea_orm::ActiveValue::Set(ImportState::Applying);
    sea_orm::ActiveModelTrait::update(row, &*app.cx.db).await.unwrap();
    wizard::recover(&app.cx).await.unwrap();
    let failed = until(&app, ImportState::Failed).await;
    assert!(failed.error.unwrap().contains("Nothing of it was written"));
}
