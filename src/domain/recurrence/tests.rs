//! Repetitions as lists of instants, against properties, and against a reckoning of another kind
//! in every zone there is.

use super::json::parse_day;
use super::*;
use chrono::{Datelike as _, Days, Offset as _, Weekday};
use proptest::prelude::*;
use serde_json::json;

fn recurrence(rule: &str, start: &str) -> Recurrence {
    Recurrence::parse(&json!({ "rule": rule, "start": start })).unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    format!("{text}:00Z").parse().unwrap()
}

/// The first times from the start on, in UTC.
fn list(rule: &str, start: &str, zone: &str, number: usize) -> Vec<String> {
    let found = recurrence(rule, start);
    let before = found.start.unwrap().and_utc() - TimeDelta::days(3);
    found
        .after(before, zone.parse().unwrap())
        .take(number)
        .map(|found| found.at.format("%Y-%m-%dT%H:%M").to_string())
        .collect()
}

#[test]
fn nine_o_clock_stays_nine_o_clock_across_daylight_saving() {
    for (zone, rule, start, instants) in [
        (
            "Europe/London",
            "FREQ=WEEKLY;BYDAY=TU,FR",
            "2026-03-24T09:00",
            [
                "2026-03-24T09:00",
                "2026-03-27T09:00",
                "2026-03-31T08:00",
                "2026-04-03T08:00",
            ],
        ),
        (
            "America/New_York",
            "FREQ=WEEKLY;BYDAY=SU",
            "2026-10-25T09:00",
            [
                "2026-10-25T13:00",
                "2026-11-01T14:00",
                "2026-11-08T14:00",
                "2026-11-15T14:00",
            ],
        ),
        (
            // Half an hour.
            "Australia/Lord_Howe",
            "FREQ=DAILY",
            "2026-10-03T09:00",
            [
                "2026-10-02T22:30",
                "2026-10-03T22:00",
                "2026-10-04T22:00",
                "2026-10-05T22:00",
            ],
        ),
        (
            // Iran gave daylight saving up in 2022.
            "Asia/Tehran",
            "FREQ=MONTHLY;BYMONTHDAY=22",
            "2022-02-22T09:00",
            [
                "2022-02-22T05:30",
                "2022-03-22T04:30",
                "2022-04-22T04:30",
                "2022-05-22T04:30",
            ],
        ),
        (
            "Asia/Kolkata",
            "FREQ=MONTHLY;BYDAY=1MO",
            "2026-01-01T09:00",
            [
                "2026-01-05T03:30",
                "2026-02-02T03:30",
                "2026-03-02T03:30",
                "2026-04-06T03:30",
            ],
        ),
    ] {
        assert_eq!(list(rule, start, zone, 4), instants, "{zone} {rule}");
    }
}

#[test]
fn a_time_that_the_clocks_skip_moves_and_one_that_they_show_twice_happens_once() {
    for (zone, rule, start, instants) in [
        (
            // 01:30 is skipped on the 29th: the clocks show 02:00 at 01:00 UTC.
            "Europe/London",
            "FREQ=DAILY",
            "2026-03-28T01:30",
            ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
        ),
        (
            // 01:30 happens at 00:30 and at 01:30 UTC on the 25th.
            "Europe/London",
            "FREQ=DAILY",
            "2026-10-24T01:30",
            ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"],
        ),
        (
            "Australia/Lord_Howe",
            "FREQ=DAILY",
            "2026-10-03T02:15",
            ["2026-10-02T15:45", "2026-10-03T15:30", "2026-10-04T15:15"],
        ),
        (
            // Egypt skips the first hour of a Friday: midnight is 01:00.
            "Africa/Cairo",
            "FREQ=DAILY",
            "2026-04-23T00:00",
            ["2026-04-22T22:00", "2026-04-23T22:00", "2026-04-24T21:00"],
        ),
        (
            // Samoa had no 30 December 2011 at all. What was planned for it moves to the end of
            // the gap, and the day after has its own.
            "Pacific/Apia",
            "FREQ=DAILY",
            "2011-12-29T09:00",
            ["2011-12-29T19:00", "2011-12-30T10:00", "2011-12-30T19:00"],
        ),
    ] {
        assert_eq!(list(rule, start, zone, 3), instants, "{zone} {rule}");
    }
    // Both are skipped to the same moment, which is one time and not two.
    assert_eq!(
        list(
            "FREQ=DAILY;BYHOUR=2;BYMINUTE=15,45",
            "2026-03-29T00:00",
            "Europe/Berlin",
            3
        ),
        ["2026-03-29T01:00", "2026-03-30T00:15", "2026-03-30T00:45"]
    );
}

#[test]
fn rules_mean_what_rfc_5545_says() {
    for (rule, start, days) in [
        (
            "FREQ=MONTHLY;BYDAY=1MO",
            "2026-01-06T09:00",
            "2026-02-02 2026-03-02 2026-04-06",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "2026-01-01T09:00",
            "2026-01-31 2026-02-28 2026-03-31",
        ),
        (
            "FREQ=MONTHLY;BYDAY=-1FR",
            "2026-01-01T09:00",
            "2026-01-30 2026-02-27 2026-03-27",
        ),
        // Months without the 31st have none.
        (
            "FREQ=MONTHLY",
            "2026-01-31T09:00",
            "2026-01-31 2026-03-31 2026-05-31",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=15",
            "2026-01-20T09:00",
            "2026-04-15 2026-07-15 2026-10-15",
        ),
        (
            "FREQ=DAILY;INTERVAL=10",
            "2026-01-25T09:00",
            "2026-01-25 2026-02-04 2026-02-14",
        ),
        (
            "FREQ=DAILY;BYDAY=SA,SU",
            "2026-01-05T09:00",
            "2026-01-10 2026-01-11 2026-01-17",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2",
            "2026-01-06T09:00",
            "2026-01-06 2026-01-20 2026-02-03",
        ),
        // The example of RFC 5545 §3.3.10: what a week begins with matters.
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "1997-08-05T09:00",
            "1997-08-05 1997-08-10 1997-08-19 1997-08-24",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "1997-08-05T09:00",
            "1997-08-05 1997-08-17 1997-08-19 1997-08-31",
        ),
        // The last weekday of the month that is no weekend.
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "2026-01-01T09:00",
            "2026-01-30 2026-02-27 2026-03-31",
        ),
        (
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            "2026-01-01T09:00",
            "2026-11-26 2027-11-25 2028-11-23",
        ),
        (
            "FREQ=YEARLY",
            "2028-02-29T09:00",
            "2028-02-29 2032-02-29 2036-02-29",
        ),
        (
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "2026-01-01T09:00",
            "2026-02-13 2026-03-13 2026-11-13",
        ),
        (
            "FREQ=DAILY;UNTIL=20260103",
            "2026-01-01T09:00",
            "2026-01-01 2026-01-02 2026-01-03",
        ),
        (
            "FREQ=DAILY;UNTIL=20260103T085959Z",
            "2026-01-01T09:00",
            "2026-01-01 2026-01-02",
        ),
        ("FREQ=DAILY;COUNT=2", "2026-01-01T09:00", "2026-01-01 2026-01-02"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-01-01T09:00", ""),
    ] {
        let number = days.split_whitespace().count().max(3);
        let found: Vec<_> = list(rule, start, "UTC", number + 1)
            .iter()
            .map(|at| at[..10].to_owned())
            .take(days.split_whitespace().count().max(1))
            .collect();
        assert_eq!(found.join(" "), days, "{rule}");
    }
    // A count and a last day are the end.
    assert_eq!(list("FREQ=DAILY;COUNT=2", "2026-01-01T09:00", "UTC", 9).len(), 2);
    assert_eq!(
        list("FREQ=DAILY;UNTIL=20260103", "2026-01-01T09:00", "UTC", 9).len(),
        3
    );
}

#[test]
fn exceptions_are_days_on_the_wall_and_count_towards_the_count() {
    let mut weekly = recurrence("FREQ=WEEKLY;BYDAY=WE;COUNT=4", "2026-12-02T09:00");
    weekly.exceptions.insert(parse_day("2026-12-16").unwrap());
    // In Auckland it is the 16th already when it is the 15th in UTC.
    let zone = chrono_tz::Pacific::Auckland;
    let found: Vec<_> = weekly
        .after(utc("2026-01-01T00:00"), zone)
        .map(|found| found.local.date().to_string())
        .collect();
    assert_eq!(found, ["2026-12-02", "2026-12-09", "2026-12-23"]);
}

#[test]
fn a_repetition_is_said_in_words() {
    for (rule, words) in [
        ("FREQ=WEEKLY;BYDAY=TU,FR", "Every Tuesday and Friday at 09:00"),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
            "Every 2 weeks on Tuesday at 09:00",
        ),
        ("FREQ=DAILY", "Every day at 09:00"),
        (
            "FREQ=DAILY;INTERVAL=3;COUNT=5",
            "Every 3 days at 09:00, 5 times in all",
        ),
        (
            "FREQ=MONTHLY;BYDAY=1MO",
            "On the first Monday of every month at 09:00",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "On the last day of every month at 09:00",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=1,15",
            "On the 1st and 15th of every 2 months at 09:00",
        ),
        (
            "FREQ=WEEKLY;BYDAY=MO;UNTIL=20261231",
            "Every Monday at 09:00, until 31 December 2026",
        ),
        ("FREQ=DAILY;BYHOUR=8,17", "Every day at 08:00 and 17:00"),
        (
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=3",
            "By the rule FREQ=YEARLY;BYMONTH=11;BYDAY=4TH at 09:00, 3 times in all",
        ),
    ] {
        assert_eq!(recurrence(rule, "2026-01-01T09:00").words(), words);
    }
}

#[test]
fn json_is_read_and_written_and_slips_are_named_under_their_fields() {
    let whole = json!({
        "rule": "FREQ=WEEKLY;BYDAY=TU,FR", "start": "2026-06-02T09:00",
        "exceptions": ["2026-12-16"], "grace": "PT6H",
    });
    assert_eq!(Recurrence::parse(&whole).unwrap().to_json(), whole);
    let short = Recurrence::parse(
        &json!({ "rule": "rrule:freq=weekly;byday=tu", "until": "2026-12-31", "grace": null }),
    )
    .unwrap();
    assert_eq!(short.rule.text(), "FREQ=WEEKLY;BYDAY=TU;UNTIL=20261231");
    assert_eq!((short.start, short.grace), (None, USUAL_GRACE));
    assert_eq!(short.next_after(utc("2026-01-01T00:00"), Tz::UTC), None);
    for (wrong, fields) in [
        (json!("weekly"), "recurrence"),
        (json!({}), "recurrence.rule"),
        (json!({ "rule": "FREQ=HOURLY" }), "recurrence.rule"),
        (json!({ "rule": "FREQ=WEEKLY;BYDAY=1TU" }), "recurrence.rule"),
        (json!({ "rule": "FREQ=WEEKLY;BYMONTHDAY=1" }), "recurrence.rule"),
        (json!({ "rule": "FREQ=MONTHLY;BYDAY=6MO" }), "recurrence.rule"),
        (json!({ "rule": "FREQ=MONTHLY;BYDAY=+MO" }), "recurrence.rule"),
        (json!({ "rule": "FREQ=MONTHLY;BYDAY=é" }), "recurrence.rule"),
        (json!({ "rule": "FREQ=MONTHLY;BYMONTHDAY=0" }), "recurrence.rule"),
        (json!({ "rule": "FREQ=DAILY;INTERVAL=0" }), "recurrence.rule"),
        (json!({ "rule": "FREQ=DAILY;FREQ=DAILY" }), "recurrence.rule"),
        (json!({ "rule": "BYDAY=TU" }), "recurrence.rule"),
        (
            json!({ "rule": "FREQ=DAILY;COUNT=3;UNTIL=20261231" }),
            "recurrence.rule",
        ),
        (json!({ "rule": "FREQ=DAILY;UNTIL=tomorrow" }), "recurrence.rule"),
        (
            json!({ "rule": "FREQ=DAILY", "start": "2026-06-02T09:00Z", "exceptions": ["16.12."], "grace": "P30D" }),
            "recurrence.start recurrence.exceptions recurrence.grace",
        ),
        (
            json!({ "rule": "FREQ=DAILY", "until": "soon", "bymonth": 3 }),
            "recurrence recurrence.until",
        ),
    ] {
        let problems = Recurrence::parse(&wrong).unwrap_err();
        let found: Vec<_> = problems.iter().map(|(field, _)| *field).collect();
        assert_eq!(found.join(" "), fields, "{wrong}");
        assert!(problems.iter().all(|(_, text)| text.len() > 10));
    }
}

/// The first moment at which the clocks of a zone show a day and time or later, found by looking
/// at the clocks every quarter of an hour. No offset or jump of the years since 2000 is finer.
fn looked_up(day: NaiveDate, hour: u32, minute: u32, zone: Tz) -> DateTime<Utc> {
    let asked = day.and_hms_opt(hour, minute, 0).unwrap();
    let mut at = asked.and_utc() - TimeDelta::minutes(15 * 60);
    while at.with_timezone(&zone).naive_local() < asked {
        at += TimeDelta::minutes(15);
    }
    at
}

#[test]
fn a_year_in_every_zone_is_what_looking_at_the_clocks_gives() {
    let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    for zone in chrono_tz::TZ_VARIANTS {
        let offset = |month| {
            let day = first.with_month(month).unwrap().and_hms_opt(12, 0, 0).unwrap();
            day.and_utc().with_timezone(&zone).offset().fix()
        };
        let has_saving = (1..=12).any(|month| offset(month) != offset(1));
        // Where clocks change, every day, at an hour in which they do; else twice a week.
        let (rule, wants): (_, fn(Weekday) -> bool) = match has_saving {
            true => ("FREQ=DAILY", |_| true),
            false => ("FREQ=WEEKLY;BYDAY=TU,FR", |day| {
                matches!(day, Weekday::Tue | Weekday::Fri)
            }),
        };
        for (hour, minute) in [(2, 30), (0, 15)] {
            let found = recurrence(rule, &format!("2026-01-01T{hour:02}:{minute:02}"));
            let found: Vec<_> = found
                .after(utc("2025-12-20T00:00"), zone)
                .take_while(|found| found.local.year() == 2026)
                .map(|found| found.at)
                .collect();
            let reckoned: Vec<_> = (0..365)
                .map(|number| first + Days::new(number))
                .filter(|day| wants(day.weekday()))
                .map(|day| looked_up(day, hour, minute, zone))
                .collect();
            assert_eq!(found, reckoned, "{zone} {hour}:{minute}");
        }
    }
}

fn zones() -> impl Strategy<Value = Tz> {
    (0..chrono_tz::TZ_VARIANTS.len()).prop_map(|index| chrono_tz::TZ_VARIANTS[index])
}

fn rules() -> impl Strategy<Value = String> {
    let end = prop_oneof![
        4 => Just(String::new()),
        1 => (1_u32..40).prop_map(|count| format!(";COUNT={count}")),
        1 => (1_u32..13, 1_u32..29).prop_map(|(month, day)| format!(";UNTIL=2027{month:02}{day:02}")),
    ];
    let times = prop_oneof![
        3 => Just(String::new()),
        1 => Just(";BYHOUR=0,2,23;BYMINUTE=0,30".to_owned()),
    ];
    let parts = prop_oneof![
        Just("FREQ=DAILY".to_owned()),
        Just("FREQ=WEEKLY".to_owned()),
        Just("FREQ=WEEKLY;BYDAY=SU,TU,FR".to_owned()),
        Just("FREQ=WEEKLY;BYDAY=MO;WKST=SU".to_owned()),
        (-31_i32..32)
            .prop_filter("no day 0", |day| *day != 0)
            .prop_map(|day| format!("FREQ=MONTHLY;BYMONTHDAY={day}")),
        (1_i32..6).prop_map(|nth| format!("FREQ=MONTHLY;BYDAY={nth}SU,-{nth}WE")),
        Just("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1".to_owned()),
        Just("FREQ=YEARLY".to_owned()),
        Just("FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU".to_owned()),
    ];
    (parts, 1_u32..6, times, end)
        .prop_map(|(parts, interval, times, end)| format!("{parts};INTERVAL={interval}{times}{end}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn occurrences_come_in_order_never_early_never_twice_and_each_can_be_found_from_before(
        zone in zones(),
        rule in rules(),
        start in 0_i64..60 * 24 * 700,
        from in 0_i64..60 * 24 * 1200,
    ) {
        let start = utc("2025-06-01T00:00").naive_utc() + TimeDelta::minutes(start);
        let found = recurrence(&rule, &super::json::write_start(start));
        let beginning = start.and_utc() - TimeDelta::days(3);
        let all: Vec<_> = found.after(beginning, zone).take(60).collect();
        for pair in all.windows(2) {
            prop_assert!(pair[0].at < pair[1].at, "{pair:?}");
            prop_assert!(pair[0].local < pair[1].local);
        }
        for occurrence in &all {
            prop_assert!(occurrence.local >= start);
            let shown = occurrence.at.with_timezone(&zone).naive_local();
            prop_assert!(shown >= occurrence.local, "early: {occurrence:?}");
            if shown != occurrence.local {
                // Only what the clocks skip moves, and to no later than it must.
                let before = (occurrence.at - TimeDelta::seconds(1)).with_timezone(&zone).naive_local();
                prop_assert!(before < occurrence.local);
            }
            prop_assert!(found.is_at(occurrence.at, zone));
        }
        // A jump into the middle finds what counting from the start finds.
        let from = beginning + TimeDelta::minutes(from);
        let counted: Vec<_> = found.after(beginning, zone).take(2000).filter(|one| one.at > from).take(5).collect();
        let jumped: Vec<_> = found.after(from, zone).take(counted.len()).collect();
        prop_assert_eq!(counted, jumped);
    }

    #[test]
    fn whatever_is_written_as_a_rule_is_read_or_refused(text in "(FREQ|COUNT|BYDAY|UNTIL|BYMONTHDAY|BYHOUR|;|=|,|-|[0-9A-Zé]){0,12}") {
        if let Ok(rule) = Rule::parse(&text) {
            prop_assert_eq!(Rule::parse(rule.text()).unwrap(), rule);
        }
    }
}
