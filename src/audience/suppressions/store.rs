//! Reading suppressions.

use crate::audience::segments::store::like;
use crate::domain::Channel;
use crate::entity::suppressions;
use sea_orm::sea_query::LikeExpr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};

/// Which suppressions a page lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of an address, in lower case.
    pub words: String,
    pub channel: Option<Channel>,
}

impl Filter {
    fn select(&self) -> sea_orm::Select<suppressions::Entity> {
        let mut rows = suppressions::Entity::find();
        if !self.words.is_empty() {
            let pattern = LikeExpr::new(format!("%{}%", like(&self.words))).escape('\\');
            rows = rows.filter(suppressions::Column::Address.like(pattern));
        }
        if let Some(channel) = self.channel {
            rows = rows.filter(suppressions::Column::Channel.eq(channel));
        }
        rows
    }
}

/// How many there are.
pub async fn count(db: &impl ConnectionTrait, filter: &Filter) -> Result<u64, DbErr> {
    filter.select().count(db).await
}

/// Newest first, at most `limit` older than the row `before`.
pub async fn list(
    db: &impl ConnectionTrait,
    filter: &Filter,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<suppressions::Model>, DbErr> {
    let mut rows = filter.select();
    if let Some(before) = before {
        rows = rows.filter(suppressions::Column::Id.lt(before));
    }
    rows.order_by_desc(suppressions::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<suppressions::Model>, DbErr> {
    suppressions::Entity::find_by_id(id).one(db).await
}

/// The suppression of an address, where there is one.
pub async fn of(
    db: &impl ConnectionTrait,
    channel: Channel,
    address: &str,
) -> Result<Option<suppressions::Model>, DbErr> {
    suppressions::Entity::find()
        .filter(suppressions::Column::Channel.eq(channel))
        .filter(suppressions::Column::Address.eq(address))
        .one(db)
        .await
}

/// Why an address is here, as staff read it.
pub fn reason_in_words(reason: &str) -> String {
    match reason {
        "bounce" | "hard_bounce" | "bounced" => "Bounced for good".into(),
        "complaint" => "Complained".into(),
        "stopped" => "Answered STOP, and nobody here has the number".into(),
        "manual" => "Put here by staff".into(),
        other => other.replace('_', " "),
    }
}
