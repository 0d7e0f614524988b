//! The list and each campaign's page: what they show, and what their buttons answer.

use crate::support::{TestApp, start};
use chrono::TimeDelta;
use fairway::accounts::{Actor, Club};
use fairway::campaigns::input::{CampaignInput, ContentInput};
use fairway::campaigns::{commands, store};
use fairway::domain::{CampaignType, Channel, Role, Status};
use fairway::web::AppError;
use scraper::{Html, Selector};
use serde_json::json;

/// The texts of all elements that match, their white space folded.
fn texts(html: &str, css: &str) -> Vec<String> {
    let page = Html::parse_document(html);
    page.select(&Selector::parse(css).unwrap())
        .map(|found| {
            found
                .text()
                .collect::<String>()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

fn has(html: &str, css: &str) -> bool {
    !texts(html, css).is_empty()
}

/// Rows travel without their table.
fn in_table(row: &str) -> String {
    format!("<table>{row}</table>")
}

async fn active(app: &TestApp, people: i64) -> i64 {
    let draft = app.ready_draft(people).await;
    commands::schedule(&app.cx, draft.id, &Actor::fairway())
        .await
        .unwrap();
    app.tick().await;
    draft.id
}

#[tokio::test]
async fn an_empty_list_says_how_to_begin() {
    let app = TestApp::spawn().await;
    let page = app.sign_in_as(Role::Manager).await.page("/campaigns").await;
    assert!(has(&page, ".empty a[href='/campaigns/new']"));
    let page = app.sign_in_as(Role::Viewer).await.page("/campaigns").await;
    assert!(has(&page, ".empty") && !has(&page, "a[href='/campaigns/new']"));
}

#[tokio::test]
async fn the_list_is_searched_filtered_sorted_and_paged() {
    let app = TestApp::spawn().await;
    for number in 0..30 {
        app.draft().name(&format!("Cup {number:02}")).create().await;
    }
    app.draft()
        .name("100% off_season")
        .kind(CampaignType::Recurring)
        .create()
        .await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let names = async |query: &str| {
        let page = staff.page(&format!("/campaigns{query}")).await;
        texts(&page, "tbody th a")
    };
    let newest = names("").await;
    assert_eq!((newest.len(), newest[0].as_str()), (25, "100% off_season"));
    assert_eq!(names("?page=2").await.len(), 6);
    assert_eq!(names("?q=100%25+off_").await, ["100% off_season"]);
    assert_eq!(names("?q=CUP+07").await, ["Cup 07"]);
    assert_eq!(names("?type=RECURRING").await, ["100% off_season"]);
    assert_eq!(names("?status=ACTIVE").await, Vec::<String>::new());
    assert_eq!(names("?sort=name&dir=asc&q=cup").await[0], "Cup 00");
    assert_eq!(names("?sort=name&q=cup").await[0], "Cup 29");
    for query in [
        "?sort=start",
        "?sort=status&dir=asc",
        "?page=x&status=x&type=x&sort=x&dir=x",
    ] {
        assert_eq!(names(query).await.len(), 25, "{query}");
    }
    let page = staff.page("/campaigns?q=nothing").await;
    assert!(has(&page, ".empty a[href='/campaigns']"));
    let part = staff.hx_get("/campaigns?q=cup+07").await.text().await.unwrap();
    assert!(part.trim_start().starts_with("<div id=\"campaigns\""), "{part}");
}

#[tokio::test]
async fn a_row_asks_for_news_while_it_is_sent_and_no_longer() {
    let app = TestApp::spawn().await;
    let id = active(&app, 4).await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let row = format!("tr#campaign-{id}");
    let page = staff.page("/campaigns").await;
    assert!(has(
        &page,
        &format!("{row}[hx-get='/campaigns/{id}/row'][hx-trigger='every 2s']")
    ));
    assert_eq!(texts(&page, &format!("{row} .going")), ["0 of 4"]);
    app.work().await;
    let part = staff
        .hx_get(&format!("/campaigns/{id}/row"))
        .await
        .text()
        .await
        .unwrap();
    let part = in_table(&part);
    assert!(
        has(
            &part,
            &format!("{row}:not([hx-get]) .chip[data-status='COMPLETED']")
        ),
        "{part}"
    );
    assert_eq!(texts(&part, ".going"), ["4 of 4"]);
}

#[tokio::test]
async fn a_button_in_the_list_answers_with_the_row_and_without_scripts_leads_back() {
    let app = TestApp::spawn().await;
    let id = active(&app, 4).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let row = |part: String| in_table(&part);
    let paused = staff
        .hx_post(&format!("/campaigns/{id}/pause"), &[("back", "list")])
        .await;
    assert_eq!(paused.status(), 200);
    let part = row(paused.text().await.unwrap());
    assert!(
        has(&part, &format!("tr#campaign-{id} .chip[data-status='PAUSED']")),
        "{part}"
    );
    assert!(has(&part, &format!("form[action='/campaigns/{id}/resume']")));
    assert!(!has(&part, &format!("form[action='/campaigns/{id}/pause']")));
    let resumed = staff
        .post(&format!("/campaigns/{id}/resume"), &[("back", "list")])
        .await;
    assert_eq!(
        (resumed.status().as_u16(), &resumed.headers()["location"]),
        (303, &"/campaigns".parse().unwrap())
    );
    assert_eq!(app.status(id).await, Status::Active);
    let stopped = staff
        .hx_post(&format!("/campaigns/{id}/stop"), &[("back", "list")])
        .await;
    let part = row(stopped.text().await.unwrap());
    assert!(has(&part, ".chip[data-status='CANCELLED']"), "{part}");
    assert_eq!(app.states(id).await, "CANCELLED 4");
}

#[tokio::test]
async fn a_button_that_comes_too_late_is_a_409_that_names_both_states() {
    let app = TestApp::spawn().await;
    let id = active(&app, 1).await;
    app.work().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let words = "This campaign is COMPLETED, so it cannot become PAUSED.";
    let page = staff.post(&format!("/campaigns/{id}/pause"), &[]).await;
    assert_eq!(page.status(), 409);
    assert!(page.text().await.unwrap().contains(words));
    let toast = staff
        .hx_post(&format!("/campaigns/{id}/pause"), &[("back", "list")])
        .await;
    assert_eq!(
        (toast.status().as_u16(), &toast.headers()["hx-retarget"]),
        (409, &"#toasts".parse().unwrap())
    );
    let toast = toast.text().await.unwrap();
    assert_eq!(texts(&toast, ".toast"), [words]);
    // The row that misled is shown as it is, below whichever toast.
    let row = in_table(inside(
        &toast,
        &format!("hx-partial hx-target=\"#campaign-{id}\""),
    ));
    assert!(
        has(&row, ".chip[data-status='COMPLETED']") && !has(&row, "form"),
        "{row}"
    );
    let toast = staff.hx_post(&format!("/campaigns/{id}/resume"), &[]).await;
    assert_eq!(toast.status(), 409);
    let toast = toast.text().await.unwrap();
    let live = inside(&toast, "hx-partial hx-target=\"#live\"");
    assert!(has(live, "#live .chip[data-status='COMPLETED']"), "{live}");
}

/// What an element holds of which there is one; "" where there is none.
fn inside<'a>(html: &'a str, tag: &str) -> &'a str {
    let name = tag.split(' ').next().unwrap();
    html.split_once(&format!("<{tag}"))
        .and_then(|(_, rest)| rest.split_once('>')?.1.split_once(&format!("</{name}>")))
        .map_or("", |(inside, _)| inside)
}

#[tokio::test]
async fn what_was_sent_is_shown_as_it_was_however_the_template_changed_since() {
    let app = TestApp::spawn().await;
    let id = active(&app, 1).await;
    app.work().await;
    let template = app.template_of(id).await;
    app.set_template(template, "Autumn Open", "<p>Quite another mail</p>")
        .await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page(&format!("/campaigns/{id}")).await;
    let version = format!("/templates/{template}/versions/1");
    assert_eq!(texts(&page, &format!("a[href='{version}']")), ["Spring Open"]);

    let page = staff.page(&version).await;
    assert_eq!(texts(&page, "h1"), ["Version 1"]);
    assert!(
        page.contains("Spring Open") && !page.contains("Autumn Open"),
        "{page}"
    );
    assert!(page.contains(&format!("src=\"{version}/html?")), "{page}");
    assert!(
        !has(&page, "form[action$='/test']"),
        "a test is of what is in force"
    );
    let frame = staff.page(&format!("{version}/html")).await;
    assert!(
        frame.contains("Dear Person 1") && !frame.contains("another"),
        "{frame}"
    );
    assert_eq!(
        staff
            .get(&format!("/templates/{template}/versions/3"))
            .await
            .status(),
        404
    );
}

#[tokio::test]
async fn the_live_part_shows_what_is_still_to_go_the_seven_counts_and_the_four_rates() {
    let app = TestApp::spawn().await;
    let id = active(&app, 3).await;
    app.execute("UPDATE contacts SET email = NULL WHERE key = '2'")
        .await;
    let staff = app.sign_in_as(Role::Viewer).await;
    let part = staff
        .hx_get(&format!("/campaigns/{id}/live"))
        .await
        .text()
        .await
        .unwrap();
    assert!(has(&part, "#live[hx-trigger='every 2s']"));
    assert!(part.contains("3 people still to go."), "{part}");
    app.work().await;
    let page = staff.page(&format!("/campaigns/{id}")).await;
    assert!(!has(&page, "#live[hx-trigger]"));
    let labels = texts(&page, ".stats dt");
    let numbers = texts(&page, ".stats dd");
    let of = |label: &str| {
        let at = labels.iter().position(|text| text == label).unwrap();
        numbers[at].clone()
    };
    assert_eq!(labels.len(), 11);
    assert_eq!(
        (of("In the segment"), of("Sent"), of("Opened")),
        ("3".into(), "2".into(), "0".into())
    );
    assert!(of("Delivery rate").starts_with("100.0 %") && of("Click rate").starts_with('–'));
    assert!(page.contains("1 skipped"), "who is not sent to is said");
    assert!(has(
        &page,
        &format!("[hx-get='/campaigns/{id}/report'] a[href='/campaigns/{id}/report']")
    ));
}

#[tokio::test]
async fn a_pauses_reason_is_said_on_the_page() {
    let app = TestApp::spawn().await;
    let id = active(&app, 1).await;
    let staff = app.sign_in_as(Role::Manager).await;
    staff.post(&format!("/campaigns/{id}/pause"), &[]).await;
    app.execute("UPDATE campaigns SET pause_reason = 'The template of E-mail cannot be sent.'")
        .await;
    let page = staff.page(&format!("/campaigns/{id}")).await;
    assert!(
        texts(&page, ".notice")
            .iter()
            .any(|text| text == "It was paused: The template of E-mail cannot be sent.")
    );
    staff.post(&format!("/campaigns/{id}/resume"), &[]).await;
    let page = staff.page(&format!("/campaigns/{id}")).await;
    assert!(!page.contains("It was paused"));
}

#[tokio::test]
async fn the_page_tells_what_happened_and_what_was_sent() {
    let app = TestApp::spawn().await;
    let id = active(&app, 2).await;
    let staff = app.sign_in_as(Role::Manager).await;
    staff.post(&format!("/campaigns/{id}/pause"), &[]).await;
    staff.post(&format!("/campaigns/{id}/stop"), &[]).await;
    // A new version does not change what was sent.
    app.set_template(app.template_of(id).await, "Later", "<p>Later</p>")
        .await;
    let page = staff.page(&format!("/campaigns/{id}")).await;
    let history = texts(&page, ".timeline li");
    assert_eq!(history.len(), 5);
    assert!(
        history[0].ends_with("The manager cancelled PAUSED → CANCELLED"),
        "{}",
        history[0]
    );
    assert!(
        history[1].ends_with("The manager paused ACTIVE → PAUSED"),
        "{}",
        history[1]
    );
    assert!(history[0].contains("(Europe/London)"));
    assert!(texts(&page, ".plain li")[0].starts_with("Spring Open"), "{page}");
    assert!(page.contains("2 people were not sent to."));
}

#[tokio::test]
async fn before_it_is_cancelled_the_page_says_how_many_are_left() {
    let app = TestApp::spawn().await;
    let id = active(&app, 3).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let page = staff.page(&format!("/campaigns/{id}/stop")).await;
    assert!(
        page.contains("3 people have not been sent to yet and won’t be."),
        "{page}"
    );
    assert!(has(&page, &format!("form[action='/campaigns/{id}/stop']")));
    assert_eq!(staff.get(&format!("/campaigns/{id}/cancel")).await.status(), 409);
    let draft = app.draft().create().await.id;
    assert_eq!(staff.get(&format!("/campaigns/{draft}/stop")).await.status(), 409);
}

#[tokio::test]
async fn a_scheduled_campaign_is_cancelled_after_a_question_in_numbers() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    let template = app.template("Hello", "<p>Hello</p>").await;
    let draft = app
        .draft()
        .segment(segment)
        .template(template)
        .at(start() + TimeDelta::days(1))
        .create()
        .await;
    commands::schedule(&app.cx, draft.id, &Actor::fairway())
        .await
        .unwrap();
    let staff = app.sign_in_as(Role::Manager).await;
    let page = staff.page(&format!("/campaigns/{}/cancel", draft.id)).await;
    assert!(
        page.contains("It would go to 2 people on Tue 3 Mar 2026, 08:00 (Europe/London), and won’t be sent."),
        "{page}"
    );
    let done = staff.post(&format!("/campaigns/{}/cancel", draft.id), &[]).await;
    assert_eq!(done.status(), 303);
    assert_eq!(app.status(draft.id).await, Status::Cancelled);
}

#[tokio::test]
async fn a_draft_is_deleted_after_a_question_and_a_campaign_that_ran_is_not() {
    let app = TestApp::spawn().await;
    let draft = app.draft().create().await.id;
    let staff = app.sign_in_as(Role::Manager).await;
    staff.page(&format!("/campaigns/{draft}/delete")).await;
    let done = staff.post(&format!("/campaigns/{draft}/delete"), &[]).await;
    assert_eq!(
        (done.status().as_u16(), &done.headers()["location"]),
        (303, &"/campaigns".parse().unwrap())
    );
    assert_eq!(staff.get(&format!("/campaigns/{draft}")).await.status(), 404);
    let id = active(&app, 1).await;
    assert_eq!(staff.get(&format!("/campaigns/{id}/delete")).await.status(), 409);
    assert_eq!(
        staff.post(&format!("/campaigns/{id}/delete"), &[]).await.status(),
        409
    );
}

#[tokio::test]
async fn a_viewer_reads_and_changes_nothing() {
    let app = TestApp::spawn().await;
    let id = active(&app, 1).await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let page = viewer.page(&format!("/campaigns/{id}")).await;
    assert!(!has(&page, &format!("form[action^='/campaigns/{id}']")) && !has(&page, "a[hx-post]"));
    let list = viewer.page("/campaigns").await;
    assert!(!has(&list, "td form"));
    for step in [
        "basics", "audience", "content", "schedule", "review", "stop", "cancel", "delete",
    ] {
        assert_eq!(
            viewer.get(&format!("/campaigns/{id}/{step}")).await.status(),
            403,
            "{step}"
        );
    }
    for act in [
        "pause",
        "resume",
        "stop",
        "cancel",
        "duplicate",
        "delete",
        "review",
        "basics",
    ] {
        assert_eq!(
            viewer.post(&format!("/campaigns/{id}/{act}"), &[]).await.status(),
            403,
            "{act}"
        );
    }
    assert_eq!(app.status(id).await, Status::Active);
}

#[tokio::test]
async fn a_part_of_a_page_leaves_a_waiting_message_for_the_next_page() {
    let app = TestApp::spawn().await;
    let id = active(&app, 1).await;
    let staff = app.sign_in_as(Role::Manager).await;
    staff.post(&format!("/campaigns/{id}/pause"), &[]).await;
    staff.hx_get(&format!("/campaigns/{id}/live")).await;
    let page = staff.page(&format!("/campaigns/{id}")).await;
    assert_eq!(texts(&page, ".notice[role=status]"), ["“Spring Open” is paused."]);
}

/// The document's own example, but for the date.
#[tokio::test]
async fn the_documents_example_is_read_kept_and_sent_by_e_mail_alone() {
    let app = TestApp::spawn().await;
    app.people(2).await;
    app.execute("UPDATE segments SET key = 'active-golfers-segment-id'")
        .await;
    app.template_on(
        Channel::Email,
        "tournament-invite-email",
        "Invitation",
        "<p>Come</p>",
    )
    .await;
    app.template_on(Channel::Sms, "tournament-invite-sms", "", "Come")
        .await;
    let input: CampaignInput = serde_json::from_value(json!({
        "name": "Summer Tournament 2024",
        "type": "ONE_TIME",
        "segmentId": "active-golfers-segment-id",
        "channels": ["EMAIL", "SMS", "FACEBOOK"],
        "scheduledAt": "2026-06-01T09:00:00Z",
        "timezone": "Africa/Johannesburg"
    }))
    .unwrap();
    let club = Club::load(&*app.cx.db).await.unwrap();
    let new = input.parse_new(&*app.cx.db, &club).await.unwrap();
    let campaign = commands::create(&app.cx, new, &Actor::fairway()).await.unwrap();
    let content: ContentInput = serde_json::from_value(json!({
        "email": {"templateId": "tournament-invite-email"},
        "sms": {"templateId": "tournament-invite-sms"},
        "social": {
            "content": "Join us for the Summer Tournament 2024!",
            "mediaUrls": ["https://..."],
            "platforms": ["FACEBOOK", "INSTAGRAM"]
        }
    }))
    .unwrap();
    let contents = content.parse(&*app.cx.db).await.unwrap();
    commands::set_content(&app.cx, campaign.id, contents, &Actor::fairway())
        .await
        .unwrap();
    let scheduled = commands::schedule(&app.cx, campaign.id, &Actor::fairway())
        .await
        .unwrap();
    assert_eq!(scheduled.channels, json!(["EMAIL", "SMS", "FACEBOOK"]));
    assert_eq!(scheduled.timezone, "Africa/Johannesburg");
    let kept = store::contents(&*app.cx.db, campaign.id).await.unwrap();
    assert_eq!(kept.len(), 3);
    app.cx.clock.set("2026-06-01T09:00:00Z".parse().unwrap());
    app.work().await;
    // Two mails and two posts; their telephones are not known.
    assert_eq!(app.states(campaign.id).await, "SENT 4, SKIPPED 2");
    let page = app
        .sign_in_as(Role::Viewer)
        .await
        .page(&format!("/campaigns/{}", campaign.id))
        .await;
    assert!(page.contains("2 of them are accounts"), "{page}");
}

#[tokio::test]
async fn json_that_cannot_be_accepted_says_every_field_at_once() {
    let app = TestApp::spawn().await;
    app.template_on(Channel::Sms, "text", "", "Come").await;
    let club = Club::default();
    let input: CampaignInput = serde_json::from_value(json!({
        "name": "x".repeat(201),
        "type": "ONCE",
        "segmentId": "nobody",
        "channels": ["FAX"],
        "scheduledAt": "2026-06-01T09:00",
        "timezone": "Europe/Nowhere",
        "recurrence": "weekly",
        "topic": 12,
        "purpose": "FUN",
        "goal": {"event": "a b"},
        "sender": {"email": "nobody"},
        "inDoubt": "MAYBE"
    }))
    .unwrap();
    let refused = input.parse_new(&*app.cx.db, &club).await.unwrap_err();
    let AppError::Invalid(errors) = refused else {
        panic!()
    };
    let mut fields: Vec<_> = errors.0.iter().map(|error| error.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "channels",
            "goal.event",
            "inDoubt",
            "name",
            "purpose",
            "recurrence",
            "scheduledAt",
            "segmentId",
            "sender.email",
            "timezone",
            "topic",
            "type"
        ]
    );
    let empty = CampaignInput::default()
        .parse_new(&*app.cx.db, &club)
        .await
        .unwrap_err();
    let AppError::Invalid(errors) = empty else {
        panic!()
    };
    assert_eq!(errors.0.len(), 3, "{errors:?}");
    let content: ContentInput =
        serde_json::from_value(json!({"email": {"templateId": "text"}, "push": {"templateId": "gone"}, "social": {"platforms": ["MYSPACE"]}}))
            .unwrap();
    let AppError::Invalid(errors) = content.parse(&*app.cx.db).await.unwrap_err() else {
        panic!()
    };
    let fields: Vec<_> = errors.0.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "email.templateId",
            "push.templateId",
            "social.content",
            "social.platforms"
        ]
    );
    assert!(serde_json::from_value::<CampaignInput>(json!({"nmae": "x"})).is_err());
}

#[tokio::test]
async fn a_patch_takes_away_what_is_null_and_leaves_what_is_not_named() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(1).await;
    let patch: CampaignInput =
        serde_json::from_value(json!({"segmentId": null, "goal": {"event": "booking.confirmed"}, "scheduledAt": "2026-06-01T09:00:00+02:00"})).unwrap();
    let changes = patch.parse_changes(&*app.cx.db).await.unwrap();
    let after = commands::edit(&app.cx, draft.id, None, &changes, &Actor::fairway())
        .await
        .unwrap();
    assert_eq!(
        (after.segment_id, after.name.as_str(), after.send_now),
        (None, "Spring Open", false)
    );
    assert_eq!(
        after.scheduled_at,
        Some(
            "2026-06-01T07:00:00Z"
                .parse::<chrono::DateTime<chrono::Utc>>()
                .unwrap()
                .into()
        )
    );
    assert_eq!(
        after.goal,
        Some(json!({"event": "booking.confirmed", "window": "P7D"}))
    );
    let patch: CampaignInput = serde_json::from_value(json!({"goal": null, "scheduledAt": null})).unwrap();
    let changes = patch.parse_changes(&*app.cx.db).await.unwrap();
    let after = commands::edit(&app.cx, draft.id, None, &changes, &Actor::fairway())
        .await
        .unwrap();
    assert_eq!(
        (after.goal, after.send_now, after.scheduled_at),
        (None, true, None)
    );
}
