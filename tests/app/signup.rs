//! Sign-up forms: `/forms` for staff, `/f/…` for the world.

use crate::segments::pages::{attribute, texts};
use crate::support::{TestApp, people};
use chrono::TimeDelta;
use fairway::accounts::Club;
use fairway::accounts::club::Sender;
use fairway::domain::{Channel, ConsentStatus, Role};
use fairway::entity::{
    captured_messages, consent_log, consents, contact_tags, contacts, signups, topic_opt_outs,
};
use fairway::messaging::Channels;
use fairway::signup::{commands, mailer};
use sea_orm::{EntityTrait as _, PaginatorTrait as _, QueryOrder as _};

const FORM: &[(&str, &str)] = &[
    ("name", "Newsletter"),
    ("heading", "Stay in touch"),
    ("statement", "I want to hear from the club."),
    ("thanks", "Look into your mail."),
    ("asks_name", "yes"),
    ("asks_phone", "yes"),
    ("tag", "web"),
];

impl TestApp {
    /// A form on the web at `/f/newsletter`, and a sender for its mails.
    async fn form(&self) {
        let club = Club {
            name: "Links Golf Club".into(),
            sender: Sender {
                email: "news@club.example".into(),
                ..Sender::default()
            },
            ..Club::default()
        };
        let tx = self.cx.db.begin().await.unwrap();
        club.save(&tx, self.cx.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
        let admin = self.sign_in_as(Role::Admin).await;
        let answer = admin.post("/forms/new", FORM).await;
        assert_eq!(answer.status(), 303, "{}", answer.text().await.unwrap());
    }

    /// Opens the form, waits as people do, and sends it.
    async fn fill_in(&self, fields: &[(&str, &str)]) -> reqwest::Response {
        let page = self.get("/f/newsletter").await.text().await.unwrap();
        let shown = attribute(&page, "input[name=_shown]", "value").unwrap();
        self.advance(TimeDelta::seconds(20));
        let mut all = vec![("_shown", shown.as_str()), ("agrees", "yes")];
        all.extend(fields);
        self.submit(&all).await
    }

    async fn submit(&self, fields: &[(&str, &str)]) -> reqwest::Response {
        let url = format!("{}/f/newsletter", self.address);
        self.http
            .post(url)
            .header("origin", "https://www.club.example")
            .form(fields)
            .send()
            .await
            .unwrap()
    }

    async fn signups(&self) -> Vec<signups::Model> {
        signups::Entity::find()
            .order_by_asc(signups::Column::Id)
            .all(&*self.cx.db)
            .await
            .unwrap()
    }

    async fn ask(&self) {
        let channels = Channels::of(&self.cx.settings).unwrap();
        mailer::send_due(&self.cx, &channels).await.unwrap();
    }

    /// The links to confirm that were sent, oldest first.
    async fn links(&self) -> Vec<String> {
        let mails = captured_messages::Entity::find()
            .order_by_asc(captured_messages::Column::Id)
            .all(&*self.cx.db)
            .await
            .unwrap();
        let links = mails.iter().map(|mail| {
            let at = mail.text.find("/f/confirm/").unwrap();
            mail.text[at..].split_whitespace().next().unwrap().to_owned()
        });
        links.collect()
    }

    async fn confirm(&self, link: &str) -> reqwest::Response {
        self.http
            .post(format!("{}{link}", self.address))
            .send()
            .await
            .unwrap()
    }
}

#[actix_web::test]
async fn whoever_signs_up_is_on_no_list_until_they_confirm() {
    let app = TestApp::spawn().await;
    app.form().await;
    let answer = app
        .fill_in(&[
            ("email", "Ada@Club.example"),
            ("first_name", "Ada"),
            ("last_name", "Fairway"),
        ])
        .await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("Look into your mail."));
    app.ask().await;
    assert_eq!(contacts::Entity::find().count(&*app.cx.db).await.unwrap(), 0);
    let link = app.links().await.remove(0);
    // A mail filter that follows the link changes nothing.
    let page = app.get(&link).await.text().await.unwrap();
    assert!(page.contains("ada@club.example") && page.contains("I want to hear from the club."));
    assert_eq!(contacts::Entity::find().count(&*app.cx.db).await.unwrap(), 0);
    assert_eq!(app.confirm(&link).await.status(), 200);
    let person = contacts::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    assert_eq!(
        (person.email.as_deref(), person.first_name.as_str()),
        (Some("ada@club.example"), "Ada")
    );
    let consent = consents::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    assert_eq!(
        (consent.channel, consent.status),
        (Channel::Email, ConsentStatus::Subscribed)
    );
    assert!(
        consent.evidence.contains("“I want to hear from the club.”"),
        "{}",
        consent.evidence
    );
    let tag = contact_tags::Entity::find()
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(tag.tag, "web");
    // Once more changes nothing.
    let again = app.confirm(&link).await.text().await.unwrap();
    assert!(again.contains("You are on the list"), "{again}");
    assert_eq!(consent_log::Entity::find().count(&*app.cx.db).await.unwrap(), 1);
}

#[actix_web::test]
async fn each_address_is_confirmed_by_a_message_of_its_own() {
    let app = TestApp::spawn().await;
    app.form().await;
    app.fill_in(&[("email", "ada@club.example"), ("phone", "+27 82 123 4567")])
        .await;
    app.ask().await;
    let links = app.links().await;
    assert_eq!(links.len(), 2);
    for link in &links {
        app.confirm(link).await;
    }
    let everyone = contacts::Entity::find().all(&*app.cx.db).await.unwrap();
    assert_eq!(everyone.len(), 1, "both addresses are one person's");
    assert_eq!(everyone[0].phone.as_deref(), Some("+27821234567"));
    assert_eq!(consents::Entity::find().count(&*app.cx.db).await.unwrap(), 2);
}

#[actix_web::test]
async fn topics_are_chosen_and_a_member_keeps_the_name_that_the_club_knows() {
    let app = TestApp::spawn().await;
    let offers = people::topic(&*app.cx.db, "offers").await;
    let cups = people::topic(&*app.cx.db, "cups").await;
    app.form().await;
    let manager = app.sign_in_as(Role::Manager).await;
    let (offers, cups) = (offers.id.to_string(), cups.id.to_string());
    let mut fields = FORM.to_vec();
    fields.extend([("topic", offers.as_str()), ("topic", cups.as_str())]);
    let form = &app.forms().await[0];
    assert_eq!(
        manager
            .post(&format!("/forms/{form}/edit"), &fields)
            .await
            .status(),
        303
    );
    let known = app
        .contact()
        .email("ada@club.example")
        .name("Ada", "Fairway")
        .create()
        .await;
    let none = app
        .fill_in(&[("email", "ada@club.example"), ("topics", "shown")])
        .await;
    assert_eq!(none.status(), 422);
    assert!(none.text().await.unwrap().contains("Tick at least one."));
    app.fill_in(&[
        ("email", "ada@club.example"),
        ("first_name", "Mallory"),
        ("topics", "shown"),
        ("topic", cups.as_str()),
    ])
    .await;
    app.ask().await;
    app.confirm(&app.links().await[0]).await;
    let now = contacts::Entity::find_by_id(known.id)
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(now.first_name, "Ada");
    let out = topic_opt_outs::Entity::find().all(&*app.cx.db).await.unwrap();
    let out: Vec<String> = out.iter().map(|row| row.topic_id.to_string()).collect();
    assert_eq!(out, [offers]);
}

#[actix_web::test]
async fn robots_learn_nothing_and_hasty_visitors_are_asked_once_more() {
    let app = TestApp::spawn().await;
    app.form().await;
    let answer = app
        .fill_in(&[
            ("email", "spam@evil.example"),
            ("website", "https://evil.example"),
        ])
        .await;
    assert_eq!(answer.status(), 200);
    assert!(app.signups().await.is_empty());
    // A form on the club's own website says nothing of when it was shown.
    let answer = app
        .submit(&[
            ("email", "ada@club.example"),
            ("agrees", "yes"),
            ("_shown", "1772438400.abc"),
        ])
        .await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert_eq!(
        attribute(&page, "#f-email", "value").as_deref(),
        Some("ada@club.example")
    );
    assert!(texts(&page, ".notice")[0].contains("once more"));
    assert!(app.signups().await.is_empty());
}

#[actix_web::test]
async fn what_is_wrong_is_said_beside_its_field_and_kept() {
    let app = TestApp::spawn().await;
    app.form().await;
    let page = app.get("/f/newsletter").await.text().await.unwrap();
    let shown = attribute(&page, "input[name=_shown]", "value").unwrap();
    app.advance(TimeDelta::seconds(20));
    for (fields, sentence) in [
        (vec![("email", "ada")], "e-mail address"),
        (
            vec![("email", "")],
            "Enter your e-mail address or your telephone number.",
        ),
        (vec![("email", "a@b.example")], "Tick the box"),
        (vec![("phone", "12")], "number"),
    ] {
        let mut all = vec![("_shown", shown.as_str())];
        all.extend(fields);
        let answer = app.submit(&all).await;
        assert_eq!(answer.status(), 422, "{all:?}");
        let page = answer.text().await.unwrap();
        assert!(
            texts(&page, ".error").join(" ").contains(sentence),
            "{all:?}: {page}"
        );
    }
    assert!(app.signups().await.is_empty());
}

#[actix_web::test]
async fn an_address_is_asked_three_times_a_day_at_most() {
    let app = TestApp::spawn().await;
    app.form().await;
    for _ in 0..3 {
        assert_eq!(app.fill_in(&[("email", "ada@club.example")]).await.status(), 200);
    }
    assert_eq!(app.fill_in(&[("email", "ada@club.example")]).await.status(), 429);
    assert_eq!(app.fill_in(&[("email", "bea@club.example")]).await.status(), 200);
    assert_eq!(app.signups().await.len(), 4);
}

#[actix_web::test]
async fn a_link_is_good_for_a_week_and_a_suppressed_address_is_not_asked() {
    let app = TestApp::spawn().await;
    app.form().await;
    people::suppressed(&*app.cx.db, Channel::Email, "bea@club.example").await;
    app.fill_in(&[("email", "ada@club.example")]).await;
    app.fill_in(&[("email", "bea@club.example")]).await;
    app.ask().await;
    let links = app.links().await;
    assert_eq!(links.len(), 1);
    let problem = app.signups().await[1].problem.clone();
    assert_eq!(
        problem.as_deref(),
        Some("The address is on the suppression list.")
    );
    app.advance(TimeDelta::days(7));
    let answer = app.confirm(&links[0]).await;
    assert_eq!(answer.status(), 410);
    assert_eq!(contacts::Entity::find().count(&*app.cx.db).await.unwrap(), 0);
    app.advance(TimeDelta::days(24));
    let tx = app.cx.db.begin().await.unwrap();
    commands::clear(&tx, app.cx.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(app.signups().await.is_empty());
    assert_eq!(app.get("/f/confirm/nonsense").await.status(), 404);
}

#[actix_web::test]
async fn a_server_that_is_away_is_tried_again_and_staff_read_why() {
    let app = TestApp::spawn_with(|settings| {
        settings.smtp_url = Some("smtp://127.0.0.1:9".to_owned().into());
    })
    .await;
    app.form().await;
    app.fill_in(&[("email", "ada@club.example")]).await;
    app.ask().await;
    let waits = app.signups().await.remove(0);
    assert_eq!(
        waits.mail_due_at.unwrap().0,
        app.cx.clock.now() + TimeDelta::minutes(1)
    );
    let viewer = app.sign_in_as(Role::Viewer).await;
    let form = app.forms().await.remove(0);
    let page = viewer.page(&format!("/forms/{form}")).await;
    assert!(
        page.contains("Not asked") && page.contains("ada@club.example"),
        "{page}"
    );
    assert_eq!(viewer.post("/forms/new", FORM).await.status(), 403);
}

#[actix_web::test]
async fn a_form_off_the_web_answers_no_more_and_the_website_may_frame_one_that_is() {
    let app = TestApp::spawn().await;
    let manager = app.sign_in_as(Role::Manager).await;
    assert_eq!(
        texts(&manager.page("/forms").await, ".empty h2"),
        ["No sign-up forms yet"]
    );
    app.form().await;
    let answer = app.get("/f/newsletter").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("frame-ancestors *") && policy.contains("default-src 'self'"),
        "{policy}"
    );
    let form = app.forms().await.remove(0);
    assert_eq!(
        manager
            .post(&format!("/forms/{form}/archive"), &[])
            .await
            .status(),
        303
    );
    assert_eq!(app.get("/f/newsletter").await.status(), 404);
    assert_eq!(
        manager.post("/forms/new", FORM).await.status(),
        422,
        "its key is taken"
    );
    assert_eq!(
        manager
            .post(&format!("/forms/{form}/restore"), &[])
            .await
            .status(),
        303
    );
    assert_eq!(app.get("/f/newsletter").await.status(), 200);
}

impl TestApp {
    async fn forms(&self) -> Vec<i64> {
        let forms = fairway::signup::store::all(&*self.cx.db).await.unwrap();
        forms.into_iter().map(|form| form.id).collect()
    }
}
