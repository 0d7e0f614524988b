//! Tables of cases, and walks of random journeys.

use super::*;
use crate::domain::AttributeKind;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::json;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn known() -> Known {
    Known {
        templates: [
            ("welcome".to_owned(), Channel::Email),
            ("offer".to_owned(), Channel::Email),
            ("ping".to_owned(), Channel::Sms),
        ]
        .into(),
        segments: ["golfers".to_owned()].into(),
        attributes: [
            ("level".to_owned(), AttributeKind::Text),
            ("birthday".to_owned(), AttributeKind::Date),
        ]
        .into(),
        has_segment: true,
        has_goal: true,
    }
}

fn welcome() -> Value {
    json!({
        "entry": {"by": "SEGMENT", "existing": true},
        "reentry": "NEVER",
        "exit": {"onGoal": true, "onLeavingSegment": false},
        "steps": [
            {"id": "hello", "kind": "message", "channel": "EMAIL", "template": "welcome", "next": "pause"},
            {"id": "pause", "kind": "wait", "for": "P3D", "next": "opened"},
            {"id": "opened", "kind": "branch", "if": {"message": "hello", "did": "OPENED"}, "yes": "offer", "no": "again"},
            {"id": "again", "kind": "until", "weekdays": ["TUESDAY"], "at": "09:00", "next": "offer"},
            {"id": "offer", "kind": "message", "channel": "EMAIL", "template": "offer", "next": "booked"},
            {"id": "booked", "kind": "await", "event": "booking.confirmed", "atMost": "P7D", "next": "thanks", "otherwise": "lot"},
            {"id": "thanks", "kind": "tag", "add": ["booked"], "remove": [], "next": "level"},
            {"id": "level", "kind": "attribute", "name": "level", "value": "gold", "next": "tell"},
            {"id": "tell", "kind": "webhook", "url": "https://club.example/hook", "next": "end"},
            {"id": "lot", "kind": "split", "ways": [{"weight": 30, "next": "end"}, {"weight": 70, "next": "tell"}]},
            {"id": "end", "kind": "end"},
        ],
    })
}

fn parsed(json: &Value) -> Journey {
    Journey::parse(json).unwrap()
}

/// A journey of these steps, into which staff put people.
fn of(steps: Value) -> Journey {
    parsed(&json!({"steps": steps}))
}

#[test]
fn a_journey_survives_being_written_and_read() {
    let journey = parsed(&welcome());
    assert_eq!(journey.to_json(), welcome());
    assert_eq!(journey.validate(&known()), []);
    for (entry, reentry) in [
        (json!({"by": "STAFF"}), json!("ALWAYS")),
        (
            json!({"by": "EVENT", "event": "member.joined", "where": {"field": "event.kind", "op": "eq", "value": "full"}}),
            json!({"after": "P30D"}),
        ),
        (
            json!({"by": "DATE", "attribute": "birthday", "yearly": true, "days": -14, "at": "08:30"}),
            json!("ALWAYS"),
        ),
    ] {
        let mut json = welcome();
        json["entry"] = entry;
        json["reentry"] = reentry;
        assert_eq!(parsed(&json).to_json(), json);
    }
}

#[test]
fn what_cannot_be_read_is_said_all_at_once_with_its_step() {
    let json = json!({
        "entry": {"by": "MOON"},
        "reentry": "SOMETIMES",
        "colour": "green",
        "steps": [
            {"id": "A", "kind": "end"},
            {"id": "a", "kind": "dance"},
            {"id": "b", "kind": "wait", "for": "soon", "next": "c"},
            {"id": "c", "kind": "wait", "for": "P1D", "then": "d"},
            {"id": "d", "kind": "branch", "if": {"moon": 1}, "yes": "a", "no": "b"},
            {"id": "e", "kind": "split", "ways": [{"weight": "half"}]},
        ],
    });
    let paths: Vec<_> = Journey::parse(&json)
        .unwrap_err()
        .iter()
        .map(Problem::path)
        .collect();
    assert_eq!(
        paths,
        [
            "journey",
            "journey.entry",
            "journey.reentry",
            "journey.steps",
            "journey.steps.a.kind",
            "journey.steps.b.for",
            "journey.steps.c",
            "journey.steps.d.if",
            "journey.steps.e.ways",
        ]
    );
    assert!(Journey::parse(&json!([])).is_err());
}

#[test]
fn everything_that_would_go_wrong_is_said_at_its_step() {
    let wait = |next: &str| json!({"id": "w", "kind": "wait", "for": "P1D", "next": next});
    let end = || json!({"id": "end", "kind": "end"});
    #[rustfmt::skip]
    let cases = [
        (json!([]), vec!["journey.steps"]),
        (json!([{"id": "w", "kind": "wait", "for": "P1D"}]), vec!["journey.steps.w.next"]),
        (json!([wait("moon")]), vec!["journey.steps.w.next"]),
        (json!([wait("end"), end(), {"id": "x", "kind": "end"}]), vec!["journey.steps.x"]),
        (json!([wait("w")]), vec![]),
        (json!([wait("w"), wait("w")]), vec!["journey.steps.w.id"]),
        (json!([{"id": "t", "kind": "tag", "add": ["a"], "next": "t"}]), vec!["journey.steps.t"]),
        (json!([{"id": "t", "kind": "tag", "add": ["a"], "remove": ["a"], "next": "end"}, end()]), vec!["journey.steps.t.remove"]),
        (json!([{"id": "t", "kind": "tag", "next": "end"}, end()]), vec!["journey.steps.t.add"]),
        (json!([{"id": "m", "kind": "message", "template": "lost", "next": "end"}, end()]), vec!["journey.steps.m.template"]),
        (json!([{"id": "m", "kind": "message", "template": "ping", "next": "end"}, end()]), vec!["journey.steps.m.template"]),
        (json!([{"id": "s", "kind": "split", "ways": [{"weight": 50, "next": "end"}, {"weight": 49, "next": "end"}]}, end()]), vec!["journey.steps.s.ways"]),
        (json!([{"id": "s", "kind": "split", "ways": [{"weight": 100, "next": "end"}]}, end()]), vec!["journey.steps.s.ways"]),
        (json!([{"id": "b", "kind": "branch", "if": {"segment": "moon"}, "yes": "end", "no": "end"}, end()]), vec!["journey.steps.b.if"]),
        (json!([{"id": "b", "kind": "branch", "if": {"message": "m", "did": "OPENED"}, "yes": "m", "no": "end"}, {"id": "m", "kind": "message", "template": "welcome", "next": "end"}, end()]), vec!["journey.steps.b.if"]),
        (json!([{"id": "b", "kind": "branch", "if": {"message": "end", "did": "OPENED"}, "yes": "end", "no": "end"}, end()]), vec!["journey.steps.b.if"]),
        (json!([{"id": "h", "kind": "webhook", "url": "ftp://club.example", "next": "end"}, end()]), vec!["journey.steps.h.url"]),
        (json!([{"id": "h", "kind": "webhook", "url": "https://user:pw@club.example", "next": "end"}, end()]), vec!["journey.steps.h.url"]),
        (json!([{"id": "a", "kind": "await", "event": "a b", "atMost": "P1D", "next": "end", "otherwise": "end"}, end()]), vec!["journey.steps.a.event"]),
    ];
    for (steps, expected) in cases {
        let paths: Vec<_> = of(steps.clone())
            .validate(&known())
            .iter()
            .map(Problem::path)
            .collect();
        assert_eq!(paths, expected, "{steps}");
    }
    let nothing = Known::default();
    let mut json = welcome();
    json["exit"]["onLeavingSegment"] = json!(true);
    let fields: Vec<_> = parsed(&json)
        .validate(&nothing)
        .iter()
        .filter(|p| p.step.is_none())
        .map(|p| p.field)
        .collect();
    assert_eq!(fields, ["entry", "exit", "exit"]);
}

fn step_from(journey: &Journey, step: &str, arrived: &str, facts: Facts<'_>) -> String {
    let position = Position {
        enrollment: 7,
        step,
        arrived: at(arrived),
    };
    match journey.next(&position, &facts) {
        Action::Stay(until) => format!(
            "stay {}",
            until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        ),
        Action::Go(to) => format!("go {to}"),
        Action::Send { template, to, .. } => format!("send {template} {to}"),
        Action::Change(to) => format!("change {to}"),
        Action::Call(url) => format!("call {url}"),
        Action::End => "end".into(),
        Action::Lost => "lost".into(),
    }
}

#[test]
fn each_step_does_what_it_says() {
    let journey = parsed(&welcome());
    let event = json!({});
    let zone: Tz = "Europe/London".parse().unwrap();
    let facts = |now: &str| Facts::at(at(now), zone, &event);
    let monday = "2026-03-02T08:00:00Z";
    #[rustfmt::skip]
    let cases = [
        ("hello", monday, facts(monday), "send welcome pause"),
        ("pause", monday, facts(monday), "stay 2026-03-05T08:00:00Z"),
        ("pause", monday, facts("2026-03-05T08:00:00Z"), "go opened"),
        // Over the change to summer time the hour on the wall stays.
        ("pause", "2026-03-28T08:00:00Z", facts("2026-03-28T08:00:00Z"), "stay 2026-03-31T07:00:00Z"),
        ("opened", monday, Facts { did: &[Did::Sent, Did::Opened], ..facts(monday) }, "go offer"),
        ("opened", monday, Facts { did: &[Did::Sent], ..facts(monday) }, "go again"),
        ("again", monday, facts(monday), "stay 2026-03-03T09:00:00Z"),
        ("again", "2026-03-03T09:00:00Z", facts("2026-03-03T09:00:00Z"), "stay 2026-03-10T09:00:00Z"),
        ("again", "2026-03-28T09:00:00Z", facts(monday), "stay 2026-03-31T08:00:00Z"),
        ("booked", monday, facts(monday), "stay 2026-03-09T08:00:00Z"),
        ("booked", monday, Facts { has_come: true, ..facts(monday) }, "go thanks"),
        ("booked", monday, facts("2026-03-09T08:00:00Z"), "go lot"),
        ("thanks", monday, facts(monday), "change level"),
        ("tell", monday, facts(monday), "call https://club.example/hook"),
        ("tell", monday, Facts { called: Some(Outcome::Done), ..facts(monday) }, "go end"),
        ("tell", monday, Facts { called: Some(Outcome::Failed), ..facts(monday) }, "go end"),
        ("end", monday, facts(monday), "end"),
        ("moon", monday, facts(monday), "lost"),
    ];
    for (step, arrived, facts, expected) in cases {
        assert_eq!(step_from(&journey, step, arrived, facts), expected, "{step}");
    }
}

#[test]
fn a_split_draws_each_person_once_and_all_by_the_weights() {
    let journey = of(json!([
        {"id": "lot", "kind": "split", "ways": [{"weight": 10, "next": "a"}, {"weight": 20, "next": "b"}, {"weight": 70, "next": "c"}]},
        {"id": "a", "kind": "end"}, {"id": "b", "kind": "end"}, {"id": "c", "kind": "end"},
    ]));
    let event = json!({});
    let mut drawn = std::collections::BTreeMap::<String, i64>::new();
    for enrollment in 1..=20_000 {
        let position = Position {
            enrollment,
            step: "lot",
            arrived: at("2026-03-02T08:00:00Z"),
        };
        let go = |now: &str| journey.next(&position, &Facts::at(at(now), chrono_tz::UTC, &event));
        assert_eq!(go("2026-03-02T08:00:00Z"), go("2027-01-01T00:00:00Z"));
        let Action::Go(to) = go("2026-03-02T08:00:00Z") else {
            panic!("not drawn")
        };
        *drawn.entry(to.to_owned()).or_default() += 1;
    }
    for (way, expected) in [("a", 2_000), ("b", 4_000), ("c", 14_000)] {
        assert!((drawn[way] - expected).abs() < 300, "{drawn:?}");
    }
}

#[test]
fn a_birthday_on_29_february_comes_on_the_28th_where_there_is_no_29th() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let on = |days: i32, yearly: bool| OnDate {
        attribute: "birthday".into(),
        yearly,
        days,
        at: NaiveTime::MIN,
    };
    for (days, date, today, is_due) in [
        (0, "1990-06-01", "2026-06-01", true),
        (0, "1990-06-01", "2026-06-02", false),
        (0, "1988-02-29", "2026-02-28", true),
        (0, "1988-02-29", "2026-03-01", false),
        (0, "1988-02-29", "2028-02-28", false),
        (0, "1988-02-29", "2028-02-29", true),
        (0, "1990-02-28", "2026-02-28", true),
        (-14, "1990-06-15", "2026-06-01", true),
        (3, "1990-12-30", "2027-01-02", true),
        (-1, "1990-01-01", "2025-12-31", true),
    ] {
        assert_eq!(
            on(days, true).is_due(day(date), day(today)),
            is_due,
            "{date} {today}"
        );
    }
    assert!(on(0, false).is_due(day("2026-06-01"), day("2026-06-01")));
    assert!(!on(0, false).is_due(day("2025-06-01"), day("2026-06-01")));
    assert_eq!(anniversary(day("1988-02-29"), 2026), Some(day("2026-02-28")));
}

#[test]
fn how_often_a_person_may_come_in() {
    let now = at("2026-03-31T08:00:00Z");
    let past = |times, is_inside, last: &str| Past {
        times,
        is_inside,
        last_entered: (times > 0).then(|| at(last)),
    };
    let after = Reentry::After(Span::parse("P30D").unwrap());
    for (rule, past, is_allowed) in [
        (Reentry::Never, past(0, false, ""), true),
        (Reentry::Never, past(1, false, "2020-01-01T00:00:00Z"), false),
        (Reentry::Always, past(4, false, "2026-03-31T07:59:00Z"), true),
        (Reentry::Always, past(1, true, "2026-03-31T07:59:00Z"), false),
        (after, past(1, false, "2026-03-01T08:00:00Z"), true),
        (after, past(1, false, "2026-03-01T08:00:01Z"), false),
        (after, past(1, true, "2020-01-01T00:00:00Z"), false),
    ] {
        assert_eq!(
            rule.allows(&past, now, chrono_tz::UTC),
            is_allowed,
            "{rule:?} {past:?}"
        );
    }
}

#[test]
fn the_tree_shows_where_ways_meet_and_refers_to_what_stands_elsewhere() {
    fn drawn(line: &Line<'_>) -> String {
        let nodes: Vec<_> = line
            .nodes
            .iter()
            .map(|node| {
                let lines: Vec<_> = node
                    .lines
                    .iter()
                    .map(|line| format!("{}: {}", line.label, drawn(line)))
                    .collect();
                match lines.is_empty() {
                    true => node.step.id.clone(),
                    false => format!("{}[{}]", node.step.id, lines.join(" | ")),
                }
            })
            .collect();
        let tail = match &line.tail {
            Tail::None => String::new(),
            Tail::Open => " ?".into(),
            Tail::Below => " v".into(),
            Tail::At(id) => format!(" @{id}"),
        };
        format!("{}{tail}", nodes.join(" "))
    }
    let journey = parsed(&welcome());
    let (main, lost) = journey.tree();
    assert_eq!(
        drawn(&main),
        "hello pause opened[Yes:  v | No: again v] offer \
         booked[When it comes: thanks level v | When it does not: lot[30 %:  @end | 70 %:  v]] tell[When it was taken: end]"
    );
    assert!(lost.is_empty());
    let circle = of(json!([
        {"id": "a", "kind": "wait", "for": "P1D", "next": "b"},
        {"id": "b", "kind": "branch", "if": {"segment": "golfers"}, "yes": "a"},
        {"id": "x", "kind": "end"},
    ]));
    let (main, lost) = circle.tree();
    assert_eq!(drawn(&main), "a b[Yes:  @a | No:  ?]");
    assert_eq!(lost.iter().map(drawn).collect::<Vec<_>>(), ["x"]);
}

#[test]
fn the_editor_inserts_moves_and_removes_without_losing_the_thread() {
    let mut journey = Journey::blank(Entry::Staff);
    let message = || Kind::Message {
        channel: Channel::Email,
        template: "welcome".into(),
    };
    let wait = || Kind::Wait(Span { days: 1, minutes: 0 });
    let first = journey.insert(None, message()).unwrap();
    assert_eq!(first, "message");
    journey.insert(Some(("message", 0)), wait()).unwrap();
    journey
        .insert(Some(("wait", 0)), Kind::Branch(Test::Segment("golfers".into())))
        .unwrap();
    let second = journey.insert(Some(("branch", 1)), message()).unwrap();
    assert_eq!(second, "message-2");
    assert_eq!(journey.validate(&known()), []);
    // Up and down within the line, and no further.
    journey.move_up("wait").unwrap();
    assert_eq!(journey.first().unwrap().id, "wait");
    assert_eq!(journey.validate(&known()), []);
    assert!(journey.move_up("wait").is_err());
    assert!(journey.move_down("message").is_err(), "a branch follows");
    journey.move_down("wait").unwrap();
    assert_eq!(journey.first().unwrap().id, "message");
    // The branch goes, and what only its second way led to.
    assert_eq!(journey.remove("branch", 0).unwrap(), ["branch", "message-2"]);
    assert_eq!(journey.remove("message", 0).unwrap(), ["message"]);
    let ids: Vec<_> = journey.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["wait", "end"]);
    assert_eq!(journey.validate(&known()), []);
    assert!(journey.remove("moon", 0).is_err());
    // A split gets a way more.
    journey.insert(None, Kind::Split(vec![50, 50])).unwrap();
    journey.change("split", Kind::Split(vec![40, 30, 30])).unwrap();
    assert_eq!(journey.validate(&known()), []);
}

#[test]
fn spans_are_iso_8601_durations() {
    for (text, days, minutes, written, words) in [
        ("P3D", 3, 0, "P3D", "3 days"),
        ("P1W", 7, 0, "P7D", "7 days"),
        ("PT1H", 0, 60, "PT1H", "1 hour"),
        ("PT30M", 0, 30, "PT30M", "30 minutes"),
        ("P1DT6H30M", 1, 390, "P1DT6H30M", "1 day, 6 hours and 30 minutes"),
    ] {
        let span = Span::parse(text).unwrap();
        assert_eq!((span.days, span.minutes), (days, minutes), "{text}");
        assert_eq!((span.iso().as_str(), span.words().as_str()), (written, words));
        let (number, unit) = span.parts();
        let again = Span::of(&number.to_string(), unit).unwrap();
        let zone = chrono_tz::UTC;
        let now = at("2026-03-02T08:00:00Z");
        assert_eq!(again.after(now, zone), span.after(now, zone), "{text}");
    }
    for text in ["", "P", "PT", "P0D", "P-1D", "3D", "P1M", "P731D", "PT1S", "P1DT"] {
        assert!(Span::parse(text).is_err(), "{text}");
    }
}

/// A step of some kind that leads to a later one; after a wait also back.
fn any_step(place: usize, number: usize) -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        Just(Kind::Message {
            channel: Channel::Email,
            template: "welcome".into()
        }),
        (1_u32..10).prop_map(|days| Kind::Wait(Span { days, minutes: 0 })),
        (0_u32..24).prop_map(|hour| Kind::Until {
            weekdays: vec![Weekday::Tue],
            at: NaiveTime::from_hms_opt(hour, 0, 0).unwrap(),
        }),
        Just(Kind::Await {
            event: "a".into(),
            condition: None,
            at_most: Span { days: 2, minutes: 0 }
        }),
        Just(Kind::Branch(Test::Segment("golfers".into()))),
        (1_u32..100).prop_map(|weight| Kind::Split(vec![weight, 100 - weight])),
        Just(Kind::Tag {
            add: vec!["a".into()],
            remove: Vec::new()
        }),
        Just(Kind::Webhook {
            url: "https://club.example".into()
        }),
        Just(Kind::End),
    ];
    (kind, proptest::collection::vec(0..1_000_usize, 2)).prop_map(move |(kind, to)| {
        let kind = if place + 1 == number { Kind::End } else { kind };
        let to = to
            .into_iter()
            .take(kind.ways().len())
            .map(|to| match kind.is_wait() {
                true => to % number,
                false => place + 1 + to % (number - place - 1),
            });
        Step {
            to: to.map(|to| Some(format!("s{to}"))).collect(),
            id: format!("s{place}"),
            kind,
        }
    })
}

fn any_journey() -> impl Strategy<Value = Journey> {
    (1_usize..12)
        .prop_flat_map(|number| {
            (0..number)
                .map(|place| any_step(place, number))
                .collect::<Vec<_>>()
        })
        .prop_map(|steps| {
            let mut journey = Journey {
                entry: Entry::Staff,
                reentry: Reentry::Never,
                exit: Exit::default(),
                steps,
            };
            let mut reached: std::collections::BTreeSet<String> =
                journey.reach("s0").into_iter().map(str::to_owned).collect();
            reached.insert("s0".into());
            journey.steps.retain(|step| reached.contains(&step.id));
            journey
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_walk_of_what_passed_always_comes_to_a_wait_or_an_end(
        journey in any_journey(),
        enrollment in 1_i64..1_000_000,
        second in 1_700_000_000_i64..1_900_000_000,
        answers in proptest::collection::vec(any::<bool>(), 64),
    ) {
        prop_assert_eq!(journey.validate(&known()), []);
        let now = DateTime::from_timestamp(second, 0).unwrap();
        let event = json!({});
        let mut answers = answers.into_iter().cycle();
        let mut step = journey.first().unwrap().id.clone();
        let (mut arrived, mut moves) = (now, 0);
        loop {
            prop_assert!(moves <= journey.steps.len(), "it walks without end");
            moves += 1;
            let answer = answers.next().unwrap();
            let called = matches!(journey.step(&step).unwrap().kind, Kind::Webhook { .. })
                .then_some(if answer { Outcome::Done } else { Outcome::Failed });
            let facts = Facts { holds: answer, called, ..Facts::at(now, chrono_tz::Europe::London, &event) };
            let position = Position { enrollment, step: &step, arrived };
            let action = journey.next(&position, &facts);
            prop_assert_eq!(&action, &journey.next(&position, &facts));
            let to = match action {
                Action::Stay(until) => {
                    prop_assert!(until > now && until <= now + TimeDelta::days(15));
                    break;
                }
                Action::End => break,
                Action::Go(to) | Action::Send { to, .. } | Action::Change(to) => to.to_owned(),
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            (step, arrived) = (to, now);
        }
    }

    #[test]
    fn the_tree_shows_every_step_once(journey in any_journey()) {
        fn ids<'a>(line: &Line<'a>, found: &mut Vec<&'a str>) {
            for node in &line.nodes {
                found.push(&node.step.id);
                for line in &node.lines {
                    ids(line, found);
                }
            }
        }
        let (main, lost) = journey.tree();
        let mut found = Vec::new();
        ids(&main, &mut found);
        lost.iter().for_each(|line| ids(line, &mut found));
        found.sort_unstable();
        let mut all: Vec<_> = journey.steps.iter().map(|step| step.id.as_str()).collect();
        all.sort_unstable();
        prop_assert_eq!(found, all);
    }

    #[test]
    fn what_is_written_is_read_again(journey in any_journey()) {
        prop_assert_eq!(Journey::parse(&journey.to_json()).unwrap(), journey);
    }

    #[test]
    fn editing_keeps_a_good_journey_good(journey in any_journey(), place in 0_usize..12, way in 0_usize..2, up in any::<bool>()) {
        let id = journey.steps[place % journey.steps.len()].id.clone();
        let mut moved = journey.clone();
        let done = if up { moved.move_up(&id) } else { moved.move_down(&id) };
        if done.is_ok() {
            prop_assert!(moved.validate(&known()).iter().all(|p| p.text.starts_with("People would go round")));
            prop_assert_eq!(moved.steps.len(), journey.steps.len());
        }
        let mut more = journey.clone();
        if more.insert(Some((&id, way)), Kind::Tag { add: vec!["x".into()], remove: Vec::new() }).is_ok() {
            prop_assert_eq!(more.validate(&known()), []);
        }
    }
}

#[test]
fn messages_with_no_wait_between_them_are_warned_of() {
    let warned = |journey: &Journey| -> Vec<(String, String)> {
        let warnings = journey.warnings().into_iter();
        warnings
            .map(|warning| (warning.step.unwrap_or_default(), warning.text))
            .collect()
    };
    assert_eq!(warned(&parsed(&welcome())), []);
    let at_once = of(json!([
        {"id": "one", "kind": "message", "channel": "EMAIL", "template": "welcome", "next": "two"},
        {"id": "two", "kind": "message", "channel": "SMS", "template": "ping", "next": "mark"},
        {"id": "mark", "kind": "tag", "add": ["a"], "remove": [], "next": "lot"},
        {"id": "lot", "kind": "split", "ways": [{"weight": 50, "next": "three"}, {"weight": 50, "next": "pause"}]},
        {"id": "pause", "kind": "wait", "for": "P1D", "next": "three"},
        {"id": "three", "kind": "message", "channel": "EMAIL", "template": "offer", "next": "end"},
        {"id": "end", "kind": "end"},
    ]));
    let text = |next: &str| format!("This and “{next}” go out at once: put a wait between them.");
    assert_eq!(
        warned(&at_once),
        [("one".to_owned(), text("two")), ("two".to_owned(), text("three"))]
    );
    assert!(at_once.validate(&known()).is_empty(), "a warning keeps nothing");
}
