//! The club: its people, lists and campaigns as they are known here, beside what Fairway knows.

use super::campaigns::{Planned, plan};
use super::expected::Expected;
use super::post::{Line, Post};
use super::{Dice, Scale, at};
use crate::support::api::Program;
use crate::support::{TestApp, fresh_database};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use fairway::dispatch::Dispatcher;
use fairway::domain::segment::Rule;
use fairway::domain::{Channel, Role, SegmentKind};
use fairway::entity::segments;
use fairway::messaging::Channels;
use sea_orm::ActiveModelTrait as _;
use sea_orm::ActiveValue::{NotSet, Set};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Quiet hours everywhere, a cap, and a day on which the club rests.
pub const QUIET: (u32, u32) = (21, 8);
pub const MOST: usize = 5;
pub const DAYS: i64 = 2;
pub const HOLIDAY: &str = "2026-03-07";

pub struct Person {
    /// `None`: the campaign's, London's.
    pub zone: Option<Tz>,
    pub consented: bool,
    pub opted_out: Option<DateTime<Utc>>,
}

pub struct Segment {
    pub id: i64,
    /// By a tag; else by hand.
    pub is_rule: bool,
    pub members: HashSet<i64>,
}

/// An audience, and when it was fixed.
pub struct Audience {
    pub campaign: i64,
    pub at: DateTime<Utc>,
    pub scheduled_for: DateTime<Utc>,
    pub members: HashSet<i64>,
}

/// A booking that nobody has called off yet.
pub struct Booking {
    pub contact: i64,
    pub event: usize,
}

pub struct Club {
    pub app: TestApp,
    pub dispatcher: Dispatcher,
    pub program: Program,
    pub post: Arc<Post>,
    pub dice: Dice,
    pub scale: Scale,
    /// By contact id; the first is nobody.
    pub people: Vec<Person>,
    pub segments: Vec<Segment>,
    pub campaigns: Vec<Planned>,
    /// By run.
    pub audiences: HashMap<i64, Audience>,
    pub expected: Expected,
    pub bookings: Vec<Booking>,
    /// Events so far, and some of the last to be reported again.
    pub events: usize,
    pub recent: Vec<Value>,
    url: String,
    _home: tempfile::TempDir,
}

impl Club {
    pub async fn found(scale: Scale, seed: u64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let url = fresh_database(home.path()).await;
        let app = start(&url).await;
        let post = Arc::new(Post::new(seed));
        post.go_by(app.cx.clock.clone());
        app.set_manners(json!({
            "holdSeconds": 0,
            "quietHours": {"EMAIL": {"from": "21:00", "to": "08:00"}},
            "frequencyCaps": {"EMAIL": {"most": MOST, "days": DAYS}},
            "holidays": [{"date": HOLIDAY, "name": "The captain’s day"}],
        }))
        .await;
        let mut club = Self {
            dispatcher: dispatcher(&app, &post),
            program: app.program(Role::Manager).await,
            app,
            post,
            dice: Dice(seed),
            scale,
            people: Vec::new(),
            segments: Vec::new(),
            campaigns: Vec::new(),
            audiences: HashMap::new(),
            expected: Expected::default(),
            bookings: Vec::new(),
            events: 0,
            recent: Vec::new(),
            url,
            _home: home,
        };
        club.enlist().await;
        for number in 0..scale.campaigns {
            let planned = plan(&mut club, number).await;
            club.campaigns.push(planned);
        }
        club
    }

    /// The people and their lists.
    async fn enlist(&mut self) {
        let everyone = self.app.people(self.scale.people).await;
        let zones = [
            None,
            Some(chrono_tz::Europe::London),
            Some(chrono_tz::America::New_York),
            Some(chrono_tz::Asia::Kathmandu),
            Some(chrono_tz::Australia::Sydney),
        ];
        for id in 0..=self.scale.people {
            self.people.push(Person {
                zone: zones[usize::try_from(id % 5).unwrap()],
                consented: id % 53 != 0,
                opted_out: None,
            });
        }
        for (number, zone) in zones.iter().enumerate() {
            if let Some(zone) = zone {
                let text = format!("UPDATE contacts SET timezone = '{zone}' WHERE id % 5 = {number}");
                self.app.execute(&text).await;
            }
        }
        for text in [
            "DELETE FROM consents WHERE contact_id % 53 = 0",
            "INSERT INTO contact_tags (contact_id, tag) SELECT id, 'member' FROM contacts WHERE id % 11 = 0",
        ] {
            self.app.execute(text).await;
        }
        let all: HashSet<i64> = (1..=self.scale.people).collect();
        self.segments.push(Segment {
            id: everyone,
            is_rule: false,
            members: all,
        });
        let rule = json!({"field": "tags", "op": "has", "value": "member"});
        let id = self.segment("members", SegmentKind::Rule, &rule).await;
        self.segments.push(Segment {
            id,
            is_rule: true,
            members: (1..=self.scale.people).filter(|id| id % 11 == 0).collect(),
        });
        for number in 0..10_i64 {
            let id = self
                .segment(&format!("list-{number}"), SegmentKind::Static, &json!({}))
                .await;
            // One in so many.
            let share = match self.scale.people {
                ..2_000 => 3 + number,
                _ => 12 + 5 * number,
            };
            let text = format!(
                "INSERT INTO segment_members (segment_id, contact_id) SELECT {id}, c.id FROM contacts c \
                 WHERE (c.id + {number}) % {share} = 0"
            );
            self.app.execute(&text).await;
            let is_in = |id: &i64| (id + number) % share == 0;
            self.segments.push(Segment {
                id,
                is_rule: false,
                members: (1..=self.scale.people).filter(is_in).collect(),
            });
        }
    }

    async fn segment(&self, key: &str, kind: SegmentKind, rule: &Value) -> i64 {
        let now = self.now();
        let rule = match kind {
            SegmentKind::Rule => Rule::parse(rule).unwrap().to_json(),
            SegmentKind::Static => rule.clone(),
        };
        let row = segments::ActiveModel {
            id: NotSet,
            key: Set(key.into()),
            name: Set(key.into()),
            kind: Set(kind),
            rule: Set(rule),
            created_at: Set(now.into()),
            updated_at: Set(now.into()),
            archived_at: Set(None),
            resolved: Set(None),
        };
        row.insert(&*self.app.cx.db).await.unwrap().id
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.app.cx.clock.now()
    }

    /// The process is gone, and another is started on the same database.
    pub async fn start_again(&mut self) {
        let now = self.now();
        self.app.may_leave_leases.store(true, Ordering::SeqCst);
        let app = start(&self.url).await;
        app.cx.clock.set(now);
        self.post.go_by(app.cx.clock.clone());
        self.dispatcher = dispatcher(&app, &self.post);
        self.program = app.program(Role::Manager).await;
        let gone = std::mem::replace(&mut self.app, app);
        gone.cx.db.clone().close().await.unwrap();
    }

    /// The zone by which a person's day is reckoned.
    pub fn zone(&self, contact: i64) -> Tz {
        let person = &self.people[usize::try_from(contact).unwrap()];
        person.zone.unwrap_or(chrono_tz::Europe::London)
    }

    pub fn person(&self, contact: i64) -> &Person {
        &self.people[usize::try_from(contact).unwrap()]
    }

    /// Whether somebody said no by then.
    pub fn is_out(&self, contact: i64, by: DateTime<Utc>) -> bool {
        self.person(contact).opted_out.is_some_and(|at| at <= by)
    }
}

async fn start(url: &str) -> TestApp {
    let url = url.to_owned();
    let app = TestApp::spawn_with(|settings| settings.database_url = url.into()).await;
    assert!(app.cx.clock.now() < at("2026-03-03T00:00:00Z"));
    app
}

fn dispatcher(app: &TestApp, post: &Arc<Post>) -> Dispatcher {
    let channels = Channels::default().with(Channel::Email, Arc::new(Line(post.clone())));
    Dispatcher::new(app.cx.clone(), &channels)
}
