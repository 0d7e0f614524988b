use super::*;
use crate::domain::segment::Person;
use chrono::TimeDelta;
use chrono_tz::Africa::Johannesburg;
use proptest::prelude::*;
use serde_json::json;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn trigger(json: Value) -> Trigger {
    Trigger::parse(&json).unwrap()
}

fn heard<'a>(name: &'a str, properties: &'a Value, occurred: &str) -> Heard<'a> {
    Heard {
        name,
        properties,
        occurred_at: at(occurred),
        received_at: at("2026-03-02T12:00:00Z"),
    }
}

#[test]
fn a_message_is_due_at_the_event_after_it_or_around_a_time_that_it_names() {
    let tee = json!({"tee_time": "2026-03-07T09:10:00+02:00", "day": "2026-03-07", "wall": "2026-03-07T09:10", "no": 7});
    #[rustfmt::skip]
    let cases = [
        (json!(null), "2026-03-02T12:00:00Z", Ok("2026-03-02T12:00:00Z")),
        (json!("PT30M"), "2026-03-02T11:59:00Z", Ok("2026-03-02T12:29:00Z")),
        (json!({"after": "P1D"}), "2026-03-02T12:00:00Z", Ok("2026-03-03T12:00:00Z")),
        (json!({"before": "P2D", "of": "event.tee_time"}), "2026-03-02T12:00:00Z", Ok("2026-03-05T07:10:00Z")),
        (json!({"after": "PT2H", "of": "event.tee_time"}), "2026-03-02T12:00:00Z", Ok("2026-03-07T09:10:00Z")),
        (json!({"after": "PT0M", "of": "event.tee_time"}), "2026-03-02T12:00:00Z", Ok("2026-03-07T07:10:00Z")),
        // A time on the wall is the club's, and a day is its morning.
        (json!({"before": "P2D", "of": "event.wall"}), "2026-03-02T12:00:00Z", Ok("2026-03-05T07:10:00Z")),
        (json!({"before": "P2D", "of": "event.day"}), "2026-03-02T12:00:00Z", Ok("2026-03-05T07:00:00Z")),
        // Late, but not too late; then too late.
        (json!(null), "2026-03-01T12:00:00Z", Ok("2026-03-01T12:00:00Z")),
        (json!(null), "2026-03-01T11:59:59Z", Err(Outcome::TooLate)),
        (json!("P2D"), "2026-03-01T11:59:59Z", Ok("2026-03-03T11:59:59Z")),
        (json!({"before": "P4DT18H", "of": "event.tee_time"}), "2026-03-02T12:00:00Z", Ok("2026-03-02T13:10:00Z")),
        (json!({"before": "P4DT20H", "of": "event.tee_time"}), "2026-03-02T12:00:00Z", Ok("2026-03-02T11:10:00Z")),
        (json!({"before": "P4DT21H", "of": "event.tee_time"}), "2026-03-02T12:00:00Z", Err(Outcome::TooLate)),
        (json!({"before": "P2D", "of": "event.no"}), "2026-03-02T12:00:00Z", Err(Outcome::NoTime)),
        (json!({"before": "P2D", "of": "event.none"}), "2026-03-02T12:00:00Z", Err(Outcome::NoTime)),
    ];
    for (delay, occurred, due) in cases {
        let trigger = trigger(json!({"event": "booking.confirmed", "delay": delay}));
        let event = heard("booking.confirmed", &tee, occurred);
        let found = trigger.due(&event, at("2026-03-02T12:00:00Z"), Johannesburg);
        assert_eq!(found.map_err(|missed| missed.outcome), due.map(at), "{delay}");
    }
}

#[test]
fn nothing_is_sent_before_a_time_that_is_past() {
    let trigger = trigger(json!({"event": "booking", "delay": {"before": "PT30M", "of": "event.tee_time"}}));
    let tee = json!({"tee_time": "2026-03-02T11:55:00Z"});
    let missed = trigger.due(
        &heard("booking", &tee, "2026-03-02T12:00:00Z"),
        at("2026-03-02T12:00:00Z"),
        Johannesburg,
    );
    let missed = missed.unwrap_err();
    assert_eq!(missed.outcome, Outcome::TooLate);
    assert_eq!(missed.sentence, "Its tee_time is past: 2 March 2026, 13:55.");
}

#[test]
fn an_event_calls_off_what_was_booked_under_the_same_number_and_no_later_booking() {
    let (b1, b2, none) = (json!({"id": "b1"}), json!({"id": "b2"}), json!({}));
    let by_id = CancelOn {
        event: "cancelled".into(),
        matching: vec!["id".into()],
    };
    let by_person = CancelOn {
        event: "cancelled".into(),
        matching: vec![],
    };
    let now = "2026-03-02T12:00:00Z";
    #[rustfmt::skip]
    let cases = [
        // What cancels, when; the event, when.
        (&by_id, ("cancelled", &b1, "2026-03-02T11:00:00Z"), (&b1, "2026-03-02T10:00:00Z"), true),
        (&by_id, ("cancelled", &b1, "2026-03-02T11:00:00Z"), (&b1, "2026-03-02T11:00:00Z"), true),
        (&by_id, ("cancelled", &b2, "2026-03-02T11:00:00Z"), (&b1, "2026-03-02T10:00:00Z"), false),
        (&by_id, ("moved", &b1, "2026-03-02T11:00:00Z"), (&b1, "2026-03-02T10:00:00Z"), false),
        (&by_id, ("cancelled", &none, "2026-03-02T11:00:00Z"), (&none, "2026-03-02T10:00:00Z"), false),
        // Booked again under the same number.
        (&by_id, ("cancelled", &b1, "2026-03-02T10:00:00Z"), (&b1, "2026-03-02T11:00:00Z"), false),
        // In the wrong order, and nobody said when it was booked.
        (&by_id, ("cancelled", &b1, "2026-03-02T10:00:00Z"), (&b1, now), true),
        (&by_person, ("cancelled", &b2, "2026-03-02T11:00:00Z"), (&b1, "2026-03-02T10:00:00Z"), true),
        (&by_person, ("cancelled", &b1, "2026-03-02T10:00:00Z"), (&b1, now), false),
    ];
    for (rule, (name, properties, occurred), (booked, when), expected) in cases {
        let undone = rule.undoes(
            &heard(name, properties, occurred),
            &heard("booking", booked, when),
        );
        assert_eq!(
            undone, expected,
            "{name} {properties} {occurred} after {booked} {when}"
        );
    }
}

#[test]
fn a_person_gets_it_as_often_as_the_campaign_allows() {
    let due = at("2026-03-10T12:00:00Z");
    let (week_before, day_before, day_after) = (
        due - TimeDelta::days(7),
        due - TimeDelta::days(1),
        due + TimeDelta::days(1),
    );
    let per_week = Repeat::OncePer(Span::days(7));
    for (repeat, others, expected) in [
        (Repeat::EveryEvent, vec![day_before, due], true),
        (Repeat::Once, vec![], true),
        (Repeat::Once, vec![week_before], false),
        (per_week, vec![], true),
        (per_week, vec![week_before], true),
        (per_week, vec![week_before, day_before], false),
        (per_week, vec![day_after], false),
    ] {
        assert_eq!(
            repeat.allows(due, &others, Johannesburg),
            expected,
            "{repeat:?} {others:?}"
        );
    }
}

#[test]
fn a_trigger_survives_being_written_and_read() {
    for json in [
        json!({"event": "booking.confirmed", "repeat": "EVERY_EVENT"}),
        json!({"event": "booking.confirmed", "delay": {"after": "PT30M"}, "repeat": "ONCE"}),
        json!({
            "event": "booking.confirmed",
            "where": {"all": [
                {"field": "event.players", "op": "gte", "value": 2},
                {"field": "contact.tags", "op": "has", "value": "member"},
            ]},
            "delay": {"before": "P2D", "of": "event.tee_time"},
            "cancelOn": {"event": "booking.cancelled", "match": ["booking_id"]},
            "repeat": {"oncePer": "P7D"},
        }),
    ] {
        assert_eq!(trigger(json.clone()).to_json(), json);
    }
    let short = trigger(
        json!({"event": "a", "condition": {"field": "event.b", "op": "exists"}, "delay": "PT30M", "cancelOn": "c"}),
    );
    assert_eq!(
        short.to_json(),
        json!({"event": "a", "where": {"field": "event.b", "op": "exists"}, "delay": {"after": "PT30M"},
               "cancelOn": {"event": "c", "match": []}, "repeat": "EVERY_EVENT"})
    );
}

#[test]
fn everything_that_is_wrong_with_a_trigger_is_said_under_its_field() {
    let wrong = json!({
        "event": "a b",
        "where": {"all": [{"field": "event.x", "op": "like"}, {"field": "nope", "op": "eq", "value": 1}]},
        "delay": {"before": "soon"},
        "cancelOn": {"event": "", "match": ["a b", "fine"]},
        "repeat": {"oncePer": "P0D"},
        "goal": {},
        "until": 1,
    });
    let fields: Vec<_> = Trigger::parse(&wrong)
        .unwrap_err()
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(
        fields,
        [
            "trigger",
            "trigger",
            "trigger.event",
            "trigger.where.all[0]",
            "trigger.where.all[1]",
            "trigger.delay.before",
            "trigger.delay.of",
            "trigger.cancelOn.event",
            "trigger.cancelOn.match",
            "trigger.repeat.oncePer",
        ]
    );
    for (json, field) in [
        (json!("booking"), "trigger"),
        (json!({"event": "a", "delay": 7}), "trigger.delay"),
        (json!({"event": "a", "delay": {"of": "event.x"}}), "trigger.delay"),
        (
            json!({"event": "a", "delay": {"after": "P1D", "of": "tee_time"}}),
            "trigger.delay.of",
        ),
        (json!({"event": "a", "cancelOn": "a"}), "trigger.cancelOn.event"),
        (
            json!({"event": "a", "cancelOn": {"event": "b", "match": "id"}}),
            "trigger.cancelOn.match",
        ),
        (json!({"event": "a", "repeat": "TWICE"}), "trigger.repeat"),
        (json!({"event": "a", "where": []}), "trigger.where"),
    ] {
        let mistakes = Trigger::parse(&json).unwrap_err();
        assert_eq!(
            mistakes.first().map(|(field, _)| field.as_str()),
            Some(field),
            "{json}"
        );
    }
}

#[test]
fn a_trigger_is_said_in_words() {
    let json = json!({
        "event": "booking.confirmed",
        "where": {"field": "event.players", "op": "gte", "value": 2},
        "delay": {"before": "P2D", "of": "event.tee_time"},
        "cancelOn": {"event": "booking.cancelled", "match": ["booking_id"]},
        "repeat": {"oncePer": "P7D"},
    });
    assert_eq!(
        trigger(json).words(),
        "When booking.confirmed is reported where players is at least 2, 2 days before tee_time, at most once in \
         a week for each person. Called off by booking.cancelled with the same booking_id."
    );
}

fn spans() -> impl Strategy<Value = Span> {
    (0..=LONGEST_DAYS, 0_u32..1440).prop_map(|(days, minutes)| Span { days, minutes })
}

proptest! {
    #[test]
    fn what_is_due_is_never_past_for_longer_than_the_limits(span in spans(), minutes in -600_000_i64..600_000, is_before: bool) {
        let now = at("2026-03-02T12:00:00Z");
        let named = now + TimeDelta::minutes(minutes);
        let properties = json!({ "t": named.to_rfc3339() });
        let word = if is_before { "before" } else { "after" };
        let trigger = trigger(json!({"event": "a", "delay": {word: span.iso(), "of": "event.t"}}));
        match trigger.due(&heard("a", &properties, "2026-03-02T12:00:00Z"), now, Johannesburg) {
            Ok(due) => {
                prop_assert!(now - due <= LATE_FOR_PROPERTY);
                let is_on_its_side = if is_before { due <= named } else { due >= named };
                prop_assert!(is_on_its_side);
            }
            Err(missed) => prop_assert_eq!(missed.outcome, Outcome::TooLate),
        }
    }

    #[test]
    fn no_two_messages_of_one_person_are_closer_than_the_period(
        days in 1_u32..30,
        dues in proptest::collection::vec(0_i64..200_000, 1..40),
    ) {
        let span = Span::days(days);
        let mut given: Vec<DateTime<Utc>> = Vec::new();
        for minutes in dues {
            let due = at("2026-03-02T12:00:00Z") + TimeDelta::minutes(minutes);
            if Repeat::OncePer(span).allows(due, &given, Johannesburg) {
                given.push(due);
            }
        }
        given.sort();
        for pair in given.windows(2) {
            prop_assert!(pair[1] - pair[0] >= TimeDelta::days(days.into()));
        }
    }
}

#[test]
fn everything_about_the_person_decides_in_this_order() {
    let person = Person {
        key: None,
        email: None,
        phone: None,
        first_name: "Anna".into(),
        last_name: String::new(),
        timezone: None,
        locale: None,
        tags: ["member".to_owned()].into(),
        attributes: Default::default(),
        consents: Default::default(),
        topic_opt_outs: Default::default(),
        engagement: Default::default(),
        lists: Default::default(),
        campaigns: Default::default(),
        created_at: at("2026-01-01T00:00:00Z"),
        updated_at: at("2026-01-01T00:00:00Z"),
    };
    let now = at("2026-03-02T12:00:00Z");
    let fine = Facts {
        person: Some(&person),
        is_in_segment: true,
        others: &[],
        is_called_off: false,
    };
    let others = [now];
    let members = json!({"event": "b", "where": {"field": "contact.tags", "op": "has", "value": "member"}, "repeat": "ONCE"});
    let juniors = json!({"event": "b", "where": {"field": "contact.tags", "op": "has", "value": "junior"}});
    let not = |outcome| Verdict::Not(outcome, None);
    #[rustfmt::skip]
    let cases = [
        (&members, fine.clone(), Verdict::Send(now)),
        (&members, Facts { person: None, ..fine.clone() }, not(Outcome::UnknownContact)),
        (&juniors, fine.clone(), not(Outcome::ConditionNotMet)),
        (&members, Facts { is_in_segment: false, ..fine.clone() }, not(Outcome::NotInSegment)),
        (&members, Facts { is_called_off: true, others: &others, ..fine.clone() }, not(Outcome::CalledOff)),
        (&members, Facts { others: &others, ..fine.clone() }, not(Outcome::AlreadyHad)),
    ];
    for (json, facts, expected) in cases {
        let properties = json!({});
        let event = heard("b", &properties, "2026-03-02T12:00:00Z");
        let verdict = trigger(json.clone()).decide(&event, &facts, now, Johannesburg);
        assert_eq!(verdict, expected, "{json} {facts:?}");
    }
}
