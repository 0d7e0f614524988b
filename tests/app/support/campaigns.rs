//! Drafts for the tests, made by the product's own commands.
#![allow(dead_code)] // a door for every area; not each uses all of it

use super::TestApp;
use fairway::accounts::Actor;
use fairway::campaigns::channels::Word;
use fairway::campaigns::draft::{Changes, Content, NewCampaign, When};
use fairway::campaigns::{commands, store};
use fairway::domain::goal::Goal;
use fairway::domain::trigger::Trigger;
use fairway::domain::{CampaignType, Channel, Purpose};
use fairway::entity::{campaigns, templates};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

/// `app.draft().segment(id).template(id).create().await`
pub struct Draft<'a> {
    app: &'a TestApp,
    new: NewCampaign,
}

impl TestApp {
    /// A one-time e-mail campaign for nobody, saying nothing.
    pub fn draft(&self) -> Draft<'_> {
        Draft {
            app: self,
            new: NewCampaign {
                name: "Spring Open".into(),
                kind: CampaignType::OneTime,
                timezone: chrono_tz::Europe::London,
                rest: Changes::default(),
            },
        }
    }

    /// A draft that can be scheduled at once, to this many people.
    pub async fn ready_draft(&self, people: i64) -> campaigns::Model {
        let segment = self.people(people).await;
        let template = self
            .template("Spring Open", "<p>Dear {{ contact.first_name }}</p>")
            .await;
        self.draft()
            .segment(segment)
            .template(template)
            .now()
            .create()
            .await
    }

    /// An HTML template for e-mail.
    pub async fn template(&self, subject: &str, html: &str) -> i64 {
        self.template_on(
            Channel::Email,
            &format!("t-{}", uuid::Uuid::new_v4().simple()),
            subject,
            html,
        )
        .await
    }

    pub async fn template_on(&self, channel: Channel, key: &str, subject: &str, html: &str) -> i64 {
        let template = templates::ActiveModel {
            id: NotSet,
            key: Set(key.into()),
            channel: Set(channel),
            name: Set(format!("Template {subject}")),
            version_id: Set(None),
            created_at: Set(self.cx.clock.now().into()),
            updated_at: Set(self.cx.clock.now().into()),
            archived_at: Set(None),
        }
        .insert(&*self.cx.db)
        .await
        .unwrap();
        self.set_template(template.id, subject, html).await;
        template.id
    }

    /// What happened to a campaign, oldest first: `created, scheduled, …`.
    pub async fn history(&self, campaign: i64) -> String {
        use fairway::entity::audit_log;
        let lines = audit_log::Entity::find()
            .filter(audit_log::Column::SubjectKind.eq("campaign"))
            .filter(audit_log::Column::SubjectId.eq(campaign))
            .order_by_asc(audit_log::Column::Id)
            .all(&*self.cx.db)
            .await
            .unwrap();
        let actions: Vec<_> = lines.into_iter().map(|line| line.action).collect();
        actions.join(", ")
    }

    pub async fn content_of(&self, campaign: i64, channel: Channel) -> Option<Content> {
        let mut contents = store::contents(&*self.cx.db, campaign).await.unwrap();
        contents.remove(&channel)
    }
}

impl Draft<'_> {
    pub fn name(mut self, name: &str) -> Self {
        self.new.name = name.into();
        self
    }

    pub fn kind(mut self, kind: CampaignType) -> Self {
        self.new.kind = kind;
        self
    }

    pub fn segment(mut self, segment: i64) -> Self {
        self.new.rest.segment_id = Some(Some(segment));
        self
    }

    /// What it says by e-mail.
    pub fn template(mut self, template: i64) -> Self {
        let content = Some(Content::Template(template));
        self.new.rest.contents.insert(Channel::Email, content);
        self
    }

    /// Its channels, in the API's words.
    pub fn channels(mut self, words: &[&str]) -> Self {
        self.new.rest.channels = Some(words.iter().map(|word| Word::parse(word).unwrap()).collect());
        self
    }

    /// Starts as soon as it is scheduled.
    pub fn now(mut self) -> Self {
        self.new.rest.when = Some(When::Now);
        self
    }

    pub fn at(mut self, at: chrono::DateTime<chrono::Utc>) -> Self {
        self.new.rest.when = Some(When::At(at));
        self
    }

    pub fn goal(mut self, event: &str) -> Self {
        let goal = Goal::parse(&serde_json::json!({ "event": event })).unwrap();
        self.new.rest.goal = Some(Some(goal));
        self
    }

    pub fn trigger(mut self, json: serde_json::Value) -> Self {
        self.new.kind = CampaignType::Triggered;
        self.new.rest.trigger = Some(Some(Trigger::parse(&json).unwrap()));
        self.now()
    }

    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.new.rest.purpose = Some(purpose);
        self
    }

    pub async fn create(self) -> campaigns::Model {
        commands::create(&self.app.cx, self.new, &Actor::fairway())
            .await
            .unwrap()
    }
}
