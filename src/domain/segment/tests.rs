//! Case tables for rules: what is refused and where, what holds for whom.

use super::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn refusal(rule: Value) -> String {
    Rule::parse(&rule).unwrap_err().to_string()
}

#[test]
fn a_refusal_names_the_path() {
    let valid = || json!({"field": "email", "op": "exists"});
    for (rule, start) in [
        (json!([]), "A rule is an object"),
        (json!({"all": {}}), "“all” is a list of rules."),
        (
            json!({"all": [], "any": []}),
            "A group has “all” and nothing beside it.",
        ),
        (json!({"field": "email"}), "op: this is missing"),
        (json!({"op": "eq"}), "field: this is missing"),
        (
            json!({"field": 3, "op": "eq", "value": "x"}),
            "field: this is text",
        ),
        (
            json!({"field": "email", "op": "eq", "value": "x", "also": 1}),
            "“also” is not known here",
        ),
        (
            json!({"all": [valid(), {"field": "email", "op": "eq", "value": ""}]}),
            "all[1].value: this is empty",
        ),
        (
            json!({"any": [{"none": [valid(), valid(), {"field": "shoe", "op": "eq", "value": 1}]}]}),
            "any[0].none[2].field: “shoe” is no field",
        ),
        (
            json!({"field": "email", "op": "like", "value": "x"}),
            "op: “like” is no comparison",
        ),
        (
            json!({"field": "email", "op": "lt", "value": "x"}),
            "op: email does not take “lt”",
        ),
        (
            json!({"field": "tags", "op": "starts_with", "value": "x"}),
            "op: tags does not take",
        ),
        (
            json!({"field": "createdAt", "op": "exists"}),
            "op: createdAt does not take",
        ),
        (
            json!({"field": "email", "op": "in", "value": []}),
            "value: the list is empty",
        ),
        (
            json!({"field": "email", "op": "in", "value": ["a", 3, true]}),
            "value: value 3: ",
        ),
        (
            json!({"field": "email", "op": "eq", "value": "a\u{0}b"}),
            "value: this holds a line break",
        ),
        (
            json!({"field": "email", "op": "eq", "value": "a".repeat(501)}),
            "value: text has at most 500",
        ),
        (
            json!({"field": "email", "op": "exists", "value": "yes"}),
            "value: write true or false",
        ),
        (
            json!({"field": "attributes.h", "op": "lt", "value": "18"}),
            "value: write a number",
        ),
        (
            json!({"field": "attributes.h", "op": "in", "value": [1, "a"]}),
            "value: value 2: write a number",
        ),
        (
            json!({"field": "attributes.d", "op": "before", "value": "2026-02-30"}),
            "value: write a date",
        ),
        (
            json!({"field": "attributes.d", "op": "before", "value": "2026-3-1"}),
            "value: write a date",
        ),
        (
            json!({"field": "createdAt", "op": "after", "value": "soon"}),
            "value: write a date",
        ),
        (
            json!({"field": "createdAt", "op": "within_last", "value": "30 days"}),
            "value: write a duration",
        ),
        (
            json!({"field": "createdAt", "op": "within_last", "value": {"n": 3}}),
            "value: write {",
        ),
        (
            json!({"field": "createdAt", "op": "within_last", "value": "P0D"}),
            "value: write a number from 1",
        ),
        (
            json!({"field": "consents.EMAIL", "op": "eq", "value": "maybe"}),
            "value: write SUBSCRIBED",
        ),
        (
            json!({"field": "topics.news", "op": "eq", "value": "NONE"}),
            "value: write SUBSCRIBED or UNSUBSCRIBED",
        ),
    ] {
        let said = refusal(rule.clone());
        assert!(said.starts_with(start), "{rule}\n said: {said}\n not: {start}");
    }
}

#[test]
fn every_refusal_is_told_at_once() {
    let said = refusal(json!({"all": [
        {"field": "x", "op": "y"},
        {"field": "email", "op": "eq"},
    ]}));
    assert_eq!(said.matches("all[0].").count(), 2, "{said}");
    assert!(said.contains("all[1].value"), "{said}");
}

#[test]
fn a_rule_has_limits() {
    let condition = || json!({"field": "email", "op": "exists"});
    let nested = |depth: usize| (0..depth).fold(json!({"all": []}), |inner, _| json!({"all": [inner]}));
    assert!(Rule::parse(&nested(5)).is_ok());
    assert!(refusal(nested(6)).contains("at most 6 deep"));
    let many = |n: usize| json!({"all": vec![condition(); n]});
    assert!(Rule::parse(&many(100)).is_ok());
    assert!(refusal(many(101)).contains("at most 100 conditions"));
    assert!(refusal(json!({"all": vec![json!({"any": []}); 100]})).contains("at most 100 groups"));
    let list = |n: usize| json!({"field": "key", "op": "in", "value": vec!["x"; n]});
    assert!(Rule::parse(&list(1000)).is_ok());
    assert!(refusal(list(1001)).contains("at most 1000 values"));
    assert!(refusal(json!({"any": vec![list(1000); 11]})).contains("at most 10000 values"));
}

#[test]
fn a_rule_survives_its_json() {
    for rule in [
        json!({"all": []}),
        json!({"field": "attributes.handicap", "op": "lte", "value": 18}),
        json!({"field": "attributes.handicap", "op": "gt", "value": 18.5}),
        json!({"field": "createdAt", "op": "within_last", "value": "P6M"}),
        json!({"field": "createdAt", "op": "before", "value": "2026-03-01T09:00:00Z"}),
        json!({"none": [{"any": [{"field": "tags", "op": "in", "value": ["a", "b"]}]}]}),
    ] {
        assert_eq!(Rule::parse(&rule).unwrap().to_json(), rule);
    }
    // Aliases and shorthands are written in full.
    let long =
        Rule::parse(&json!({"field": "created_at", "op": "within_last", "value": {"n": 30, "unit": "days"}}));
    assert_eq!(
        long.unwrap().to_json(),
        json!({"field": "createdAt", "op": "within_last", "value": "P30D"})
    );
}

fn ada() -> Person {
    let at = |text: &str| text.parse().unwrap();
    Person {
        key: Some("M-17".into()),
        email: Some("ada@club.example".into()),
        phone: None,
        first_name: "Ada".into(),
        last_name: String::new(),
        timezone: Some("Europe/Dublin".into()),
        locale: Some("en-IE".into()),
        tags: BTreeSet::from(["vip".into(), "Ladies".into()]),
        attributes: json!({
            "handicap": 12.5, "course": "Links", "paid": true, "renewal": "2026-02-15", "gone": null, "empty": "",
            "odd": "2026-02-xx", "zero": 0,
        })
        .as_object()
        .unwrap()
        .clone(),
        consents: BTreeMap::from([(crate::domain::Channel::Email, crate::domain::ConsentStatus::Subscribed)]),
        topic_opt_outs: BTreeSet::from(["offers".into()]),
        lists: Default::default(),
        campaigns: Default::default(),
        engagement: BTreeMap::from([(
            Engagement::Opened,
            vec![at("2025-12-01T10:00:00Z"), at("2026-02-20T10:00:00Z")],
        )]),
        created_at: at("2026-02-10T23:30:00Z"),
        updated_at: at("2026-03-01T12:00:00Z"),
    }
}

/// Asks of Ada on 2 March 2026 in Auckland, where 10 February 23:30 UTC is the 11th.
fn holds(rule: Value) -> bool {
    let rule = Rule::parse(&rule).unwrap_or_else(|error| panic!("{rule}: {error}"));
    rule.matches(
        &ada(),
        "2026-03-02T08:00:00Z".parse().unwrap(),
        chrono_tz::Pacific::Auckland,
    )
}

#[test]
fn a_condition_holds_or_does_not() {
    for (field, op, value, expected) in [
        ("email", "eq", json!("ADA@club.example"), true),
        ("email", "ne", json!("ada@club.example"), false),
        ("phone", "eq", json!("1"), false),
        ("phone", "ne", json!("1"), true),
        ("phone", "exists", json!(false), true),
        ("lastName", "exists", json!(true), false),
        ("lastName", "ne", json!("x"), true),
        ("lastName", "contains", json!("x"), false),
        ("firstName", "starts_with", json!("aD"), true),
        ("locale", "contains", json!("ie"), true),
        ("key", "in", json!(["m-16", "m-17"]), true),
        ("tags", "has", json!("vip"), true),
        ("tags", "has", json!("VIP"), false),
        ("tags", "ne", json!("vip"), false),
        ("tags", "in", json!(["x", "Ladies"]), true),
        ("tags", "exists", json!(true), true),
        ("attributes.handicap", "lt", json!(12.5), false),
        ("attributes.handicap", "lte", json!(12.5), true),
        ("attributes.handicap", "eq", json!("12.5"), false),
        ("attributes.handicap", "in", json!([1, 12.5]), true),
        ("attributes.zero", "eq", json!(0), true),
        ("attributes.course", "lt", json!(20), false),
        ("attributes.course", "eq", json!("links"), true),
        ("attributes.course", "ne", json!(3), true),
        ("attributes.paid", "eq", json!(true), true),
        ("attributes.paid", "ne", json!(false), true),
        ("attributes.missing", "eq", json!(false), false),
        ("attributes.missing", "ne", json!(false), true),
        ("attributes.missing", "gt", json!(0), false),
        ("attributes.gone", "exists", json!(true), false),
        ("attributes.empty", "exists", json!(true), false),
        ("attributes.renewal", "before", json!("2026-02-15"), false),
        ("attributes.renewal", "before", json!("2026-02-16"), true),
        ("attributes.renewal", "after", json!("2026-02-14"), true),
        ("attributes.renewal", "gte", json!("2026-02-15"), true),
        ("attributes.renewal", "within_last", json!("P15D"), true),
        ("attributes.renewal", "within_last", json!("P14D"), false),
        ("attributes.odd", "before", json!("2027-01-01"), false),
        ("consents.EMAIL", "eq", json!("subscribed"), true),
        ("consents.SMS", "eq", json!("NONE"), true),
        ("consents.SMS", "exists", json!(true), false),
        ("consents.SMS", "ne", json!("UNSUBSCRIBED"), true),
        ("topics.offers", "eq", json!(true), false),
        ("topics.newsletter", "eq", json!("SUBSCRIBED"), true),
        ("engagement.opened", "within_last", json!("P30D"), true),
        ("engagement.opened", "within_last", json!("P5D"), false),
        ("engagement.opened", "before", json!("2026-02-01"), false),
        ("engagement.opened", "before", json!("2026-03-01"), true),
        ("engagement.opened", "after", json!("2026-02-19"), true),
        ("engagement.clicked", "before", json!("2026-03-01"), false),
        ("engagement.clicked", "exists", json!(false), true),
        ("createdAt", "after", json!("2026-02-10"), true),
        ("createdAt", "eq", json!("2026-02-11"), true),
        ("createdAt", "before", json!("2026-02-10T23:30:00Z"), false),
        ("createdAt", "lte", json!("2026-02-10T23:30:00Z"), true),
        ("updatedAt", "within_last", json!("PT20H"), true),
        ("updatedAt", "within_last", json!("PT19H"), false),
    ] {
        let rule = json!({"field": field, "op": op, "value": value});
        assert_eq!(holds(rule.clone()), expected, "{rule}");
    }
}

#[test]
fn groups_join_what_stands_in_them() {
    let yes = || json!({"field": "email", "op": "exists"});
    let no = || json!({"field": "phone", "op": "exists"});
    for (rule, expected) in [
        (json!({"all": []}), true),
        (json!({"any": []}), false),
        (json!({"none": []}), true),
        (json!({"all": [yes(), no()]}), false),
        (json!({"any": [no(), yes()]}), true),
        (json!({"none": [no(), no()]}), true),
        (json!({"none": [no(), yes()]}), false),
        (json!({"all": [{"any": [no(), yes()]}, {"none": [no()]}]}), true),
    ] {
        assert_eq!(holds(rule.clone()), expected, "{rule}");
    }
}
