//! The wizard over HTTP: without scripts, saving itself, two people at once, and what it refuses.

use crate::support::{TestApp, staff::SignedIn, start};
use chrono::{DateTime, Utc};
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::domain::{CampaignType, Channel, Role, Status};
use fairway::entity::campaigns;
use scraper::{Html, Selector};

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

fn attr(html: &str, css: &str, name: &str) -> Option<String> {
    let page = Html::parse_document(html);
    let found = page.select(&Selector::parse(css).unwrap()).next()?;
    found.value().attr(name).map(str::to_owned)
}

const BASICS: [(&str, &str); 4] = [
    ("name", "Spring Open"),
    ("type", "ONE_TIME"),
    ("channels", "EMAIL"),
    ("purpose", "MARKETING"),
];

fn location(answer: &reqwest::Response) -> String {
    assert_eq!(answer.status(), 303);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// A draft made on the first step; answers with its id.
async fn begin(staff: &SignedIn) -> i64 {
    let next = location(&staff.post("/campaigns/new", &BASICS).await);
    next.strip_prefix("/campaigns/")
        .and_then(|rest| rest.strip_suffix("/audience"))
        .unwrap()
        .parse()
        .unwrap()
}

/// Posts a step with the revision that its page has.
async fn fill(staff: &SignedIn, id: i64, step: &str, fields: &[(&str, &str)]) -> reqwest::Response {
    let path = format!("/campaigns/{id}/{step}");
    let revision = attr(&staff.page(&path).await, "#revision", "value").unwrap();
    let mut fields = fields.to_vec();
    fields.push(("revision", &revision));
    staff.post(&path, &fields).await
}

async fn row(app: &TestApp, id: i64) -> campaigns::Model {
    app.campaign_row(id).await
}

#[tokio::test]
async fn five_steps_without_scripts_lead_from_nothing_to_sent_mail() {
    let app = TestApp::spawn().await;
    let segment = app.people(7).await.to_string();
    let template = app
        .template("Spring Open", "<p>Dear {{ contact.first_name }}</p>")
        .await
        .to_string();
    let staff = app.sign_in_as(Role::Manager).await;
    let id = begin(&staff).await;
    let next = location(&fill(&staff, id, "audience", &[("segmentId", &segment)]).await);
    assert_eq!(next, format!("/campaigns/{id}/content"));
    let next = location(&fill(&staff, id, "content", &[("email.templateId", &template)]).await);
    assert_eq!(next, format!("/campaigns/{id}/schedule"));
    let fields = [
        ("when", "now"),
        ("timezone", "Europe/Dublin"),
        ("inDoubt", "LEAVE"),
        ("goal.window", "P7D"),
    ];
    let next = location(&fill(&staff, id, "schedule", &fields).await);
    assert_eq!(next, format!("/campaigns/{id}/review"));
    let review = staff.page(&next).await;
    assert_eq!(texts(&review, "button.confirm"), ["Send to 7 people now"]);
    assert_eq!(texts(&review, "#checklist-title"), ["Everything is in place"]);
    let next = location(&fill(&staff, id, "review", &[("people", "7")]).await);
    assert_eq!(next, format!("/campaigns/{id}"));
    assert!(
        staff
            .page(&next)
            .await
            .contains("It goes to 7 people in a moment.")
    );
    app.cx.clock.advance(chrono::TimeDelta::seconds(10));
    app.work().await;
    assert_eq!(app.states(id).await, "SENT 7");
    let saved = row(&app, id).await;
    assert_eq!(
        (saved.timezone.as_str(), saved.in_doubt.as_str()),
        ("Europe/Dublin", "LEAVE")
    );
}

#[tokio::test]
async fn a_refused_step_keeps_everything_that_was_typed() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let long = "x".repeat(201);
    let answer = staff
        .post(
            "/campaigns/new",
            &[("name", &long), ("type", "PARADE"), ("purpose", "TRANSACTIONAL")],
        )
        .await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert_eq!(attr(&page, "#f-name", "value").as_deref(), Some(long.as_str()));
    assert!(attr(&page, "input[value=TRANSACTIONAL]", "checked").is_some());
    assert_eq!(
        texts(&page, "#d-name .error"),
        ["At most 200 characters; this has 201."]
    );
    assert_eq!(texts(&page, "#d-type"), ["Choose a type."]);
    assert_eq!(texts(&page, "#d-channels"), ["Choose a channel to send on."]);
    let id = begin(&staff).await;
    let fields = [
        ("when", "later"),
        ("date", "2026-02-30"),
        ("time", "25:00"),
        ("timezone", "Europe/Nowhere"),
        ("goal.event", "a b"),
        ("goal.window", "P7D"),
        ("inDoubt", "RETRY"),
    ];
    let answer = fill(&staff, id, "schedule", &fields).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert_eq!(attr(&page, "#f-date", "value").as_deref(), Some("2026-02-30"));
    assert_eq!(
        attr(&page, "input[name='goal.event']", "value").as_deref(),
        Some("a b")
    );
    for field in ["date", "timezone", "goal.event"] {
        let errors = texts(&page, &format!("[id='d-{field}'] .error"));
        assert_eq!(errors.len(), 1, "{field}");
    }
    for (step, field) in [("audience", "segmentId"), ("content", "email.templateId")] {
        // Without anything to choose from there is only the way to make it.
        let page = staff.page(&format!("/campaigns/{id}/{step}")).await;
        assert_eq!(texts(&page, ".empty").len(), 1, "{step}");
        let answer = staff
            .post(&format!("/campaigns/{id}/{step}"), &[(field, "")])
            .await;
        assert_eq!(answer.status(), 422, "{step}");
    }
}

#[tokio::test]
async fn types_and_channels_to_come_are_shown_and_cannot_be_chosen() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let page = staff.page("/campaigns/new").await;
    for kind in CampaignType::ALL {
        let radio = format!("input[name=type][value={kind}]");
        assert!(attr(&page, &radio, "value").is_some(), "{kind} is shown");
        assert_eq!(
            attr(&page, &radio, "disabled").is_none(),
            kind.is_ready(),
            "{kind}"
        );
    }
    for channel in Channel::ALL {
        let check = format!("input[name=channels][value={channel}]");
        assert_eq!(
            attr(&page, &check, "disabled").is_none(),
            channel.is_ready(),
            "{channel}"
        );
    }
    let types = CampaignType::ALL.iter().filter(|kind| !kind.is_ready());
    let channels = Channel::ALL.iter().filter(|channel| !channel.is_ready());
    let number = types.count() + channels.count();
    assert_eq!(page.matches("Not ready in this release.").count(), number);
}

#[tokio::test]
async fn what_came_through_the_api_and_is_not_ready_is_shown_and_kept() {
    let app = TestApp::spawn().await;
    let draft = app
        .draft()
        .kind(CampaignType::Triggered)
        .channels(&["EMAIL", "PUSH", "WHATSAPP"])
        .create()
        .await;
    let staff = app.sign_in_as(Role::Manager).await;
    let page = staff.page(&format!("/campaigns/{}/basics", draft.id)).await;
    assert!(attr(&page, "input[value=TRIGGERED]", "disabled").is_none());
    assert!(attr(&page, "input[value=PUSH]", "checked").is_some());
    assert!(page.contains("WhatsApp: kept, and not sent in this release."));
    let fields = [
        ("name", "Renamed"),
        ("type", "TRIGGERED"),
        ("channels", "EMAIL"),
        ("purpose", "MARKETING"),
    ];
    location(&fill(&staff, draft.id, "basics", &fields).await);
    let saved = row(&app, draft.id).await;
    assert_eq!(saved.channels, serde_json::json!(["EMAIL", "PUSH", "WHATSAPP"]));
    assert_eq!(
        (saved.name.as_str(), saved.kind),
        ("Renamed", CampaignType::Triggered)
    );
    let review = staff.page(&format!("/campaigns/{}/review", draft.id)).await;
    assert!(texts(&review, "button.confirm").is_empty());
}

#[tokio::test]
async fn the_reach_of_a_choice_is_told_by_reason() {
    let app = TestApp::spawn().await;
    let segment = app.people(5).await;
    app.execute("UPDATE contacts SET email = NULL WHERE key = '1'")
        .await;
    app.execute("UPDATE consents SET status = 'UNSUBSCRIBED' WHERE contact_id IN (SELECT id FROM contacts WHERE key = '2')")
        .await;
    let staff = app.sign_in_as(Role::Manager).await;
    let id = begin(&staff).await;
    let part = staff
        .hx_get(&format!("/campaigns/{id}/reach?segmentId={segment}"))
        .await
        .text()
        .await
        .unwrap();
    assert_eq!(
        texts(&part, ".reach-number"),
        ["3 of 5 people can be reached by e-mail"]
    );
    let rows = texts(&part, ".reach tbody tr");
    assert!(
        rows[0].starts_with("No address") && rows[0].ends_with('1'),
        "{rows:?}"
    );
    assert!(
        rows[1].starts_with("Unsubscribed") && rows[1].ends_with('1'),
        "{rows:?}"
    );
    for none in ["", "999", "x"] {
        let part = staff
            .hx_get(&format!("/campaigns/{id}/reach?segmentId={none}"))
            .await;
        assert!(part.text().await.unwrap().contains("Choose a segment"), "{none}");
    }
}

#[tokio::test]
async fn a_time_is_taken_in_its_zone_and_what_daylight_saving_does_is_explained() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let id = begin(&staff).await;
    let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap().into());
    for (date, time, zone, instant, words) in [
        (
            "2026-06-01",
            "09:00",
            "Africa/Johannesburg",
            "2026-06-01T07:00:00Z",
            "",
        ),
        (
            "2026-03-29",
            "02:30",
            "Europe/Berlin",
            "2026-03-29T01:00:00Z",
            "29 March 2026 02:30 does not exist in Europe/Berlin: clocks go from 02:00 to 03:00. It will be sent at 03:00.",
        ),
        (
            "2026-10-25",
            "02:30",
            "Europe/Berlin",
            "2026-10-25T00:30:00Z",
            "25 October 2026 02:30 happens twice in Europe/Berlin, because clocks go back: at 00:30 and at 01:30 UTC. The first is used.",
        ),
    ] {
        let query = format!("when=later&date={date}&time={time}&timezone={zone}");
        let part = staff
            .hx_get(&format!("/campaigns/{id}/when?{query}"))
            .await
            .text()
            .await
            .unwrap();
        let fields = [
            ("when", "later"),
            ("date", date),
            ("time", time),
            ("timezone", zone),
            ("goal.window", "P7D"),
            ("inDoubt", "RETRY"),
        ];
        let next = location(&fill(&staff, id, "schedule", &fields).await);
        assert_eq!(row(&app, id).await.scheduled_at, at(instant));
        let review = staff.page(&next).await;
        if !words.is_empty() {
            assert_eq!(texts(&part, ".notice[data-kind=warn]"), [words]);
            assert_eq!(texts(&review, ".notice[role=status]"), [words]);
        }
    }
    let past = [
        ("when", "later"),
        ("date", "2026-03-02"),
        ("time", "08:59"),
        ("timezone", "Europe/Berlin"),
        ("goal.window", "P7D"),
        ("inDoubt", "RETRY"),
    ];
    let answer = fill(&staff, id, "schedule", &past).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert_eq!(
        texts(&page, "#d-scheduledAt"),
        [
            "This time is past: in Europe/Berlin it is 2 March 2026, 09:00 now. Choose a later one, or send now."
        ]
    );
}

#[tokio::test]
async fn a_draft_saves_itself_and_says_so() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let id = begin(&staff).await;
    let path = format!("/campaigns/{id}/basics");
    let page = staff.page(&path).await;
    assert_eq!(
        attr(&page, "[hx-trigger^=input]", "hx-post").as_deref(),
        Some(format!("{path}?autosave=true").as_str())
    );
    let mut fields = BASICS.to_vec();
    fields[0].1 = "Autumn";
    let revision = attr(&page, "#revision", "value").unwrap();
    fields.push(("revision", &revision));
    let note = staff.hx_post(&format!("{path}?autosave=true"), &fields).await;
    assert_eq!(note.status(), 200);
    let note = note.text().await.unwrap();
    assert!(note.starts_with("Saved at 08:00."), "{note}");
    assert_eq!(
        attr(&note, "#revision[hx-swap-oob]", "value").as_deref(),
        Some("2")
    );
    assert_eq!(row(&app, id).await.name, "Autumn");
    // What cannot be saved yet is no error while somebody writes.
    fields[0].1 = "";
    let note = staff.hx_post(&format!("{path}?autosave=true"), &fields).await;
    assert_eq!(note.status(), 200);
    assert!(
        note.text()
            .await
            .unwrap()
            .contains("Not saved yet. Fill this in.")
    );
    assert_eq!(row(&app, id).await.name, "Autumn");
}

#[tokio::test]
async fn a_form_that_is_sent_while_it_saves_itself_is_no_conflict_with_itself() {
    let app = TestApp::spawn().await;
    let staff = app.sign_in_as(Role::Manager).await;
    let id = begin(&staff).await;
    let path = format!("/campaigns/{id}/basics");
    let mut fields = BASICS.to_vec();
    fields.push(("revision", "1"));
    fields[0].1 = "Autumn";
    staff.hx_post(&format!("{path}?autosave=true"), &fields).await;
    fields[0].1 = "Autumn Open";
    location(&staff.post(&path, &fields).await);
    assert_eq!(row(&app, id).await.name, "Autumn Open");
}

#[tokio::test]
async fn of_two_who_edit_at_once_the_second_keeps_what_was_typed_and_may_overwrite() {
    let app = TestApp::spawn().await;
    let anna = app.sign_in_as(Role::Manager).await;
    let ben = app.sign_in_as(Role::Admin).await;
    let id = begin(&anna).await;
    let path = format!("/campaigns/{id}/basics");
    let mut fields = BASICS.to_vec();
    fields.push(("revision", "1"));
    fields[0].1 = "Ben’s Open";
    location(&ben.post(&path, &fields).await);
    fields[0].1 = "Anna’s Open";
    let answer = anna.post(&path, &fields).await;
    assert_eq!(answer.status(), 409);
    let page = answer.text().await.unwrap();
    let notice = &texts(&page, ".notice[role=alert]")[0];
    assert!(
        notice.starts_with("The admin changed this campaign at 08:00"),
        "{notice}"
    );
    assert_eq!(attr(&page, "#f-name", "value").as_deref(), Some("Anna’s Open"));
    assert_eq!(row(&app, id).await.name, "Ben’s Open");
    let revision = attr(&page, "#revision", "value").unwrap();
    fields.pop();
    fields.push(("revision", &revision));
    location(&anna.post(&path, &fields).await);
    assert_eq!(row(&app, id).await.name, "Anna’s Open");
}

#[tokio::test]
async fn the_review_lists_everything_that_is_missing_with_the_way_there() {
    let app = TestApp::spawn().await;
    let manager = app.sign_in_as(Role::Manager).await;
    let id = begin(&manager).await;
    let path = format!("/campaigns/{id}/review");
    let page = manager.page(&path).await;
    let missing = texts(&page, ".checklist li[data-state=error] strong");
    assert_eq!(
        missing,
        ["Audience", "Content", "Sender", "Postal address", "Time"]
    );
    for step in ["audience", "content", "schedule"] {
        let link = format!(".checklist a[href='/campaigns/{id}/{step}']");
        assert!(attr(&page, &link, "href").is_some(), "{step}");
    }
    assert!(page.contains("An administrator can put it right."));
    assert!(texts(&page, "button.confirm").is_empty());
    let admin = app.sign_in_as(Role::Admin).await;
    assert!(attr(&admin.page(&path).await, ".checklist a[href='/settings']", "href").is_some());
    // Who posts it all the same is told the same.
    let answer = manager.post(&path, &[("people", "0"), ("revision", "1")]).await;
    assert_eq!(answer.status(), 422);
    assert_eq!(row(&app, id).await.status, Status::Draft);
}

#[tokio::test]
async fn a_confirmation_of_another_number_or_another_campaign_is_asked_again() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(20).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let path = format!("/campaigns/{}/review", draft.id);
    let answer = staff.post(&path, &[("people", "10"), ("revision", "1")]).await;
    assert_eq!(answer.status(), 409);
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("It would go to 20 people now, not 10 as when you opened this page."),
        "{page}"
    );
    assert_eq!(attr(&page, "input[name=people]", "value").as_deref(), Some("20"));
    let answer = staff.post(&path, &[("people", "20"), ("revision", "7")]).await;
    assert_eq!(answer.status(), 409);
    assert_eq!(row(&app, draft.id).await.status, Status::Draft);
    assert_eq!(
        staff
            .post(&path, &[("people", "20"), ("revision", "1")])
            .await
            .status(),
        303
    );
    let again = staff.post(&path, &[("people", "20"), ("revision", "2")]).await;
    assert_eq!(again.status(), 409);
    assert!(
        again
            .text()
            .await
            .unwrap()
            .contains("This campaign is SCHEDULED, so it cannot become SCHEDULED.")
    );
}

#[tokio::test]
async fn a_scheduled_campaign_goes_through_the_same_steps_and_stays_scheduled() {
    let app = TestApp::spawn().await;
    let segment = app.people(3).await;
    let template = app.template("Hello", "<p>Hello</p>").await;
    let draft = app
        .draft()
        .segment(segment)
        .template(template)
        .at(start() + chrono::TimeDelta::days(1))
        .create()
        .await;
    commands::schedule(&app.cx, draft.id, &Actor::fairway())
        .await
        .unwrap();
    let staff = app.sign_in_as(Role::Manager).await;
    let path = format!("/campaigns/{}/basics", draft.id);
    let page = staff.page(&path).await;
    assert!(page.contains("This campaign is scheduled for Tue 3 Mar 2026, 08:00 (Europe/London)."));
    assert!(
        attr(&page, "[hx-trigger^=input]", "hx-post").is_none(),
        "it does not save itself"
    );
    location(&fill(&staff, draft.id, "basics", &BASICS).await);
    assert_eq!(row(&app, draft.id).await.status, Status::Scheduled);
    // What could not be sent any more is refused, with what is typed kept.
    app.execute("UPDATE consents SET status = 'UNSUBSCRIBED'").await;
    let mut fields = BASICS.to_vec();
    fields[0].1 = "Renamed";
    let answer = fill(&staff, draft.id, "basics", &fields).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("None of the 3 people in “Everyone” can be reached"),
        "{page}"
    );
    assert_eq!(attr(&page, "#f-name", "value").as_deref(), Some("Renamed"));
}

#[tokio::test]
async fn what_runs_has_no_steps_any_more() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(1).await;
    commands::schedule(&app.cx, draft.id, &Actor::fairway())
        .await
        .unwrap();
    app.tick().await;
    let staff = app.sign_in_as(Role::Manager).await;
    for step in ["basics", "audience", "content", "schedule", "review"] {
        let answer = staff.get(&format!("/campaigns/{}/{step}", draft.id)).await;
        assert_eq!(location(&answer), format!("/campaigns/{}", draft.id), "{step}");
    }
    let mut fields = BASICS.to_vec();
    fields.push(("revision", "3"));
    let answer = staff
        .post(&format!("/campaigns/{}/basics", draft.id), &fields)
        .await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().await.unwrap().contains("This campaign is ACTIVE"));
}

#[tokio::test]
async fn a_copy_opens_in_the_wizard() {
    let app = TestApp::spawn().await;
    let draft = app.ready_draft(1).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let next = location(
        &staff
            .post(&format!("/campaigns/{}/duplicate", draft.id), &[])
            .await,
    );
    let page = staff.page(&next).await;
    assert_eq!(
        attr(&page, "#f-name", "value").as_deref(),
        Some("Copy of Spring Open")
    );
}
