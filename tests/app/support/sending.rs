//! Campaigns that are sent: people, a template, the loops driven by hand, and the ledger checked.
#![allow(dead_code)] // each area uses what it needs

use super::TestApp;
use chrono::TimeDelta;
use fairway::accounts::club::Sender;
use fairway::accounts::{Actor, Club};
use fairway::campaigns::lifecycle;
use fairway::context::Context;
use fairway::domain::campaign::Command;
use fairway::domain::{BodyKind, CampaignType, Channel, InDoubt, Purpose, SegmentKind, Status};
use fairway::entity::{
    campaign_contents, campaigns, deliveries, run_counts, runs, segments, template_versions, templates,
};
use fairway::scheduler;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// What a campaign of a test is unless the test says otherwise.
#[derive(Clone, Debug)]
pub struct Plan {
    pub segment: i64,
    pub subject: String,
    pub html: String,
    pub in_doubt: InDoubt,
    /// `None`: as soon as possible.
    pub at: Option<chrono::DateTime<chrono::Utc>>,
}

impl Plan {
    pub fn to(segment: i64) -> Self {
        Self {
            segment,
            subject: "The spring cup, {{ contact.first_name }}".into(),
            html: "<p>Dear {{ contact.first_name }}, <a href=\"https://club.example/cup\">enter</a>.</p>"
                .into(),
            in_doubt: InDoubt::Retry,
            at: None,
        }
    }
}

impl TestApp {
    /// Ticks until nothing more is due.
    pub async fn tick(&self) {
        loop {
            let outcome = scheduler::tick(&self.cx).await.unwrap();
            if outcome.next_due.is_none_or(|at| at > self.cx.clock.now()) {
                return;
            }
        }
    }

    /// Sends everything that is due.
    pub async fn drain(&self) {
        self.dispatcher.drain().await.unwrap();
    }

    /// Starts what is due, sends it, and ends what is sent.
    pub async fn work(&self) {
        self.tick().await;
        self.drain().await;
        self.tick().await;
    }

    pub fn advance(&self, by: TimeDelta) {
        self.cx.clock.advance(by);
    }

    /// A club that may send, and a segment of this many people: person1@example.org and so on,
    /// all of whom agreed to e-mail.
    pub async fn people(&self, number: i64) -> i64 {
        let now = self.cx.clock.now().timestamp_millis();
        let tx = self.cx.db.begin().await.unwrap();
        let club = Club {
            name: "Links Golf Club".into(),
            sender: Sender {
                name: "Links Golf Club".into(),
                email: "news@club.example".into(),
                reply_to: String::new(),
            },
            postal_address: "1 Fairway, Greenside".into(),
            ..Club::load(&*tx).await.unwrap()
        };
        club.save(&tx, self.cx.clock.now()).await.unwrap();
        tx.execute_raw(tx.sql(
            "INSERT INTO contacts (key, email, first_name, last_name, attributes, search, created_at, updated_at) \
             SELECT CAST(n AS TEXT), 'person' || n || '@example.org', 'Person ' || n, 'Golfer', '{}', '', $1, $1 \
             FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < $2) SELECT n FROM s) x",
            [now.into(), number.into()],
        ))
        .await
        .unwrap();
        tx.execute_raw(tx.sql(
            "INSERT INTO consents (contact_id, channel, status, source, evidence, at) \
             SELECT id, 'EMAIL', 'SUBSCRIBED', 'form', '', $1 FROM contacts",
            [now.into()],
        ))
        .await
        .unwrap();
        let segment = segments::ActiveModel {
            id: NotSet,
            key: Set("everyone".into()),
            name: Set("Everyone".into()),
            kind: Set(SegmentKind::Static),
            rule: Set(serde_json::json!({})),
            created_at: Set(self.cx.clock.now().into()),
            updated_at: Set(self.cx.clock.now().into()),
            archived_at: Set(None),
            resolved: Set(None),
        }
        .insert(&*tx)
        .await
        .unwrap();
        tx.execute_raw(tx.sql(
            "INSERT INTO segment_members (segment_id, contact_id) SELECT $1, id FROM contacts",
            [segment.id.into()],
        ))
        .await
        .unwrap();
        tx.commit().await.unwrap();
        segment.id
    }

    /// A scheduled campaign.
    pub async fn campaign(&self, plan: Plan) -> i64 {
        let now = || Set(self.cx.clock.now().into());
        let tx = self.cx.db.begin().await.unwrap();
        let template = templates::ActiveModel {
            key: Set(format!("t-{}", uuid::Uuid::new_v4().simple())),
            channel: Set(Channel::Email),
            name: Set("The spring cup".into()),
            version_id: Set(None),
            created_at: now(),
            updated_at: now(),
            archived_at: Set(None),
            id: NotSet,
        }
        .insert(&*tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        self.set_template(template.id, &plan.subject, &plan.html).await;
        let tx = self.cx.db.begin().await.unwrap();
        let campaign = campaigns::ActiveModel {
            id: NotSet,
            name: Set("The spring cup".into()),
            kind: Set(CampaignType::OneTime),
            status: Set(Status::Scheduled),
            purpose: Set(Purpose::Marketing),
            topic_id: Set(None),
            segment_id: Set(Some(plan.segment)),
            channels: Set(serde_json::json!(["EMAIL"])),
            timezone: Set("Europe/London".into()),
            send_now: Set(plan.at.is_none()),
            scheduled_at: Set(plan.at.map(Into::into)),
            recurrence: Set(None),
            trigger: Set(None),
            journey: Set(None),
            goal: Set(None),
            sender_name: Set(None),
            sender_email: Set(None),
            reply_to: Set(None),
            in_doubt: Set(plan.in_doubt),
            pause_reason: Set(None),
            revision: Set(1),
            created_by: Set(None),
            created_at: now(),
            updated_at: now(),
            started_at: Set(None),
            finished_at: Set(None),
            ..Default::default()
        }
        .insert(&*tx)
        .await
        .unwrap();
        campaign_contents::ActiveModel {
            campaign_id: Set(campaign.id),
            channel: Set(Channel::Email),
            template_id: Set(Some(template.id)),
            body: Set(serde_json::json!({})),
        }
        .insert(&*tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        campaign.id
    }

    /// The template that a campaign sends by e-mail.
    pub async fn template_of(&self, campaign: i64) -> i64 {
        campaign_contents::Entity::find_by_id((campaign, Channel::Email))
            .one(&*self.cx.db)
            .await
            .unwrap()
            .unwrap()
            .template_id
            .unwrap()
    }

    /// Saves a new version of a template.
    pub async fn set_template(&self, template: i64, subject: &str, html: &str) {
        let tx = self.cx.db.begin().await.unwrap();
        let versions = template_versions::Entity::find()
            .filter(template_versions::Column::TemplateId.eq(template))
            .all(&*tx)
            .await
            .unwrap();
        let version = template_versions::ActiveModel {
            id: NotSet,
            template_id: Set(template),
            number: Set(i32::try_from(versions.len()).unwrap() + 1),
            subject: Set(subject.into()),
            preheader: Set(String::new()),
            body_kind: Set(BodyKind::Html),
            body: Set(html.into()),
            text: Set(None),
            whole: Set(None),
            note: Set(None),
            attachments: Set(None),
            created_by: Set(None),
            created_at: Set(self.cx.clock.now().into()),
        }
        .insert(&*tx)
        .await
        .unwrap();
        tx.execute_raw(tx.sql(
            "UPDATE templates SET version_id = $1 WHERE id = $2",
            [version.id.into(), template.into()],
        ))
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    /// Pauses, resumes or cancels.
    pub async fn command(&self, campaign: i64, command: Command) {
        let tx = self.cx.db.begin().await.unwrap();
        lifecycle::apply(&tx, campaign, command, &Actor::fairway(), self.cx.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// Runs a statement.
    pub async fn execute(&self, sql: &str) {
        let tx = self.cx.db.begin().await.unwrap();
        tx.execute_unprepared(sql).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn status(&self, campaign: i64) -> Status {
        self.campaign_row(campaign).await.status
    }

    pub async fn campaign_row(&self, campaign: i64) -> campaigns::Model {
        campaigns::Entity::find_by_id(campaign)
            .one(&*self.cx.db)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn run(&self, campaign: i64) -> runs::Model {
        runs::Entity::find()
            .filter(runs::Column::CampaignId.eq(campaign))
            .one(&*self.cx.db)
            .await
            .unwrap()
            .unwrap()
    }

    /// The ledger of a campaign, in the order of the people.
    pub async fn ledger(&self, campaign: i64) -> Vec<deliveries::Model> {
        deliveries::Entity::find()
            .filter(deliveries::Column::CampaignId.eq(campaign))
            .order_by_asc(deliveries::Column::ContactId)
            .all(&*self.cx.db)
            .await
            .unwrap()
    }

    /// How many deliveries are in which state, as `"SENT 3, SKIPPED 1"`.
    pub async fn states(&self, campaign: i64) -> String {
        let mut states = BTreeMap::new();
        for delivery in self.ledger(campaign).await {
            *states.entry(delivery.state).or_insert(0) += 1;
        }
        let words: Vec<_> = states
            .into_iter()
            .map(|(state, number)| format!("{state} {number}"))
            .collect();
        words.join(", ")
    }

    /// The counts of every run are those of its rows in the ledger.
    pub async fn check_ledger(&self) {
        check_ledger(&self.cx).await;
    }

    /// A dispatcher that ended must hold nothing: a row that it forgot would wait for its lease.
    pub(super) fn refuse_held_leases(&self) {
        if self.may_leave_leases.load(Ordering::SeqCst) {
            return;
        }
        let url = self.cx.settings.database_url.clone();
        // `drop` cannot wait, and the runtime it is called on is about to end.
        let held = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let db = fairway::db::Db::open(&url).await.ok()?;
                let statement = db.sql("SELECT id FROM deliveries WHERE state = 'SENDING'", []);
                let held = db.query_all_raw(statement).await.ok()?.len();
                db.close().await.ok()?;
                Some(held)
            })
        });
        // A test may have taken its database away; that is its own business.
        if let Ok(Some(held)) = held.join() {
            assert_eq!(held, 0, "deliveries are still held at the end of the test");
        }
    }
}

pub async fn check_ledger(cx: &Context) {
    for counts in run_counts::Entity::find().all(&*cx.db).await.unwrap() {
        let rows = deliveries::Entity::find()
            .filter(deliveries::Column::RunId.eq(counts.run_id))
            .filter(deliveries::Column::Channel.eq(counts.channel))
            .filter(deliveries::Column::Step.eq(counts.step.as_str()))
            .filter(deliveries::Column::Variant.eq(counts.variant))
            .all(&*cx.db)
            .await
            .unwrap();
        let of = |states: &[&str]| {
            let number = rows
                .iter()
                .filter(|row| states.contains(&row.state.as_str()))
                .count();
            i64::try_from(number).unwrap()
        };
        let with = |is: fn(&deliveries::Model) -> bool| {
            i64::try_from(rows.iter().filter(|row| is(row)).count()).unwrap()
        };
        let expected = run_counts::Model {
            target: i64::try_from(rows.len()).unwrap(),
            queued: of(&["QUEUED", "SENDING"]),
            sent: with(|row| row.sent_at.is_some()),
            delivered: with(|row| row.delivered_at.is_some() && row.bounced_at.is_none()),
            bounced: of(&["BOUNCED"]),
            failed: of(&["FAILED"]),
            skipped: of(&["SKIPPED"]),
            cancelled: of(&["CANCELLED"]),
            unknown: of(&["UNKNOWN"]),
            opened: with(|row| row.opened_at.is_some()),
            clicked: with(|row| row.clicked_at.is_some()),
            converted: with(|row| row.converted_at.is_some()),
            unsubscribed: with(|row| row.unsubscribed_at.is_some()),
            complained: with(|row| row.complained_at.is_some()),
            converted_value: rows.iter().filter_map(|row| row.converted_value).sum(),
            ..counts.clone()
        };
        assert_eq!(
            counts, expected,
            "the counts of run {} are not its ledger's",
            counts.run_id
        );
    }
    let hours = "SELECT CAST(COALESCE(SUM(h.sent), 0) AS BIGINT) AS sent FROM run_hours h";
    let rows = "SELECT CAST(COUNT(*) AS BIGINT) AS sent FROM deliveries WHERE sent_at IS NOT NULL";
    let mut sums = Vec::new();
    for sql in [hours, rows] {
        let row = cx.db.query_one_raw(cx.db.sql(sql, [])).await.unwrap().unwrap();
        sums.push(row.try_get::<i64>("", "sent").unwrap());
    }
    assert_eq!(sums[0], sums[1], "the hours do not add up to what was sent");
}
