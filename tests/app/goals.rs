//! Conversions: who has them, what they are worth, and what comes late or out of order.

use crate::support::TestApp;
use crate::support::sending::Plan;
use chrono::TimeDelta;
use fairway::domain::Role;
use fairway::entity::{activities, deliveries, links};
use fairway::tracking::events::{Accepted, EventInput, record};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

impl TestApp {
    /// A campaign to a segment that went out just now, with a goal.
    async fn out_with(&self, segment: i64, goal: Value) -> i64 {
        let campaign = self.campaign(Plan::to(segment)).await;
        self.execute(&format!(
            "UPDATE campaigns SET goal = '{goal}' WHERE id = {campaign}"
        ))
        .await;
        self.work().await;
        campaign
    }

    /// The first person follows the link of a campaign.
    async fn follow(&self, campaign: i64) {
        let delivery = &self.ledger(campaign).await[0];
        let link = links::Entity::find()
            .filter(links::Column::RunId.eq(delivery.run_id))
            .one(&*self.cx.db)
            .await
            .unwrap()
            .unwrap();
        let url = self.urls().click(delivery.id, link.id, None);
        self.http.get(url).send().await.unwrap();
        self.ingest.flush().await;
    }

    async fn events(&self, events: Value) -> Accepted {
        let now = self.cx.clock.now();
        let events: Vec<EventInput> = serde_json::from_value(events).unwrap();
        let events = events.into_iter().map(|event| event.parse(now).unwrap());
        record(&self.cx, events.collect()).await.unwrap()
    }

    /// The conversion of a campaign's first person: when, in minutes since the test began, and what
    /// it was worth.
    async fn conversion(&self, campaign: i64) -> Option<(i64, Option<i64>)> {
        let row: &deliveries::Model = &self.ledger(campaign).await[0];
        let at = row.converted_at?.0 - crate::support::start();
        Some((at.num_minutes(), row.converted_value))
    }
}

/// A sale at a minute of the test, worth an amount.
fn sale(id: &str, minute: i64, amount: f64) -> Value {
    let at = crate::support::start() + TimeDelta::minutes(minute);
    json!({"name": "sale", "contact": "1", "id": id, "occurredAt": at, "properties": {"amount": amount}})
}

fn goal() -> Value {
    json!({"event": "sale", "window": "P7D", "value": "amount"})
}

#[tokio::test]
async fn the_money_of_conversions_is_summed_exactly_with_the_ledger() {
    let app = TestApp::spawn().await;
    let segment = app.people(30).await;
    let campaign = app.out_with(segment, goal()).await;
    let rows = app.ledger(campaign).await;
    let link = links::Entity::find().one(&*app.cx.db).await.unwrap().unwrap();
    for row in &rows {
        let url = app.urls().click(row.id, link.id, None);
        app.http.get(url).send().await.unwrap();
    }
    app.ingest.flush().await;
    // 0.1 thirty times is not 3 in floats.
    let sales: Vec<Value> = (1..=30)
        .map(|person| json!({"name": "sale", "contact": person.to_string(), "properties": {"amount": 0.1}}))
        .collect();
    assert_eq!(app.events(json!(sales)).await.conversions, 30);
    let counts = app.counts().await;
    assert_eq!((counts.converted, counts.converted_value), (30, 300));
    app.check_ledger().await;

    let program = app.program(Role::Viewer).await;
    let stats = program.get(&format!("/campaigns/{campaign}/stats")).await.is(200);
    assert_eq!(stats["convertedValue"], 300);
    assert_eq!(stats["currency"], "EUR");
    assert_eq!(stats["runs"][0]["convertedValue"], 300);
    let staff = app.sign_in_as(Role::Viewer).await;
    let csv = staff.page(&format!("/campaigns/{campaign}/people.csv")).await;
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .contains("converted_at,converted_value")
    );
    assert_eq!(csv.matches(",0.10,").count(), 30, "{csv}");
    let report = staff.page(&format!("/campaigns/{campaign}/report")).await;
    assert!(report.contains("EUR 3.00"), "{report}");
    let people = staff.page(&format!("/campaigns/{campaign}/people")).await;
    assert!(people.contains("Converted: EUR 0.10"), "{people}");
    let contact = rows[0].contact_id.unwrap();
    let person = staff.page(&format!("/contacts/{contact}")).await;
    assert!(person.contains("goal: sale, EUR 0.10."), "{person}");
}

#[tokio::test]
async fn the_message_that_was_touched_last_has_the_conversion_and_no_other() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    let first = app.out_with(segment, goal()).await;
    let second = app.out_with(segment, goal()).await;
    app.follow(first).await;
    app.advance(TimeDelta::minutes(10));
    app.follow(second).await;
    app.advance(TimeDelta::minutes(10));
    // Once more, to the link that was followed already.
    app.follow(first).await;
    app.advance(TimeDelta::minutes(10));
    let answer = app.events(json!([sale("a", 15, 1.0), sale("b", 25, 2.0)])).await;
    assert_eq!((answer.conversions, answer.corrected), (2, 0));
    assert_eq!(app.conversion(second).await, Some((15, Some(100))));
    assert_eq!(app.conversion(first).await, Some((25, Some(200))));
    // A further sale belongs to the first, which is converted: it is no conversion of the second.
    let further = app.events(json!([sale("c", 28, 4.0)])).await;
    assert_eq!((further.conversions, further.corrected), (0, 0));
    app.check_ledger().await;
}

#[tokio::test]
async fn events_in_any_order_come_to_the_same_conversions() {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let app = TestApp::spawn().await;
        let segment = app.people(1).await;
        let first = app.out_with(segment, goal()).await;
        let second = app.out_with(segment, goal()).await;
        app.follow(first).await;
        app.advance(TimeDelta::minutes(20));
        app.follow(second).await;
        app.advance(TimeDelta::minutes(20));
        let sales = [sale("a", 10, 1.0), sale("b", 15, 2.0), sale("c", 30, 4.0)];
        for place in order {
            app.events(json!([sales[place]])).await;
            app.check_ledger().await;
        }
        assert_eq!(app.conversion(first).await, Some((10, Some(100))), "{order:?}");
        assert_eq!(app.conversion(second).await, Some((30, Some(400))), "{order:?}");
        let told = activities::Entity::find()
            .filter(activities::Column::Kind.eq("CONVERSION"))
            .all(&*app.cx.db)
            .await
            .unwrap();
        let mut values: Vec<_> = told.iter().map(|told| told.detail["value"].clone()).collect();
        values.sort_by_key(Value::as_i64);
        assert_eq!(values, [json!(100), json!(400)], "{order:?}");
    }
}

#[tokio::test]
async fn an_earlier_event_that_comes_late_takes_the_place_of_the_one_that_was_counted() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    let campaign = app.out_with(segment, goal()).await;
    app.follow(campaign).await;
    app.advance(TimeDelta::days(2));
    assert_eq!(app.events(json!([sale("a", 60, 9.99)])).await.conversions, 1);
    let late = app.events(json!([sale("b", 30, 1.5)])).await;
    assert_eq!((late.conversions, late.corrected), (0, 1));
    assert_eq!(app.conversion(campaign).await, Some((30, Some(150))));
    assert_eq!(app.counts().await.converted_value, 150);
    let before_the_click = app.events(json!([sale("c", -1, 7.0)])).await;
    assert_eq!((before_the_click.conversions, before_the_click.corrected), (0, 0));
    app.check_ledger().await;
}

#[tokio::test]
async fn a_goal_may_count_after_an_open() {
    let app = TestApp::spawn().await;
    let segment = app.people(2).await;
    let goal = json!({"event": "sale", "window": "P7D", "after": "open"});
    let campaign = app.out_with(segment, goal).await;
    let rows = app.ledger(campaign).await;
    app.http.get(app.urls().open(rows[0].id)).send().await.unwrap();
    app.ingest.flush().await;
    let both = json!([{"name": "sale", "contact": "1"}, {"name": "sale", "contact": "2"}]);
    assert_eq!(
        app.events(both).await.conversions,
        1,
        "the second person did not open"
    );
    assert_eq!(app.conversion(campaign).await, Some((0, None)));
    app.check_ledger().await;
}

#[tokio::test]
async fn the_currency_stays_once_money_was_counted_in_it() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    let program = app.program(Role::Admin).await;
    let change = async |code: &str| program.put("/settings", &json!({"currency": code})).await;
    change("ZAR").await.is(200);
    assert_ne!(change("rand").await.status, 200);
    let campaign = app.out_with(segment, goal()).await;
    app.follow(campaign).await;
    app.events(json!([sale("a", 0, 5.0)])).await;
    assert_eq!(change("EUR").await.refused(), ["currency"]);
    // The same is no change.
    change("ZAR").await.is(200);
}

#[tokio::test]
async fn a_goal_is_entered_in_the_wizard_with_its_conditions_and_its_money() {
    let app = TestApp::spawn().await;
    let segment = app.people(1).await;
    let campaign = app.campaign(Plan::to(segment)).await;
    app.execute("UPDATE campaigns SET status = 'DRAFT'").await;
    let staff = app.sign_in_as(Role::Manager).await;
    let path = format!("/campaigns/{campaign}/schedule");
    let mut fields = vec![
        ("when", "now"),
        ("timezone", "UTC"),
        ("inDoubt", "RETRY"),
        ("revision", "1"),
        ("goal.event", "booking"),
        ("goal.window", "P3D"),
        ("goal.after", "open"),
        ("goal.value", "order.total"),
        ("goal.where.match", "any"),
        ("goal.where.field", "players"),
        ("goal.where.op", "gte"),
        ("goal.where.value", "2"),
        ("goal.where.field", ""),
        ("goal.where.op", "eq"),
        ("goal.where.value", ""),
        ("goal.where.field", "course"),
        ("goal.where.op", "in"),
        ("goal.where.value", "North, South"),
    ];
    assert_eq!(staff.post(&path, &fields).await.status(), 303);
    let goal = app.campaign_row(campaign).await.goal.unwrap();
    let expected = json!({
        "event": "booking",
        "where": {"any": [
            {"field": "event.players", "op": "gte", "value": 2},
            {"field": "event.course", "op": "in", "value": ["North", "South"]},
        ]},
        "window": "P3D",
        "after": "open",
        "value": "order.total",
    });
    assert_eq!(goal, expected);
    let page = staff.page(&path).await;
    assert!(page.contains("value=\"North, South\""), "{page}");
    let shown = staff.page(&format!("/campaigns/{campaign}")).await;
    assert!(
        shown.contains("players is at least 2 or course is one of"),
        "{shown}"
    );
    // A row that says nothing is refused, and stays as it was typed.
    fields[3] = ("revision", "2");
    fields[10] = ("goal.where.op", "gt");
    fields[11] = ("goal.where.value", "true");
    let refused = staff.post(&path, &fields).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert!(page.contains("Row 1: "), "{page}");
    assert!(page.contains("value=\"order.total\""), "{page}");
}
