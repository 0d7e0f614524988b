//! The links of a campaign and who followed them.

use crate::db::Sql;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};

/// The most links that are listed.
pub const MOST: u64 = 500;

/// A link, over all runs.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Link {
    pub url: String,
    pub label: String,
    pub clicks: i64,
    pub people: i64,
}

/// The links that most people followed first.
pub async fn of(db: &impl ConnectionTrait, campaign: i64) -> Result<Vec<Link>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let campaign = sql.bind(campaign);
    let text = format!(
        "SELECT l.url, MIN(l.label) AS label, CAST(SUM(l.clicks) AS BIGINT) AS clicks, \
         CAST(SUM(l.people) AS BIGINT) AS people FROM links l JOIN runs r ON r.id = l.run_id \
         WHERE r.campaign_id = {campaign} GROUP BY l.url ORDER BY 4 DESC, 3 DESC, l.url LIMIT {MOST}"
    );
    Link::find_by_statement(sql.statement(text)).all(db).await
}
