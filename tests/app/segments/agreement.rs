//! A rule finds in the database whom it holds for in memory, whatever the rule and the people.

use crate::support::{TestApp, people, start};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use fairway::accounts::Actor;
use fairway::audience::segments;
use fairway::audience::segments::commands::{self, Members, NewSegment};
use fairway::db::{Db, Sql};
use fairway::domain::segment::{Engagement, Person, Rule};
use fairway::domain::{Channel, ConsentStatus, Status};
use fairway::entity::{contacts, deliveries, runs};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where the club is: a zone with summer time, so that days are not all the same.
const ZONE: Tz = chrono_tz::Europe::Dublin;

const WORDS: &[&str] = &[
    "Ada",
    "ada",
    "ADA LOVELACE",
    "Émile",
    "émile",
    "ß",
    "100%",
    "a_b",
    "O'Brien",
    "\"quoted\"",
    "18",
    "x\\y",
    "高",
    "",
];
const TAGS: &[&str] = &["vip", "VIP", "ladies", "o'tag", "%"];
const NAMES: &[&str] = &["handicap", "Home course", "a.b", "$x", "0", "é"];
const TOPICS: &[&str] = &["newsletter", "offers"];
const DATES: &[&str] = &[
    "2026-03-02",
    "2026-02-28",
    "2026-02-01",
    "2025-03-02",
    "2026-03-03",
    "2026-02-3x",
    "2026-99-99",
];

/// Instants around now, to the millisecond, some of them where a span ends.
fn an_instant() -> impl Strategy<Value = DateTime<Utc>> {
    prop_oneof![
        (0i64..40).prop_map(|days| start() - Duration::days(days)),
        (0i64..40).prop_map(|days| start() - Duration::days(days) - Duration::milliseconds(1)),
        (0i64..100_000_000).prop_map(|ms| start() - Duration::milliseconds(ms)),
        (0i64..3).prop_map(|days| start() + Duration::days(days)),
    ]
}

fn a_word() -> impl Strategy<Value = String> {
    select(WORDS).prop_map(str::to_owned)
}

fn an_attribute() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(WORDS).prop_map(|word| json!(word)),
        select(DATES).prop_map(|date| json!(date)),
        (-3i64..40).prop_map(|n| json!(n)),
        (-30i64..400).prop_map(|n| json!(n as f64 / 10.0)),
        any::<bool>().prop_map(|flag| json!(flag)),
        Just(Value::Null),
        Just(json!(["a"])),
        Just(json!("true")),
    ]
}

fn a_person() -> impl Strategy<Value = Person> {
    let names = (of(a_word()), of(a_word()), a_word(), a_word(), of(a_word()));
    let lists = (
        btree_set(select(TAGS).prop_map(str::to_owned), 0..3),
        btree_map(select(NAMES).prop_map(str::to_owned), an_attribute(), 0..5),
        btree_map(select(Channel::ALL), select(ConsentStatus::ALL), 0..3),
        btree_set(select(TOPICS).prop_map(str::to_owned), 0..3),
        btree_map(select(Engagement::ALL), vec(an_instant(), 1..3), 0..3),
    );
    (names, lists, an_instant(), an_instant()).prop_map(|(names, lists, created_at, updated_at)| {
        let (phone, timezone, first_name, last_name, locale) = names;
        let (tags, attributes, consents, topic_opt_outs, engagement) = lists;
        Person {
            key: None,
            email: None,
            phone,
            first_name,
            last_name,
            timezone,
            locale,
            tags,
            attributes: attributes.into_iter().collect(),
            consents,
            topic_opt_outs,
            engagement,
            lists: BTreeSet::new(),
            campaigns: Default::default(),
            created_at,
            updated_at,
        }
    })
}

fn some_people() -> impl Strategy<Value = Vec<Person>> {
    vec(
        (
            a_person(),
            of(a_word()),
            of(select(&["ada@club.example", "Ada@club.example"][..])),
        ),
        1..8,
    )
    .prop_map(|rows| {
        // Keys and addresses are unique.
        let (mut keys, mut emails) = (BTreeSet::new(), BTreeSet::new());
        rows.into_iter()
            .map(|(mut person, key, email)| {
                person.key = key.filter(|key| keys.insert(key.clone()));
                person.email = email
                    .map(str::to_lowercase)
                    .filter(|email| emails.insert(email.clone()));
                person
            })
            .collect()
    })
}

fn a_text() -> impl Strategy<Value = Value> {
    select(WORDS)
        .prop_filter("text that is asked for is not empty", |word| !word.is_empty())
        .prop_map(|word| json!(word))
}

fn a_condition() -> BoxedStrategy<Value> {
    let condition =
        |field: String, (op, value): (&'static str, Value)| json!({"field": field, "op": op, "value": value});
    let text_field = select(
        &[
            "key",
            "email",
            "phone",
            "firstName",
            "lastName",
            "timezone",
            "locale",
        ][..],
    );
    let attribute = select(NAMES).prop_map(|name| format!("attributes.{name}"));
    let consent = select(Channel::ALL).prop_map(|channel| format!("consents.{channel}"));
    let topic = select(&["newsletter", "offers", "unheard-of"][..]).prop_map(|key| format!("topics.{key}"));
    let engagement = select(Engagement::ALL).prop_map(|what| format!("engagement.{what}"));
    let lists = prop_oneof![
        select(&["committee", "juniors", "gone"][..]).prop_map(|key| json!(key)),
        Just(json!(["juniors", "committee"])),
    ];
    let campaign = select(Engagement::ALL).prop_map(|what| format!("campaign.{what}"));
    let ids = prop_oneof![
        select(&["1", "2", "99"][..]).prop_map(|id| json!(id)),
        Just(json!(["1", "2"]))
    ];
    let there = || select(&["in", "not_in"][..]);
    let instant = select(&["createdAt", "updatedAt"][..]).prop_map(str::to_owned);
    prop_oneof![
        (text_field.prop_map(str::to_owned), on_text()).prop_map(move |(f, t)| condition(f, t)),
        (attribute, on_attribute()).prop_map(move |(f, t)| condition(f, t)),
        (Just("tags".to_owned()), on_tags()).prop_map(move |(f, t)| condition(f, t)),
        (consent, on_status(&["SUBSCRIBED", "UNSUBSCRIBED", "NONE"], true))
            .prop_map(move |(f, t)| condition(f, t)),
        (topic, on_status(&["SUBSCRIBED", "UNSUBSCRIBED"], false)).prop_map(move |(f, t)| condition(f, t)),
        (Just("segment".to_owned()), (there(), lists)).prop_map(move |(f, t)| condition(f, t)),
        (campaign, (there(), ids)).prop_map(move |(f, t)| condition(f, t)),
        (engagement, prop_oneof![on_instant(&["before", "after"]), flag()])
            .prop_map(move |(f, t)| condition(f, t)),
        (
            instant,
            on_instant(&["before", "after", "lt", "lte", "gt", "gte", "eq"])
        )
            .prop_map(move |(f, t)| condition(f, t)),
    ]
    .boxed()
}

type Test = (&'static str, Value);

fn flag() -> BoxedStrategy<Test> {
    any::<bool>().prop_map(|flag| ("exists", json!(flag))).boxed()
}

fn on_text() -> BoxedStrategy<Test> {
    let email = select(&["ADA@club.example", "ada@", "club"][..]).prop_map(|text| json!(text));
    let one = prop_oneof![3 => a_text(), 1 => email];
    prop_oneof![
        (select(&["eq", "ne", "contains", "starts_with"][..]), one),
        vec(a_text(), 1..4).prop_map(|list| ("in", json!(list))),
        flag(),
    ]
    .boxed()
}

fn on_tags() -> BoxedStrategy<Test> {
    prop_oneof![
        (
            select(&["has", "ne"][..]),
            select(TAGS).prop_map(|tag| json!(tag))
        ),
        vec(select(TAGS), 1..3).prop_map(|list| ("in", json!(list))),
        flag(),
    ]
    .boxed()
}

fn on_attribute() -> BoxedStrategy<Test> {
    let number = || {
        prop_oneof![
            (-3i64..40).prop_map(|n| json!(n)),
            (-30i64..400).prop_map(|n| json!(n as f64 / 10.0))
        ]
    };
    let date = || select(&DATES[..5]).prop_map(|date| json!(date));
    prop_oneof![
        on_text(),
        (select(&["eq", "ne", "lt", "lte", "gt", "gte"][..]), number()),
        (
            select(&["lt", "lte", "gt", "gte", "before", "after", "eq", "ne"][..]),
            date()
        ),
        vec(number(), 1..4).prop_map(|list| ("in", json!(list))),
        (
            select(&["eq", "ne"][..]),
            any::<bool>().prop_map(|flag| json!(flag))
        ),
        select(&["P1D", "P30D", "P1M", "P1Y", "PT12H"][..]).prop_map(|ago| ("within_last", json!(ago))),
    ]
    .boxed()
}

fn on_status(words: &'static [&'static str], can_be_unknown: bool) -> BoxedStrategy<Test> {
    let tests = prop_oneof![
        (
            select(&["eq", "ne"][..]),
            select(words).prop_map(|word| json!(word))
        ),
        vec(select(words), 1..3).prop_map(|list| ("in", json!(list))),
    ];
    match can_be_unknown {
        true => prop_oneof![4 => tests, 1 => flag()].boxed(),
        false => tests.boxed(),
    }
}

fn on_instant(ops: &'static [&'static str]) -> BoxedStrategy<Test> {
    let value = prop_oneof![
        an_instant().prop_map(|at| json!(at.to_rfc3339())),
        (0i64..40).prop_map(|days| json!((start() - Duration::days(days)).date_naive().to_string())),
    ];
    let ago = select(&["P1D", "P7D", "P30D", "P1M", "PT12H", "PT30M", "P1W"][..]);
    prop_oneof![
        (select(ops), value),
        ago.prop_map(|ago| ("within_last", json!(ago))),
    ]
    .boxed()
}

fn a_rule() -> impl Strategy<Value = Value> {
    a_condition().prop_recursive(3, 12, 4, |inner| {
        (select(&["all", "any", "none"][..]), vec(inner, 0..4)).prop_map(|(word, rules)| json!({word: rules}))
    })
}

/// Those whom the rule finds in the database.
async fn found(db: &Db, rule: &Rule) -> BTreeSet<i64> {
    let mut sql = Sql::new(db.backend());
    let who = segments::rule_condition(&mut sql, rule, start(), ZONE);
    let text = format!("SELECT c.id, ({who}) IS NULL FROM contacts c WHERE {who} OR ({who}) IS NULL");
    let rows = db.query_all_raw(sql.statement(text)).await.unwrap();
    rows.iter()
        .map(|row| {
            let is_unknown = row
                .try_get_by_index::<bool>(1)
                .or_else(|_| row.try_get_by_index::<i32>(1).map(|n| n != 0));
            assert!(!is_unknown.unwrap(), "neither true nor false: {who}");
            row.try_get_by_index(0).unwrap()
        })
        .collect()
}

async fn disagreement(
    db: &Db,
    runs: &[runs::Model; 2],
    persons: &[Person],
    rules: &[Value],
) -> Option<String> {
    deliveries::Entity::delete_many().exec(&**db).await.unwrap();
    contacts::Entity::delete_many().exec(&**db).await.unwrap();
    let tx = db.begin().await.unwrap();
    let (mut ids, mut known) = (Vec::new(), persons.to_vec());
    for (place, person) in known.iter_mut().enumerate() {
        let contact = people::keep(&*tx, person, Some(&runs[0])).await;
        for what in person.engagement.keys() {
            person
                .campaigns
                .entry(*what)
                .or_default()
                .insert(runs[0].campaign_id);
        }
        if place % 2 == 1 {
            let at = start() - Duration::hours(1);
            let mut row = people::delivery(&runs[1], contact.id, "");
            row.opened_at = sea_orm::ActiveValue::Set(Some(at.into()));
            deliveries::Entity::insert(row)
                .exec_without_returning(&*tx)
                .await
                .unwrap();
            person.engagement.entry(Engagement::Opened).or_default().push(at);
            person
                .campaigns
                .entry(Engagement::Opened)
                .or_default()
                .insert(runs[1].campaign_id);
        }
        if place % 3 == 0 {
            tx.execute_raw(tx.sql(
                "INSERT INTO segment_members (segment_id, contact_id) SELECT id, $1 FROM segments WHERE key = 'committee'",
                [contact.id.into()],
            ))
            .await
            .unwrap();
            person.lists.insert("committee".into());
        }
        ids.push(contact.id);
    }
    tx.commit().await.unwrap();
    let persons = &known;
    for json in rules {
        let rule = Rule::parse(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        let in_memory: BTreeSet<i64> = ids
            .iter()
            .zip(persons)
            .filter(|(_, person)| rule.matches(person, start(), ZONE))
            .map(|(id, _)| *id)
            .collect();
        let in_sql = found(db, &rule).await;
        if in_sql != in_memory {
            let of: Vec<_> = in_sql
                .symmetric_difference(&in_memory)
                .filter_map(|id| ids.iter().position(|other| other == id))
                .map(|place| (in_memory.contains(&ids[place]), &persons[place]))
                .collect();
            return Some(format!("{json}\n(holds in memory, person): {of:#?}"));
        }
        let again = Rule::parse(&rule.to_json()).unwrap();
        assert_eq!(again, rule, "a rule survives its JSON");
    }
    None
}

#[test]
fn a_rule_finds_in_the_database_whom_it_holds_for_in_memory() {
    let system = actix_web::rt::System::new();
    let (app, runs) = system.block_on(async {
        let app = TestApp::spawn().await;
        for key in TOPICS {
            people::topic(&*app.cx.db, key).await;
        }
        let campaign = people::campaign(&*app.cx.db, "Past", Status::Completed, None).await;
        let other = people::campaign(&*app.cx.db, "Another", Status::Completed, None).await;
        assert_eq!((campaign.id, other.id), (1, 2), "the rules name them");
        let runs = [
            people::run(&*app.cx.db, &campaign).await,
            people::run(&*app.cx.db, &other).await,
        ];
        for key in ["committee", "juniors"] {
            let list = NewSegment {
                name: key.into(),
                members: Members::Contacts(Vec::new()),
            };
            let tx = app.cx.db.begin().await.unwrap();
            commands::put(&tx, key, list, &Actor::fairway(), start())
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        (app, runs)
    });
    let mut runner = TestRunner::new(Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(
        &(some_people(), vec(a_rule(), 40)),
        |(persons, rules)| match system.block_on(disagreement(&app.cx.db, &runs, &persons, &rules)) {
            None => Ok(()),
            Some(what) => Err(TestCaseError::fail(what)),
        },
    );
    system.block_on(async move { drop(app) });
    result.unwrap();
}
