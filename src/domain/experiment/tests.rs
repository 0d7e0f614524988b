use super::*;
use proptest::prelude::*;

fn sample() -> Value {
    json!({
        "variants": [{}, {"subject": "Win a cup"}, {"senderName": "The captain", "templateId": 7, "delay": "PT2H"}],
        "share": 30,
        "winner": {"by": "CLICK", "after": "P1D"},
    })
}

#[test]
fn an_experiment_survives_being_written_and_read() {
    let experiment = Experiment::parse(&sample()).unwrap();
    assert_eq!(experiment.to_json(), sample());
    assert_eq!(
        experiment.words(),
        "A, B and C on 30 % of the audience; 1 day later the rest is sent the one with the best click rate"
    );
    let usual = Experiment::parse(&json!({"variants": [{}, {"subject": "B"}]})).unwrap();
    assert_eq!(
        (usual.share, usual.metric, usual.wait),
        (20, Metric::Open, Some(TimeDelta::hours(4)))
    );
    assert_eq!(
        (letter(1), number("c", 3), number("D", 3)),
        ("A".to_owned(), Some(3), None)
    );
}

#[test]
fn an_experiment_that_cannot_be_read_says_at_which_fields() {
    let cases = [
        (json!([]), "experiment"),
        (json!({"variants": [{}]}), "experiment.variants"),
        (json!({"variants": [{}, {}]}), "experiment.variants"),
        (json!({"variants": [{}, {"subject": " "}]}), "experiment.variants"),
        (
            json!({"variants": [{}, {"subject": "a"}, {"subject": "b"}, {"subject": "c"}, {"subject": "d"}, {"subject": "e"}]}),
            "experiment.variants",
        ),
        (
            json!({"variants": [{}, {"subject": "a\nb"}]}),
            "experiment.variants.1.subject",
        ),
        (
            json!({"variants": [{}, {"subject": 1}]}),
            "experiment.variants.1.subject",
        ),
        (
            json!({"variants": [{}, {"colour": "red"}]}),
            "experiment.variants.1",
        ),
        (
            json!({"variants": [{}, {"delay": "P9D"}]}),
            "experiment.variants.1.delay",
        ),
        (
            json!({"variants": [{}, {"subject": "b"}], "share": 0}),
            "experiment.share",
        ),
        (
            json!({"variants": [{}, {"subject": "b"}], "share": 0.2}),
            "experiment.share",
        ),
        (
            json!({"variants": [{}, {"subject": "b"}], "winner": {"by": "LUCK"}}),
            "experiment.winner.by",
        ),
        (
            json!({"variants": [{}, {"subject": "b"}], "winner": {"by": "OPEN", "after": "soon"}}),
            "experiment.winner.after",
        ),
    ];
    for (json, field) in cases {
        let wrong = Experiment::parse(&json).unwrap_err();
        assert!(wrong.iter().any(|(at, _)| at == field), "{json}: {wrong:?}");
    }
}

fn experiment(variants: usize, share: u32) -> Experiment {
    Experiment {
        variants: (0..variants)
            .map(|index| Variant {
                subject: Some(index.to_string()),
                ..Variant::default()
            })
            .collect(),
        share,
        metric: Metric::Open,
        wait: None,
    }
}

#[test]
fn the_parts_are_about_as_large_as_asked_for_and_differ_from_run_to_run() {
    for run in 1..20 {
        let split = Split::of(&experiment(4, 40), run);
        let mut sizes = [0_i64; 5];
        for contact in 1..=20_000 {
            sizes[usize::try_from(split.variant(contact)).unwrap()] += 1;
        }
        assert!((sizes[0] - 12_000).abs() < 400, "run {run}: {sizes:?}");
        for size in &sizes[1..] {
            assert!((size - 2_000).abs() < 250, "run {run}: {sizes:?}");
        }
    }
    let of = |run| -> Vec<i32> {
        let split = Split::of(&experiment(2, 100), run);
        (1..100).map(|contact| split.variant(contact)).collect()
    };
    assert_ne!(of(1), of(2));
}

/// The examples that the method was published with, to four places.
#[test]
fn differences_have_the_published_intervals() {
    #[rustfmt::skip]
    let cases = [
        ((56, 70), (48, 80),  0.0524, 0.3339),
        ((9, 10),  (3, 10),   0.1705, 0.8090),
        ((6, 7),   (2, 7),    0.0582, 0.8062),
        ((5, 56),  (0, 29),  -0.0381, 0.1926),
        ((0, 10),  (0, 20),  -0.1611, 0.2775),
        ((0, 10),  (0, 10),  -0.2775, 0.2775),
        ((10, 10), (0, 20),   0.6791, 1.0),
        ((10, 10), (0, 10),   0.6075, 1.0),
    ];
    let cell = |(hits, people)| Cell { people, hits };
    for (one, other, low, high) in cases {
        let found = compare(cell(one), cell(other)).unwrap();
        let is_near = |found: f64, said: f64| (found - said).abs() < 0.000_06;
        assert!(
            is_near(found.low, low) && is_near(found.high, high),
            "{one:?} {other:?}: {found:?}"
        );
    }
    assert_eq!(compare(cell((0, 0)), cell((1, 2))), None);
}

#[test]
fn the_winner_is_chosen_and_the_choice_explained() {
    let cell = |(hits, people)| Cell { people, hits };
    let cases = [
        (
            vec![(60, 200), (90, 200)],
            2,
            "B had the best open rate, 45.0 % against 30.0 % of A. The difference is beyond chance.",
        ),
        (
            vec![(60, 200), (62, 200)],
            2,
            "B had the best open rate, 31.0 % against 30.0 % of A. The difference is within chance.",
        ),
        (
            vec![(60, 200), (60, 200), (10, 200)],
            1,
            "A and B had the same open rate, 30.0 %. The rest is sent A, the first of them.",
        ),
        (
            vec![(0, 200), (0, 200)],
            1,
            "Nobody opened, so the rest is sent A, the first.",
        ),
        (
            vec![(0, 0), (0, 0)],
            1,
            "The test reached nobody, so the rest is sent A, the first.",
        ),
        (
            vec![(0, 0), (1, 5)],
            2,
            "B had the best open rate, 20.0 % against 0.0 % of A. The difference is within chance. With so few people that says little.",
        ),
    ];
    for (cells, variant, why) in cases {
        let cells: Vec<_> = cells.into_iter().map(cell).collect();
        let choice = choose(Metric::Open, &cells);
        assert_eq!((choice.variant, choice.why.as_str()), (variant, why));
    }
}

proptest! {
    #[test]
    fn everybody_is_in_exactly_one_part_and_stays_there(
        contact in 1_i64..i64::MAX,
        run in 1_i64..i64::MAX,
        variants in 2_usize..=5,
        share in 1_u32..=100,
    ) {
        let experiment = experiment(variants, share);
        let variant = Split::of(&experiment, run).variant(contact);
        prop_assert!((0..=i32::try_from(variants).unwrap()).contains(&variant));
        prop_assert!(share < 100 || variant > 0);
        prop_assert_eq!(Split::of(&experiment, run).variant(contact), variant);
    }

    #[test]
    fn a_difference_lies_within_its_interval_and_turned_round_is_its_negative(
        m in 1_i64..5000, n in 1_i64..5000, a in 0.0_f64..=1.0, b in 0.0_f64..=1.0,
    ) {
        let cell = |people: i64, part: f64| Cell { people, hits: (people as f64 * part) as i64 };
        let (one, other) = (cell(m, a), cell(n, b));
        let found = compare(one, other).unwrap();
        prop_assert!(found.low <= found.value && found.value <= found.high);
        prop_assert!(found.low >= -1.000_001 && found.high <= 1.000_001);
        let turned = compare(other, one).unwrap();
        prop_assert!((turned.low + found.high).abs() < 1e-9 && (turned.high + found.low).abs() < 1e-9);
    }
}
