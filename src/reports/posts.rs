//! A campaign's posts: where each can be seen, and what came of it.

use super::words;
use crate::domain::{DeliveryState, Platform};
use crate::entity::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Statement};

/// Posts that are shown.
const MOST: i64 = 200;

/// One post under one account.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Row {
    pub run: i32,
    pub platform: Platform,
    /// The account as staff know it.
    pub name: String,
    /// Whether it went to the mailbox, for want of an account.
    pub account: String,
    pub state: DeliveryState,
    pub reason: Option<String>,
    pub reply: Option<String>,
    pub permalink: Option<String>,
    pub sent_at: Option<Timestamp>,
    pub clicks: i64,
    pub likes: Option<i64>,
    pub comments: Option<i64>,
    pub shares: Option<i64>,
    pub looked_at: Option<Timestamp>,
    /// Why the platform could not be asked the last time.
    pub trouble: Option<String>,
}

impl Row {
    pub fn state_in_words(&self) -> &'static str {
        match (self.state, self.account.is_empty()) {
            (DeliveryState::Sent | DeliveryState::Delivered, true) => "In the mailbox",
            (DeliveryState::Sent | DeliveryState::Delivered, false) => "Posted",
            (DeliveryState::Sending, _) => "Being posted",
            (state, _) => words::state(state),
        }
    }

    pub fn why(&self) -> String {
        let has_news = matches!(
            self.state,
            DeliveryState::Failed | DeliveryState::Queued | DeliveryState::Unknown
        );
        match &self.reply {
            Some(reply) if has_news => format!("{} said: {reply}", self.platform.label()),
            _ => String::new(),
        }
    }
}

/// The posts of a campaign, newest first.
pub async fn of(db: &impl ConnectionTrait, campaign: i64) -> Result<Vec<Row>, DbErr> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        "SELECT r.number AS run, p.platform, d.address AS name, p.account, d.state, d.reason, d.reply, d.permalink, \
           d.sent_at, p.clicks, p.likes, p.comments, p.shares, p.looked_at, p.trouble \
         FROM posts p JOIN deliveries d ON d.id = p.delivery_id JOIN runs r ON r.id = p.run_id \
         WHERE p.campaign_id = $1 ORDER BY p.run_id DESC, p.delivery_id LIMIT $2",
        [campaign.into(), MOST.into()],
    );
    Row::find_by_statement(statement).all(db).await
}
