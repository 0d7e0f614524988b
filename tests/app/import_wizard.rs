//! People from a file, step by step, as staff do it.

use crate::segments::pages::{attribute, texts};
use crate::support::TestApp;
use crate::support::staff::SignedIn;
use fairway::audience::contacts::store;
use fairway::audience::import::wizard;
use fairway::domain::{Channel, ConsentStatus, ImportState, Role};
use fairway::entity::{contacts, import_rows, imports};
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
    let staff = app.sign_in_as(Role::Manager).await;
    for bytes in [&b"email\n\xff@x\n"[..], b"email\na\0@x\n"] {
        let answer = upload(&staff, bytes).await;
        assert_eq!(answer.status(), 422);
        assert!(answer.text().await.unwrap().contains("not in UTF-8"));
    }
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
    wizard::recover(&app.cx, wizard::Of::Everyone).await.unwrap();
    let failed = until(&app, ImportState::Failed).await;
    assert!(failed.error.unwrap().contains("Nothing of it was written"));
    assert_eq!(staged(&app).await, 3);
    wizard::clean(&app.cx).await.unwrap();
    assert_eq!(staged(&app).await, 0, "who was in the file is forgotten");
}

async fn staged(app: &TestApp) -> u64 {
    import_rows::Entity::find().count(&*app.cx.db).await.unwrap()
}

#[tokio::test]
async fn an_import_of_another_node_goes_on_while_that_node_lives() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    ready(&app, &staff).await;
    // What the node that checks renews; it is not renewed any more once the check is done.
    app.execute("UPDATE imports SET state = 'APPLYING'").await;
    wizard::recover(&app.cx, wizard::Of::TheGone).await.unwrap();
    until(&app, ImportState::Applying).await;
    app.advance(chrono::TimeDelta::seconds(61));
    wizard::recover(&app.cx, wizard::Of::TheGone).await.unwrap();
    until(&app, ImportState::Failed).await;
}

#[tokio::test]
async fn a_file_that_nobody_confirms_is_forgotten_after_a_week() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    ready(&app, &staff).await;
    app.advance(chrono::TimeDelta::days(6));
    wizard::clean(&app.cx).await.unwrap();
    assert_eq!(staged(&app).await, 3);
    app.advance(chrono::TimeDelta::days(2));
    wizard::clean(&app.cx).await.unwrap();
    until(&app, ImportState::Cancelled).await;
    assert_eq!(staged(&app).await, 0);
}

/// Uploads, names the columns and says this of the file; answers its address.
async fn checked(app: &TestApp, staff: &SignedIn, file: &str, said: &[(&str, &str)]) -> String {
    let answer = upload(staff, file).await;
    assert_eq!(answer.status(), 303);
    let path = answer.headers()["location"].to_str().unwrap().to_owned();
    let answer = staff.post(&path, said).await;
    assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    until(app, ImportState::Ready).await;
    path
}

/// The figures of the page: what is made, changed and refused.
async fn figures(staff: &SignedIn, path: &str) -> Vec<String> {
    let mut figures = texts(&staff.page(path).await, ".stat dd");
    figures.truncate(3);
    figures
}

#[tokio::test]
async fn the_check_says_what_the_import_then_does() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    app.contact().key("M-1").attribute("handicap", 12).create().await;
    app.contact().key("M-2").email("bo@club.example").create().await;
    // A kind that conflicts, the same person twice, a key and an address of two people, a number
    // that two lines have.
    let file = "key,email,phone,handicap\n\
                M-1,,,low\n\
                M-1,,,9\n\
                M-1,bo@club.example,,\n\
                M-3,,,\n\
                M-3,,,\n\
                ,,+27 82 123 4567,\n\
                ,,+27821234567,3\n";
    let columns = ["key", "email", "phone", "handicap"].map(|name| ("column", name));
    let path = checked(&app, &staff, file, &columns).await;
    let previewed = figures(&staff, &path).await;
    assert_eq!(previewed, ["2", "2", "3"]);
    let told = texts(&staff.page(&path).await, "#progress tbody td");
    assert_eq!(staff.post(&format!("{path}/confirm"), &[]).await.status(), 303);
    until(&app, ImportState::Done).await;
    assert_eq!(figures(&staff, &path).await, previewed);
    assert_eq!(texts(&staff.page(&path).await, "#progress tbody td"), told);
    assert_eq!(staged(&app).await, 3, "only what was refused is kept");
    for (days, kept) in [(29, 3), (2, 0)] {
        app.advance(chrono::TimeDelta::days(days));
        wizard::clean(&app.cx).await.unwrap();
        assert_eq!(staged(&app).await, kept);
    }
}

#[tokio::test]
async fn everybody_in_a_file_can_be_tagged_and_numbers_be_read_as_of_a_country() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    app.contact().key("M-1").tag("juniors").create().await;
    let file = "key,phone\nM-1,082 123 4567\nM-2,+353 86 123 4567\n";
    let said = [
        ("column", "key"),
        ("column", "phone"),
        ("tag", "Spring Fair"),
        ("country", "za"),
    ];
    let path = checked(&app, &staff, file, &said).await;
    let page = staff.page(&path).await;
    assert_eq!(texts(&page, "#progress .tag"), ["spring fair"]);
    assert!(texts(&page, "#progress li")[1].ends_with("as of ZA."));
    staff.post(&format!("{path}/confirm"), &[]).await;
    until(&app, ImportState::Done).await;
    for (key, phone, tags) in [
        ("M-1", "+27821234567", &["juniors", "spring fair"][..]),
        ("M-2", "+353861234567", &["spring fair"]),
    ] {
        let contact = store::by_key(&*app.cx.db, key).await.unwrap().unwrap();
        assert_eq!(contact.phone.as_deref(), Some(phone));
        assert_eq!(store::tags(&*app.cx.db, contact.id).await.unwrap(), tags, "{key}");
    }
}

#[tokio::test]
async fn what_is_said_of_a_file_is_refused_beside_its_field_and_kept() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let answer = upload(&staff, "key,consent_email\nM-1,yes\n").await;
    let path = answer.headers()["location"].to_str().unwrap().to_owned();
    let said = [
        ("column", "key"),
        ("column", "consent_email"),
        ("source", ""),
        ("tag", "a;b"),
        ("country", "XX"),
    ];
    let answer = staff.post(&path, &said).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    for (field, typed) in [("source", ""), ("tag", "a;b"), ("country", "XX")] {
        assert_eq!(texts(&page, &format!("#d-{field} .error")).len(), 1, "{field}");
        let value = attribute(&page, &format!("#f-{field}"), "value");
        assert_eq!(value.as_deref(), Some(typed));
    }
    assert_eq!(
        attribute(&page, "#column-2 [selected]", "value").as_deref(),
        Some("consent_email")
    );
}

#[tokio::test]
async fn the_check_counts_who_opts_in_and_out() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    for (key, status) in [
        ("M-1", None),
        ("M-2", Some(true)),
        ("M-3", Some(false)),
        ("M-4", Some(true)),
    ] {
        let person = app.contact().key(key);
        match status {
            None => person,
            Some(true) => person.subscribed(Channel::Email),
            Some(false) => person.unsubscribed(Channel::Email),
        }
        .create()
        .await;
    }
    let file = "key,consent_email\nM-1,no\nM-2,no\nM-3,yes\nM-4,\nM-5,yes\n";
    let said = [
        ("column", "key"),
        ("column", "consent_email"),
        ("source", "form 2026"),
    ];
    let path = checked(&app, &staff, file, &said).await;
    let page = staff.page(&path).await;
    assert_eq!(texts(&page, ".stat dd"), ["1", "4", "0", "1", "2"]);
    let told = texts(&page, "#progress li");
    assert!(told[0].contains("opts out"), "{told:?}");
    assert!(
        told[1].starts_with("1 consent of people who unsubscribed"),
        "{told:?}"
    );
    assert!(told[2].contains("“form 2026”"), "{told:?}");
    staff.post(&format!("{path}/confirm"), &[]).await;
    until(&app, ImportState::Done).await;
    for (key, status) in [
        ("M-1", ConsentStatus::Unsubscribed),
        ("M-2", ConsentStatus::Unsubscribed),
        ("M-3", ConsentStatus::Unsubscribed),
        ("M-4", ConsentStatus::Subscribed),
        ("M-5", ConsentStatus::Subscribed),
    ] {
        let contact = store::by_key(&*app.cx.db, key).await.unwrap().unwrap();
        let consents = store::consents(&*app.cx.db, contact.id).await.unwrap();
        assert_eq!(consents[0].status, status, "{key}");
    }
}
