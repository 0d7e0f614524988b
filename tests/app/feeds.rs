//! Newsletters that fill themselves from a feed: its items in the mail, only the new ones, nothing
//! where nothing is new, and a feed that cannot be read.

use crate::support::TestApp;
use crate::support::feeds::Website;
use fairway::accounts::Actor;
use fairway::campaigns::commands;
use fairway::campaigns::draft::Changes;
use fairway::domain::feed::Source;
use fairway::domain::{Role, Status};
use fairway::entity::{captured_messages, links, occurrences};
use fairway::scheduler::feeds::read_wanted;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};

const HTML: &str = "<h1>{{ feed.title }}</h1>{% for item in feed.items %}<h2><a href=\"{{ item.url }}\">{{ item.title }}</a></h2>\
    {% if item.image %}<img src=\"{{ item.image }}\" alt=\"\">{% endif %}{{ item.html }}\
    {% if item.starts %}<p>Starts {{ item.starts | date(\"EEE d MMM HH:mm\") }}</p>{% endif %}{% endfor %}<a href=\"{{ view_url }}\">View</a>";

impl TestApp {
    /// A weekly newsletter to two people, on Tuesdays and Fridays at nine, that is scheduled.
    async fn newsletter(&self, feed: Value) -> i64 {
        let id = self.newsletter_draft(feed).await;
        commands::schedule(&self.cx, id, &Actor::fairway()).await.unwrap();
        id
    }

    async fn newsletter_draft(&self, feed: Value) -> i64 {
        let plan = json!({ "rule": "FREQ=WEEKLY;BYDAY=TU,FR", "start": "2026-03-02T09:00", "grace": "PT2H" });
        let id = self.repeating_draft(2, plan).await;
        let template = self.template_of(id).await;
        self.set_template(template, "{{ feed.items[0].title | default(\"News\") }}", HTML)
            .await;
        let changes = Changes {
            feed: Some(Some(Source::parse(&feed).unwrap())),
            ..Changes::default()
        };
        commands::edit(&self.cx, id, None, &changes, &Actor::fairway())
            .await
            .unwrap();
        id
    }

    /// Ticks, reads the feeds that are wanted, and sends.
    async fn edition(&self) {
        self.tick().await;
        read_wanted(&self.cx).await.unwrap();
        self.work().await;
    }

    async fn captured(&self) -> Vec<captured_messages::Model> {
        captured_messages::Entity::find()
            .order_by_asc(captured_messages::Column::Id)
            .all(&*self.cx.db)
            .await
            .unwrap()
    }

    /// Why it cannot be scheduled.
    async fn refusal(&self, campaign: i64) -> String {
        let refused = commands::schedule(&self.cx, campaign, &Actor::fairway()).await;
        format!("{:?}", refused.unwrap_err())
    }

    async fn reason(&self, campaign: i64) -> String {
        let row = occurrences::Entity::find()
            .filter(occurrences::Column::CampaignId.eq(campaign))
            .order_by_desc(occurrences::Column::Original)
            .one(&*self.cx.db)
            .await
            .unwrap();
        row.and_then(|row| row.reason).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_newsletter_has_the_items_of_its_feed_and_the_next_one_only_the_new() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.has_news(&["Greens open", "Old cup"]);
    let campaign = app.newsletter(json!({ "url": site.url })).await;
    app.until("2026-03-03T09:00");
    app.edition().await;
    assert_eq!(app.story(campaign).await, "03-03 09:00");
    assert_eq!(app.states(campaign).await, "SENT 2");
    let first = app.captured().await.remove(0);
    assert_eq!(first.subject, "Greens open");
    for part in ["Club news", "Greens open", "Old cup", "About Old cup."] {
        assert!(first.html.contains(part), "{}", first.html);
    }
    // Links of items are counted each by itself, also those within their text.
    assert!(
        !first.html.contains("https://club.example/greens-open\""),
        "{}",
        first.html
    );
    let urls: Vec<_> = links::Entity::find().all(&*app.cx.db).await.unwrap();
    let urls: Vec<_> = urls
        .iter()
        .map(|link| (link.url.as_str(), link.label.as_str()))
        .collect();
    assert!(
        urls.contains(&("https://club.example/greens-open", "Greens open")),
        "{urls:?}"
    );
    assert!(
        urls.contains(&("https://club.example/more/old-cup", "Old cup")),
        "{urls:?}"
    );
    site.has_news(&["Juniors win", "Greens open", "Old cup"]);
    app.until("2026-03-06T09:00");
    app.edition().await;
    let messages = app.captured().await;
    assert_eq!(messages.len(), 4);
    let last = messages.last().unwrap();
    assert_eq!(last.subject, "Juniors win");
    assert!(!last.html.contains("Greens open"), "{}", last.html);
    app.check_ledger().await;
}

#[tokio::test]
async fn a_click_on_an_item_leads_to_it_and_counts_for_it() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.has_news(&["Greens open"]);
    let campaign = app.newsletter(json!({ "url": site.url })).await;
    app.until("2026-03-03T09:00");
    app.edition().await;
    let html = app.captured().await.remove(0).html;
    let mut targets = Vec::new();
    for part in html.split("href=\"").skip(1) {
        let url = part.split('"').next().unwrap().replace("&amp;", "&");
        if let Some(path) = url
            .strip_prefix(&app.address)
            .filter(|path| path.starts_with("/t/c/"))
        {
            let answer = app.get(path).await;
            targets.push(answer.headers()["location"].to_str().unwrap().to_owned());
        }
    }
    assert_eq!(
        targets,
        [
            "https://club.example/greens-open",
            "https://club.example/more/greens-open"
        ]
    );
    app.ingest.flush().await;
    let clicked = links::Entity::find()
        .filter(links::Column::Url.eq("https://club.example/greens-open"))
        .one(&*app.cx.db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((clicked.clicks, clicked.people), (1, 1));
    // A click proves that it arrived.
    assert_eq!(app.states(campaign).await, "SENT 1, DELIVERED 1");
}

#[tokio::test]
async fn an_occurrence_with_nothing_new_is_skipped_and_says_so() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.has_news(&["Greens open"]);
    let campaign = app.newsletter(json!({ "url": site.url })).await;
    app.until("2026-03-03T09:00");
    app.edition().await;
    app.until("2026-03-06T09:00");
    app.edition().await;
    assert_eq!(app.runs(campaign).await.len(), 1);
    assert_eq!(app.fates(campaign).await, "03-03 09:00 SENT, 03-06 09:00 SKIPPED");
    assert_eq!(app.reason(campaign).await, "Nothing new in the feed.");
    assert_eq!(app.status(campaign).await, Status::Active);
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page(&format!("/campaigns/{campaign}")).await;
    assert!(page.contains("Nothing new in the feed."), "{page}");
    let program = app.program(Role::Viewer).await;
    let past = program
        .get(&format!("/campaigns/{campaign}/occurrences?when=past"))
        .await
        .is(200);
    assert_eq!(past["items"][0]["state"], "SKIPPED", "{past}");
    assert_eq!(past["items"][0]["reason"], "Nothing new in the feed.");
    assert_eq!(past["items"][1]["state"], "SENT");
    // Where staff want it all the same, it is sent without items.
    let changed = json!({ "url": site.url, "skipWhenEmpty": false });
    app.execute(&format!(
        "UPDATE campaigns SET feed = '{changed}' WHERE id = {campaign}"
    ))
    .await;
    let template = app.template_of(campaign).await;
    app.set_template(
        template,
        "The news",
        "<p>{% for item in feed.items %}{{ item.title }}{% else %}No news{% endfor %}</p>",
    )
    .await;
    app.until("2026-03-10T09:00");
    app.edition().await;
    assert!(app.captured().await.last().unwrap().html.contains("No news"));
}

#[tokio::test]
async fn a_feed_that_is_down_is_tried_again_within_the_grace_and_then_the_occurrence_is_missed_with_the_reason()
 {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.has_news(&["Greens open"]);
    let campaign = app.newsletter(json!({ "url": site.url })).await;
    site.answers(503);
    site.forget();
    app.until("2026-03-03T09:00");
    app.edition().await;
    app.edition().await;
    assert_eq!(app.runs(campaign).await.len(), 0);
    assert_eq!(site.asked().len(), 1, "not again at once");
    let staff = app.sign_in_as(Role::Viewer).await;
    let page = staff.page(&format!("/campaigns/{campaign}")).await;
    assert!(page.contains("Its server answered 503."), "{page}");
    app.until("2026-03-03T09:01");
    app.edition().await;
    assert_eq!(site.asked().len(), 2);
    site.answers(200);
    app.until("2026-03-03T09:03");
    app.edition().await;
    assert_eq!(app.story(campaign).await, "03-03 09:00 at 03-03 09:03");
    // Down for good.
    site.answers(500);
    app.until("2026-03-06T09:00");
    for _ in 0..30 {
        app.edition().await;
        app.advance(chrono::TimeDelta::minutes(5));
    }
    assert_eq!(app.fates(campaign).await, "03-03 09:00 SENT, 03-06 09:00 MISSED");
    assert_eq!(
        app.reason(campaign).await,
        "The feed could not be read in time. Its server answered 500."
    );
    let tries = site.asked().len();
    app.edition().await;
    assert_eq!(site.asked().len(), tries, "no more of it after that");
    site.has_news(&["Juniors win", "Greens open"]);
    app.until("2026-03-10T09:00");
    app.edition().await;
    assert_eq!(app.captured().await.last().unwrap().subject, "Juniors win");
}

#[tokio::test]
async fn a_feed_that_is_down_holds_nobody_else_up() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.has_news(&["Greens open"]);
    let broken = app.newsletter(json!({ "url": site.url })).await;
    site.answers(500);
    let plan = json!({ "rule": "FREQ=DAILY", "start": "2026-03-02T09:30" });
    let other = app
        .draft()
        .name("Daily")
        .kind(fairway::domain::CampaignType::Recurring)
        .segment(app.campaign_row(broken).await.segment_id.unwrap())
        .template(app.template("Hello", "<p>Hello</p>").await)
        .create()
        .await
        .id;
    let changes = Changes {
        recurrence: Some(Some(
            fairway::domain::recurrence::Recurrence::parse(&plan).unwrap(),
        )),
        ..Changes::default()
    };
    commands::edit(&app.cx, other, None, &changes, &Actor::fairway())
        .await
        .unwrap();
    commands::schedule(&app.cx, other, &Actor::fairway())
        .await
        .unwrap();
    app.until("2026-03-03T09:30");
    app.edition().await;
    assert_eq!(app.runs(broken).await.len(), 0);
    assert_eq!(app.runs(other).await.len(), 1);
    assert_eq!(app.states(other).await, "SENT 2");
}

#[tokio::test]
async fn private_addresses_too_large_feeds_and_what_is_no_feed_are_refused_in_a_sentence() {
    let app = TestApp::spawn_with(|settings| settings.private_addresses = false).await;
    let site = Website::start();
    site.has_news(&["Greens open"]);
    let campaign = app.newsletter_draft(json!({ "url": site.url })).await;
    assert!(app.refusal(campaign).await.contains("not a public one"));
    assert!(site.asked().is_empty());
    let app = TestApp::spawn().await;
    let campaign = app.newsletter_draft(json!({ "url": site.url })).await;
    for (body, reason) in [
        ("x".repeat(2 * 1024 * 1024 + 1), "larger than 2 MB"),
        ("<html>Sign in</html>".to_owned(), "no feed that can be read"),
    ] {
        site.serves(body);
        assert!(app.refusal(campaign).await.contains(reason), "{reason}");
    }
    // It was one when it was scheduled.
    site.has_news(&["Greens open"]);
    commands::schedule(&app.cx, campaign, &Actor::fairway())
        .await
        .unwrap();
    site.serves("y".repeat(2 * 1024 * 1024 + 1));
    app.until("2026-03-03T09:00");
    app.edition().await;
    app.until("2026-03-03T11:01");
    app.edition().await;
    assert_eq!(
        app.reason(campaign).await,
        "The feed could not be read in time. The feed is larger than 2 MB."
    );
}

#[tokio::test]
async fn a_server_that_knows_what_we_have_need_not_send_it_again() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.has_news(&["Greens open"]);
    site.says("ETag: \"v1\"\r\nLast-Modified: Sun, 01 Mar 2026 00:00:00 GMT\r\n");
    let campaign = app.newsletter(json!({ "url": site.url })).await;
    site.forget();
    app.until("2026-03-03T09:00");
    app.edition().await;
    app.until("2026-03-06T09:00");
    app.edition().await;
    let asked = site.asked();
    assert!(
        !asked[0].contains("if-none-match") && asked[1].contains("if-none-match: \"v1\""),
        "{asked:?}"
    );
    assert!(asked[1].contains("if-modified-since: sun, 01 mar 2026"));
    assert_eq!(app.fates(campaign).await, "03-03 09:00 SENT, 03-06 09:00 SKIPPED");
}

#[tokio::test]
async fn of_a_calendar_the_events_of_the_coming_days_are_told_of_by_the_clocks_of_the_club() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.serves(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nX-WR-CALNAME:Events\r\n\
         BEGIN:VEVENT\r\nUID:roll\r\nDTSTART;TZID=Europe/London:20260106T180000\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY:Roll up\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:cup\r\nDTSTART:20260330T080000Z\r\nSUMMARY:Spring cup\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    let campaign = app.newsletter(json!({ "url": site.url, "days": 7 })).await;
    // The readers are elsewhere.
    app.execute("UPDATE contacts SET timezone = 'America/New_York'")
        .await;
    app.until("2026-03-24T09:00");
    app.edition().await;
    let mail = app.captured().await.remove(0);
    assert_eq!(mail.html.matches("Roll up").count(), 1, "{}", mail.html);
    // The clocks change on the 29th.
    assert!(mail.html.contains("Starts Tue 24 Mar 18:00"), "{}", mail.html);
    assert!(mail.html.contains("Starts Mon 30 Mar 09:00"), "{}", mail.html);
    assert_eq!(app.states(campaign).await, "SENT 2");
}

#[tokio::test]
async fn what_a_run_takes_is_kept_with_it_and_a_crash_before_it_reads_again() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.has_news(&["Greens open"]);
    let campaign = app.newsletter(json!({ "url": site.url })).await;
    app.until("2026-03-03T09:00");
    app.tick().await;
    // It dies with the feed on its way: the lease ends.
    app.execute("UPDATE feed_readings SET next_try_at = next_try_at + 120000")
        .await;
    app.edition().await;
    assert_eq!(app.runs(campaign).await.len(), 0);
    app.until("2026-03-03T09:02");
    app.edition().await;
    let run = app.runs(campaign).await.remove(0);
    assert_eq!(run.feed.unwrap()["items"][0]["title"], "Greens open");
    // The page in the browser says the same as the mail, whatever the feed says since.
    site.has_news(&["Else"]);
    let html = app.captured().await.remove(0).html;
    let mut addresses = html.split("href=\"").map(|part| part.split('"').next().unwrap());
    let view = addresses.find(|address| address.contains("/v/")).unwrap();
    let page = app.get(view.strip_prefix(&app.address).unwrap()).await;
    let page = page.text().await.unwrap();
    assert!(page.contains("Greens open") && !page.contains("Else"), "{page}");
    assert_eq!(app.states(campaign).await, "SENT 2");
}

#[tokio::test]
async fn a_template_that_comes_to_use_a_feed_where_there_is_none_pauses_the_campaign_and_says_why() {
    let app = TestApp::spawn().await;
    let plan = json!({ "rule": "FREQ=WEEKLY;BYDAY=TU,FR", "start": "2026-03-02T09:00" });
    let campaign = app.repeating(2, plan).await;
    let template = app.template_of(campaign).await;
    app.set_template(template, "The news", HTML).await;
    app.until("2026-03-03T09:00");
    app.edition().await;
    let paused = app.campaign_row(campaign).await;
    assert_eq!(paused.status, Status::Paused);
    assert!(paused.pause_reason.unwrap().contains("has no feed"));
    assert_eq!(app.states(campaign).await, "");
}

#[tokio::test]
async fn programs_say_the_feed_and_read_it_and_what_is_wrong_with_it_is_refused() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    let campaign = app.newsletter_draft(json!({ "url": site.url })).await;
    let program = app.program(Role::Manager).await;
    let path = format!("/campaigns/{campaign}");
    let answer = program.get(&path).await.is(200);
    assert_eq!(
        answer["feed"],
        json!({ "url": site.url, "maxItems": 10, "skipWhenEmpty": true, "days": 14 })
    );
    let changed = json!({ "feed": { "url": "https://club.example/feed", "maxItems": 5 } });
    let answer = program.patch(&path, &changed).await.is(200);
    assert_eq!(
        (&answer["feed"]["maxItems"], &answer["feed"]["url"]),
        (&json!(5), &json!("https://club.example/feed"))
    );
    let wrong = json!({ "feed": { "url": "mailto:x", "maxItems": 0 } });
    assert_eq!(
        program.patch(&path, &wrong).await.refused(),
        ["feed.url", "feed.maxItems"]
    );
    // Without a feed a template that uses one cannot be scheduled.
    program.patch(&path, &json!({ "feed": null })).await.is(200);
    let refused = program.tell(&format!("{path}/schedule")).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(
        refused.body.to_string().contains("has no feed"),
        "{}",
        refused.body
    );
}

fn typed(url: &str) -> Vec<(&str, &str)> {
    vec![
        ("frequency", "weekly"),
        ("every", "1"),
        ("days", "TU"),
        ("date", "2026-03-02"),
        ("time", "07:45"),
        ("timezone", "Europe/London"),
        ("end", "never"),
        ("grace", "PT6H"),
        ("goal.window", "P7D"),
        ("inDoubt", "RETRY"),
        ("feed.url", url),
        ("feed.maxItems", "1"),
        ("feed.days", "14"),
        ("feed.skipWhenEmpty", "true"),
    ]
}

#[tokio::test]
async fn staff_look_at_the_feed_while_they_choose_it_and_what_they_typed_stays() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.has_news(&["Greens open", "Old cup"]);
    let campaign = app
        .newsletter_draft(json!({ "url": "https://club.example/feed" }))
        .await;
    let staff = app.sign_in_as(Role::Manager).await;
    let path = format!("/campaigns/{campaign}/feed");
    let answer = staff.post(&path, &typed(&site.url)).await;
    assert_eq!(answer.status(), 200);
    let page = answer.text().await.unwrap();
    for part in ["Club news", "Greens open", "07:45", "<h1>", site.url.as_str()] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("Old cup"), "no more than it takes");
    let kept = app.campaign_row(campaign).await.feed.unwrap();
    assert_eq!(kept["url"], "https://club.example/feed", "looking saves nothing");
    let part = staff
        .hx_post(&path, &typed(&site.url))
        .await
        .text()
        .await
        .unwrap();
    assert!(part.contains("Greens open") && !part.contains("<h1>"), "{part}");
    site.answers(404);
    let part = staff
        .hx_post(&path, &typed(&site.url))
        .await
        .text()
        .await
        .unwrap();
    assert!(part.contains("There is nothing at this address"), "{part}");
    for (url, sentence) in [("", "Enter the feed"), ("nonsense", "no address of the web")] {
        let part = staff.hx_post(&path, &typed(url)).await.text().await.unwrap();
        assert!(part.contains(sentence), "{part}");
    }
    // Saving keeps it, and the review says whether it can be read.
    let row = app.campaign_row(campaign).await;
    let revision = row.revision.to_string();
    let mut fields = typed(&site.url);
    fields.push(("revision", &revision));
    let saved = staff
        .post(&format!("/campaigns/{campaign}/schedule"), &fields)
        .await;
    assert_eq!(saved.status(), 303, "{}", saved.text().await.unwrap());
    let kept = app.campaign_row(campaign).await.feed.unwrap();
    assert_eq!((&kept["url"], &kept["maxItems"]), (&json!(site.url), &json!(1)));
    let review = staff.page(&format!("/campaigns/{campaign}/review")).await;
    assert!(review.contains("The feed cannot be read."), "{review}");
    site.answers(200);
    let review = staff.page(&format!("/campaigns/{campaign}/review")).await;
    assert!(review.contains("1 item would be in it now"), "{review}");
}

#[tokio::test]
async fn a_template_shows_made_up_items_and_a_mistake_in_it_is_found_before_it_is_sent() {
    let app = TestApp::spawn().await;
    let site = Website::start();
    site.has_news(&["Greens open"]);
    let campaign = app.newsletter_draft(json!({ "url": site.url })).await;
    let template = app.template_of(campaign).await;
    let staff = app.sign_in_as(Role::Manager).await;
    let shown = staff.page(&format!("/templates/{template}/preview/html")).await;
    assert!(shown.contains("The greens are open again"), "{shown}");
    for (html, reason) in [
        (
            "<p>{% for item in feed.items %}{{ item.titel }}{% endfor %}</p>",
            "titel",
        ),
        ("<p>{{ feed.entries }}</p>", "no “entries”"),
    ] {
        app.set_template(template, "The news", html).await;
        let refusal = app.refusal(campaign).await;
        assert!(refusal.contains(reason), "{refusal}");
    }
    // Without a thing in the feed this has nothing to say.
    app.set_template(template, "{{ feed.items[0].title }}", "<p>News</p>")
        .await;
    let changes = Changes {
        feed: Some(Some(
            Source::parse(&json!({ "url": site.url, "skipWhenEmpty": false })).unwrap(),
        )),
        ..Changes::default()
    };
    commands::edit(&app.cx, campaign, None, &changes, &Actor::fairway())
        .await
        .unwrap();
    let refusal = app.refusal(campaign).await;
    assert!(refusal.contains("Where the feed has nothing new"), "{refusal}");
}
