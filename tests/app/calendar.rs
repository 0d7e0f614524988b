//! The calendar: what it shows, moving, conflicts, and the feed.

use crate::support::TestApp;
use crate::support::sending::Plan;
use chrono::{DateTime, TimeDelta, Utc};
use fairway::domain::Role;
use sea_orm::ConnectionTrait as _;
use serde_json::json;

impl TestApp {
    /// A campaign with this name that waits for a time, so many days and hours after the start.
    async fn waiting(&self, segment: i64, name: &str, days: i64, hours: i64) -> i64 {
        let at = crate::support::start() + TimeDelta::days(days) + TimeDelta::hours(hours);
        let plan = Plan {
            at: Some(at),
            ..Plan::to(segment)
        };
        let campaign = self.campaign(plan).await;
        self.execute(&format!(
            "UPDATE campaigns SET name = '{name}', timezone = 'UTC' WHERE id = {campaign}"
        ))
        .await;
        campaign
    }

    async fn time_of(&self, campaign: i64) -> DateTime<Utc> {
        self.campaign_row(campaign).await.scheduled_at.unwrap().0
    }
}

/// The text of one day of the calendar.
fn day<'a>(page: &'a str, date: &str) -> &'a str {
    let start = page
        .find(&format!("data-day=\"{date}\""))
        .unwrap_or_else(|| panic!("{date} in {page}"));
    let end = page[start..].find("</td>").unwrap();
    &page[start..start + end]
}

#[tokio::test]
async fn a_month_shows_what_was_sent_what_waits_and_what_repeats() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    app.execute("UPDATE segments SET name = 'Our golfers'").await;
    let sent = app.campaign(Plan::to(segment)).await;
    app.work().await;
    app.execute(&format!(
        "UPDATE campaigns SET name = 'Was sent' WHERE id = {sent}"
    ))
    .await;
    app.waiting(segment, "Spring cup", 8, 3).await;
    let weekly = app.waiting(segment, "The weekly", 1, 0).await;
    let rule = json!({"rule": "FREQ=WEEKLY;BYDAY=TH", "start": "2026-03-03T09:30"});
    app.execute(&format!(
        "UPDATE campaigns SET kind = 'RECURRING', status = 'ACTIVE', recurrence = '{rule}' WHERE id = {weekly}"
    ))
    .await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page("/calendar").await;
    assert!(page.contains("March 2026"), "{page}");
    let today = day(&page, "2026-03-02");
    assert!(
        today.contains("Was sent") && today.contains("Sent, Our golfers"),
        "{today}"
    );
    let tenth = day(&page, "2026-03-10");
    assert!(
        tenth.contains("11:00") && tenth.contains("Spring cup") && tenth.contains("Scheduled"),
        "{tenth}"
    );
    assert!(!tenth.contains("draggable"), "a viewer moves nothing");
    for thursday in ["2026-03-05", "2026-03-12", "2026-04-02"] {
        let text = day(&page, thursday);
        assert!(
            text.contains("The weekly") && text.contains("09:30") && text.contains("To come"),
            "{text}"
        );
    }
    let week = staff.page("/calendar?week=2026-03-12").await;
    assert!(
        week.contains("9 Mar – 15 Mar 2026") && week.contains("Spring cup"),
        "{week}"
    );
    let before = staff
        .hx_get("/calendar?month=2026-01")
        .await
        .text()
        .await
        .unwrap();
    assert!(
        before.contains("Nothing in this month") && !before.contains("<html"),
        "{before}"
    );
}

#[tokio::test]
async fn what_was_skipped_or_missed_is_struck_through_and_says_why() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    let weekly = app.waiting(segment, "The weekly", 1, 0).await;
    let rule = json!({"rule": "FREQ=WEEKLY;BYDAY=TH", "start": "2026-02-05T09:30"});
    app.execute(&format!(
        "UPDATE campaigns SET kind = 'RECURRING', status = 'ACTIVE', recurrence = '{rule}' WHERE id = {weekly}"
    ))
    .await;
    for (day, state, reason) in [
        ("2026-02-26", "MISSED", "Fairway was not running."),
        ("2026-03-12", "SKIPPED", "Staff skipped it."),
    ] {
        let at: DateTime<Utc> = format!("{day}T09:30:00Z").parse().unwrap();
        app.execute(&format!(
            "INSERT INTO occurrences (campaign_id, original, state, reason, updated_at) \
             VALUES ({weekly}, {}, '{state}', '{reason}', 0)",
            at.timestamp_millis()
        ))
        .await;
    }
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page("/calendar").await;
    for (date, said) in [
        ("2026-02-26", "Missed: Fairway was not running."),
        ("2026-03-12", "Skipped: Staff skipped it."),
    ] {
        let text = day(&page, date);
        assert!(
            text.contains("<s>The weekly</s>") && text.contains("09:30"),
            "{text}"
        );
        assert!(text.contains(said), "{text}");
        assert!(!text.contains("To come"), "{text}");
    }
    assert!(!day(&page, "2026-03-05").contains("<s>"));
    // It is nothing that a segment gets.
    app.waiting(segment, "One", 8, 0).await;
    app.waiting(segment, "Two", 9, 0).await;
    assert!(!staff.page("/calendar").await.contains("mails in the week"));
    // What was skipped of a campaign that is over was never to come.
    app.execute(&format!(
        "UPDATE campaigns SET status = 'CANCELLED' WHERE id = {weekly}"
    ))
    .await;
    let page = staff.page("/calendar").await;
    assert!(day(&page, "2026-02-26").contains("<s>The weekly</s>"));
    assert!(!day(&page, "2026-03-12").contains("The weekly"));
}

#[tokio::test]
async fn days_are_the_clubs() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    // 23:00 UTC on the 4th is the 5th in Johannesburg.
    app.waiting(segment, "Late", 2, 15).await;
    let program = app.program(Role::Admin).await;
    program
        .put("/settings", &json!({"timezone": "Africa/Johannesburg"}))
        .await
        .is(200);
    let page = app.sign_in_as(Role::Viewer).await.page("/calendar").await;
    assert!(day(&page, "2026-03-05").contains("01:00"), "{page}");
    assert!(page.contains("Africa/Johannesburg"));
}

#[tokio::test]
async fn a_scheduled_campaign_is_dragged_to_another_day_at_the_same_time() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    let campaign = app.waiting(segment, "Spring cup", 8, 3).await;
    let id = campaign.to_string();
    let staff = app.sign_in_as(Role::Manager).await;
    let page = staff.page("/calendar").await;
    assert!(day(&page, "2026-03-10").contains("draggable=\"true\""));
    let drop = |date: &'static str, revision: &'static str, shown: &'static str| {
        vec![
            ("campaign", id.as_str()),
            ("revision", revision),
            ("date", date),
            ("shown", shown),
            ("month", "2026-03"),
        ]
    };
    let moved = staff
        .hx_post("/calendar/move", &drop("2026-03-13", "1", "2026-03-10"))
        .await;
    assert_eq!(moved.status(), 200);
    let part = moved.text().await.unwrap();
    assert!(day(&part, "2026-03-13").contains("Spring cup"), "{part}");
    assert!(
        part.contains("“Spring cup” is sent Fri 13 Mar 2026, 11:00 (UTC)."),
        "{part}"
    );
    assert_eq!(
        app.time_of(campaign).await.to_rfc3339(),
        "2026-03-13T11:00:00+00:00"
    );
    let late = staff
        .hx_post("/calendar/move", &drop("2026-03-14", "1", "2026-03-13"))
        .await;
    assert_eq!(late.status(), 409, "somebody was quicker");
    let past = staff
        .hx_post("/calendar/move", &drop("2026-03-01", "2", "2026-03-13"))
        .await;
    assert_eq!(past.status(), 422);
    assert!(past.text().await.unwrap().contains("class=\"toast\""));
    assert_eq!(
        app.time_of(campaign).await.to_rfc3339(),
        "2026-03-13T11:00:00+00:00"
    );
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert_eq!(
        viewer
            .hx_post("/calendar/move", &drop("2026-03-14", "2", "2026-03-13"))
            .await
            .status(),
        403
    );
    app.execute("UPDATE campaigns SET status = 'CANCELLED'").await;
    assert_eq!(
        staff
            .hx_post("/calendar/move", &drop("2026-03-14", "2", "2026-03-13"))
            .await
            .status(),
        409
    );
}

#[tokio::test]
async fn the_form_moves_without_a_mouse_and_says_why_not() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    let campaign = app.waiting(segment, "Spring cup", 8, 3).await;
    let id = campaign.to_string();
    let staff = app.sign_in_as(Role::Manager).await;
    let page = staff
        .page(&format!("/calendar/move?campaign={id}&month=2026-03&week="))
        .await;
    assert!(
        page.contains("value=\"2026-03-10\"") && page.contains("value=\"11:00\""),
        "{page}"
    );
    let fields = |date: &'static str, time: &'static str| {
        vec![
            ("campaign", id.as_str()),
            ("revision", "1"),
            ("month", "2026-03"),
            ("date", date),
            ("time", time),
        ]
    };
    let refused = staff.post("/calendar/move", &fields("2026-02-01", "09:00")).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert!(
        page.contains("value=\"2026-02-01\"") && page.contains("class=\"error\""),
        "{page}"
    );
    let moved = staff.post("/calendar/move", &fields("2026-04-01", "09:00")).await;
    assert_eq!(moved.status(), 303);
    assert_eq!(moved.headers()["location"], "/calendar?month=2026-03");
    assert_eq!(
        app.time_of(campaign).await.to_rfc3339(),
        "2026-04-01T09:00:00+00:00"
    );
}

#[tokio::test]
async fn a_segment_that_gets_three_mails_in_a_week_is_named() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    app.waiting(segment, "One", 8, 0).await;
    app.waiting(segment, "Two", 9, 0).await;
    let staff = app.sign_in_as(Role::Viewer).await;
    assert!(!staff.page("/calendar").await.contains("mails in the week"));
    let third = app.waiting(segment, "Three", 13, 0).await;
    let page = staff.page("/calendar").await;
    assert!(
        page.contains("“Everyone” gets 3 mails in the week of 9 March: One, Two, Three."),
        "{page}"
    );
    assert!(page.contains("exactly the same segment"));
    app.execute(&format!(
        "UPDATE campaigns SET purpose = 'TRANSACTIONAL' WHERE id = {third}"
    ))
    .await;
    assert!(!staff.page("/calendar").await.contains("mails in the week"));
}

#[tokio::test]
async fn the_feed_is_read_by_a_secret_that_can_be_renewed_and_revoked() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    app.waiting(segment, "Spring cup, and more", 8, 3).await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let make = async || {
        let page = staff.post("/profile/calendar", &[]).await.text().await.unwrap();
        let start = page.find("/calendar/").unwrap();
        let end = page[start..].find('"').unwrap();
        page[start..start + end].to_owned()
    };
    let first = make().await;
    assert!(first.ends_with(".ics"), "{first}");
    let answer = app.get(&first).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/calendar; charset=utf-8");
    let text = answer.text().await.unwrap();
    assert!(text.contains("SUMMARY:Spring cup\\, and more\r\n"), "{text}");
    assert!(text.contains("DTSTART:20260310T110000Z\r\n"), "{text}");
    assert!(
        !text.contains("Golfer") && !text.contains("person1"),
        "no names of people"
    );
    let second = make().await;
    assert_eq!(app.get(&first).await.status(), 404);
    assert_eq!(app.get(&second).await.status(), 200);
    assert!(
        !staff.page("/profile").await.contains(&second),
        "it is shown once"
    );
    let disable = |at: &'static str| {
        app.cx.db.sql(
            "UPDATE users SET disabled_at = $1 WHERE id = $2",
            [at.parse::<i64>().ok().into(), staff.user.id.into()],
        )
    };
    app.cx.db.execute_raw(disable("1")).await.unwrap();
    assert_eq!(app.get(&second).await.status(), 404);
    app.cx.db.execute_raw(disable("")).await.unwrap();
    assert_eq!(staff.post("/profile/calendar/revoke", &[]).await.status(), 303);
    assert_eq!(app.get(&second).await.status(), 404);
    assert_eq!(app.get("/calendar/nothing").await.status(), 404);
}
