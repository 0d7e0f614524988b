//! Reading topics.

use crate::entity::{campaigns, topics};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::HashMap;

/// How many topics a club may have: a person reads them all on one page of preferences.
pub const MOST: u64 = 50;

/// The topics in use, in the club's order.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<topics::Model>, DbErr> {
    let all = all(db).await?;
    Ok(all
        .into_iter()
        .filter(|topic| topic.archived_at.is_none())
        .collect())
}

/// All of them, archived ones too, in the club's order.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<topics::Model>, DbErr> {
    topics::Entity::find()
        .order_by_asc(topics::Column::Position)
        .order_by_asc(topics::Column::Name)
        .limit(10 * MOST)
        .all(db)
        .await
}

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<topics::Model>, DbErr> {
    topics::Entity::find_by_id(id).one(db).await
}

/// A topic by its key or, where the text is a number, its id.
pub async fn by_key_or_id(db: &impl ConnectionTrait, text: &str) -> Result<Option<topics::Model>, DbErr> {
    // A key has a letter, so a text is never both.
    if let Ok(id) = text.parse::<i64>() {
        return find(db, id).await;
    }
    topics::Entity::find()
        .filter(topics::Column::Key.eq(text))
        .one(db)
        .await
}

/// How many people opted out of each topic.
pub async fn opt_outs(db: &impl ConnectionTrait) -> Result<HashMap<i64, i64>, DbErr> {
    let sql = crate::db::Sql::new(db.get_database_backend());
    let text = "SELECT topic_id, COUNT(*) FROM topic_opt_outs GROUP BY topic_id";
    let rows = db.query_all_raw(sql.statement(text)).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
        .collect()
}

/// The campaigns on a topic, newest first, at most `limit`.
pub async fn campaigns_of(
    db: &impl ConnectionTrait,
    topic_id: i64,
    limit: u64,
) -> Result<Vec<campaigns::Model>, DbErr> {
    campaigns::Entity::find()
        .filter(campaigns::Column::TopicId.eq(topic_id))
        .order_by_desc(campaigns::Column::Id)
        .limit(limit)
        .all(db)
        .await
}
