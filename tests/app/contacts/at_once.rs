//! Many people at once and the same people one by one leave the same rows.

use crate::support::TestApp;
use fairway::accounts::Actor;
use fairway::audience::contacts::batch::{Batch, Manner};
use fairway::audience::contacts::commands;
use fairway::domain::contact::{Consent, NewContact};
use fairway::domain::{Channel, ConsentStatus};
use fairway::entity::{attribute_definitions, consent_log, consents, contact_tags, contacts};
use fairway::web::{AppError, FormErrors};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};

/// Whether somebody was made, or what was wrong.
type Verdict = Result<bool, FormErrors>;

/// Numbers that are the same at each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// Something, one time in two.
    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.roll(2) == 0).then(|| make(self))
    }
}

/// People who are often the same by one name and others by another.
fn somebody(dice: &mut Dice) -> NewContact {
    let mut new = NewContact {
        key: dice.maybe(|dice| format!("M-{}", dice.roll(8))),
        email: dice.maybe(|dice| format!("p{}@club.example", dice.roll(8))),
        phone: dice.maybe(|dice| format!("+2782123450{}", dice.roll(5))),
        first_name: dice
            .maybe(|dice| format!("Ann {}", dice.roll(9)))
            .unwrap_or_default(),
        locale: dice.maybe(|_| "en-ZA".to_owned()),
        tags: dice.maybe(|dice| vec![format!("t{}", dice.roll(3)), "z".into()]),
        added_tags: dice.maybe(|_| "fair".to_owned()).into_iter().collect(),
        ..NewContact::default()
    };
    if new.key.is_none() && new.email.is_none() && new.phone.is_none() {
        new.email = Some("last@club.example".into());
    }
    let value = match dice.roll(5) {
        0 => json!("low"),
        1 => Value::Null,
        _ => json!(dice.roll(30)),
    };
    if let Some(value) = dice.maybe(|_| value) {
        new.attributes.insert(format!("a{}", dice.roll(3)), value);
    }
    for channel in [Channel::Email, Channel::Sms] {
        let status = match dice.roll(4) {
            0 => ConsentStatus::Subscribed,
            1 => ConsentStatus::Unsubscribed,
            _ => continue,
        };
        new.consents.push(Consent {
            channel,
            status,
            source: dice.maybe(|_| "form".to_owned()).unwrap_or_default(),
        });
    }
    new
}

/// Everything that is kept of people, without the ids that the database gave them.
async fn everything(app: &TestApp) -> Value {
    let db = &*app.cx.db;
    let people = contacts::Entity::find()
        .order_by_asc(contacts::Column::Id)
        .all(db)
        .await
        .unwrap();
    let rank = |id: i64| people.iter().position(|row| row.id == id).unwrap();
    let tags = contact_tags::Entity::find()
        .order_by_asc(contact_tags::Column::ContactId)
        .order_by_asc(contact_tags::Column::Tag)
        .all(db)
        .await
        .unwrap();
    let consents = consents::Entity::find()
        .order_by_asc(consents::Column::ContactId)
        .order_by_asc(consents::Column::Channel)
        .all(db)
        .await
        .unwrap();
    let log = consent_log::Entity::find()
        .order_by_asc(consent_log::Column::ContactId)
        .order_by_asc(consent_log::Column::Id)
        .all(db)
        .await
        .unwrap();
    let attributes = attribute_definitions::Entity::find()
        .order_by_asc(attribute_definitions::Column::Name)
        .all(db)
        .await
        .unwrap();
    json!({
        "people": people.iter().map(|row| {
            let row = contacts::Model { id: 0, ..row.clone() };
            format!("{row:?}")
        }).collect::<Vec<_>>(),
        "tags": tags.iter().map(|row| (rank(row.contact_id), &row.tag)).collect::<Vec<_>>(),
        "consents": consents.into_iter().map(|row| {
            let rank = i64::try_from(rank(row.contact_id)).unwrap();
            format!("{:?}", consents::Model { contact_id: rank, ..row })
        }).collect::<Vec<_>>(),
        "log": log.into_iter().map(|row| {
            let rank = i64::try_from(rank(row.contact_id)).unwrap();
            format!("{:?}", consent_log::Model { id: 0, contact_id: rank, ..row })
        }).collect::<Vec<_>>(),
        "attributes": attributes.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>(),
    })
}

async fn one_by_one(app: &TestApp, news: &[NewContact], may_resubscribe: bool) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for new in news {
        let tx = app.cx.db.begin().await.unwrap();
        let now = app.cx.clock.now();
        verdicts.push(
            match commands::upsert(&tx, new, "file", may_resubscribe, &Actor::fairway(), now).await {
                Ok((_, is_new)) => {
                    tx.commit().await.unwrap();
                    Ok(is_new)
                }
                Err(AppError::Invalid(errors)) => Err(errors),
                Err(error) => panic!("{error:?}"),
            },
        );
    }
    verdicts
}

/// Written in stretches of `size`, or, like a preview, never.
async fn at_once(
    app: &TestApp,
    news: &[NewContact],
    may_resubscribe: bool,
    size: usize,
    is_written: bool,
) -> Vec<Verdict> {
    let manner = Manner {
        source: "file",
        may_resubscribe,
        now: app.cx.clock.now(),
    };
    let tx = app.cx.db.begin().await.unwrap();
    let mut batch = Batch::open(&*tx).await.unwrap();
    let mut verdicts = Vec::new();
    for news in news.chunks(size) {
        batch
            .look_up(&*tx, &news.iter().collect::<Vec<_>>())
            .await
            .unwrap();
        verdicts.extend(
            news.iter()
                .map(|new| batch.put(new, &manner).map(|put| put.is_new)),
        );
        if is_written {
            batch.write(&tx, &Actor::fairway(), manner.now).await.unwrap();
            batch.clear();
        } else {
            batch.slim();
        }
    }
    tx.commit().await.unwrap();
    verdicts
}

#[actix_web::test]
async fn people_at_once_become_what_they_become_one_by_one() {
    for (seed, size) in [(1, 1000), (2, 7), (3, 40), (4, 3)] {
        let mut dice = Dice(seed);
        let before: Vec<_> = (0..8).map(|_| somebody(&mut dice)).collect();
        let news: Vec<_> = (0..80).map(|_| somebody(&mut dice)).collect();
        let may_resubscribe = seed % 2 == 0;
        let (one, many) = (TestApp::spawn().await, TestApp::spawn().await);
        for app in [&one, &many] {
            one_by_one(app, &before, true).await;
            app.advance(chrono::TimeDelta::hours(1));
        }
        let same = everything(&one).await;
        assert_eq!(everything(&many).await, same);
        let previewed = at_once(&many, &news, may_resubscribe, size, false).await;
        assert_eq!(everything(&many).await, same, "a preview writes nothing");

        let expected = one_by_one(&one, &news, may_resubscribe).await;
        let verdicts = at_once(&many, &news, may_resubscribe, size, true).await;
        assert_eq!(verdicts, expected, "seed {seed}");
        assert_eq!(previewed, expected, "seed {seed}");
        assert_eq!(everything(&many).await, everything(&one).await, "seed {seed}");
        let made = expected.iter().filter(|verdict| **verdict == Ok(true)).count();
        let refused = expected.iter().filter(|verdict| verdict.is_err()).count();
        assert!(
            made > 3 && refused > 3,
            "{made} made and {refused} refused try little"
        );
    }
}

#[actix_web::test]
async fn an_address_that_one_gives_up_is_anothers_in_the_same_batch() {
    let app = TestApp::spawn().await;
    let named = |key: &str, email: &str| NewContact {
        key: Some(key.into()),
        email: Some(email.into()),
        ..NewContact::default()
    };
    let before = [named("A", "a@club.example"), named("B", "b@club.example")];
    one_by_one(&app, &before, false).await;
    let news = [
        named("A", "new@club.example"),
        named("B", "a@club.example"),
        named("C", "b@club.example"),
    ];
    let verdicts = at_once(&app, &news, false, 10, true).await;
    assert_eq!(verdicts, [Ok(false), Ok(false), Ok(true)]);
    let mut kept: Vec<_> = contacts::Entity::find()
        .all(&*app.cx.db)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.key.unwrap(), row.email.unwrap()))
        .collect();
    kept.sort();
    let wanted = news.map(|new| (new.key.unwrap(), new.email.unwrap()));
    assert_eq!(kept, wanted);
}
