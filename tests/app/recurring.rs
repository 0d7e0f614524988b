//! Campaigns that repeat: each occurrence a run, never early, never twice, never a burst.

use crate::support::TestApp;
use crate::support::staff::SignedIn;
use chrono::{DateTime, TimeDelta, Utc};
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::campaigns::draft::Changes;
use fairway::domain::campaign::Command;
use fairway::domain::{CampaignType, Role, RunState, Status};
use fairway::reports::campaign_stats;
use fairway::scheduler;
use scraper::{ElementRef, Html, Selector};
use serde_json::json;
use std::collections::BTreeSet;

fn tuesdays_and_fridays() -> serde_json::Value {
    json!({ "rule": "FREQ=WEEKLY;BYDAY=TU,FR", "start": "2026-03-02T09:00" })
}

#[tokio::test]
async fn each_occurrence_is_a_run_with_its_own_audience_and_stats_and_the_last_completes() {
    let app = TestApp::spawn().await;
    let campaign = app
        .repeating(
            3,
            json!({ "rule": "FREQ=WEEKLY;BYDAY=TU,FR;COUNT=2", "start": "2026-03-02T09:00" }),
        )
        .await;
    let scheduled = app.campaign_row(campaign).await;
    assert_eq!(scheduled.status, Status::Scheduled);
    assert_eq!(
        scheduled.scheduled_at.unwrap().0.to_rfc3339(),
        "2026-03-03T09:00:00+00:00"
    );
    app.until("2026-03-03T08:59");
    app.work().await;
    assert_eq!(app.status(campaign).await, Status::Scheduled);
    app.until("2026-03-03T09:00");
    app.work().await;
    assert_eq!(app.status(campaign).await, Status::Active);
    assert_eq!(app.states(campaign).await, "SENT 3");
    // One leaves before the second run, which counts for that run alone.
    app.execute("DELETE FROM segment_members WHERE contact_id IN (SELECT id FROM contacts WHERE key = '2')")
        .await;
    app.until("2026-03-06T09:00");
    app.work().await;
    assert_eq!(app.story(campaign).await, "03-03 09:00, 03-06 09:00");
    assert_eq!(app.status(campaign).await, Status::Completed);
    let stats = campaign_stats(&*app.cx.db, campaign).await.unwrap();
    let sent: Vec<_> = stats.runs.iter().map(|run| run.figures.counts.sent).collect();
    assert_eq!((stats.total.counts.sent, sent), (5, vec![2, 3]));
    assert!(
        app.runs(campaign)
            .await
            .iter()
            .all(|run| run.state == RunState::Finished)
    );
    assert_eq!(
        app.history(campaign).await,
        "created, edited, scheduled, started, completed"
    );
    app.check_ledger().await;
}

#[tokio::test]
async fn nine_o_clock_in_london_stays_nine_o_clock_when_the_clocks_change() {
    let app = TestApp::spawn().await;
    let campaign = app
        .repeating(
            1,
            json!({ "rule": "FREQ=WEEKLY;BYDAY=FR", "start": "2026-03-20T09:00" }),
        )
        .await;
    // Hour by hour; the clocks change on 29 March.
    while app.cx.clock.now() < "2026-04-04T00:00:00Z".parse::<DateTime<Utc>>().unwrap() {
        app.work().await;
        app.advance(TimeDelta::hours(1));
    }
    assert_eq!(app.story(campaign).await, "03-20 09:00, 03-27 09:00, 04-03 08:00");
}

#[tokio::test]
async fn after_downtime_only_the_latest_within_its_grace_is_sent_late_and_the_others_are_kept_as_missed() {
    let app = TestApp::spawn().await;
    let campaign = app.repeating(2, tuesdays_and_fridays()).await;
    app.until("2026-03-03T09:00");
    app.work().await;
    // Down from here: the 6th and the 10th pass, and the 13th by eleven hours.
    app.until("2026-03-13T20:00");
    app.work().await;
    assert_eq!(
        app.story(campaign).await,
        "03-03 09:00, 03-13 09:00 at 03-13 20:00"
    );
    assert_eq!(
        app.fates(campaign).await,
        "03-03 09:00 SENT, 03-06 09:00 MISSED, 03-10 09:00 MISSED, 03-13 09:00 SENT"
    );
    // Down again, past the grace of the last as well.
    app.until("2026-03-24T21:01");
    app.work().await;
    assert_eq!(app.runs(campaign).await.len(), 2);
    assert!(
        app.fates(campaign)
            .await
            .ends_with("03-20 09:00 MISSED, 03-24 09:00 MISSED")
    );
    assert_eq!(app.status(campaign).await, Status::Active);
    app.until("2026-03-27T09:00");
    app.work().await;
    assert_eq!(app.runs(campaign).await.len(), 3);
    assert_eq!(
        app.history(campaign).await,
        "created, edited, scheduled, started, missed, missed"
    );
}

#[tokio::test]
async fn what_comes_due_during_a_pause_is_sent_if_it_is_resumed_within_the_grace_and_else_missed() {
    let app = TestApp::spawn().await;
    let mut plan = tuesdays_and_fridays();
    plan["grace"] = json!("PT2H");
    let campaign = app.repeating(1, plan).await;
    app.until("2026-03-03T09:00");
    app.work().await;
    app.command(campaign, Command::Pause).await;
    app.until("2026-03-06T10:59");
    app.work().await;
    assert_eq!(app.runs(campaign).await.len(), 1);
    app.command(campaign, Command::Resume).await;
    app.work().await;
    assert_eq!(
        app.story(campaign).await,
        "03-03 09:00, 03-06 09:00 at 03-06 10:59"
    );
    app.command(campaign, Command::Pause).await;
    app.until("2026-03-10T11:01");
    app.command(campaign, Command::Resume).await;
    app.work().await;
    assert_eq!(app.runs(campaign).await.len(), 2);
    assert!(app.fates(campaign).await.ends_with("03-10 09:00 MISSED"));
}

#[tokio::test]
async fn a_missed_last_occurrence_ends_the_campaign_too() {
    let app = TestApp::spawn().await;
    let campaign = app
        .repeating(
            1,
            json!({ "rule": "FREQ=DAILY;COUNT=2", "start": "2026-03-03T09:00" }),
        )
        .await;
    app.until("2026-03-20T09:00");
    app.work().await;
    assert_eq!(
        app.fates(campaign).await,
        "03-03 09:00 MISSED, 03-04 09:00 MISSED"
    );
    assert_eq!(app.status(campaign).await, Status::Completed);
}

#[tokio::test]
async fn cancelling_ends_the_repetition() {
    let app = TestApp::spawn().await;
    let campaign = app.repeating(1, tuesdays_and_fridays()).await;
    app.until("2026-03-03T09:00");
    app.work().await;
    commands::stop(&app.cx, campaign, &Actor::fairway())
        .await
        .unwrap();
    app.until("2026-03-06T09:00");
    app.work().await;
    assert_eq!(app.runs(campaign).await.len(), 1);
    let outcome = scheduler::tick(&app.cx).await.unwrap();
    assert_eq!(outcome.next_due, None);
}

#[tokio::test]
async fn content_that_cannot_be_sent_pauses_it_and_put_right_within_the_grace_it_goes_out_late() {
    let app = TestApp::spawn().await;
    let campaign = app.repeating(1, tuesdays_and_fridays()).await;
    app.until("2026-03-03T09:00");
    app.work().await;
    let template = app.template_of(campaign).await;
    app.set_template(template, "The news", "<p>{{ nothing }}</p>")
        .await;
    app.until("2026-03-06T09:00");
    app.work().await;
    let paused = app.campaign_row(campaign).await;
    assert_eq!(paused.status, Status::Paused);
    assert!(paused.pause_reason.unwrap().contains("nothing"));
    app.set_template(template, "The news", "<p>News</p>").await;
    app.until("2026-03-06T10:00");
    app.command(campaign, Command::Resume).await;
    app.work().await;
    assert_eq!(
        app.story(campaign).await,
        "03-03 09:00, 03-06 09:00 at 03-06 10:00"
    );
    assert_eq!(app.states(campaign).await, "SENT 2");
}

/// Makes every write to a table fail, as a process that dies there.
async fn break_table(app: &TestApp, table: &str) {
    if app.cx.db.is_postgres() {
        app.execute(
            "CREATE OR REPLACE FUNCTION die() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'killed'; END $$ \
             LANGUAGE plpgsql",
        )
        .await;
        return app
            .execute(&format!(
                "CREATE TRIGGER die_insert BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION die()"
            ))
            .await;
    }
    for deed in ["insert", "update"] {
        app.execute(&format!(
            "CREATE TRIGGER die_{deed} BEFORE {deed} ON {table} BEGIN SELECT RAISE(ABORT, 'killed'); END"
        ))
        .await;
    }
}

async fn mend_table(app: &TestApp, table: &str) {
    if app.cx.db.is_postgres() {
        return app.execute(&format!("DROP TRIGGER die_insert ON {table}")).await;
    }
    for deed in ["insert", "update"] {
        app.execute(&format!("DROP TRIGGER die_{deed}")).await;
    }
}

#[tokio::test]
async fn whatever_write_it_dies_at_the_next_tick_sends_the_occurrence_once() {
    let app = TestApp::spawn().await;
    let campaign = app.repeating(2, tuesdays_and_fridays()).await;
    app.until("2026-03-03T09:00");
    for table in ["runs", "run_contents", "run_counts", "occurrences", "repetitions"] {
        break_table(&app, table).await;
        scheduler::tick(&app.cx).await.unwrap();
        mend_table(&app, table).await;
        assert_eq!(app.story(campaign).await, "", "{table}");
        assert_eq!(app.fates(campaign).await, "", "{table}");
    }
    // After the run is there: its expansion is another's story.
    break_table(&app, "deliveries").await;
    scheduler::tick(&app.cx).await.unwrap();
    mend_table(&app, "deliveries").await;
    app.work().await;
    assert_eq!(app.story(campaign).await, "03-03 09:00");
    assert_eq!(app.states(campaign).await, "SENT 2");
    app.check_ledger().await;
}

#[tokio::test]
async fn of_two_schedulers_at_once_one_opens_the_run() {
    let app = TestApp::spawn().await;
    let campaign = app.repeating(2, tuesdays_and_fridays()).await;
    for at in ["2026-03-03T09:00", "2026-03-06T09:00", "2026-03-10T09:00"] {
        app.until(at);
        let (one, other) = tokio::join!(scheduler::tick(&app.cx), scheduler::tick(&app.cx));
        one.unwrap();
        other.unwrap();
        app.work().await;
    }
    assert_eq!(app.story(campaign).await, "03-03 09:00, 03-06 09:00, 03-10 09:00");
    assert_eq!(app.states(campaign).await, "SENT 6");
}

#[tokio::test]
async fn through_pauses_and_downtimes_of_any_length_every_occurrence_is_sent_once_or_missed() {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};
    let app = TestApp::spawn().await;
    let plan =
        json!({ "rule": "FREQ=DAILY;BYHOUR=1,9;BYMINUTE=30", "start": "2026-03-02T00:00", "grace": "PT5H" });
    let campaign = app.repeating(1, plan).await;
    let mut random = StdRng::seed_from_u64(7);
    let mut before = 0;
    for _ in 0..120 {
        app.advance(TimeDelta::minutes(random.random_range(1..1500)));
        match (app.status(campaign).await, random.random_range(0..4)) {
            (Status::Active, 0) => app.command(campaign, Command::Pause).await,
            (Status::Paused, 0..3) => app.command(campaign, Command::Resume).await,
            _ => {}
        }
        app.tick().await;
        let runs = app.runs(campaign).await.len();
        assert!(runs <= before + 1, "a burst");
        before = runs;
    }
    if app.status(campaign).await == Status::Paused {
        app.command(campaign, Command::Resume).await;
    }
    app.tick().await;
    let now = app.cx.clock.now();
    let runs = app.runs(campaign).await;
    for run in &runs {
        let late = run.started_at.0 - run.scheduled_for.0;
        assert!(
            late >= TimeDelta::zero() && late <= TimeDelta::hours(5),
            "{run:?}"
        );
    }
    let row = app.campaign_row(campaign).await;
    let planned: BTreeSet<_> = fairway::campaigns::recurring::of(&row)
        .unwrap()
        .after(crate::support::start(), chrono_tz::Europe::London)
        .map(|found| found.at.format("%m-%d %H:%M").to_string())
        .take_while(|at| *at <= now.format("%m-%d %H:%M").to_string())
        .collect();
    let fates = app.fates(campaign).await;
    let decided: BTreeSet<_> = fates.split(", ").map(|line| line[..11].to_owned()).collect();
    assert_eq!(decided, planned);
    assert_eq!(fates.matches("SENT").count(), runs.len());
    assert!(fates.contains("MISSED") && runs.len() > 20, "{fates}");
}

#[tokio::test]
async fn a_scheduled_one_that_is_changed_is_planned_anew() {
    let app = TestApp::spawn().await;
    let campaign = app.repeating(1, tuesdays_and_fridays()).await;
    let changes = Changes {
        timezone: Some(chrono_tz::America::New_York),
        ..Changes::default()
    };
    commands::edit(&app.cx, campaign, None, &changes, &Actor::fairway())
        .await
        .unwrap();
    app.until("2026-03-03T13:59");
    app.work().await;
    assert_eq!(app.status(campaign).await, Status::Scheduled);
    app.until("2026-03-03T14:00");
    app.work().await;
    assert_eq!(app.story(campaign).await, "03-03 14:00");
}

#[tokio::test]
async fn a_program_makes_one_lists_its_occurrences_and_schedules_it() {
    let app = TestApp::spawn().await;
    app.people(2).await;
    app.template_on(fairway::domain::Channel::Email, "news", "News", "<p>News</p>")
        .await;
    let program = app.program(Role::Manager).await;
    let body = json!({
        "name": "The week", "type": "RECURRING", "segmentId": "everyone", "channels": ["EMAIL"],
        "scheduledAt": "2026-03-27T10:00:00+01:00", "timezone": "Europe/London",
        "recurrence": { "rule": "FREQ=WEEKLY;BYDAY=TU,FR", "count": 3, "exceptions": ["2026-03-31"] },
    });
    let campaign = program.post("/campaigns", &body).await.is(201);
    let id = campaign["id"].as_str().unwrap().to_owned();
    assert_eq!(
        campaign["recurrence"],
        json!({
            "rule": "FREQ=WEEKLY;BYDAY=TU,FR;COUNT=3", "start": "2026-03-27T09:00",
            "exceptions": ["2026-03-31"], "grace": "PT12H",
        })
    );
    assert_eq!(campaign["scheduledAt"], "2026-03-27T09:00:00Z");
    let list = program
        .get(&format!("/campaigns/{id}/occurrences?count=5"))
        .await
        .is(200);
    let at: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["at"])
        .collect();
    assert_eq!(at, ["2026-03-27T09:00:00Z", "2026-04-03T08:00:00Z"]);
    assert_eq!(
        list["items"][1],
        json!({
            "at": "2026-04-03T08:00:00Z", "local": "2026-04-03T09:00",
            "originalAt": "2026-04-03T08:00:00Z", "state": "PLANNED", "subject": null,
        })
    );
    assert_eq!(list["nextCursor"], json!(null));
    let content = json!({ "email": { "templateId": "news" } });
    program
        .put(&format!("/campaigns/{id}/content"), &content)
        .await
        .is(200);
    // Another first day keeps the rule.
    let later = json!({ "scheduledAt": "2026-04-03T11:30:00Z" });
    let changed = program.patch(&format!("/campaigns/{id}"), &later).await.is(200);
    assert_eq!(changed["recurrence"]["start"], "2026-04-03T12:30");
    let scheduled = program.tell(&format!("/campaigns/{id}/schedule")).await.is(200);
    assert_eq!(
        (&scheduled["status"], &scheduled["scheduledAt"]),
        (&json!("SCHEDULED"), &json!("2026-04-03T11:30:00Z"))
    );
    app.until("2026-04-03T11:30");
    app.work().await;
    let stats = program.get(&format!("/campaigns/{id}/stats")).await.is(200);
    assert_eq!(
        (&stats["sentCount"], &stats["runs"][0]["sentCount"]),
        (&json!(2), &json!(2))
    );
    for wrong in ["0", "1001", "many"] {
        let path = format!("/campaigns/{id}/occurrences?count={wrong}");
        assert_eq!(program.get(&path).await.refused(), ["count"]);
    }
}

#[tokio::test]
async fn a_program_is_told_what_is_missing_of_a_repetition() {
    let app = TestApp::spawn().await;
    let program = app.program(Role::Manager).await;
    let body = |plan: serde_json::Value| {
        json!({
            "name": "The week", "type": "RECURRING", "channels": ["EMAIL"], "recurrence": plan,
        })
    };
    let wrong = body(json!({ "rule": "FREQ=HOURLY", "start": "soon", "grace": "P1Y" }));
    assert_eq!(
        program.post("/campaigns", &wrong).await.refused(),
        ["recurrence.rule", "recurrence.start", "recurrence.grace"]
    );
    for (plan, field) in [
        (json!(null), "recurrence.rule"),
        (json!({ "rule": "FREQ=DAILY" }), "recurrence.start"),
        (
            json!({ "rule": "FREQ=DAILY;UNTIL=20260101", "start": "2025-12-01T09:00" }),
            "recurrence.rule",
        ),
    ] {
        let campaign = program.post("/campaigns", &body(plan.clone())).await.is(201);
        let id = campaign["id"].as_str().unwrap();
        let refused = program.tell(&format!("/campaigns/{id}/schedule")).await.refused();
        assert!(refused.contains(&field.to_owned()), "{plan} {refused:?}");
    }
    // The hour may stand in the rule.
    let plan = json!({ "rule": "FREQ=WEEKLY;BYDAY=TU,FR;BYHOUR=9;BYMINUTE=0" });
    let mut whole = body(plan);
    whole["timezone"] = json!("Europe/London");
    let campaign = program.post("/campaigns", &whole).await.is(201);
    assert_eq!(campaign["scheduledAt"], "2026-03-03T09:00:00Z");
}

fn all<'a>(page: &'a Html, css: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(css).unwrap()).collect()
}

fn text_of(found: ElementRef<'_>) -> String {
    let text: String = found.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn texts(html: &str, css: &str) -> Vec<String> {
    all(&Html::parse_document(html), css)
        .into_iter()
        .map(text_of)
        .collect()
}

/// What a browser would post of the wizard's form as it stands.
fn form_fields(html: &str) -> Vec<(String, String)> {
    let page = Html::parse_document(html);
    let mut fields = Vec::new();
    for input in all(&page, "form.repeat [name]") {
        let attr = |name| input.value().attr(name).unwrap_or_default().to_owned();
        let is_choice = ["radio", "checkbox"].contains(&attr("type").as_str());
        let value = match input.value().name() {
            "select" => {
                let chosen = Selector::parse("option[selected]").unwrap();
                let chosen = input.select(&chosen).next();
                chosen
                    .and_then(|option| option.value().attr("value"))
                    .unwrap_or_default()
                    .to_owned()
            }
            "textarea" => input.text().collect(),
            _ => attr("value"),
        };
        if attr("name") != "_csrf" && (!is_choice || input.value().attr("checked").is_some()) {
            fields.push((attr("name"), value));
        }
    }
    fields
}

/// What the wizard's step posts.
fn weekly() -> Vec<(&'static str, &'static str)> {
    vec![
        ("frequency", "weekly"),
        ("every", "1"),
        ("days", "TU"),
        ("days", "FR"),
        ("by", "day"),
        ("monthDay", "1"),
        ("nth", "1"),
        ("nthDay", "MO"),
        ("rule", ""),
        ("date", "2026-03-02"),
        ("time", "09:00"),
        ("timezone", "Europe/London"),
        ("end", "never"),
        ("until", ""),
        ("count", ""),
        ("exceptions", ""),
        ("grace", "PT12H"),
        ("goal.event", ""),
        ("goal.window", "P7D"),
        ("inDoubt", "RETRY"),
    ]
}

/// The same with other values; a field that is named twice is given both.
fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<(&str, &str)> = weekly();
    fields.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    fields.extend(changes);
    fields
}

fn query_of(fields: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields).finish()
}

async fn recurring_draft(app: &TestApp) -> i64 {
    let segment = app.people(2).await;
    let template = app.template("The news", "<p>News</p>").await;
    app.draft()
        .kind(CampaignType::Recurring)
        .segment(segment)
        .template(template)
        .create()
        .await
        .id
}

async fn post(staff: &SignedIn, app: &TestApp, id: i64, fields: &[(&str, &str)]) -> reqwest::Response {
    let revision = app.campaign_row(id).await.revision.to_string();
    let mut fields = fields.to_vec();
    fields.push(("revision", &revision));
    staff.post(&format!("/campaigns/{id}/schedule"), &fields).await
}

#[tokio::test]
async fn the_form_says_how_often_in_words_and_the_rule_is_kept() {
    let app = TestApp::spawn().await;
    let id = recurring_draft(&app).await;
    let staff = app.sign_in_as(Role::Manager).await;
    for (changes, rule) in [
        (vec![], "FREQ=WEEKLY;BYDAY=TU,FR"),
        (
            vec![("frequency", "daily"), ("every", "3")],
            "FREQ=DAILY;INTERVAL=3",
        ),
        (
            vec![
                ("frequency", "monthly"),
                ("monthDay", "-1"),
                ("end", "count"),
                ("count", "4"),
            ],
            "FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=4",
        ),
        (
            vec![
                ("frequency", "monthly"),
                ("by", "weekday"),
                ("end", "until"),
                ("until", "2026-12-31"),
            ],
            "FREQ=MONTHLY;BYDAY=1MO;UNTIL=20261231",
        ),
        (
            vec![
                ("frequency", "rule"),
                ("rule", "freq=monthly;byday=mo,tu;bysetpos=-1"),
            ],
            "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1",
        ),
        (
            vec![("every", "2"), ("days", "SU")],
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU",
        ),
    ] {
        let answer = post(&staff, &app, id, &with(&changes)).await;
        assert_eq!(answer.status(), 303, "{rule}");
        let kept = app.campaign_row(id).await.recurrence.unwrap();
        assert_eq!(
            (&kept["rule"], &kept["start"]),
            (&json!(rule), &json!("2026-03-02T09:00"))
        );
        // The form shows again what was kept, and saving it as it is changes nothing.
        let page = staff.page(&format!("/campaigns/{id}/schedule")).await;
        let fields = form_fields(&page);
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = staff.post(&format!("/campaigns/{id}/schedule"), &fields).await;
        assert_eq!(answer.status(), 303, "{rule}");
        assert_eq!(app.campaign_row(id).await.recurrence.unwrap(), kept);
    }
    let answer = post(
        &staff,
        &app,
        id,
        &with(&[("exceptions", "2026-03-06\n2026-12-15")]),
    )
    .await;
    assert_eq!(answer.status(), 303);
    let page = staff.page(&format!("/campaigns/{id}/schedule")).await;
    let times = texts(&page, "#next-times time");
    assert_eq!(times.len(), 10);
    assert_eq!(
        times[..2],
        ["Tue 3 March 2026, 09:00", "Tue 10 March 2026, 09:00"]
    );
    assert!(page.contains("Every Tuesday and Friday at 09:00"));
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_everything_typed_is_kept() {
    let app = TestApp::spawn().await;
    let id = recurring_draft(&app).await;
    let staff = app.sign_in_as(Role::Manager).await;
    for (changes, at) in [
        (vec![("frequency", "")], "#d-frequency"),
        (vec![("every", "0")], "#d-every .error"),
        (vec![("days", "")], "#d-days"),
        (vec![("frequency", "monthly"), ("monthDay", "32")], "#d-monthDay"),
        (
            vec![("frequency", "monthly"), ("by", "weekday"), ("nth", "7")],
            "#d-nth",
        ),
        (
            vec![("frequency", "rule"), ("rule", "FREQ=HOURLY")],
            "#d-rule .error",
        ),
        (vec![("date", "")], "#d-date .error"),
        (vec![("time", "nine")], "#d-time .error"),
        (vec![("timezone", "Nowhere")], "#d-timezone .error"),
        (vec![("end", "until"), ("until", "soon")], "#d-until"),
        (vec![("end", "count"), ("count", "0")], "#d-count"),
        (vec![("exceptions", "16.12.2026")], "#d-exceptions .error"),
        (vec![("grace", "P1Y")], "#d-grace .error"),
        (vec![("goal.event", "a b")], "#d-goal\\.event .error"),
        (vec![("end", "until"), ("until", "2026-03-01")], "[role=alert]"),
    ] {
        let mut changes = changes;
        if !changes.iter().any(|(name, _)| *name == "exceptions") {
            changes.push(("exceptions", "2027-01-01"));
        }
        let answer = post(&staff, &app, id, &with(&changes)).await;
        assert_eq!(answer.status(), 422, "{changes:?}");
        let page = answer.text().await.unwrap();
        assert_eq!(texts(&page, at).len(), 1, "{changes:?}");
        let typed = changes.iter().find(|(name, _)| *name == "exceptions").unwrap().1;
        assert_eq!(texts(&page, "#f-exceptions"), [typed]);
    }
    assert_eq!(app.campaign_row(id).await.recurrence, None);
}

#[tokio::test]
async fn the_next_times_are_listed_while_they_are_chosen() {
    let app = TestApp::spawn().await;
    let id = recurring_draft(&app).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let ask = async |changes: &[(&str, &str)]| {
        let query = query_of(&with(changes));
        let answer = staff.hx_get(&format!("/campaigns/{id}/next-times?{query}")).await;
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    };
    let part = ask(&[("days", "SU"), ("date", "2026-03-22"), ("time", "01:30")]).await;
    assert_eq!(
        texts(&part, "li")[..2],
        [
            "Sun 22 March 2026, 01:30",
            "Sun 29 March 2026, 02:00 (the clocks skip 01:30)"
        ]
    );
    let part = ask(&[("end", "count"), ("count", "3")]).await;
    assert_eq!(texts(&part, "time").len(), 3);
    assert!(part.contains("That is the last."));
    let part = ask(&[("days", "")]).await;
    assert!(texts(&part, "time").is_empty());
    assert!(part.contains("Choose the days of the week."));
}

#[tokio::test]
async fn without_scripts_the_wizard_makes_a_newsletter_that_is_sent_each_week() {
    let app = TestApp::spawn().await;
    let id = recurring_draft(&app).await;
    let staff = app.sign_in_as(Role::Manager).await;
    assert_eq!(post(&staff, &app, id, &weekly()).await.status(), 303);
    let review = staff.page(&format!("/campaigns/{id}/review")).await;
    assert_eq!(
        texts(&review, "button.confirm"),
        ["Schedule: every Tuesday and Friday at 09:00, to 2 people at present"]
    );
    let revision = app.campaign_row(id).await.revision.to_string();
    let confirmed = [("people", "2"), ("revision", revision.as_str())];
    let answer = staff.post(&format!("/campaigns/{id}/review"), &confirmed).await;
    assert_eq!(answer.status(), 303);
    app.until("2026-03-03T09:00");
    app.work().await;
    app.until("2026-03-06T09:00");
    app.work().await;
    assert_eq!(app.states(id).await, "SENT 4");
}

/// The number by which pages know the occurrence of an instant.
fn number(instant: &str) -> i64 {
    instant.parse::<DateTime<Utc>>().unwrap().timestamp_millis()
}

#[tokio::test]
async fn one_occurrence_is_skipped_and_the_others_stay() {
    let app = TestApp::spawn().await;
    let id = app.repeating(1, tuesdays_and_fridays()).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let friday = number("2026-03-06T09:00:00Z");
    let path = format!("/campaigns/{id}/occurrences/{friday}");
    assert_eq!(staff.post(&format!("{path}/skip"), &[]).await.status(), 303);
    let page = staff.page(&format!("/campaigns/{id}")).await;
    assert_eq!(texts(&page, "[data-status=SKIPPED]"), ["Skipped"]);
    for at in ["2026-03-03T09:00", "2026-03-06T09:00", "2026-03-10T09:00"] {
        app.until(at);
        app.work().await;
    }
    assert_eq!(app.story(id).await, "03-03 09:00, 03-10 09:00");
    // What is past cannot be changed.
    assert_eq!(staff.post(&format!("{path}/restore"), &[]).await.status(), 404);
    let next = number("2026-03-13T09:00:00Z");
    for deed in ["skip", "restore"] {
        let path = format!("/campaigns/{id}/occurrences/{next}/{deed}");
        assert_eq!(staff.post(&path, &[]).await.status(), 303);
    }
    app.until("2026-03-13T09:00");
    app.work().await;
    assert_eq!(app.runs(id).await.len(), 3);
    let page = staff.page(&format!("/campaigns/{id}")).await;
    assert_eq!(texts(&page, "#runs-title ~ .table-wrap tbody tr").len(), 4);
    assert!(page.contains("Staff skipped it."));
    assert!(app.history(id).await.contains("skipped an occurrence"));
}

#[tokio::test]
async fn one_occurrence_is_brought_forward_or_put_off_and_not_sent_again_at_its_own_time() {
    let app = TestApp::spawn().await;
    let id = app.repeating(1, tuesdays_and_fridays()).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let change = async |original: &str, date: &str, time: &str| {
        let path = format!("/campaigns/{id}/occurrences/{}", number(original));
        let fields = [
            ("date", date),
            ("time", time),
            ("subject", ""),
            ("templateId", ""),
        ];
        staff.post(&path, &fields).await.status().as_u16()
    };
    // The first, before the campaign has begun; then one put off past the next.
    assert_eq!(change("2026-03-03T09:00:00Z", "2026-03-02", "17:00").await, 303);
    assert_eq!(change("2026-03-06T09:00:00Z", "2026-03-11", "08:00").await, 303);
    // Not into the past, not onto another, not from nowhere.
    assert_eq!(change("2026-03-10T09:00:00Z", "2026-03-01", "09:00").await, 422);
    assert_eq!(change("2026-03-10T09:00:00Z", "2026-03-13", "09:00").await, 422);
    assert_eq!(change("2026-03-10T09:30:00Z", "2026-03-12", "09:00").await, 404);
    while app.cx.clock.now() < "2026-03-14T00:00:00Z".parse::<DateTime<Utc>>().unwrap() {
        app.work().await;
        app.advance(TimeDelta::hours(1));
    }
    assert_eq!(
        app.story(id).await,
        "03-03 09:00 at 03-02 17:00, 03-10 09:00, 03-06 09:00 at 03-11 08:00, 03-13 09:00"
    );
    assert_eq!(app.states(id).await, "SENT 4");
}

#[tokio::test]
async fn one_occurrence_has_a_subject_and_a_template_of_its_own() {
    let app = TestApp::spawn().await;
    let id = app.repeating(1, tuesdays_and_fridays()).await;
    let special = app.template("Special", "<p>Only today</p>").await.to_string();
    let staff = app.sign_in_as(Role::Manager).await;
    let path = format!("/campaigns/{id}/occurrences/{}", number("2026-03-06T09:00:00Z"));
    let fields = |subject: &'static str| {
        [
            ("date", "2026-03-06"),
            ("time", "09:00"),
            ("subject", subject),
            ("templateId", special.as_str()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let post = async |subject: &'static str| {
        let fields = fields(subject);
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        staff.post(&path, &fields).await
    };
    let refused = post("Dear {{ nobody }}").await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert_eq!(texts(&page, "#d-subject .error").len(), 1);
    assert_eq!(post("For {{ contact.first_name }}").await.status(), 303);
    for at in ["2026-03-03T09:00", "2026-03-06T09:00", "2026-03-10T09:00"] {
        app.until(at);
        app.work().await;
    }
    use sea_orm::{EntityTrait as _, QueryOrder as _};
    let mails = fairway::entity::captured_messages::Entity::find()
        .order_by_asc(fairway::entity::captured_messages::Column::Id)
        .all(&*app.cx.db)
        .await
        .unwrap();
    let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects, ["The news", "For Person 1", "The news"]);
    assert!(mails[1].html.contains("Only today") && !mails[2].html.contains("Only today"));
}

#[tokio::test]
async fn a_program_changes_one_occurrence() {
    let app = TestApp::spawn().await;
    let id = app.repeating(1, tuesdays_and_fridays()).await;
    let program = app.program(Role::Manager).await;
    let path = format!("/campaigns/{id}/occurrences/2026-03-06T09:00:00Z");
    let body = json!({ "at": "2026-03-05T12:00:00Z", "subject": "Early" });
    let changed = program.patch(&path, &body).await.is(200);
    assert_eq!(
        (&changed["at"], &changed["originalAt"], &changed["subject"]),
        (
            &json!("2026-03-05T12:00:00Z"),
            &json!("2026-03-06T09:00:00Z"),
            &json!("Early")
        )
    );
    let list = program
        .get(&format!("/campaigns/{id}/occurrences?count=2"))
        .await
        .is(200);
    assert_eq!(list["items"][1]["at"], "2026-03-05T12:00:00Z");
    let back = program
        .patch(&path, &json!({ "at": null, "subject": null, "skip": true }))
        .await
        .is(200);
    assert_eq!(
        (&back["at"], &back["state"]),
        (&json!("2026-03-06T09:00:00Z"), &json!("SKIPPED"))
    );
    let wrong = json!({ "at": "soon", "templateId": "none" });
    assert_eq!(program.patch(&path, &wrong).await.refused(), ["at", "templateId"]);
    program
        .patch(
            &format!("/campaigns/{id}/occurrences/2026-03-07T09:00:00Z"),
            &body,
        )
        .await
        .is(404);
    app.command(id, Command::Cancel).await;
    program.patch(&path, &body).await.is(409);
}
