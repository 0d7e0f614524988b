//! The calendar as staff use it: a campaign is dragged to another day, and moved by the keyboard
//! alone where no script runs.

use super::demo::Demo;
use super::driver::Browser;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use fantoccini::actions::{InputSource as _, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use std::time::Duration;

const NAME: &str = "Monthly medal: the draw";
const LEFT: u64 = 0;

/// When it is to be sent, in the club's zone, which knows no daylight saving.
async fn time_of(demo: &Demo, campaign: &str) -> (NaiveDate, String) {
    let answer = demo.api(&format!("/campaigns/{campaign}")).await;
    let at: DateTime<Utc> = answer["scheduledAt"].as_str().unwrap().parse().unwrap();
    let at = at.with_timezone(&chrono_tz::Africa::Johannesburg);
    (at.date_naive(), at.format("%H:%M").to_string())
}

/// Waits until it is of this day.
async fn is_on(demo: &Demo, campaign: &str, day: NaiveDate) {
    for _ in 0..100 {
        if time_of(demo, campaign).await.0 == day {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{NAME} never moved to {day}");
}

/// With the mouse, by the steps that a hand takes.
async fn drag(browser: &Browser, from: Element, to: Element) {
    let over = |element: Element, x: f64| PointerAction::MoveToElement {
        element,
        duration: Some(Duration::from_millis(100)),
        x,
        y: 0.0,
    };
    let hand = MouseActions::new("hand".into())
        .then(over(from.clone(), 0.0))
        .then(PointerAction::Down { button: LEFT })
        .then(over(from, 8.0))
        .then(over(to.clone(), 0.0))
        .then(over(to, 4.0))
        .then(PointerAction::Up { button: LEFT });
    browser.client.perform_actions(hand).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_is_dragged_to_another_day_and_moved_by_the_keyboard() {
    let demo = Demo::start().await;
    let campaign = demo.campaign(NAME).await;
    let (first, time) = time_of(&demo, &campaign).await;
    let monday = first - Days::new(first.weekday().num_days_from_monday().into());
    let thursday = monday + Days::new(3);
    assert_ne!(first, thursday);

    let browser = Browser::open(true).await;
    demo.sign_in(&browser).await;
    browser.goto(&demo.url(&format!("/calendar?week={monday}"))).await;
    let entry = browser.find(&format!("li[data-campaign='{campaign}']")).await;
    let day = browser.find(&format!("td[data-day='{thursday}'] .day")).await;
    drag(&browser, entry, day).await;
    let there = format!("td[data-day='{thursday}'] li[data-campaign='{campaign}']");
    browser.shows(&there, &time).await;
    browser
        .sees(&format!("“{NAME}” is sent {}", thursday.format("%a %-d %b %Y")))
        .await;
    is_on(&demo, &campaign, thursday).await;
    assert_eq!(time_of(&demo, &campaign).await.1, time, "the hour stays");
    browser.is_accessible().await;
    browser.close().await;

    // No script, and no mouse.
    let browser = Browser::open(false).await;
    demo.sign_in(&browser).await;
    browser.goto(&demo.url(&format!("/calendar?week={monday}"))).await;
    let link = browser.find(&format!("{there} a.move")).await;
    link.send_keys(&Key::Enter.to_string()).await.unwrap();
    let friday = thursday + Days::new(1);
    browser
        .fill("[name=date]", &friday.format("%m%d%Y").to_string())
        .await;
    let field = browser.find("[name=date]").await;
    assert_eq!(field.prop("value").await.unwrap().unwrap(), friday.to_string());
    field.send_keys(&Key::Enter.to_string()).await.unwrap();
    let there = format!("td[data-day='{friday}'] li[data-campaign='{campaign}']");
    browser.shows(&there, &time).await;
    is_on(&demo, &campaign, friday).await;
    browser.close().await;
}
