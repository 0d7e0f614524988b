//! Templates and their versions in the database.

use super::render::variables::Vocabulary;
use crate::db::Sql;
use crate::entity::{attribute_definitions, campaigns, template_versions, templates};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
    QueryOrder as _,
};

/// The most templates that a list shows.
pub const MOST_LISTED: u64 = 500;

pub async fn template(db: &impl ConnectionTrait, id: i64) -> Result<Option<templates::Model>, DbErr> {
    templates::Entity::find_by_id(id).one(db).await
}

/// The template that a text names: by its key, else by its id.
pub async fn by_key_or_id(db: &impl ConnectionTrait, text: &str) -> Result<Option<templates::Model>, DbErr> {
    let by_key = templates::Entity::find()
        .filter(templates::Column::Key.eq(text))
        .one(db)
        .await?;
    match (by_key, text.parse()) {
        (None, Ok(id)) => template(db, id).await,
        (found, _) => Ok(found),
    }
}

pub async fn version(db: &impl ConnectionTrait, id: i64) -> Result<Option<template_versions::Model>, DbErr> {
    template_versions::Entity::find_by_id(id).one(db).await
}

/// The newest version of a template; `None` of one that was never saved.
pub async fn current_version(
    db: &impl ConnectionTrait,
    template_id: i64,
) -> Result<Option<template_versions::Model>, DbErr> {
    match template(db, template_id).await?.and_then(|row| row.version_id) {
        Some(id) => version(db, id).await,
        None => Ok(None),
    }
}

/// The version of a template that has this number, which staff see.
pub async fn numbered(
    db: &impl ConnectionTrait,
    template_id: i64,
    number: i32,
) -> Result<Option<template_versions::Model>, DbErr> {
    template_versions::Entity::find()
        .filter(template_versions::Column::TemplateId.eq(template_id))
        .filter(template_versions::Column::Number.eq(number))
        .one(db)
        .await
}

/// All versions, newest first.
pub async fn versions(
    db: &impl ConnectionTrait,
    template_id: i64,
) -> Result<Vec<template_versions::Model>, DbErr> {
    template_versions::Entity::find()
        .filter(template_versions::Column::TemplateId.eq(template_id))
        .order_by_desc(template_versions::Column::Number)
        .all(db)
        .await
}

/// A template in a list.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Listed {
    pub id: i64,
    pub key: String,
    pub name: String,
    pub channel: crate::domain::Channel,
    pub subject: Option<String>,
    pub updated_at: crate::entity::Timestamp,
    /// How many campaigns name it.
    pub campaigns: i64,
}

/// Templates whose name, key or subject holds `words`, the newest change first.
pub async fn list(db: &impl ConnectionTrait, words: &str, is_archived: bool) -> Result<Vec<Listed>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let state = if is_archived { "IS NOT NULL" } else { "IS NULL" };
    let mut condition = format!("t.archived_at {state}");
    if !words.is_empty() {
        let escaped = words
            .to_lowercase()
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        let pattern = sql.bind(format!("%{escaped}%"));
        condition.push_str(&format!(
            " AND (LOWER(t.name) LIKE {pattern} ESCAPE '\\' OR t.key LIKE {pattern} ESCAPE '\\' \
             OR LOWER(v.subject) LIKE {pattern} ESCAPE '\\')"
        ));
    }
    let statement = sql.statement(format!(
        "SELECT t.id, t.key, t.name, t.channel, v.subject, t.updated_at, \
         (SELECT CAST(COUNT(*) AS BIGINT) FROM campaign_contents c WHERE c.template_id = t.id) AS campaigns \
         FROM templates t LEFT JOIN template_versions v ON v.id = t.version_id \
         WHERE {condition} ORDER BY t.updated_at DESC, t.id DESC LIMIT {MOST_LISTED}"
    ));
    Listed::find_by_statement(statement).all(db).await
}

/// The campaigns that name a template, newest first, at most 20.
pub async fn used_by(db: &impl ConnectionTrait, template_id: i64) -> Result<Vec<campaigns::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let id = sql.bind(template_id);
    let statement = sql.statement(format!(
        "SELECT c.* FROM campaigns c WHERE EXISTS (SELECT 1 FROM campaign_contents k \
         WHERE k.campaign_id = c.id AND k.template_id = {id}) ORDER BY c.id DESC LIMIT 20"
    ));
    campaigns::Entity::find().from_raw_sql(statement).all(db).await
}

/// The names that the club's templates may use beside the usual ones.
pub async fn vocabulary(db: &impl ConnectionTrait) -> Result<Vocabulary, DbErr> {
    let attributes = attribute_definitions::Entity::find().all(db).await?;
    Ok(Vocabulary::of(
        attributes.into_iter().map(|row| (row.name, row.kind)),
    ))
}
