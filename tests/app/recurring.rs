//! Campaigns that repeat: each occurrence a run, never early, never twice, never a burst.

use crate::support::TestApp;
use chrono::{DateTime, TimeDelta, Utc};
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::campaigns::draft::Changes;
use fairway::domain::campaign::Command;
use fairway::domain::{Role, RunState, Status};
use fairway::reports::campaign_stats;
use fairway::scheduler;
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
