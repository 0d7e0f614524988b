//! Who of a segment may be contacted: SQL against the domain, in every combination.

use crate::support::{TestApp, people, start};
use fairway::audience::{eligibility, reach, segments};
use fairway::domain::consent::{Facts, SkipReason, may_contact};
use fairway::domain::segment::Rule;
use fairway::domain::{Channel, ConsentStatus, Purpose, SegmentKind};
use fairway::entity::segments as entity;
use std::collections::BTreeMap;

/// A person for every combination of what decides, with the facts as they are on e-mail.
async fn everybody(app: &TestApp, topic: &fairway::entity::topics::Model) -> Vec<(i64, Facts)> {
    let mut all = Vec::new();
    for number in 0..24 {
        let facts = Facts {
            has_address: number % 2 == 0,
            is_suppressed: number / 2 % 2 == 0,
            is_opted_out: number / 4 % 2 == 0,
            consent: ConsentStatus::ALL[number / 8],
        };
        let email = format!("p{number}@club.example");
        let mut person = people::nobody();
        person.email = facts.has_address.then(|| email.clone());
        if facts.consent != ConsentStatus::None || number % 3 == 0 {
            person.consents.insert(Channel::Email, facts.consent);
        }
        // On another channel all is different, and must not matter.
        person
            .consents
            .insert(Channel::Sms, ConsentStatus::ALL[(number + 1) % 3]);
        if facts.is_opted_out {
            person.topic_opt_outs.insert(topic.key.clone());
        }
        let contact = people::keep(&*app.cx.db, &person, None).await;
        if facts.is_suppressed {
            people::suppressed(&*app.cx.db, Channel::Email, &email).await;
        } else {
            people::suppressed(&*app.cx.db, Channel::Sms, &email).await;
        }
        all.push((contact.id, facts));
    }
    all
}

fn everyone() -> entity::Model {
    entity::Model {
        id: 0,
        key: "everyone".into(),
        name: "Everyone".into(),
        kind: SegmentKind::Rule,
        rule: Rule::everyone().to_json(),
        created_at: start().into(),
        updated_at: start().into(),
        archived_at: None,
        resolved: None,
    }
}

#[actix_web::test]
async fn the_database_says_who_may_be_contacted_as_the_domain_does() {
    let app = TestApp::spawn().await;
    let topic = people::topic(&*app.cx.db, "offers").await;
    people::topic(&*app.cx.db, "another").await;
    let all = everybody(&app, &topic).await;
    let ids: Vec<_> = all.iter().map(|(id, _)| *id).collect();
    for &purpose in Purpose::ALL {
        for topic_id in [None, Some(topic.id)] {
            let skipped = eligibility::check_many(&*app.cx.db, &ids, Channel::Email, purpose, topic_id)
                .await
                .unwrap();
            for (id, facts) in &all {
                let facts = Facts {
                    is_opted_out: facts.is_opted_out && topic_id.is_some(),
                    ..*facts
                };
                assert_eq!(
                    skipped.get(id).copied(),
                    may_contact(purpose, &facts).err(),
                    "{purpose} {topic_id:?} {facts:?}"
                );
            }
        }
    }
}

#[actix_web::test]
async fn reach_counts_everyone_once_by_reason() {
    let app = TestApp::spawn().await;
    let topic = people::topic(&*app.cx.db, "offers").await;
    let all = everybody(&app, &topic).await;
    let mut expected: BTreeMap<Option<SkipReason>, i64> = BTreeMap::new();
    for (_, facts) in &all {
        *expected
            .entry(may_contact(Purpose::Marketing, facts).err())
            .or_default() += 1;
    }
    let channels = [Channel::Email, Channel::Push];
    let reach = reach::of(
        &*app.cx.db,
        &everyone(),
        &channels,
        Purpose::Marketing,
        Some(topic.id),
        start(),
        chrono_tz::UTC,
    )
    .await
    .unwrap();
    assert_eq!(reach.total, 24);
    assert_eq!(reach.channels.len(), 2);
    let email = &reach.channels[0];
    assert_eq!(email.reachable, expected[&None]);
    let skipped: Vec<_> = expected
        .into_iter()
        .filter_map(|(reason, count)| Some((reason?, count)))
        .collect();
    assert_eq!(email.skipped, skipped);
    assert_eq!(
        skipped.len(),
        SkipReason::ALL.len() - 1,
        "every reason has its people; the cap is the dispatcher's to tell"
    );
    // Nobody has an address for push yet.
    assert_eq!(reach.channels[1].skipped, [(SkipReason::NoAddress, 24)]);
}

#[actix_web::test]
async fn a_person_who_is_gone_is_not_contacted() {
    let app = TestApp::spawn().await;
    let reason = eligibility::check(&*app.cx.db, 4711, Channel::Email, Purpose::Transactional, None)
        .await
        .unwrap();
    assert_eq!(reason, Some(SkipReason::NoAddress));
}

#[actix_web::test]
async fn an_empty_segment_reaches_nobody() {
    let app = TestApp::spawn().await;
    people::keep(&*app.cx.db, &people::nobody(), None).await;
    let mut segment = everyone();
    segment.rule = serde_json::json!({"any": []});
    for channels in [&[][..], &[Channel::Email][..]] {
        let reach = reach::of(
            &*app.cx.db,
            &segment,
            channels,
            Purpose::Marketing,
            None,
            start(),
            chrono_tz::UTC,
        )
        .await
        .unwrap();
        assert_eq!(reach.total, 0);
        assert_eq!(reach.on(Channel::Email), 0);
    }
    assert_eq!(
        segments::store::count(&*app.cx.db, &everyone(), start(), chrono_tz::UTC)
            .await
            .unwrap(),
        1
    );
}
