//! A/B: everybody in exactly one part, the winner chosen by rate and time or by hand, and the rest
//! sent it, whatever happens in between.

use crate::support::TestApp;
use crate::support::api::Program;
use chrono::{DateTime, TimeDelta, Utc};
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::domain::campaign::Command;
use fairway::domain::experiment::{Experiment, Split};
use fairway::domain::{Role, Status};
use fairway::entity::{captured_messages, deliveries, run_counts, runs};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;

impl TestApp {
    /// The picture of a mail is loaded.
    async fn opens(&self, delivery: i64) {
        let answer = self.http.get(self.urls().open(delivery)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }

    /// What somebody reads in the browser.
    async fn view_of(&self, delivery: i64) -> reqwest::Response {
        self.http.get(self.urls().view(delivery)).send().await.unwrap()
    }

    /// The counts of each variant are its rows', and together they are everybody.
    async fn check_variants(&self, campaign: i64, people: i64) {
        self.check_ledger().await;
        let counts = run_counts::Entity::find().all(&*self.cx.db).await.unwrap();
        let targets = counts
            .iter()
            .filter(|row| row.campaign_id == campaign)
            .map(|row| row.target);
        assert_eq!(targets.sum::<i64>(), people);
    }

    /// A copy that can be scheduled at once.
    async fn ready_copy(&self, campaign: i64) -> i64 {
        let copy = commands::duplicate(&self.cx, campaign, &Actor::fairway())
            .await
            .unwrap();
        self.execute(&format!(
            "UPDATE campaigns SET send_now = TRUE WHERE id = {}",
            copy.id
        ))
        .await;
        copy.id
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A draft with an experiment on it, made by the API.
async fn draft(app: &TestApp, program: &Program, people: i64, experiment: Value) -> i64 {
    let draft = app.ready_draft(people).await;
    let change = json!({ "experiment": experiment });
    let changed = program
        .patch(&format!("/campaigns/{}", draft.id), &change)
        .await
        .is(200);
    assert_eq!(
        changed["experiment"]["variants"],
        change["experiment"]["variants"]
    );
    draft.id
}

async fn schedule(program: &Program, campaign: i64) {
    program
        .tell(&format!("/campaigns/{campaign}/schedule"))
        .await
        .is(200);
}

fn two(share: u32) -> Value {
    json!({
        "variants": [{}, {"subject": "Win the cup, {{ contact.first_name }}"}],
        "share": share,
        "winner": {"by": "OPEN", "after": "PT4H"},
    })
}

/// The rows of each variant.
async fn parts(app: &TestApp, campaign: i64) -> BTreeMap<i32, Vec<deliveries::Model>> {
    let mut parts = BTreeMap::<i32, Vec<_>>::new();
    for row in app.ledger(campaign).await {
        parts.entry(row.variant).or_default().push(row);
    }
    parts
}

/// So many of a variant open their mail.
async fn open(app: &TestApp, rows: &[deliveries::Model], number: usize) {
    for row in rows.iter().take(number) {
        app.opens(row.id).await;
    }
}

async fn run(app: &TestApp, campaign: i64) -> runs::Model {
    app.run(campaign).await
}

async fn subjects(app: &TestApp) -> BTreeMap<String, usize> {
    let mut subjects = BTreeMap::new();
    for message in captured_messages::Entity::find().all(&*app.cx.db).await.unwrap() {
        let subject = message.subject.split(',').next().unwrap_or_default().to_owned();
        *subjects.entry(subject).or_insert(0) += 1;
    }
    subjects
}

#[tokio::test]
async fn the_rest_waits_for_the_winner_and_is_sent_it() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let campaign = draft(&app, &program, 200, two(50)).await;
    schedule(&program, campaign).await;
    app.work().await;
    let parts = parts(&app, campaign).await;
    assert_eq!(parts.keys().copied().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(parts.values().map(Vec::len).sum::<usize>(), 200);
    let tested = parts[&1].len() + parts[&2].len();
    assert!((70..=130).contains(&tested), "{tested}");
    for (variant, rows) in &parts {
        for row in rows {
            assert_eq!(row.sent_at.is_some(), *variant > 0);
            let experiment = Experiment::parse(&two(50)).unwrap();
            let split = Split::of(&experiment, row.run_id);
            assert_eq!(
                split.variant(row.contact_id.unwrap()),
                *variant,
                "SQL says the same"
            );
        }
    }
    let sent = subjects(&app).await;
    assert_eq!(sent["Spring Open"], parts[&1].len());
    assert_eq!(sent["Win the cup"], parts[&2].len());

    // B is opened more; the time comes.
    open(&app, &parts[&1], 5).await;
    open(&app, &parts[&2], 30).await;
    app.cx.clock.advance(TimeDelta::hours(4) - TimeDelta::seconds(1));
    app.work().await;
    assert_eq!(run(&app, campaign).await.winner, None, "not before its time");
    assert_eq!(app.status(campaign).await, Status::Active);
    app.cx.clock.advance(TimeDelta::seconds(1));
    app.work().await;
    let run = run(&app, campaign).await;
    assert_eq!(run.winner, Some(2));
    assert!(run.decision.unwrap().starts_with("B had the best open rate"));
    assert_eq!(app.status(campaign).await, Status::Completed);
    let sent = subjects(&app).await;
    assert_eq!(sent["Spring Open"], parts[&1].len(), "nobody else got A");
    assert_eq!(sent["Win the cup"], parts[&2].len() + parts[&0].len());
    app.check_variants(campaign, 200).await;

    let stats = program.get(&format!("/campaigns/{campaign}/stats")).await.is(200);
    assert_eq!(stats["targetCount"], 200);
    assert_eq!(stats["variants"][0]["variant"], "A");
    assert_eq!(stats["variants"][0]["openedCount"], 5);
    assert_eq!(stats["variants"][1]["difference"], Value::Null, "the best");
    let gap = &stats["variants"][0]["difference"];
    assert!(
        gap["high"].as_f64().unwrap() < 0.0 && gap["isWithinChance"] == false,
        "{gap}"
    );
    let staff = app.sign_in_as(Role::Viewer).await;
    let report = staff.page(&format!("/campaigns/{campaign}/report")).await;
    assert!(
        report.contains("beyond chance") && report.contains("Winner"),
        "{report}"
    );
    assert!(app.history(campaign).await.contains("chose the winner"));
    // What somebody reads in the browser is what they were sent.
    let row = &parts[&0][0];
    let view = app.view_of(row.id).await;
    assert_eq!(view.status(), 200);
}

#[tokio::test]
async fn the_winner_can_be_chosen_by_hand_before_the_time_or_at_all() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let manual = json!({
        "variants": [{}, {"senderName": "The Captain"}, {"subject": "C"}],
        "share": 40,
        "winner": {"by": "MANUAL"},
    });
    let campaign = draft(&app, &program, 60, manual).await;
    let path = format!("/campaigns/{campaign}/winner");
    let answer = program.post(&path, &json!({"variant": "B"})).await;
    assert_eq!(answer.status, 409, "nothing is tried yet");
    schedule(&program, campaign).await;
    app.work().await;
    app.cx.clock.advance(TimeDelta::days(30));
    app.work().await;
    assert_eq!(app.status(campaign).await, Status::Active, "it waits for staff");
    let staff = app.sign_in_as(Role::Manager).await;
    let page = staff.page(&format!("/campaigns/{campaign}")).await;
    assert!(
        page.contains("Send B to the rest") && page.contains("You choose it."),
        "{page}"
    );
    assert_eq!(
        program.post(&path, &json!({"variant": "D"})).await.refused(),
        ["variant"]
    );
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert_eq!(viewer.post(&path, &[("variant", "B")]).await.status(), 403);
    assert_eq!(staff.post(&path, &[("variant", "B")]).await.status(), 303);
    assert_eq!(staff.post(&path, &[("variant", "A")]).await.status(), 409, "once");
    app.work().await;
    assert_eq!(app.status(campaign).await, Status::Completed);
    assert_eq!(run(&app, campaign).await.winner, Some(2));
    let parts = parts(&app, campaign).await;
    let from_captain = captured_messages::Entity::find().all(&*app.cx.db).await.unwrap();
    let from_captain = from_captain
        .iter()
        .filter(|message| message.raw.contains("The Captain"))
        .count();
    assert_eq!(from_captain, parts[&2].len() + parts[&0].len());
    app.check_variants(campaign, 60).await;
}

#[tokio::test]
async fn where_nobody_opened_or_two_are_equal_the_first_goes_to_the_rest() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let campaign = draft(&app, &program, 40, two(50)).await;
    schedule(&program, campaign).await;
    app.work().await;
    app.cx.clock.advance(TimeDelta::hours(4));
    app.work().await;
    let run = run(&app, campaign).await;
    assert_eq!(run.winner, Some(1));
    assert_eq!(
        run.decision.as_deref(),
        Some("Nobody opened, so the rest is sent A, the first.")
    );
    assert_eq!(app.status(campaign).await, Status::Completed);
}

#[tokio::test]
async fn a_paused_campaign_chooses_when_it_goes_on_and_a_cancelled_one_never() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let campaign = draft(&app, &program, 40, two(50)).await;
    schedule(&program, campaign).await;
    app.work().await;
    app.command(campaign, Command::Pause).await;
    app.cx.clock.advance(TimeDelta::hours(9));
    app.work().await;
    assert_eq!(run(&app, campaign).await.winner, None);
    app.command(campaign, Command::Resume).await;
    app.work().await;
    assert_eq!(
        run(&app, campaign).await.winner,
        Some(1),
        "late, as after downtime"
    );
    assert_eq!(app.status(campaign).await, Status::Completed);

    let other = app.ready_copy(campaign).await;
    schedule(&program, other).await;
    app.work().await;
    app.command(other, Command::Pause).await;
    app.command(other, Command::Cancel).await;
    app.cx.clock.advance(TimeDelta::hours(9));
    app.work().await;
    let parts = parts(&app, other).await;
    assert!(parts[&0].iter().all(|row| row.state.as_str() == "CANCELLED"));
    assert_eq!(run(&app, other).await.winner, None);
    app.check_variants(other, 40).await;
}

#[tokio::test]
async fn variants_of_content_and_time_go_out_and_everybody_can_be_in_the_test() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let draft = app.ready_draft(90).await;
    app.template_on(
        fairway::domain::Channel::Email,
        "other",
        "Another one",
        "<p>Other</p>",
    )
    .await;
    let experiment = json!({
        "variants": [{}, {"templateId": "other"}, {"delay": "PT2H"}],
        "share": 100,
        "winner": {"by": "CLICK", "after": "P1D"},
    });
    let path = format!("/campaigns/{}", draft.id);
    let kept = program
        .patch(&path, &json!({ "experiment": experiment }))
        .await
        .is(200);
    assert_eq!(
        kept["experiment"], experiment,
        "templates are named by their keys"
    );
    schedule(&program, draft.id).await;
    app.work().await;
    let parts = parts(&app, draft.id).await;
    assert_eq!(parts.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    let sent = subjects(&app).await;
    assert_eq!(sent["Another one"], parts[&2].len());
    assert_eq!(sent["Spring Open"], parts[&1].len());
    for row in &parts[&3] {
        assert_eq!(row.due_at.0, at("2026-03-02T10:00:00Z"));
    }
    app.cx.clock.advance(TimeDelta::hours(2));
    app.work().await;
    assert_eq!(
        app.status(draft.id).await,
        Status::Completed,
        "nobody waits for a winner"
    );
    app.check_variants(draft.id, 90).await;
}

#[tokio::test]
async fn an_experiment_that_could_not_be_sent_keeps_the_campaign_from_being_scheduled() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let draft = app.ready_draft(20).await;
    let path = format!("/campaigns/{}", draft.id);
    for (experiment, field) in [
        (json!({"variants": [{}]}), "experiment.variants"),
        (
            json!({"variants": [{}, {"templateId": "nowhere"}]}),
            "experiment.variants.1.templateId",
        ),
        (
            json!({"variants": [{}, {"subject": "B"}], "share": 120}),
            "experiment.share",
        ),
    ] {
        let answer = program.patch(&path, &json!({ "experiment": experiment })).await;
        assert!(answer.refused().iter().any(|at| at == field), "{field}");
    }
    let unknown = json!({"variants": [{}, {"subject": "{{ contact.handicap_of_the_dog }}"}]});
    program
        .patch(&path, &json!({ "experiment": unknown }))
        .await
        .is(200);
    let refused = program.tell(&format!("{path}/schedule")).await.refused();
    assert_eq!(refused, ["experiment.variants"]);
    let conversions = json!({"variants": [{}, {"subject": "B"}], "winner": {"by": "CONVERSION"}});
    program
        .patch(&path, &json!({ "experiment": conversions }))
        .await
        .is(200);
    let refused = program.tell(&format!("{path}/schedule")).await.refused();
    assert_eq!(refused, ["experiment.winner.by"], "there is no goal");
    program.patch(&path, &json!({ "experiment": null })).await.is(200);
    schedule(&program, draft.id).await;
}

#[tokio::test]
async fn several_are_tried_from_the_wizards_content_step() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(20).await;
    let template = app.template_of(draft.id).await.to_string();
    let staff = app.sign_in_as(Role::Manager).await;
    let path = format!("/campaigns/{}/content", draft.id);
    let revision = draft.revision.to_string();
    let row = |subject, sender, template, delay| {
        [
            ("variant.subject", subject),
            ("variant.senderName", sender),
            ("variant.templateId", template),
            ("variant.delay", delay),
        ]
    };
    let mut fields = vec![
        ("email.templateId", template.as_str()),
        ("revision", &revision),
        ("try", "true"),
        ("share", "30"),
        ("winner.by", "CLICK"),
        ("winner.after", "P1D"),
    ];
    for one in [
        row("", "", "", ""),
        row("Win", "Captain", "", ""),
        row("", "", "", "PT2H"),
        row("", "", "", ""),
        row("", "", "", ""),
    ] {
        fields.extend(one);
    }
    assert_eq!(staff.post(&path, &fields).await.status(), 303);
    let kept = app.campaign_row(draft.id).await.experiment.unwrap();
    assert_eq!(
        kept,
        json!({
            "variants": [{}, {"subject": "Win", "senderName": "Captain"}, {"delay": "PT2H"}],
            "share": 30,
            "winner": {"by": "CLICK", "after": "P1D"},
        })
    );
    let page = staff.page(&path).await;
    assert!(page.contains(r#"value="Captain""#) && page.contains("Try several"));
    let review = staff.page(&format!("/campaigns/{}/review", draft.id)).await;
    assert!(review.contains("A, B and C on 30 % of the audience"), "{review}");
    assert!(review.contains("only a great difference will show"));

    // One variant alone is refused, and what was typed stays.
    let revision = app.campaign_row(draft.id).await.revision.to_string();
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| match *name {
            "variant.senderName" | "variant.delay" => (*name, ""),
            "variant.subject" => (*name, ""),
            "revision" => (*name, revision.as_str()),
            _ => (*name, *value),
        })
        .collect();
    let answer = staff.post(&path, &fields).await;
    assert_eq!(answer.status(), 422);
    assert!(answer.text().await.unwrap().contains("two to five variants"));
}

#[tokio::test]
async fn how_it_goes_out_is_said_in_the_wizard_and_by_the_api() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let draft = app.ready_draft(20).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let path = format!("/campaigns/{}", draft.id);
    let revision = draft.revision.to_string();
    let fields = [
        ("when", "later"),
        ("date", "2026-03-04"),
        ("time", "09:00"),
        ("timezone", "Europe/London"),
        ("goal.window", "P7D"),
        ("inDoubt", "RETRY"),
        ("revision", &revision),
        ("delivery.localTime", "true"),
        ("delivery.spreadOver", "PT4H"),
    ];
    assert_eq!(
        staff.post(&format!("{path}/schedule"), &fields).await.status(),
        303
    );
    let delivery = program.get(&path).await.is(200)["delivery"].clone();
    assert_eq!(
        delivery,
        json!({"localTime": true, "spreadOver": "PT4H", "ignoreFrequencyCap": false})
    );
    let review = staff.page(&format!("{path}/review")).await;
    assert!(
        review.contains("At 09:00 where each person is") && review.contains("Spread evenly over 4 hours")
    );
    let page = staff.page(&path).await;
    assert!(
        page.contains("At this time where each person is. Spread over 4 hours."),
        "{page}"
    );
    // Local time without a time is nothing.
    let change = json!({"scheduledAt": null, "delivery": {"localTime": true}});
    program.patch(&path, &change).await.is(200);
    let refused = program.tell(&format!("{path}/schedule")).await.refused();
    assert_eq!(refused, ["delivery.localTime"]);
    let wrong = json!({"delivery": {"spreadOver": "P30D"}});
    assert_eq!(
        program.patch(&path, &wrong).await.refused(),
        ["delivery.spreadOver"]
    );
}
