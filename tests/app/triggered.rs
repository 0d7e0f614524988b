//! Campaigns that an event sets off: from the report of a club system to the person's mail.

use crate::support::TestApp;
use crate::support::api::Program;
use crate::support::smtp::SmtpServer;
use chrono::TimeDelta;
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::domain::campaign::Command;
use fairway::domain::trigger::Outcome;
use fairway::domain::{Purpose, Role};
use fairway::entity::{event_counts, event_outcomes, events};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};

const SUBJECT: &str = "Your tee time, {{ contact.first_name }}";
const HTML: &str =
    "<p>You play {{ event.tee_time | date(\"EEEE d MMMM, HH:mm\") }} with {{ event.players }}.</p>";

/// An app with a mail server, some people, and a program of the club.
struct Club {
    app: TestApp,
    mail: SmtpServer,
    program: Program,
}

impl Club {
    async fn of(people: i64) -> Self {
        let mail = SmtpServer::start().await;
        let url = mail.url();
        let app = TestApp::spawn_with(|settings| settings.smtp_url = Some(url.into())).await;
        app.people(people).await;
        let program = app.program(Role::Manager).await;
        Self { app, mail, program }
    }

    /// A campaign that listens.
    async fn listening(&self, trigger: Value) -> i64 {
        self.saying(trigger, SUBJECT, HTML).await
    }

    async fn saying(&self, trigger: Value, subject: &str, html: &str) -> i64 {
        let template = self.app.template(subject, html).await;
        let draft = self
            .app
            .draft()
            .trigger(trigger)
            .template(template)
            .purpose(Purpose::Transactional)
            .create()
            .await;
        self.start(draft.id).await
    }

    async fn start(&self, campaign: i64) -> i64 {
        commands::schedule(&self.app.cx, campaign, &Actor::fairway())
            .await
            .unwrap();
        self.app.tick().await;
        campaign
    }

    async fn post(&self, events: Value) -> Value {
        self.program.post("/events", &events).await.is(202)
    }

    /// Posts, acts on it, and sends what is due.
    async fn report(&self, events: Value) -> Value {
        let answer = self.post(events).await;
        self.app.work().await;
        answer
    }

    /// What each event came to, in their order.
    async fn outcomes(&self, campaign: i64) -> Vec<Outcome> {
        let rows = event_outcomes::Entity::find()
            .filter(event_outcomes::Column::CampaignId.eq(campaign))
            .order_by_asc(event_outcomes::Column::EventId)
            .all(&*self.app.cx.db)
            .await
            .unwrap();
        let counts = event_counts::Entity::find()
            .filter(event_counts::Column::CampaignId.eq(campaign))
            .all(&*self.app.cx.db)
            .await
            .unwrap();
        for count in counts {
            let number = rows.iter().filter(|row| row.outcome == count.outcome).count();
            assert_eq!(i64::try_from(number).unwrap(), count.number, "{}", count.outcome);
        }
        rows.into_iter().map(|row| row.outcome).collect()
    }
}

fn booking(person: i64, id: &str) -> Value {
    json!({
        "name": "booking.confirmed",
        "contact": person.to_string(),
        "id": id,
        "properties": {"booking_id": id, "players": 2, "tee_time": "2026-03-07T09:10:00+02:00"},
    })
}

fn cancelled(person: i64, booking: &str) -> Value {
    json!({"name": "booking.cancelled", "contact": person.to_string(), "properties": {"booking_id": booking}})
}

#[tokio::test]
async fn an_event_sends_its_person_a_mail_with_its_properties() {
    let club = Club::of(2).await;
    let campaign = club.listening(json!({"event": "booking.confirmed"})).await;
    club.report(json!([booking(1, "b1"), {"name": "booking.moved", "contact": "2"}]))
        .await;
    let messages = club.mail.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].to, "person1@example.org");
    let mail = messages[0].parsed();
    assert_eq!(mail.subject(), Some("Your tee time, Person 1"));
    // The campaign's zone is London's, two hours behind the tee time's own.
    let text = mail.body_html(0).unwrap();
    assert!(
        text.contains("You play Saturday 7 March, 07:10 with 2."),
        "{text}"
    );
    assert_eq!(club.app.states(campaign).await, "SENT 1");
    let row = club.app.ledger(campaign).await.remove(0);
    assert_eq!((row.lane, row.event_id.is_some()), (1, true));
    club.app.check_ledger().await;
    // Also in the browser.
    let view = club.app.urls().view(row.id);
    let page = club
        .app
        .http
        .get(view)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("Saturday 7 March, 07:10"), "{page}");
}

#[tokio::test]
async fn the_same_event_twice_sends_once() {
    let club = Club::of(1).await;
    let campaign = club.listening(json!({"event": "booking.confirmed"})).await;
    club.post(json!([booking(1, "b1"), booking(1, "b1")])).await;
    club.report(booking(1, "b1")).await;
    assert_eq!(club.mail.messages().len(), 1);
    club.report(booking(1, "b2")).await;
    assert_eq!(club.mail.messages().len(), 2);
    assert_eq!(club.outcomes(campaign).await, [Outcome::Queued; 2]);
}

#[tokio::test]
async fn conditions_and_the_segment_choose_whom_it_goes_to() {
    let club = Club::of(3).await;
    let template = club.app.template(SUBJECT, HTML).await;
    let segment = fairway::entity::segments::Entity::find()
        .one(&*club.app.cx.db)
        .await
        .unwrap()
        .unwrap();
    club.app
        .execute("DELETE FROM segment_members WHERE contact_id = (SELECT id FROM contacts WHERE key = '3')")
        .await;
    club.app
        .execute(
            "INSERT INTO contact_tags (contact_id, tag) SELECT id, 'member' FROM contacts WHERE key <> '2'",
        )
        .await;
    let draft = club
        .app
        .draft()
        .trigger(json!({"event": "booking.confirmed", "where": {"all": [
            {"field": "event.players", "op": "gte", "value": 2},
            {"field": "contact.tags", "op": "has", "value": "member"},
        ]}}))
        .template(template)
        .segment(segment.id)
        .create()
        .await;
    let campaign = club.start(draft.id).await;
    let mut alone = booking(1, "b2");
    alone["properties"]["players"] = json!(1);
    club.report(json!([
        booking(1, "b1"),
        alone,
        booking(2, "b3"),
        booking(3, "b4")
    ]))
    .await;
    assert_eq!(
        club.outcomes(campaign).await,
        [
            Outcome::Queued,
            Outcome::ConditionNotMet,
            Outcome::ConditionNotMet,
            Outcome::NotInSegment
        ]
    );
    assert_eq!(club.mail.accepted(), ["person1@example.org"]);
    club.app.check_ledger().await;
}

#[tokio::test]
async fn whoever_is_unknown_gets_nothing_and_is_counted() {
    let club = Club::of(1).await;
    let campaign = club.listening(json!({"event": "booking.confirmed"})).await;
    let mut stranger = booking(1, "b1");
    stranger["contact"] = json!("stranger@example.org");
    let answer = club.report(stranger).await;
    assert_eq!(answer["unknownContacts"], 1);
    assert_eq!(club.outcomes(campaign).await, [Outcome::UnknownContact]);
    assert_eq!(club.app.states(campaign).await, "");
    assert_eq!(
        events::Entity::find().all(&*club.app.cx.db).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn an_event_that_lacks_what_the_mail_says_fails_alone() {
    let club = Club::of(2).await;
    let campaign = club.listening(json!({"event": "booking.confirmed"})).await;
    let mut bare = booking(1, "b1");
    bare["properties"] = json!({"players": 2});
    club.report(json!([bare, booking(2, "b2")])).await;
    assert_eq!(club.app.states(campaign).await, "SENT 1, FAILED 1");
    let failed = club.app.ledger(campaign).await.remove(0);
    assert_eq!(failed.reason.as_deref(), Some("unrenderable"));
    let reply = failed.reply.unwrap();
    assert!(reply.contains("has no value"), "{reply}");
    club.app.check_ledger().await;
}

#[tokio::test]
async fn a_reminder_waits_for_its_time() {
    let club = Club::of(1).await;
    let trigger = json!({"event": "booking.confirmed", "delay": {"before": "P2D", "of": "event.tee_time"}});
    let campaign = club.listening(trigger).await;
    club.report(booking(1, "b1")).await;
    assert_eq!(club.app.states(campaign).await, "QUEUED 1");
    // The tee time is 07:10 UTC on 7 March; now it is 08:00 on 2 March.
    club.app.advance(TimeDelta::hours(71) + TimeDelta::minutes(9));
    club.app.work().await;
    assert_eq!(club.mail.messages().len(), 0);
    // Meanwhile the person has another address.
    club.app
        .execute("UPDATE contacts SET email = 'new@example.org'")
        .await;
    club.app.advance(TimeDelta::minutes(1));
    club.app.work().await;
    assert_eq!(club.mail.accepted(), ["new@example.org"]);
    assert_eq!(club.app.ledger(campaign).await[0].address, "new@example.org");
    // Whoever books for tomorrow needs none.
    let mut late = booking(1, "b2");
    late["properties"]["tee_time"] = json!("2026-03-06T09:00:00Z");
    club.report(late).await;
    assert_eq!(club.outcomes(campaign).await, [Outcome::Queued, Outcome::TooLate]);
    club.app.check_ledger().await;
}

#[tokio::test]
async fn another_event_calls_off_what_waits() {
    let club = Club::of(2).await;
    let campaign = club
        .listening(json!({
            "event": "booking.confirmed",
            "delay": {"before": "P2D", "of": "event.tee_time"},
            "cancelOn": {"event": "booking.cancelled", "match": ["booking_id"]},
        }))
        .await;
    club.report(json!([booking(1, "b1"), booking(1, "b2"), booking(2, "b3")]))
        .await;
    club.report(json!([
        cancelled(1, "b1"),
        cancelled(2, "b1"),
        cancelled(1, "b1")
    ]))
    .await;
    assert_eq!(club.app.states(campaign).await, "QUEUED 2, CANCELLED 1");
    let gone = club
        .app
        .ledger(campaign)
        .await
        .into_iter()
        .find(|row| row.reason.is_some())
        .unwrap();
    assert_eq!(gone.reason.as_deref(), Some("called_off"));
    assert_eq!(
        club.outcomes(campaign).await[3..],
        [
            Outcome::Cancelled,
            Outcome::NothingToCancel,
            Outcome::NothingToCancel
        ]
    );
    // In one batch, in the wrong order, and long before.
    club.report(json!([
        cancelled(2, "b4"),
        booking(2, "b4"),
        booking(2, "b5"),
        cancelled(2, "b5")
    ]))
    .await;
    assert_eq!(club.app.states(campaign).await, "QUEUED 2, CANCELLED 3");
    club.post(cancelled(2, "b6")).await;
    club.app.tick().await;
    club.app.advance(TimeDelta::hours(1));
    club.report(booking(2, "b6")).await;
    assert_eq!(club.app.states(campaign).await, "QUEUED 2, CANCELLED 4");
    club.app.check_ledger().await;
    // The person's page says why.
    let viewer = club.app.sign_in_as(Role::Viewer).await;
    let page = viewer
        .page(&format!("/contacts/{}", gone.contact_id.unwrap()))
        .await;
    assert!(page.contains("Called off by another event"), "{page}");
}

#[tokio::test]
async fn a_person_gets_it_at_most_once_in_a_period() {
    let club = Club::of(2).await;
    let weekly = club
        .listening(json!({"event": "booking.confirmed", "repeat": {"oncePer": "P7D"}}))
        .await;
    let once = club
        .listening(json!({"event": "booking.confirmed", "repeat": "ONCE"}))
        .await;
    club.report(json!([booking(1, "b1"), booking(1, "b2"), booking(2, "b3")]))
        .await;
    club.app.advance(TimeDelta::days(6));
    club.report(booking(1, "b4")).await;
    club.app.advance(TimeDelta::days(1));
    club.report(booking(1, "b5")).await;
    use Outcome::{AlreadyHad, Queued};
    assert_eq!(
        club.outcomes(weekly).await,
        [Queued, AlreadyHad, Queued, AlreadyHad, Queued]
    );
    assert_eq!(
        club.outcomes(once).await,
        [Queued, AlreadyHad, Queued, AlreadyHad, AlreadyHad]
    );
    assert_eq!(club.app.states(weekly).await, "SENT 3");
    assert_eq!(club.app.states(once).await, "SENT 2");
}

#[tokio::test]
async fn transactional_mail_needs_no_consent_and_respects_suppressions() {
    let club = Club::of(3).await;
    let transactional = club.listening(json!({"event": "booking.confirmed"})).await;
    let template = club.app.template(SUBJECT, HTML).await;
    let draft = club
        .app
        .draft()
        .trigger(json!({"event": "booking.confirmed"}))
        .template(template);
    let marketing = club.start(draft.create().await.id).await;
    club.app
        .execute("DELETE FROM consents WHERE contact_id = (SELECT id FROM contacts WHERE key = '1')")
        .await;
    club.app
        .execute("INSERT INTO suppressions (channel, address, reason, source, note, at) VALUES ('EMAIL', 'person2@example.org', 'manual', 'staff', '', 0)")
        .await;
    club.report(json!([booking(1, "b1"), booking(2, "b2"), booking(3, "b3")]))
        .await;
    assert_eq!(club.app.states(transactional).await, "SENT 2, SKIPPED 1");
    assert_eq!(club.app.states(marketing).await, "SENT 1, SKIPPED 2");
    let mut skipped: Vec<_> = club
        .app
        .ledger(marketing)
        .await
        .into_iter()
        .filter_map(|row| row.reason)
        .collect();
    skipped.sort();
    assert_eq!(skipped, ["no_consent", "suppressed"]);
    club.app.check_ledger().await;
}

#[tokio::test]
async fn a_paused_campaign_listens_and_sends_when_it_is_resumed() {
    let club = Club::of(1).await;
    let campaign = club.listening(json!({"event": "booking.confirmed"})).await;
    club.app.command(campaign, Command::Pause).await;
    club.report(booking(1, "b1")).await;
    assert_eq!(club.mail.messages().len(), 0);
    club.app.command(campaign, Command::Resume).await;
    club.app.work().await;
    assert_eq!(club.mail.messages().len(), 1);
}

#[tokio::test]
async fn what_was_reported_before_the_campaign_began_is_nothing_to_it() {
    let club = Club::of(1).await;
    club.post(booking(1, "b1")).await;
    club.app.advance(TimeDelta::minutes(1));
    let campaign = club.listening(json!({"event": "booking.confirmed"})).await;
    club.app.work().await;
    assert_eq!(club.outcomes(campaign).await, []);
}

#[tokio::test]
async fn a_trigger_is_checked_when_it_is_given_and_shown_as_it_was() {
    let club = Club::of(1).await;
    let made = club
        .program
        .post(
            "/campaigns",
            &json!({
                "name": "Confirmation", "type": "TRIGGERED", "channels": ["EMAIL"], "purpose": "TRANSACTIONAL",
                "trigger": {"event": "booking.confirmed", "delay": "PT30M"},
            }),
        )
        .await
        .is(201);
    assert_eq!(
        made["trigger"],
        json!({"event": "booking.confirmed", "delay": {"after": "PT30M"}, "repeat": "EVERY_EVENT"})
    );
    let path = format!("/campaigns/{}", made["id"].as_str().unwrap());
    let fields = club
        .program
        .patch(
            &path,
            &json!({"trigger": {"event": "", "delay": {"before": "P2D"}, "repeat": "OFTEN"}}),
        )
        .await
        .refused();
    assert_eq!(fields, ["trigger.event", "trigger.delay.of", "trigger.repeat"]);
    // No content yet; the audience may be everybody.
    assert_eq!(
        club.program.tell(&format!("{path}/schedule")).await.refused(),
        ["email.templateId"]
    );
    club.program.patch(&path, &json!({"trigger": null})).await.is(200);
    assert_eq!(
        club.program.tell(&format!("{path}/schedule")).await.refused(),
        ["email.templateId", "trigger"]
    );
}

#[tokio::test]
async fn only_campaigns_that_an_event_sets_off_may_name_it() {
    let club = Club::of(1).await;
    let segment = fairway::entity::segments::Entity::find()
        .one(&*club.app.cx.db)
        .await
        .unwrap()
        .unwrap();
    let template = club.app.template(SUBJECT, HTML).await;
    let draft = club
        .app
        .draft()
        .segment(segment.id)
        .template(template)
        .now()
        .create()
        .await;
    let refused = commands::schedule(&club.app.cx, draft.id, &Actor::fairway())
        .await
        .unwrap_err();
    let fairway::web::AppError::Invalid(errors) = refused else {
        panic!("{refused}");
    };
    assert_eq!(errors.0[0].field, "email.templateId");
    assert!(
        errors.0[0].message.contains("line 1: What a club system reports"),
        "{}",
        errors.0[0].message
    );
    // The editor takes it, and says so.
    let manager = club.app.sign_in_as(Role::Manager).await;
    let page = manager.page(&format!("/templates/{template}")).await;
    assert!(page.contains("only triggered campaigns and journeys"), "{page}");
    let preview = manager.page(&format!("/templates/{template}/preview/html")).await;
    assert!(preview.contains("Saturday 7 March"), "{preview}");
}

#[tokio::test]
async fn ten_thousand_events_at_once_are_all_accounted_for() {
    let club = Club::of(50).await;
    let campaign = club
        .listening(json!({
            "event": "booking.confirmed",
            "where": {"field": "event.players", "op": "gte", "value": 2},
            "delay": {"after": "P1D"},
        }))
        .await;
    for call in 0..10 {
        let events: Vec<_> = (0..1_000)
            .map(|n| {
                let mut event = booking(n % 50 + 1, &format!("b{}", call * 1_000 + n));
                event["properties"]["players"] = json!(n % 4 + 1);
                event
            })
            .collect();
        club.post(json!(events)).await;
    }
    club.app.tick().await;
    assert_eq!(club.app.states(campaign).await, "QUEUED 7500");
    let outcomes = club.outcomes(campaign).await;
    assert_eq!(outcomes.len(), 10_000);
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::ConditionNotMet)
            .count(),
        2_500
    );
    club.app.check_ledger().await;
}

#[tokio::test]
async fn two_schedulers_act_on_each_event_once() {
    let club = Club::of(20).await;
    let campaign = club
        .listening(json!({"event": "booking.confirmed", "repeat": "ONCE", "delay": "P1D"}))
        .await;
    for call in 0..4 {
        let events: Vec<_> = (0..500)
            .map(|n| booking(n % 20 + 1, &format!("b{}", call * 500 + n)))
            .collect();
        club.post(json!(events)).await;
    }
    let (one, other) = tokio::join!(
        fairway::scheduler::tick(&club.app.cx),
        fairway::scheduler::tick(&club.app.cx)
    );
    one.unwrap();
    other.unwrap();
    club.app.tick().await;
    assert_eq!(club.app.states(campaign).await, "QUEUED 20");
    assert_eq!(club.outcomes(campaign).await.len(), 2_000);
    club.app.check_ledger().await;
}

#[tokio::test]
async fn what_an_event_set_off_overtakes_a_great_run() {
    use crate::support::sending::Plan;
    use crate::support::smtp::{Act, At};
    use std::time::{Duration, Instant};
    let club = Club::of(400).await;
    club.listening(json!({"event": "booking.confirmed"})).await;
    // Each mail takes a while, so the run takes several seconds.
    club.mail
        .script(At::Content, Act::Wait(Duration::from_millis(100)));
    let segment = fairway::entity::segments::Entity::find()
        .one(&*club.app.cx.db)
        .await
        .unwrap()
        .unwrap();
    let bulk = club.app.campaign(Plan::to(segment.id)).await;
    club.app.tick().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let run = club.app.dispatcher.run(stop.clone());
    let story = async {
        while club.mail.messages().len() < 20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut waits = Vec::new();
        for n in 0..5 {
            let before = club.mail.messages().len();
            let started = Instant::now();
            club.post(booking(n + 1, &format!("b{n}"))).await;
            club.app.tick().await;
            let is_there = || {
                let messages = club.mail.messages();
                messages[before..]
                    .iter()
                    .any(|message| message.header("Subject").starts_with("Your tee time"))
            };
            while !is_there() {
                assert!(
                    started.elapsed() < Duration::from_secs(10),
                    "it waits behind the run"
                );
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            waits.push(started.elapsed());
        }
        waits.sort();
        assert!(waits[2] < Duration::from_secs(1), "{waits:?}");
        let left = club.app.ledger(bulk).await;
        let queued = left.iter().filter(|row| row.sent_at.is_none()).count();
        assert!(
            queued > 100,
            "only {queued} of the run were still to go: it shows nothing"
        );
        stop.cancel();
    };
    tokio::join!(run, story);
    club.app.check_ledger().await;
}

#[tokio::test]
async fn staff_finish_a_campaign_and_what_waits_is_not_sent() {
    let club = Club::of(2).await;
    let campaign = club
        .listening(json!({"event": "booking.confirmed", "delay": "P1D"}))
        .await;
    club.report(json!([booking(1, "b1"), booking(2, "b2")])).await;
    let manager = club.app.sign_in_as(Role::Manager).await;
    let page = manager.page(&format!("/campaigns/{campaign}")).await;
    assert!(page.contains(&format!("/campaigns/{campaign}/finish")), "{page}");
    let question = manager.page(&format!("/campaigns/{campaign}/finish")).await;
    assert!(
        question.contains("2 people have not been sent to yet"),
        "{question}"
    );
    let answer = manager.post(&format!("/campaigns/{campaign}/finish"), &[]).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(
        club.app.status(campaign).await,
        fairway::domain::Status::Completed
    );
    assert_eq!(club.app.states(campaign).await, "CANCELLED 2");
    club.report(booking(1, "b3")).await;
    assert_eq!(club.app.ledger(campaign).await.len(), 2);
    club.app.check_ledger().await;
    let viewer = club.app.sign_in_as(Role::Viewer).await;
    assert_eq!(
        viewer
            .get(&format!("/campaigns/{campaign}/finish"))
            .await
            .status(),
        403
    );
}

#[tokio::test]
async fn the_events_page_tells_what_each_caused() {
    let club = Club::of(2).await;
    let viewer = club.app.sign_in_as(Role::Viewer).await;
    let empty = viewer.page("/events").await;
    assert!(
        empty.contains("curl") && empty.contains("/api/v1/events"),
        "{empty}"
    );
    let trigger =
        json!({"event": "booking.confirmed", "where": {"field": "event.players", "op": "gte", "value": 2}});
    let campaign = club.listening(trigger).await;
    let mut alone = booking(2, "b2");
    alone["properties"]["players"] = json!(1);
    club.report(json!([booking(1, "b1"), alone, {"name": "lesson.booked", "contact": "nobody@example.org"}]))
        .await;
    let page = viewer.page("/events").await;
    for text in [
        "booking.confirmed",
        "lesson.booked",
        "condition not met",
        "Sent",
        "nobody@example.org",
        "Person 1",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let some = viewer.page("/events?name=lesson.booked").await;
    assert!(
        some.contains("nobody@example.org") && !some.contains("condition not met"),
        "{some}"
    );
    let some = viewer.page("/events?person=person2@example.org").await;
    assert!(
        some.contains("condition not met") && !some.contains("nobody@example.org"),
        "{some}"
    );
    // The campaign's page has its own.
    let page = viewer.page(&format!("/campaigns/{campaign}")).await;
    for text in [
        "When booking.confirmed is reported where players is at least 2",
        "condition not met",
        "2 heard",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[tokio::test]
async fn staff_make_a_triggered_campaign_in_the_wizard_and_try_it() {
    let club = Club::of(2).await;
    let manager = club.app.sign_in_as(Role::Manager).await;
    let template = club.app.template(SUBJECT, HTML).await;
    let draft = club
        .app
        .draft()
        .kind(fairway::domain::CampaignType::Triggered)
        .template(template)
        .purpose(Purpose::Transactional)
        .create()
        .await;
    let path = format!("/campaigns/{}/schedule", draft.id);
    let fields = vec![
        ("event", "booking.confirmed"),
        ("where.field", "players"),
        ("where.op", "gte"),
        ("where.value", "2"),
        ("delay.kind", "before_of"),
        ("delay.number", "2"),
        ("delay.unit", "D"),
        ("delay.of", "tee_time"),
        ("cancel.event", "booking.cancelled"),
        ("cancel.match", "booking_id"),
        ("repeat", "EVERY_EVENT"),
        ("repeat.days", "7"),
        ("goal.event", ""),
        ("goal.window", "P7D"),
        ("inDoubt", "RETRY"),
        ("when", "later"),
        ("date", "2026-06-01"),
        ("time", "07:00"),
        ("timezone", "Africa/Johannesburg"),
        ("delivery.ignoreFrequencyCap", "true"),
        ("revision", "1"),
    ];
    let with = |extra: &[(&'static str, &'static str)]| [fields.clone(), extra.to_vec()].concat();
    let text = async |answer: reqwest::Response, status: u16| {
        assert_eq!(answer.status(), status);
        answer.text().await.unwrap()
    };
    // Its rows, and empty ones below.
    let page = manager.page(&path).await;
    assert_eq!(page.matches("name=\"where.field\"").count(), 2);
    for (event, answer) in [
        (
            r#"{"contact": "1", "properties": {"players": 2, "tee_time": "2026-03-07T09:10:00+02:00"}}"#,
            "It would send to Person 1 Golfer (person1@example.org), ",
        ),
        (
            r#"{"contact": "1", "properties": {"players": 1, "tee_time": "2026-03-07T09:10:00+02:00"}}"#,
            "condition not met",
        ),
        (
            r#"{"contact": "9", "properties": {"players": 2}}"#,
            "nobody we know",
        ),
        (
            r#"{"contact": "1", "properties": {"players": 2}}"#,
            "The event has no tee_time.",
        ),
        (r#"{"name": "lesson", "contact": "1"}"#, "it is a lesson"),
        ("{", "This cannot be read"),
    ] {
        let page = text(
            manager
                .post(&path, &with(&[("do", "test"), ("test.event", event)]))
                .await,
            200,
        )
        .await;
        assert!(page.contains(answer), "{event}: {page}");
    }
    assert!(club.app.campaign_row(draft.id).await.trigger.is_none());
    // What is wrong comes back with all that was typed.
    let mut wrong = fields.clone();
    wrong[7] = ("delay.of", "");
    let page = text(manager.post(&path, &wrong).await, 422).await;
    assert!(
        page.contains("booking.confirmed") && page.contains("d-delay"),
        "{page}"
    );
    let answer = manager.post(&path, &fields).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(
        club.app.campaign_row(draft.id).await.trigger.unwrap(),
        json!({
            "event": "booking.confirmed",
            "where": {"field": "event.players", "op": "gte", "value": 2},
            "delay": {"before": "P2D", "of": "event.tee_time"},
            "cancelOn": {"event": "booking.cancelled", "match": ["booking_id"]},
            "repeat": "EVERY_EVENT",
        })
    );
    // It listens from its day on, and says so again.
    let kept = club.app.campaign_row(draft.id).await;
    assert_eq!(
        kept.scheduled_at.unwrap().0.to_rfc3339(),
        "2026-06-01T05:00:00+00:00"
    );
    assert!(!kept.send_now && kept.ignores_cap);
    // The form shows what is kept, the review says it in words, and confirming it listens.
    let page = manager.page(&path).await;
    assert!(
        page.contains("value=\"players\"")
            && page.contains("value=\"2026-06-01\"")
            && page.contains("booking_id"),
        "{page}"
    );
    let review = manager.page(&format!("/campaigns/{}/review", draft.id)).await;
    assert!(review.contains("2 days before tee_time"), "{review}");
    // A date is gone again, where staff choose so.
    let now: Vec<_> = [fields, vec![("when", "now")]]
        .concat()
        .into_iter()
        .filter(|field| *field != ("when", "later"))
        .map(|(name, value)| (name, if name == "revision" { "2" } else { value }))
        .collect();
    assert_eq!(manager.post(&path, &now).await.status(), 303);
    assert!(club.app.campaign_row(draft.id).await.send_now);
    club.start(draft.id).await;
    assert_eq!(club.app.status(draft.id).await, fairway::domain::Status::Active);
}

#[tokio::test]
async fn what_events_time_has_no_pace_and_no_local_time() {
    let club = Club::of(1).await;
    let new = json!({
        "name": "Confirmation", "type": "TRIGGERED", "channels": ["EMAIL"],
        "trigger": {"event": "booking.confirmed"},
        "delivery": {"localTime": true, "spreadOver": "PT4H", "ignoreFrequencyCap": true},
    });
    let fields = club.program.post("/campaigns", &new).await.refused();
    assert_eq!(fields, ["delivery.localTime", "delivery.spreadOver"]);

    // One that is sent once may have both; as a triggered one it keeps what means something.
    let mut once = new.clone();
    once["type"] = json!("ONE_TIME");
    let made = club.program.post("/campaigns", &once).await.is(201);
    let path = format!("/campaigns/{}", made["id"].as_str().unwrap());
    let changed = club
        .program
        .patch(&path, &json!({"type": "TRIGGERED"}))
        .await
        .is(200);
    assert_eq!(
        changed["delivery"],
        json!({"localTime": false, "spreadOver": null, "ignoreFrequencyCap": true})
    );
}

#[tokio::test]
async fn what_may_have_been_taken_stays_in_doubt_when_it_is_called_off() {
    let club = Club::of(2).await;
    let campaign = club
        .listening(json!({
            "event": "booking.confirmed",
            "delay": {"before": "P2D", "of": "event.tee_time"},
            "cancelOn": {"event": "booking.cancelled", "match": ["booking_id"]},
        }))
        .await;
    club.report(json!([booking(1, "b1"), booking(2, "b2")])).await;
    // Handed over when the connection ended; it waits to be sent again.
    club.app
        .execute("UPDATE deliveries SET reason = 'in_doubt' WHERE address = 'person1@example.org'")
        .await;
    club.report(json!([cancelled(1, "b1"), cancelled(2, "b2")])).await;
    assert_eq!(club.app.states(campaign).await, "CANCELLED 2");
    let rows = club.app.ledger(campaign).await;
    let reasons: Vec<_> = rows.iter().map(|row| row.reason.as_deref().unwrap()).collect();
    assert_eq!(reasons, ["in_doubt", "called_off"]);
    club.app.check_ledger().await;
}
