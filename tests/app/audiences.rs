//! Audiences that combine: segments made of segments and of what came of campaigns, and campaigns
//! for those who have not had them.

use crate::support::TestApp;
use crate::support::api::Program;
use crate::support::sending::Plan;
use fairway::audience::segments;
use fairway::db::Sql;
use fairway::domain::Role;
use fairway::domain::segment::Rule;
use fairway::entity::deliveries;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};

impl Program {
    async fn segment(&self, key: &str, rule: Value) -> crate::support::api::Answer {
        let body = json!({"name": key.to_uppercase(), "rule": rule});
        self.put(&format!("/segments/{key}"), &body).await
    }

    async fn count(&self, key: &str) -> Value {
        self.get(&format!("/segments/{key}/count")).await.is(200)["count"].clone()
    }
}

fn named(op: &str, keys: Value) -> Value {
    json!({"field": "segment", "op": op, "value": keys})
}

fn person(number: i64) -> Value {
    json!({"field": "email", "op": "eq", "value": format!("person{number}@example.org")})
}

#[tokio::test]
async fn a_segment_made_of_others_follows_their_changes() {
    let app = TestApp::spawn().await;
    app.people(5).await;
    let program = app.program(Role::Manager).await;
    program.segment("first", person(1)).await.is(201);
    program
        .segment("rest", named("not_in", json!("first")))
        .await
        .is(201);
    let both =
        json!({"all": [named("in", json!(["first", "rest", "everyone"])), named("in", json!("rest"))]});
    let kept = program.segment("both", both.clone()).await.is(201);
    assert_eq!(
        kept["rule"], both,
        "what was written is shown, not what it stands for"
    );
    for (key, count) in [("first", 1), ("rest", 4), ("both", 4)] {
        assert_eq!(program.count(key).await, count, "{key}");
    }
    program
        .segment("first", json!({"any": [person(1), person(2)]}))
        .await
        .is(200);
    for (key, count) in [("first", 2), ("rest", 3), ("both", 3)] {
        assert_eq!(program.count(key).await, count, "{key}");
    }
    // A rule that becomes a list, and whoever names it.
    let list = json!({"name": "First", "contacts": ["3"]});
    program.put("/segments/first", &list).await.is(200);
    assert_eq!(program.count("both").await, 4);
}

#[tokio::test]
async fn a_way_round_is_refused_and_what_others_are_made_of_stays() {
    let app = TestApp::spawn().await;
    app.people(1).await;
    let program = app.program(Role::Manager).await;
    program.segment("a", person(1)).await.is(201);
    program.segment("b", named("in", json!("a"))).await.is(201);
    program.segment("c", named("not_in", json!("b"))).await.is(201);
    let refused = program.segment("a", named("in", json!("c"))).await;
    assert_eq!(refused.status, 422);
    assert_eq!(
        refused.body["errors"][0]["message"],
        "A segment cannot be made of itself: “A” → “C” → “B” → “A”."
    );
    assert_eq!(program.count("a").await, 1, "it is as it was");
    assert_eq!(
        program.segment("d", named("in", json!("nobody"))).await.refused(),
        ["rule"]
    );
    let unknown = json!({"field": "campaign.opened", "op": "in", "value": "77"});
    assert_eq!(program.segment("d", unknown).await.refused(), ["rule"]);

    let staff = app.sign_in_as(Role::Manager).await;
    let ids: Vec<i64> = ids_of(&app).await;
    let answer = staff.post(&format!("/segments/{}/delete", ids[0]), &[]).await;
    assert_eq!(answer.status(), 409);
    assert!(answer.text().await.unwrap().contains("“B” is made of this one"));
    assert_eq!(
        staff
            .post(&format!("/segments/{}/delete", ids[2]), &[])
            .await
            .status(),
        303
    );
    assert_eq!(
        staff
            .post(&format!("/segments/{}/delete", ids[1]), &[])
            .await
            .status(),
        303
    );
    assert_eq!(
        staff
            .post(&format!("/segments/{}/delete", ids[0]), &[])
            .await
            .status(),
        303
    );
}

/// The ids of the segments a, b and c.
async fn ids_of(app: &TestApp) -> Vec<i64> {
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        let found = segments::store::by_key(&*app.cx.db, key).await.unwrap().unwrap();
        ids.push(found.id);
    }
    ids
}

#[tokio::test]
async fn people_who_got_a_campaign_and_did_not_open_it_are_found() {
    let app = TestApp::spawn().await;
    let everyone = app.people(4).await;
    app.execute("DELETE FROM consents WHERE contact_id = 4").await;
    let campaign = app.campaign(Plan::to(everyone)).await;
    app.work().await;
    let rows = app.ledger(campaign).await;
    app.http.get(app.urls().open(rows[0].id)).send().await.unwrap();
    app.ingest.flush().await;
    let program = app.program(Role::Manager).await;
    let of = |what: &str, op: &str| json!({"field": format!("campaign.{what}"), "op": op, "value": campaign.to_string()});
    for (key, rule, count) in [
        ("sent", of("sent", "in"), 3),
        ("opened", of("opened", "eq"), 1),
        ("did-not", of("opened", "not_in"), 3),
        (
            "slept",
            json!({"all": [of("sent", "in"), of("opened", "not_in")]}),
            2,
        ),
    ] {
        program.segment(key, rule).await.is(201);
        assert_eq!(program.count(key).await, count, "{key}");
    }
    let staff = app.sign_in_as(Role::Manager).await;
    let slept = segments::store::by_key(&*app.cx.db, "slept")
        .await
        .unwrap()
        .unwrap();
    let page = staff.page(&format!("/segments/{}/edit", slept.id)).await;
    assert!(page.contains("Campaigns they opened"), "{page}");
    assert!(page.contains(&format!(
        "<option value=\"{campaign}\" selected>The spring cup</option>"
    )));
    let shown = staff.page(&format!("/segments/{}", slept.id)).await;
    assert!(
        shown.contains("was sent “The spring cup” and did not open “The spring cup”"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_repeated_campaign_for_new_people_goes_to_nobody_twice() {
    let app = TestApp::spawn().await;
    let everyone = app.people(4).await;
    // The fourth has not agreed yet when it goes out first.
    app.execute("DELETE FROM consents WHERE contact_id = 4").await;
    let campaign = app.campaign(Plan::to(everyone)).await;
    app.work().await;
    assert_eq!(app.states(campaign).await, "SENT 3, SKIPPED 1");
    for sql in [
        "UPDATE campaigns SET status = 'ACTIVE', only_new = TRUE".to_owned(),
        "INSERT INTO runs (campaign_id, number, state, scheduled_for, cursor, started_at) \
         SELECT campaign_id, 2, 'EXPANDING', scheduled_for + 1, 0, started_at FROM runs"
            .to_owned(),
        "INSERT INTO run_contents (run_id, channel, step, variant, template_version_id) \
         SELECT r.id, k.channel, k.step, k.variant, k.template_version_id FROM run_contents k, runs r WHERE r.number = 2"
            .to_owned(),
        "INSERT INTO links (run_id, url, url_hash, label, clicks, people) \
         SELECT r.id, l.url, l.url_hash, l.label, 0, 0 FROM links l, runs r WHERE r.number = 2"
            .to_owned(),
        "INSERT INTO run_counts (run_id, campaign_id, channel, step, variant, target, queued, sent, delivered, \
         bounced, failed, skipped, cancelled, unknown, opened, clicked, converted, unsubscribed, complained) \
         SELECT r.id, r.campaign_id, 'EMAIL', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM runs r WHERE r.number = 2"
            .to_owned(),
        "INSERT INTO consents (contact_id, channel, status, source, evidence, at) \
         VALUES (4, 'EMAIL', 'SUBSCRIBED', 'form', '', 0)"
            .to_owned(),
    ] {
        app.execute(&sql).await;
    }
    app.tick().await;
    app.drain().await;
    let again: Vec<_> = deliveries::Entity::find()
        .filter(deliveries::Column::RunId.ne(app.run_number(1).await))
        .all(&*app.cx.db)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.contact_id)
        .collect();
    assert_eq!(again, [Some(4)], "only the one who has not had it");
    app.check_ledger().await;
}

impl TestApp {
    async fn run_number(&self, number: i64) -> i64 {
        let statement = self
            .cx
            .db
            .sql("SELECT id FROM runs WHERE number = $1", [number.into()]);
        let row = self.cx.db.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get("", "id").unwrap()
    }
}

#[tokio::test]
async fn asking_about_a_campaign_or_a_list_reads_indexes() {
    let app = TestApp::spawn().await;
    let everyone = app.people(3).await;
    let campaign = app.campaign(Plan::to(everyone)).await;
    app.work().await;
    // Enough that a planner looks for the shortest way.
    app.execute(&format!(
        "INSERT INTO deliveries (run_id, campaign_id, step, variant, contact_id, channel, instance, lane, state, \
         address, due_at, attempt, created_at) \
         SELECT r.id, r.campaign_id + n % 100, '', 0, c.id, 'EMAIL', CAST(n AS TEXT), 0, 'SKIPPED', '', 0, 0, 0 \
         FROM runs r, contacts c, (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000) \
         SELECT n FROM s) x WHERE r.campaign_id = {campaign}"
    ))
    .await;
    app.execute("ANALYZE").await;
    for (rule, index) in [
        (
            json!({"field": "campaign.opened", "op": "not_in", "value": "1"}),
            // On a small table PostgreSQL may find the campaign's few rows first.
            &[
                "idx_deliveries_contact_id_campaign_id_id",
                "idx_deliveries_campaign_id_state_id",
            ][..],
        ),
        // By the list and the person, or by the person: both are one step.
        (
            json!({"field": "segment", "op": "in", "value": "everyone"}),
            &[
                "sqlite_autoindex_segment_members_1",
                "segment_members_pkey",
                "idx_segment_members_contact_id",
            ],
        ),
    ] {
        let mut sql = Sql::new(app.cx.db.backend());
        let who = segments::rule_condition(
            &mut sql,
            &Rule::parse(&rule).unwrap(),
            app.cx.clock.now(),
            chrono_tz::UTC,
        );
        let is_postgres = sql.is_postgres();
        let explain = if is_postgres {
            "EXPLAIN"
        } else {
            "EXPLAIN QUERY PLAN"
        };
        let tx = app.cx.db.begin().await.unwrap();
        if is_postgres {
            // Three people are read faster without an index.
            tx.execute_unprepared("SET LOCAL enable_seqscan = off")
                .await
                .unwrap();
        }
        let text =
            format!("{explain} SELECT c.id FROM contacts c WHERE c.id > 0 AND c.id <= 5000 AND ({who})");
        let rows = tx.query_all_raw(sql.statement(text)).await.unwrap();
        let column = if is_postgres { 0 } else { 3 };
        let plan: Vec<String> = rows
            .iter()
            .map(|row| row.try_get_by_index(column).unwrap())
            .collect();
        let plan = plan.join("\n");
        assert!(index.iter().any(|index| plan.contains(index)), "{rule}\n{plan}");
    }
}
