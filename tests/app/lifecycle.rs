//! What becomes of a campaign by each command, who was quicker, and what the history says.

use crate::support::sending::Plan;
use crate::support::{TestApp, start};
use chrono::TimeDelta;
use fairway::accounts::Actor;
use fairway::campaigns::draft::{Changes, Content, When};
use fairway::campaigns::{commands, lifecycle};
use fairway::domain::campaign::Command;
use fairway::domain::{CampaignType, Channel, RunState, Status};
use fairway::web::AppError;

fn staff() -> Actor {
    Actor {
        user_id: None,
        name: "Anna".into(),
    }
}

fn fields(error: AppError) -> Vec<String> {
    match error {
        AppError::Invalid(errors) => errors.0.into_iter().map(|error| error.field).collect(),
        other => panic!("not refused for its input: {other}"),
    }
}

#[tokio::test]
async fn a_draft_is_scheduled_sent_and_completed_and_its_history_says_so() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(3).await;
    assert_eq!(draft.status, Status::Draft);
    let scheduled = commands::schedule(&app.cx, draft.id, &staff()).await.unwrap();
    assert_eq!(scheduled.status, Status::Scheduled);
    app.work().await;
    let row = app.campaign_row(draft.id).await;
    assert_eq!(row.status, Status::Completed);
    assert_eq!(row.started_at, Some(start().into()));
    assert_eq!(row.finished_at, Some(start().into()));
    assert_eq!(app.states(draft.id).await, "SENT 3");
    assert_eq!(
        app.history(draft.id).await,
        "created, scheduled, started, completed"
    );
}

#[tokio::test]
async fn an_empty_draft_is_refused_with_everything_that_is_wrong_at_once() {
    let app = TestApp::spawn().await;
    let draft = app.draft().create().await;
    let refused = commands::schedule(&app.cx, draft.id, &staff()).await.unwrap_err();
    assert_eq!(
        fields(refused),
        [
            "segmentId",
            "email.templateId",
            "sender.email",
            "postalAddress",
            "scheduledAt"
        ]
    );
    assert_eq!(app.status(draft.id).await, Status::Draft);
    assert_eq!(app.history(draft.id).await, "created");
}

#[tokio::test]
async fn each_thing_that_would_go_wrong_blocks_on_its_own() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(2).await;
    let broken = app.template("Hello", "<p>{{ contact.frist_name }}</p>").await;
    let cases = [
        (
            "journey",
            Changes {
                kind: Some(CampaignType::Journey),
                ..Changes::default()
            },
        ),
        (
            "channels",
            Changes {
                channels: Some(
                    ["PUSH", "WHATSAPP"]
                        .iter()
                        .filter_map(|w| fairway::campaigns::channels::Word::parse(w))
                        .collect(),
                ),
                ..Changes::default()
            },
        ),
        (
            "segmentId",
            Changes {
                segment_id: Some(None),
                ..Changes::default()
            },
        ),
        (
            "email.templateId",
            Changes {
                contents: [(Channel::Email, None)].into(),
                ..Changes::default()
            },
        ),
        (
            "email.templateId",
            Changes {
                contents: [(Channel::Email, Some(Content::Template(broken)))].into(),
                ..Changes::default()
            },
        ),
        (
            "scheduledAt",
            Changes {
                when: Some(When::At(start())),
                ..Changes::default()
            },
        ),
        (
            "scheduledAt",
            Changes {
                when: Some(When::Unset),
                ..Changes::default()
            },
        ),
    ];
    for (field, changes) in cases {
        let copy = commands::duplicate(&app.cx, draft.id, &staff()).await.unwrap();
        let now = Changes {
            when: Some(When::Now),
            ..Changes::default()
        };
        commands::edit(&app.cx, copy.id, None, &now, &staff())
            .await
            .unwrap();
        commands::edit(&app.cx, copy.id, None, &changes, &staff())
            .await
            .unwrap();
        let refused = commands::schedule(&app.cx, copy.id, &staff()).await.unwrap_err();
        assert_eq!(fields(refused), [field], "{changes:?}");
    }
    let problem = {
        let copy = commands::duplicate(&app.cx, draft.id, &staff()).await.unwrap();
        let changes = Changes {
            contents: [(Channel::Email, Some(Content::Template(broken)))].into(),
            when: Some(When::Now),
            ..Changes::default()
        };
        commands::edit(&app.cx, copy.id, None, &changes, &staff())
            .await
            .unwrap();
        commands::schedule(&app.cx, copy.id, &staff()).await.unwrap_err()
    };
    let AppError::Invalid(errors) = problem else {
        panic!()
    };
    let message = &errors.0[0].message;
    assert!(
        message.contains("Body, line 1") && message.contains("first_name"),
        "{message}"
    );
}

#[tokio::test]
async fn a_segment_in_which_nobody_may_be_reached_blocks_and_says_why() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(2).await;
    app.execute("UPDATE consents SET status = 'UNSUBSCRIBED'").await;
    let refused = commands::schedule(&app.cx, draft.id, &staff()).await.unwrap_err();
    let AppError::Invalid(errors) = refused else {
        panic!()
    };
    assert_eq!(
        errors.0[0].message,
        "None of the 2 people in “Everyone” can be reached: 2 unsubscribed."
    );
}

#[tokio::test]
async fn channels_to_come_are_kept_and_the_rest_is_sent_by_e_mail() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    let template = app.template("Summer", "<p>Hi</p>").await;
    let draft = app
        .draft()
        .segment(segment)
        .template(template)
        .channels(&["EMAIL", "PUSH", "WHATSAPP"])
        .now()
        .create()
        .await;
    commands::schedule(&app.cx, draft.id, &staff()).await.unwrap();
    app.work().await;
    assert_eq!(app.states(draft.id).await, "SENT 2");
    let kept = app.campaign_row(draft.id).await.channels;
    assert_eq!(kept, serde_json::json!(["EMAIL", "PUSH", "WHATSAPP"]));
}

#[tokio::test]
async fn of_two_who_click_at_once_the_second_is_told_both_states() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(2).await;
    commands::schedule(&app.cx, draft.id, &staff()).await.unwrap();
    let (anna, ben) = (
        staff(),
        Actor {
            user_id: None,
            name: "Ben".into(),
        },
    );
    let (one, other) = tokio::join!(
        commands::act(&app.cx, draft.id, Command::Cancel, &anna),
        commands::act(&app.cx, draft.id, Command::Cancel, &ben)
    );
    let refused = match (one, other) {
        (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
        other => panic!("exactly one wins: {other:?}"),
    };
    assert_eq!(
        refused.to_string(),
        "This campaign is CANCELLED, so it cannot become CANCELLED."
    );
    assert_eq!(app.history(draft.id).await, "created, scheduled, cancelled");
}

#[tokio::test]
async fn of_many_commands_at_once_the_history_is_one_that_the_lifecycle_allows() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(2).await;
    commands::schedule(&app.cx, draft.id, &staff()).await.unwrap();
    app.tick().await;
    let who = staff();
    let mut tasks = Vec::new();
    for round in 0..12 {
        let (cx, who) = (app.cx.clone(), who.clone());
        tasks.push(tokio::spawn(async move {
            match round % 2 {
                0 => commands::act(&cx, draft.id, Command::Pause, &who).await.is_ok(),
                _ => commands::act(&cx, draft.id, Command::Resume, &who).await.is_ok(),
            }
        }));
    }
    let mut done = 0;
    for task in tasks {
        done += usize::from(task.await.unwrap());
    }
    let history = app.history(draft.id).await;
    let words: Vec<_> = history.split(", ").skip(3).collect();
    assert_eq!(words.len(), done, "{history}");
    for (position, word) in words.iter().enumerate() {
        assert_eq!(*word, ["paused", "resumed"][position % 2], "{history}");
    }
}

#[tokio::test]
async fn stopping_pauses_and_cancels_and_leaves_the_rest_unsent() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(5).await;
    commands::schedule(&app.cx, draft.id, &staff()).await.unwrap();
    app.tick().await;
    commands::stop(&app.cx, draft.id, &staff()).await.unwrap();
    app.work().await;
    assert_eq!(app.states(draft.id).await, "CANCELLED 5");
    assert_eq!(
        app.history(draft.id).await,
        "created, scheduled, started, paused, cancelled"
    );
    app.check_ledger().await;
    let refused = commands::stop(&app.cx, draft.id, &staff()).await.unwrap_err();
    assert!(matches!(refused, AppError::Refused(_)), "{refused}");
}

#[tokio::test]
async fn the_run_of_a_campaign_that_follows_on_events_stays_open_until_staff_finish_it() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    let id = app.campaign(Plan::to(segment)).await;
    app.execute("UPDATE campaigns SET kind = 'TRIGGERED'").await;
    app.work().await;
    assert_eq!(app.status(id).await, Status::Active);
    let run = app.run(id).await;
    assert_eq!(run.state, RunState::Open);
    assert_eq!(
        app.states(id).await,
        "",
        "nobody is written to before something happens"
    );

    // One delivery that is due, one that waits.
    for (person, due) in [(1, 0), (2, 60)] {
        let due = (start() + TimeDelta::minutes(due)).timestamp_millis();
        app.execute(&format!(
            "INSERT INTO deliveries (run_id, campaign_id, step, variant, contact_id, channel, instance, lane, state, \
               address, due_at, attempt, created_at) \
             SELECT {}, {id}, '', 0, id, 'EMAIL', 'e', 1, 'QUEUED', email, {due}, 0, {due} \
             FROM contacts WHERE key = '{person}'",
            run.id
        ))
        .await;
    }
    app.execute("UPDATE run_counts SET target = 2, queued = 2").await;
    app.work().await;
    assert_eq!(app.states(id).await, "QUEUED 1, SENT 1");

    let finished = commands::finish(&app.cx, id, &staff()).await.unwrap();
    assert_eq!(finished.status, Status::Completed);
    assert_eq!(app.states(id).await, "SENT 1, CANCELLED 1");
    assert_eq!(app.run(id).await.state, RunState::Finished);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_campaign_that_ends_by_itself_is_stopped_not_finished() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    let id = app.campaign(Plan::to(segment)).await;
    app.tick().await;
    let refused = commands::finish(&app.cx, id, &staff()).await.unwrap_err();
    assert!(matches!(refused, AppError::Conflict(_)), "{refused}");
    assert_eq!(app.status(id).await, Status::Active);
}

#[tokio::test]
async fn a_scheduled_campaign_is_edited_and_stays_scheduled() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(2).await;
    let later = Changes {
        when: Some(When::At(start() + TimeDelta::hours(1))),
        ..Changes::default()
    };
    commands::edit(&app.cx, draft.id, None, &later, &staff())
        .await
        .unwrap();
    commands::schedule(&app.cx, draft.id, &staff()).await.unwrap();
    let renamed = Changes {
        name: Some("Autumn Open".into()),
        ..Changes::default()
    };
    let edited = commands::edit(&app.cx, draft.id, None, &renamed, &staff())
        .await
        .unwrap();
    assert_eq!(
        (edited.name.as_str(), edited.status),
        ("Autumn Open", Status::Scheduled)
    );
    let empty = Changes {
        segment_id: Some(None),
        ..Changes::default()
    };
    let refused = commands::edit(&app.cx, draft.id, None, &empty, &staff())
        .await
        .unwrap_err();
    assert_eq!(fields(refused), ["segmentId"]);
    assert!(app.campaign_row(draft.id).await.segment_id.is_some());
}

#[tokio::test]
async fn what_runs_or_ran_can_no_longer_be_edited_or_deleted() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(2).await;
    commands::schedule(&app.cx, draft.id, &staff()).await.unwrap();
    app.tick().await;
    let renamed = Changes {
        name: Some("Autumn Open".into()),
        ..Changes::default()
    };
    for _ in 0..2 {
        let refused = commands::edit(&app.cx, draft.id, None, &renamed, &staff())
            .await
            .unwrap_err();
        assert!(matches!(&refused, AppError::Conflict(_)), "{refused}");
        let refused = commands::delete(&app.cx, draft.id, &staff()).await.unwrap_err();
        assert!(matches!(&refused, AppError::Conflict(_)), "{refused}");
        app.work().await;
    }
    assert_eq!(app.status(draft.id).await, Status::Completed);
}

#[tokio::test]
async fn of_two_who_edit_the_same_revision_the_second_is_told() {
    let app = TestApp::spawn().await;
    let draft = app.draft().create().await;
    let to = |name: &str| Changes {
        name: Some(name.into()),
        ..Changes::default()
    };
    let seen = Some(draft.revision);
    commands::edit(&app.cx, draft.id, seen, &to("Anna’s"), &staff())
        .await
        .unwrap();
    let refused = commands::edit(&app.cx, draft.id, seen, &to("Ben’s"), &staff())
        .await
        .unwrap_err();
    assert!(matches!(refused, AppError::Conflict(_)), "{refused}");
    assert_eq!(app.campaign_row(draft.id).await.name, "Anna’s");
}

#[tokio::test]
async fn a_draft_that_saves_itself_does_not_fill_its_history() {
    let app = TestApp::spawn().await;
    let draft = app.draft().create().await;
    for name in ["S", "Sp", "Spr", "Spri"] {
        let changes = Changes {
            name: Some(name.into()),
            ..Changes::default()
        };
        commands::edit(&app.cx, draft.id, None, &changes, &staff())
            .await
            .unwrap();
    }
    assert_eq!(app.history(draft.id).await, "created, edited");
    app.advance(TimeDelta::minutes(11));
    let changes = Changes {
        name: Some("Spring".into()),
        ..Changes::default()
    };
    commands::edit(&app.cx, draft.id, None, &changes, &staff())
        .await
        .unwrap();
    assert_eq!(app.history(draft.id).await, "created, edited, edited");
}

#[tokio::test]
async fn a_copy_says_the_same_to_the_same_people_and_is_a_draft_without_a_time() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(2).await;
    commands::schedule(&app.cx, draft.id, &staff()).await.unwrap();
    app.work().await;
    let copy = commands::duplicate(&app.cx, draft.id, &staff()).await.unwrap();
    assert_eq!(
        (copy.name.as_str(), copy.status),
        ("Copy of Spring Open", Status::Draft)
    );
    assert_eq!(
        (copy.send_now, copy.started_at, copy.segment_id),
        (false, None, draft.segment_id)
    );
    assert_eq!(
        app.content_of(copy.id, Channel::Email).await,
        app.content_of(draft.id, Channel::Email).await
    );
    commands::delete(&app.cx, copy.id, &staff()).await.unwrap();
    assert_eq!(app.history(copy.id).await, "created, deleted");
}

#[tokio::test]
async fn a_status_is_written_only_where_the_lifecycle_allows_it() {
    let app = TestApp::spawn().await;
    for (position, status) in Status::ALL.iter().enumerate() {
        for &command in Command::ALL {
            let name = format!("{position} {command}");
            let campaign = crate::support::people::campaign(&*app.cx.db, &name, *status, None).await;
            let tx = app.cx.db.begin().await.unwrap();
            let answer = lifecycle::apply(&tx, campaign.id, command, &staff(), start()).await;
            tx.commit().await.unwrap();
            let expected = fairway::domain::campaign::transition(*status, command);
            match (answer, expected) {
                (Ok(campaign), Ok(to)) => assert_eq!(campaign.status, to),
                (Err(AppError::Refused(refusal)), Err(expected)) => assert_eq!(refusal, expected),
                other => panic!("{status} {command}: {other:?}"),
            }
        }
    }
}
