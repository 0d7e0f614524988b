//! Reading segments and the people in them.

use super::{condition, rule_condition};
use crate::db::Sql;
use crate::domain::segment::Rule;
use crate::entity::{campaigns, contacts, segments};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::sea_query::{Expr, ExprTrait as _, LikeExpr};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

/// How many people are in a segment.
pub async fn count(
    db: &impl ConnectionTrait,
    segment: &segments::Model,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<i64, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let who = condition(&mut sql, segment, now, zone)?;
    count_where(db, sql, &who).await
}

pub(in crate::audience) async fn count_where(
    db: &impl ConnectionTrait,
    sql: Sql,
    who: &str,
) -> Result<i64, DbErr> {
    let text = format!("SELECT COUNT(*) FROM contacts c WHERE {who}");
    let row = db.query_one_raw(sql.statement(text)).await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}

/// Some of the people in a segment: those who joined last.
pub async fn sample(
    db: &impl ConnectionTrait,
    segment: &segments::Model,
    limit: u64,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<Vec<contacts::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let who = condition(&mut sql, segment, now, zone)?;
    sample_where(db, sql, &who, limit).await
}

/// The same for a rule that is not stored yet.
pub async fn sample_of_rule(
    db: &impl ConnectionTrait,
    rule: &Rule,
    limit: u64,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<Vec<contacts::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let who = rule_condition(&mut sql, rule, now, zone);
    sample_where(db, sql, &who, limit).await
}

async fn sample_where(
    db: &impl ConnectionTrait,
    mut sql: Sql,
    who: &str,
    limit: u64,
) -> Result<Vec<contacts::Model>, DbErr> {
    let limit = sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let text = format!("SELECT c.* FROM contacts c WHERE {who} ORDER BY c.id DESC LIMIT {limit}");
    contacts::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(db)
        .await
}

/// A segment by its id, archived or not.
pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<segments::Model>, DbErr> {
    segments::Entity::find_by_id(id).one(db).await
}

/// A segment by its key or, where the text is a number, its id. Archived ones too.
pub async fn by_key_or_id(db: &impl ConnectionTrait, text: &str) -> Result<Option<segments::Model>, DbErr> {
    // A key has a letter, so a text is never both.
    if let Ok(id) = text.parse::<i64>() {
        return find(db, id).await;
    }
    segments::Entity::find()
        .filter(segments::Column::Key.eq(text))
        .one(db)
        .await
}

/// A segment by its key, archived or not.
pub async fn by_key(db: &impl ConnectionTrait, key: &str) -> Result<Option<segments::Model>, DbErr> {
    segments::Entity::find()
        .filter(segments::Column::Key.eq(key))
        .one(db)
        .await
}

/// The segments in use, by name, for a choice. At most `MOST`.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<segments::Model>, DbErr> {
    segments::Entity::find()
        .filter(segments::Column::ArchivedAt.is_null())
        .order_by_asc(segments::Column::Name)
        .order_by_asc(segments::Column::Id)
        .limit(MOST)
        .all(db)
        .await
}

/// How many segments a choice shows.
pub const MOST: u64 = 500;

/// Which segments a page lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of a name or key.
    pub words: String,
    pub is_archived: bool,
}

/// A page of segments by name, and how many there are in all. Pages count from 0.
pub async fn page(
    db: &impl ConnectionTrait,
    filter: &Filter,
    page: u64,
    size: u64,
) -> Result<(Vec<segments::Model>, u64), DbErr> {
    let mut found = segments::Entity::find().filter(match filter.is_archived {
        true => segments::Column::ArchivedAt.is_not_null(),
        false => segments::Column::ArchivedAt.is_null(),
    });
    let words = filter.words.trim().to_lowercase();
    if !words.is_empty() {
        let pattern = || LikeExpr::new(format!("%{}%", like(&words))).escape('\\');
        let lower = |column| Expr::expr(sea_orm::sea_query::Func::lower(Expr::col(column)));
        found = found.filter(
            Condition::any()
                .add(lower(segments::Column::Name).like(pattern()))
                .add(lower(segments::Column::Key).like(pattern())),
        );
    }
    let count = found.clone().count(db).await?;
    let rows = found
        .order_by_asc(segments::Column::Name)
        .order_by_asc(segments::Column::Id)
        .offset(page.saturating_mul(size))
        .limit(size)
        .all(db)
        .await?;
    Ok((rows, count))
}

/// What stands for itself in a LIKE pattern escaped by a backslash.
pub(in crate::audience) fn like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// The campaigns that name a segment, newest first, at most `limit`.
pub async fn campaigns_of(
    db: &impl ConnectionTrait,
    segment_id: i64,
    limit: u64,
) -> Result<Vec<campaigns::Model>, DbErr> {
    campaigns::Entity::find()
        .filter(campaigns::Column::SegmentId.eq(segment_id))
        .order_by_desc(campaigns::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// A page of a list's people by name. Pages count from 0.
pub async fn members(
    db: &impl ConnectionTrait,
    segment_id: i64,
    page: u64,
    size: u64,
) -> Result<Vec<contacts::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let segment_id = sql.bind(segment_id);
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (limit, offset) = (
        sql.bind(signed(size)),
        sql.bind(signed(page.saturating_mul(size))),
    );
    let text = format!(
        "SELECT c.* FROM segment_members m JOIN contacts c ON c.id = m.contact_id WHERE m.segment_id = {segment_id} \
         ORDER BY c.last_name, c.first_name, c.id LIMIT {limit} OFFSET {offset}"
    );
    contacts::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(db)
        .await
}
