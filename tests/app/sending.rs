//! From a scheduled campaign to mail and true counts: the scheduler's ticks, the dispatcher, and
//! everything that can come between.

use crate::support::sending::Plan;
use crate::support::smtp::{Act, At, SmtpServer};
use crate::support::{TestApp, start};
use chrono::{DateTime, TimeDelta, Utc};
use fairway::dispatch::{self, Dispatcher, Of};
use fairway::domain::campaign::Command;
use fairway::domain::{Channel, DeliveryState, InDoubt, RunState, Status};
use fairway::entity::deliveries;
use fairway::messaging::Channels;
use fairway::messaging::smtp::{Deadlines, Smtp};
use fairway::{config::Settings, scheduler};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

async fn app_with(server: &SmtpServer) -> TestApp {
    let url = server.url();
    TestApp::spawn_with(move |settings: &mut Settings| settings.smtp_url = Some(url.into())).await
}

fn seconds(at: DateTime<Utc>) -> i64 {
    (at - start()).num_seconds()
}

#[tokio::test]
async fn everyone_in_the_segment_gets_exactly_one_mail_and_the_campaign_completes() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(250).await)).await;
    app.work().await;
    let received = server.accepted();
    let people: BTreeSet<_> = received.iter().collect();
    assert_eq!((received.len(), people.len()), (250, 250));
    assert_eq!(app.states(campaign).await, "SENT 250");
    assert_eq!(app.status(campaign).await, Status::Completed);
    assert_eq!(app.run(campaign).await.state, RunState::Finished);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_mail_is_rendered_for_its_person_and_the_ledger_keeps_its_message_id_and_reply() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(1).await)).await;
    app.work().await;
    let mail = server.messages().remove(0);
    assert_eq!(mail.header("Subject"), "The spring cup, Person 1");
    let delivery = app.ledger(campaign).await.remove(0);
    let message_id = delivery.message_id.unwrap();
    assert_eq!(mail.header("Message-ID"), format!("<{message_id}>"));
    assert!(delivery.reply.unwrap().starts_with("250 2.0.0"));
    assert_eq!(delivery.sent_at, Some(start().into()));
    assert_eq!(delivery.delivered_at, Some(start().into()));
    assert_eq!((delivery.attempt, delivery.lease_token), (1, None));
}

#[tokio::test]
async fn without_a_mail_server_the_mailbox_keeps_what_would_have_been_sent() {
    use sea_orm::EntityTrait as _;
    let app = TestApp::spawn().await;
    let campaign = app.campaign(Plan::to(app.people(30).await)).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 30");
    let kept = fairway::entity::captured_messages::Entity::find()
        .all(&*app.cx.db)
        .await
        .unwrap();
    let people: BTreeSet<_> = kept.iter().map(|mail| mail.recipient.as_str()).collect();
    assert_eq!((kept.len(), people.len()), (30, 30));
    assert!(
        kept.iter()
            .all(|mail| mail.campaign_id == Some(campaign) && mail.delivery_id.is_some())
    );
    app.check_ledger().await;
}

#[tokio::test]
async fn a_scheduled_campaign_waits_for_its_time() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let mut plan = Plan::to(app.people(2).await);
    plan.at = Some(start() + TimeDelta::minutes(10));
    let campaign = app.campaign(plan).await;
    let outcome = scheduler::tick(&app.cx).await.unwrap();
    assert_eq!(outcome.next_due, Some(start() + TimeDelta::minutes(10)));
    assert_eq!(app.status(campaign).await, Status::Scheduled);
    app.advance(TimeDelta::seconds(599));
    app.work().await;
    assert_eq!(server.messages().len(), 0);
    app.advance(TimeDelta::seconds(1));
    app.work().await;
    assert_eq!(server.messages().len(), 2);
}

#[tokio::test]
async fn whoever_may_not_be_contacted_is_skipped_with_the_reason() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let segment = app.people(5).await;
    app.execute("UPDATE contacts SET email = NULL WHERE key = '1'")
        .await;
    app.execute("DELETE FROM consents WHERE contact_id IN (SELECT id FROM contacts WHERE key = '2')")
        .await;
    app.execute(
        "UPDATE consents SET status = 'UNSUBSCRIBED' WHERE contact_id IN (SELECT id FROM contacts WHERE key = '3')",
    )
    .await;
    app.execute(
        "INSERT INTO suppressions (channel, address, reason, source, note, at) \
         VALUES ('EMAIL', 'person4@example.org', 'BOUNCE', 'smtp', '', 0)",
    )
    .await;
    let campaign = app.campaign(Plan::to(segment)).await;
    app.work().await;
    assert_eq!(server.accepted(), ["person5@example.org"]);
    let reasons: Vec<_> = app
        .ledger(campaign)
        .await
        .into_iter()
        .map(|delivery| delivery.reason.unwrap_or_default())
        .collect();
    assert_eq!(
        reasons,
        ["no_address", "no_consent", "unsubscribed", "suppressed", ""]
    );
    assert_eq!(app.status(campaign).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_campaign_to_nobody_completes_with_zero() {
    let app = TestApp::spawn().await;
    let segment = app.people(3).await;
    app.execute("DELETE FROM segment_members").await;
    let campaign = app.campaign(Plan::to(segment)).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "");
    assert_eq!(app.status(campaign).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn expansion_that_was_stopped_between_two_stretches_goes_on_behind_the_first() {
    let app = TestApp::spawn().await;
    let campaign = app.campaign(Plan::to(app.people(12_000).await)).await;
    scheduler::tick(&app.cx).await.unwrap();
    assert_eq!(app.states(campaign).await, "QUEUED 5000");
    assert_eq!(app.run(campaign).await.state, RunState::Expanding);
    app.check_ledger().await;
    // Whoever joins the club now is not in it.
    app.advance(TimeDelta::seconds(1));
    let now = app.cx.clock.now().timestamp_millis();
    app.execute(&format!(
        "INSERT INTO contacts (key, email, first_name, last_name, attributes, search, created_at, updated_at) \
         VALUES ('new', 'new@example.org', 'New', 'Golfer', '{{}}', '', {now}, {now})"
    ))
    .await;
    app.tick().await;
    assert_eq!(app.states(campaign).await, "QUEUED 12000");
    assert_eq!(app.run(campaign).await.state, RunState::Sending);
    app.check_ledger().await;
}

#[tokio::test]
async fn two_schedulers_at_once_make_no_delivery_twice() {
    let app = TestApp::spawn().await;
    let campaign = app.campaign(Plan::to(app.people(12_000).await)).await;
    scheduler::tick(&app.cx).await.unwrap();
    let ticks = async || {
        for _ in 0..3 {
            scheduler::tick(&app.cx).await.unwrap();
        }
    };
    tokio::join!(ticks(), ticks());
    assert_eq!(app.states(campaign).await, "QUEUED 12000");
    app.check_ledger().await;
}

#[tokio::test]
async fn a_template_that_does_not_compile_pauses_its_campaign_and_no_other() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let segment = app.people(3).await;
    let mut broken = Plan::to(segment);
    broken.html = "<p>{{ contact.nickname }}</p>".into();
    let broken = app.campaign(broken).await;
    let sound = app.campaign(Plan::to(segment)).await;
    app.work().await;
    assert_eq!(app.status(sound).await, Status::Completed);
    let row = app.campaign_row(broken).await;
    assert_eq!(row.status, Status::Paused);
    let why = row.pause_reason.unwrap();
    assert!(why.contains("nickname"), "{why}");
    assert_eq!(server.messages().len(), 3);

    // Mended and resumed, it is sent.
    let content = app.template_of(broken).await;
    app.set_template(content, "Mended", "<p>Dear {{ contact.first_name }}</p>")
        .await;
    app.command(broken, Command::Resume).await;
    app.work().await;
    assert_eq!(app.status(broken).await, Status::Completed);
    assert_eq!(server.messages().len(), 6);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_run_whose_content_cannot_be_read_any_more_is_paused_and_loses_nobody() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let segment = app.people(3).await;
    let (broken, sound) = (
        app.campaign(Plan::to(segment)).await,
        app.campaign(Plan::to(segment)).await,
    );
    app.tick().await;
    let template = app.template_of(broken).await;
    app.execute(&format!(
        "UPDATE template_versions SET body = '<p>{{{{ nothing' WHERE template_id = {template}"
    ))
    .await;
    app.drain().await;
    app.tick().await;
    assert_eq!(app.status(sound).await, Status::Completed);
    let row = app.campaign_row(broken).await;
    assert_eq!(row.status, Status::Paused);
    assert!(
        row.pause_reason
            .unwrap()
            .starts_with("Its template cannot be sent.")
    );
    assert_eq!(app.states(broken).await, "QUEUED 3");
    app.check_ledger().await;
}

#[tokio::test]
async fn a_paused_campaign_sends_nothing_more_and_goes_on_with_the_rest() {
    let server = SmtpServer::start().await;
    server.script(At::Verdict, Act::Wait(Duration::from_millis(20)));
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(400).await)).await;
    app.tick().await;
    let pause = async {
        while server.messages().len() < 60 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        app.command(campaign, Command::Pause).await;
        let paused_at = server.messages().len();
        tokio::time::sleep(Duration::from_millis(200)).await;
        (paused_at, server.messages().len())
    };
    let (_, (paused_at, later)) = tokio::join!(app.drain(), pause);
    // What was on the ten connections goes through.
    assert!(later <= paused_at + 10, "{paused_at} then {later}");
    let sent = server.messages().len();
    assert_eq!(sent, later);
    assert_eq!(
        app.states(campaign).await,
        format!("QUEUED {}, SENT {sent}", 400 - sent)
    );
    let waiting = app.ledger(campaign).await;
    assert!(
        waiting
            .iter()
            .all(|row| row.state == DeliveryState::Sent || row.attempt == 0)
    );
    app.check_ledger().await;
    app.work().await;
    assert_eq!(server.messages().len(), sent, "nothing while it is paused");
    assert_eq!(app.status(campaign).await, Status::Paused);

    server.behave();
    app.command(campaign, Command::Resume).await;
    app.work().await;
    let people: BTreeSet<_> = server.accepted().into_iter().collect();
    assert_eq!((server.messages().len(), people.len()), (400, 400));
    assert_eq!(app.status(campaign).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_cancelled_campaign_leaves_the_rest_cancelled() {
    let server = SmtpServer::start().await;
    server.script(At::Verdict, Act::Wait(Duration::from_millis(20)));
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(400).await)).await;
    app.tick().await;
    let cancel = async {
        while server.messages().len() < 60 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        app.command(campaign, Command::Pause).await;
        app.command(campaign, Command::Cancel).await;
    };
    tokio::join!(app.drain(), cancel);
    app.tick().await;
    let sent = server.messages().len();
    assert!(sent < 100, "{sent}");
    assert_eq!(
        app.states(campaign).await,
        format!("SENT {sent}, CANCELLED {}", 400 - sent)
    );
    assert_eq!(app.run(campaign).await.state, RunState::Cancelled);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_campaign_cancelled_while_it_is_expanded_expands_no_further() {
    let app = TestApp::spawn().await;
    let campaign = app.campaign(Plan::to(app.people(8_000).await)).await;
    scheduler::tick(&app.cx).await.unwrap();
    app.command(campaign, Command::Pause).await;
    app.command(campaign, Command::Cancel).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "CANCELLED 5000");
    app.check_ledger().await;
}

#[tokio::test]
async fn whoever_opts_out_after_being_claimed_is_skipped() {
    let server = SmtpServer::start().await;
    server.script(At::Verdict, Act::Wait(Duration::from_millis(30)));
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(100).await)).await;
    app.tick().await;
    let opt_out = async {
        while server.messages().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        app.execute(
            "UPDATE consents SET status = 'UNSUBSCRIBED' WHERE contact_id IN (SELECT id FROM contacts WHERE key = '90')",
        )
        .await;
        app.execute("DELETE FROM contacts WHERE key = '91'").await;
    };
    tokio::join!(app.drain(), opt_out);
    assert_eq!(app.states(campaign).await, "SENT 98, SKIPPED 2");
    let mut reasons: Vec<_> = app
        .ledger(campaign)
        .await
        .into_iter()
        .filter_map(|row| row.reason)
        .collect();
    reasons.sort();
    assert_eq!(reasons, ["no_address", "unsubscribed"]);
    assert!(!server.accepted().contains(&"person90@example.org".to_owned()));
    app.check_ledger().await;
}

#[tokio::test]
async fn a_message_refused_for_now_is_tried_again_at_its_time() {
    let server = SmtpServer::start().await;
    server.script(At::Recipient, Act::reply("451 4.7.1 Greylisted"));
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(1).await)).await;
    app.work().await;
    let row = app.ledger(campaign).await.remove(0);
    assert_eq!((row.state, row.attempt), (DeliveryState::Queued, 1));
    assert_eq!(row.reply.as_deref(), Some("451 4.7.1 Greylisted"));
    let due = row.due_at.0;
    assert!((60..=66).contains(&seconds(due)), "{due}");
    assert_eq!(app.status(campaign).await, Status::Active);

    app.cx.clock.set(due - TimeDelta::milliseconds(1));
    app.drain().await;
    assert_eq!(app.ledger(campaign).await[0].attempt, 1);
    app.cx.clock.set(due);
    app.drain().await;
    let row = app.ledger(campaign).await.remove(0);
    assert_eq!((row.state, row.attempt), (DeliveryState::Queued, 2));
    assert!((row.due_at.0 - due).num_seconds() >= 300);

    server.behave();
    app.cx.clock.set(row.due_at.0);
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 1");
    assert_eq!(app.status(campaign).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_message_refused_for_good_fails_with_the_servers_words_and_the_rest_goes_on() {
    let server = SmtpServer::start().await;
    server.script_for(
        "person2@example.org",
        At::Recipient,
        Act::reply("550 5.1.1 No such user"),
    );
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(3).await)).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 2, FAILED 1");
    let row = app.ledger(campaign).await.remove(1);
    assert_eq!(row.reason.as_deref(), Some("refused"));
    assert_eq!(row.reply.as_deref(), Some("550 5.1.1 No such user"));
    assert_eq!(app.status(campaign).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_person_whose_mail_cannot_be_rendered_fails_alone() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let segment = app.people(3).await;
    app.execute(r#"UPDATE contacts SET attributes = '{"lots": 400000}' WHERE key = '2'"#)
        .await;
    let mut plan = Plan::to(segment);
    plan.html =
        "<p>{% for n in range(contact.attributes.lots | default(1) | int) %}{{ n }} {% endfor %}</p>".into();
    let campaign = app.campaign(plan).await;
    app.work().await;
    assert_eq!(
        app.states(campaign).await,
        "SENT 2, FAILED 1",
        "{:?}",
        app.campaign_row(campaign).await.pause_reason
    );
    let row = app.ledger(campaign).await.remove(1);
    assert_eq!(row.reason.as_deref(), Some("unrenderable"));
    app.check_ledger().await;
}

#[tokio::test]
async fn without_a_connection_messages_wait_uncounted_and_the_run_says_why() {
    let server = SmtpServer::start().await;
    let address = server.address();
    let app = app_with(&server).await;
    drop(server);
    let campaign = app.campaign(Plan::to(app.people(50).await)).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "QUEUED 50");
    assert!(app.ledger(campaign).await.iter().all(|row| row.attempt == 0));
    let waiting = app.run(campaign).await.waiting.unwrap();
    assert!(waiting.starts_with("Waiting for the mail server: "), "{waiting}");
    app.check_ledger().await;

    let server = SmtpServer::on(address, Default::default()).await;
    app.drain().await;
    assert_eq!(server.connections(), 0, "it rests before it tries again");
    app.advance(TimeDelta::seconds(2));
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 50");
    assert_eq!(app.run(campaign).await.waiting, None);
    assert_eq!(app.status(campaign).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_refused_sender_pauses_the_campaign_with_the_servers_words_and_costs_nobody_their_mail() {
    let server = SmtpServer::start().await;
    server.script(At::Sender, Act::reply("550 5.7.1 Sender not allowed here"));
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(30).await)).await;
    app.work().await;
    let row = app.campaign_row(campaign).await;
    assert_eq!(row.status, Status::Paused);
    let why = row.pause_reason.unwrap();
    assert!(
        why.contains("news@club.example") && why.contains("550 5.7.1 Sender not allowed here"),
        "{why}"
    );
    assert_eq!(app.states(campaign).await, "QUEUED 30");
    assert!(app.ledger(campaign).await.iter().all(|row| row.attempt == 0));
    app.check_ledger().await;

    server.behave();
    app.command(campaign, Command::Resume).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 30");
    app.check_ledger().await;
}

/// One message at which the server misbehaves every time, among others that it takes. Answers
/// after how many attempts it came to what.
async fn one_bad_among_good(at: At, act: Act) -> (String, i32, Option<String>) {
    let server = SmtpServer::start().await;
    server.script_for("person2@example.org", at, act);
    let app = app_with(&server).await;
    let deadlines = Deadlines {
        reply: Duration::from_millis(100),
        verdict: Duration::from_millis(100),
        ..Deadlines::default()
    };
    let smtp = Smtp::new(&server.url().into()).unwrap().with_deadlines(deadlines);
    let channels = Channels::default().with(Channel::Email, Arc::new(smtp));
    let dispatcher = Dispatcher::new(app.cx.clone(), &channels);
    let campaign = app.campaign(Plan::to(app.people(20).await)).await;
    app.tick().await;
    dispatcher.drain().await.unwrap();
    assert_eq!(app.states(campaign).await, "QUEUED 1, SENT 19", "{at:?}");
    for _ in 0..20 {
        let row = app.ledger(campaign).await.remove(1);
        if row.state != DeliveryState::Queued {
            break;
        }
        app.cx.clock.set(row.due_at.0);
        dispatcher.drain().await.unwrap();
    }
    app.tick().await;
    assert_eq!(app.status(campaign).await, Status::Completed, "{at:?}");
    app.check_ledger().await;
    let row = app.ledger(campaign).await.remove(1);
    (row.state.to_string(), row.attempt, row.reason)
}

#[tokio::test]
async fn a_message_upon_which_the_server_always_hangs_or_drops_the_connection_is_given_up_alone() {
    for (at, act, state, reason) in [
        (At::Recipient, Act::Hang, "FAILED", "given_up"),
        (At::Data, Act::Hang, "FAILED", "given_up"),
        (At::Recipient, Act::HangUp, "FAILED", "given_up"),
        (At::Data, Act::HangUp, "FAILED", "given_up"),
        (At::Verdict, Act::Hang, "UNKNOWN", "in_doubt"),
        (At::Verdict, Act::HangUp, "UNKNOWN", "in_doubt"),
    ] {
        let expected = (state.to_owned(), 7, Some(reason.to_owned()));
        assert_eq!(
            one_bad_among_good(at, act.clone()).await,
            expected,
            "{at:?} {act:?}"
        );
    }
}

/// The server reads the whole message and hangs up instead of saying whether it took it.
async fn in_doubt(policy: InDoubt) -> (SmtpServer, TestApp, i64) {
    let server = SmtpServer::start().await;
    server.script_once(At::Verdict, Act::HangUp);
    let app = app_with(&server).await;
    let mut plan = Plan::to(app.people(1).await);
    plan.in_doubt = policy;
    let campaign = app.campaign(plan).await;
    app.work().await;
    (server, app, campaign)
}

#[tokio::test]
async fn a_message_in_doubt_is_retried_with_the_same_message_id_where_the_campaign_says_so() {
    let (server, app, campaign) = in_doubt(InDoubt::Retry).await;
    let row = app.ledger(campaign).await.remove(0);
    assert_eq!(row.state, DeliveryState::Queued);
    assert_eq!(row.reason.as_deref(), Some("in_doubt"));
    app.advance(TimeDelta::minutes(2));
    app.work().await;
    let ids: BTreeSet<_> = server
        .messages()
        .iter()
        .map(|mail| mail.header("Message-ID"))
        .collect();
    assert_eq!((server.messages().len(), ids.len()), (2, 1));
    let row = app.ledger(campaign).await.remove(0);
    assert_eq!(row.state, DeliveryState::Sent);
    assert_eq!(
        row.reason.as_deref(),
        Some("in_doubt"),
        "the ledger still names it"
    );
    app.check_ledger().await;
}

#[tokio::test]
async fn a_message_in_doubt_is_left_unknown_where_the_campaign_says_so() {
    let (server, app, campaign) = in_doubt(InDoubt::Leave).await;
    app.advance(TimeDelta::minutes(2));
    app.work().await;
    assert_eq!(server.messages().len(), 1);
    assert_eq!(app.states(campaign).await, "UNKNOWN 1");
    assert_eq!(app.status(campaign).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn several_dispatchers_at_once_send_nothing_twice() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(2_000).await)).await;
    app.tick().await;
    let others: Vec<_> = (0..3)
        .map(|_| {
            let channels = Channels::of(&app.cx.settings).unwrap();
            let dispatcher = Dispatcher::new(app.cx.clone(), &channels);
            tokio::spawn(async move { dispatcher.drain().await })
        })
        .collect();
    app.drain().await;
    for other in others {
        other.await.unwrap().unwrap();
    }
    app.work().await;
    let received = server.accepted();
    let people: BTreeSet<_> = received.iter().collect();
    assert_eq!((received.len(), people.len()), (2_000, 2_000));
    assert_eq!(app.states(campaign).await, "SENT 2000");
    app.check_ledger().await;
}

#[tokio::test]
async fn campaigns_that_send_at_once_take_turns() {
    let server = SmtpServer::start().await;
    let app = app_with(&server).await;
    let segment = app.people(1_000).await;
    let mut big = Plan::to(segment);
    big.subject = "big".into();
    let mut small = big.clone();
    small.subject = "small".into();
    let (big, small) = (app.campaign(big).await, app.campaign(small).await);
    app.tick().await;
    app.execute(&format!(
        "DELETE FROM deliveries WHERE campaign_id = {small} AND contact_id > 20"
    ))
    .await;
    app.execute(&format!(
        "UPDATE run_counts SET target = 20, queued = 20 WHERE campaign_id = {small}"
    ))
    .await;
    app.drain().await;
    let subjects: Vec<_> = server
        .messages()
        .iter()
        .map(|mail| mail.header("Subject"))
        .collect();
    let last_small = subjects.iter().rposition(|subject| subject == "small").unwrap();
    assert!(
        last_small < 500,
        "the small campaign waited for {last_small} mails"
    );
    assert_eq!(app.states(big).await, "SENT 1000");
    app.check_ledger().await;
}

/// Kills a dispatcher while its ten connections wait for the server's verdict.
async fn killed_midway(policy: InDoubt) -> (SmtpServer, TestApp, i64) {
    let server = SmtpServer::start().await;
    server.script(At::Verdict, Act::Hang);
    let app = app_with(&server).await;
    app.may_leave_leases.store(true, Ordering::SeqCst);
    let mut plan = Plan::to(app.people(50).await);
    plan.in_doubt = policy;
    let campaign = app.campaign(plan).await;
    app.tick().await;
    let channels = Channels::of(&app.cx.settings).unwrap();
    let dispatcher = Dispatcher::new(app.cx.clone(), &channels);
    let killed = tokio::spawn(async move { dispatcher.drain().await });
    while server.messages().len() < 10 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    killed.abort();
    drop(killed.await);
    server.close_connections().await;
    server.behave();
    (server, app, campaign)
}

fn handed(rows: &[deliveries::Model]) -> usize {
    rows.iter().filter(|row| row.handed_at.is_some()).count()
}

#[tokio::test]
async fn what_a_killed_dispatcher_held_goes_out_and_only_what_was_on_a_connection_twice() {
    let (server, app, campaign) = killed_midway(InDoubt::Retry).await;
    let left = app.ledger(campaign).await;
    assert!(left.iter().all(|row| row.state == DeliveryState::Sending));
    assert_eq!(handed(&left), 10);
    app.drain().await;
    assert_eq!(server.messages().len(), 10, "its leases hold yet");
    app.advance(TimeDelta::seconds(61));
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 50");
    let rows = app.ledger(campaign).await;
    let twice: BTreeSet<_> = rows
        .iter()
        .filter(|row| row.reason.as_deref() == Some("in_doubt"))
        .map(|row| row.address.clone())
        .collect();
    assert_eq!(twice.len(), 10);
    for row in &rows {
        let times = server
            .messages()
            .iter()
            .filter(|mail| mail.to == row.address)
            .count();
        assert_eq!(
            times,
            1 + usize::from(twice.contains(&row.address)),
            "{}",
            row.address
        );
    }
    app.check_ledger().await;
}

#[tokio::test]
async fn what_a_killed_dispatcher_had_on_a_connection_stays_unknown_where_the_campaign_says_so() {
    let (server, app, campaign) = killed_midway(InDoubt::Leave).await;
    // On SQLite a new process is alone, and need not wait for leases to end.
    dispatch::rescue(&app.cx, Of::Everyone).await.unwrap();
    assert_eq!(app.states(campaign).await, "QUEUED 40, UNKNOWN 10");
    app.work().await;
    assert_eq!(server.messages().len(), 50);
    assert_eq!(app.states(campaign).await, "SENT 40, UNKNOWN 10");
    assert_eq!(app.status(campaign).await, Status::Completed);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_dispatcher_that_is_stopped_finishes_what_is_on_a_connection_and_gives_back_the_rest() {
    let server = SmtpServer::start().await;
    server.script(At::Verdict, Act::Wait(Duration::from_millis(50)));
    let app = app_with(&server).await;
    let campaign = app.campaign(Plan::to(app.people(200).await)).await;
    app.tick().await;
    let stop = tokio_util::sync::CancellationToken::new();
    let halt = async {
        while server.messages().len() < 30 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        stop.cancel();
    };
    tokio::join!(app.dispatcher.run(stop.clone()), halt);
    let sent = server.accepted().len();
    assert!(sent < 60, "{sent}");
    assert_eq!(
        app.states(campaign).await,
        format!("QUEUED {}, SENT {sent}", 200 - sent)
    );
    assert!(app.ledger(campaign).await.iter().all(|row| row.reason.is_none()));
    app.check_ledger().await;
}

#[tokio::test]
async fn a_paused_run_is_not_read_to_find_what_is_due() {
    use sea_orm::ConnectionTrait as _;
    let app = TestApp::spawn().await;
    if app.cx.db.is_postgres() {
        return; // its planner goes by sizes, and the tables of a test are too small
    }
    let plan = app
        .cx
        .db
        .query_all_raw(app.cx.db.sql(
            "EXPLAIN QUERY PLAN SELECT d.due_at FROM deliveries d WHERE d.run_id = 1 AND d.channel = 'EMAIL' \
             AND d.lane = 0 AND d.state = 'QUEUED' AND d.due_at <= 5 ORDER BY d.due_at, d.id LIMIT 200",
            [],
        ))
        .await
        .unwrap();
    let steps: Vec<String> = plan
        .iter()
        .map(|row| row.try_get("", "detail").unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            "SEARCH d USING COVERING INDEX idx_deliveries_queue (run_id=? AND channel=? AND lane=? AND due_at<?)"
        ]
    );
}
