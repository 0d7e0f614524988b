use super::*;
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn nightly(from: &str, to: &str) -> Manners {
    Manners {
        quiet_hours: [(Channel::Email, Hours::parse(from, to).unwrap())].into(),
        ..Manners::default()
    }
}

fn holiday(date: &str, name: &str) -> Holiday {
    Holiday {
        date: date.parse().unwrap(),
        name: name.into(),
    }
}

#[test]
fn nothing_goes_out_in_the_quiet_hours_of_where_the_person_is() {
    #[rustfmt::skip]
    let cases = [
        // zone, hours, asked, goes out
        ("Europe/London",    "21:00", "08:00", "2026-03-02T12:00:00Z", "2026-03-02T12:00:00Z"),
        ("Europe/London",    "21:00", "08:00", "2026-03-02T21:00:00Z", "2026-03-03T08:00:00Z"),
        ("Europe/London",    "21:00", "08:00", "2026-03-02T20:59:59Z", "2026-03-02T20:59:59Z"),
        ("Europe/London",    "21:00", "08:00", "2026-03-02T07:59:59Z", "2026-03-02T08:00:00Z"),
        ("Europe/London",    "21:00", "08:00", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z"),
        ("America/New_York", "21:00", "08:00", "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"),
        ("Asia/Tokyo",       "21:00", "08:00", "2026-03-02T12:00:00Z", "2026-03-02T23:00:00Z"),
        // Within a day.
        ("Europe/London",    "12:00", "14:00", "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z"),
        ("Europe/London",    "12:00", "14:00", "2026-03-02T11:59:00Z", "2026-03-02T11:59:00Z"),
        // The night of 29 March 2026 is an hour shorter in London, that of 25 October one longer.
        ("Europe/London",    "21:00", "08:00", "2026-03-28T22:00:00Z", "2026-03-29T07:00:00Z"),
        ("Europe/London",    "21:00", "08:00", "2026-10-24T22:00:00Z", "2026-10-25T08:00:00Z"),
        // An end that the clocks jump over, and one that they show twice.
        ("Europe/Berlin",    "21:00", "02:30", "2026-03-28T22:00:00Z", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin",    "21:00", "02:30", "2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z"),
        ("Europe/Berlin",    "21:00", "02:30", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"),
    ];
    for (zone, from, to, asked, goes) in cases {
        let next = nightly(from, to).next_open(Channel::Email, zone.parse().unwrap(), at(asked));
        assert_eq!(next, at(goes), "{zone} {from}–{to} {asked}");
    }
    let sms = nightly("21:00", "08:00").next_open(Channel::Sms, Tz::UTC, at("2026-03-02T23:00:00Z"));
    assert_eq!(sms, at("2026-03-02T23:00:00Z"), "each channel has its own");
}

#[test]
fn nothing_goes_out_on_a_holiday_where_the_person_is() {
    let mut manners = nightly("21:00", "08:00");
    manners.holidays = vec![
        holiday("2026-12-25", "Christmas Day"),
        holiday("2026-12-26", "Boxing Day"),
    ];
    let next = |manners: &Manners, zone: &str, asked| {
        manners.next_open(Channel::Email, zone.parse().unwrap(), at(asked))
    };
    for (zone, asked, goes) in [
        ("Europe/London", "2026-12-25T12:00:00Z", "2026-12-27T08:00:00Z"),
        ("Europe/London", "2026-12-24T22:00:00Z", "2026-12-27T08:00:00Z"),
        ("Europe/London", "2026-12-24T20:00:00Z", "2026-12-24T20:00:00Z"),
        // In Auckland it is the 25th already.
        ("Pacific/Auckland", "2026-12-24T20:00:00Z", "2026-12-26T19:00:00Z"),
    ] {
        assert_eq!(next(&manners, zone, asked), at(goes), "{zone} {asked}");
    }
    manners.rest_on_holidays = false;
    assert_eq!(
        next(&manners, "Europe/London", "2026-12-25T12:00:00Z"),
        at("2026-12-25T12:00:00Z")
    );
}

#[test]
fn manners_are_read_from_json_and_what_is_wrong_is_named() {
    let json = serde_json::json!({
        "holdSeconds": 0,
        "quietHours": {"EMAIL": {"from": "21:00", "to": "08:00"}, "SMS": null},
        "holidays": [{"date": "2026-12-26"}, {"date": "2026-12-25", "name": " Christmas Day "}],
        "restOnHolidays": false,
        "frequencyCaps": {"EMAIL": {"most": 3, "days": 7}},
    });
    let manners: Manners = serde_json::from_value(json).unwrap();
    let manners = manners.checked().unwrap();
    assert_eq!(manners.quiet_hours.len(), 1);
    assert_eq!(manners.holidays[0], holiday("2026-12-25", "Christmas Day"));
    assert_eq!(manners.cap(Channel::Email), Some(Cap { most: 3, days: 7 }));
    let again: Manners = serde_json::from_value(serde_json::to_value(&manners).unwrap()).unwrap();
    assert_eq!(again, manners);
    for wrong in [
        serde_json::json!({"quietHours": {"EMAIL": {"from": "9", "to": "08:00"}}}),
        serde_json::json!({"quietHours": {"EMAIL": {"from": "08:00", "to": "08:00"}}}),
        serde_json::json!({"quietHours": {"EMAIL": {"from": "08:00", "to": "08:20"}}}),
        serde_json::json!({"quietHours": {"PIGEON": {"from": "21:00", "to": "08:00"}}}),
        serde_json::json!({"silence": true}),
    ] {
        assert!(
            serde_json::from_value::<Manners>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
    let refused = |change: fn(&mut Manners)| {
        let mut manners = Manners::default();
        change(&mut manners);
        manners.checked().unwrap_err()[0].0.clone()
    };
    assert_eq!(refused(|manners| manners.hold_seconds = 301), "holdSeconds");
    assert_eq!(
        refused(|manners| {
            manners
                .frequency_caps
                .insert(Channel::Email, Cap { most: 0, days: 7 });
        }),
        "frequencyCaps.EMAIL"
    );
    assert_eq!(
        refused(|manners| manners.holidays = vec![holiday("2026-12-25", &"x".repeat(101))]),
        "holidays"
    );
}

#[test]
fn a_spread_waits_through_the_night_and_goes_on_where_it_was() {
    let manners = nightly("21:00", "08:00");
    let plan = Plan::around(
        &manners,
        Channel::Email,
        chrono_tz::Europe::London,
        at("2026-03-02T19:00:00Z"),
        TimeDelta::hours(4),
    );
    for (minutes, due) in [
        (0, "2026-03-02T19:00:00Z"),
        (119, "2026-03-02T20:59:00Z"),
        (120, "2026-03-03T08:00:00Z"),
        (180, "2026-03-03T09:00:00Z"),
        (240, "2026-03-03T10:00:00Z"),
    ] {
        assert_eq!(plan.due(TimeDelta::minutes(minutes)), at(due), "{minutes}");
    }
    let at_once = Plan::around(
        &Manners::default(),
        Channel::Email,
        Tz::UTC,
        at("2026-03-02T19:00:00Z"),
        TimeDelta::zero(),
    );
    assert_eq!(at_once, Plan::at(at("2026-03-02T19:00:00Z")));
}

fn zones() -> impl Strategy<Value = Tz> {
    (0..chrono_tz::TZ_VARIANTS.len()).prop_map(|index| chrono_tz::TZ_VARIANTS[index])
}

fn some_manners() -> impl Strategy<Value = Manners> {
    (
        0_u32..24 * 60,
        120_u32..20 * 60,
        proptest::collection::vec(0_i64..10, 0..3),
    )
        .prop_map(|(from, length, days)| {
            let time = |minute: u32| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
            let mut manners = nightly(&time(from), &time(from + length));
            manners.holidays = days
                .into_iter()
                .map(|day| Holiday {
                    date: at("2026-03-27T00:00:00Z").date_naive() + TimeDelta::days(day),
                    name: String::new(),
                })
                .collect();
            manners
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_put_off_goes_out_at_the_first_minute_that_is_open(
        zone in zones(),
        manners in some_manners(),
        minute in 0_i64..14 * 24 * 60,
    ) {
        // Around the last Sunday of March, when clocks change in many zones.
        let asked = at("2026-03-22T00:00:00Z") + TimeDelta::minutes(minute);
        let next = manners.next_open(Channel::Email, zone, asked);
        prop_assert!(next >= asked);
        prop_assert_eq!(manners.quiet_until(Channel::Email, zone, next), None);
        let mut between = asked;
        while between < next {
            prop_assert!(manners.quiet_until(Channel::Email, zone, between).is_some());
            between += TimeDelta::minutes(7);
        }
    }

    #[test]
    fn a_spread_send_is_in_order_and_never_in_quiet_hours(
        zone in zones(),
        manners in some_manners(),
        minute in 0_i64..7 * 24 * 60,
        hours in 0_i64..72,
        parts in proptest::collection::vec(0_i64..1000, 1..20),
    ) {
        let begin = at("2026-03-25T00:00:00Z") + TimeDelta::minutes(minute);
        let span = TimeDelta::hours(hours);
        let plan = Plan::around(&manners, Channel::Email, zone, begin, span);
        let mut parts = parts;
        parts.sort_unstable();
        let due: Vec<_> = parts
            .iter()
            .map(|part| plan.due(TimeDelta::milliseconds(span.num_milliseconds() * part / 1000)))
            .collect();
        prop_assert!(due.is_sorted());
        prop_assert!(due.iter().all(|due| *due >= begin));
        for due in due {
            prop_assert_eq!(manners.quiet_until(Channel::Email, zone, due), None, "{}", due);
        }
    }
}
