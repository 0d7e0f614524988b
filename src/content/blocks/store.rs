//! Blocks in the database, and the templates that take them in.

use crate::content::render::blocks::{Blocks, named};
use crate::domain::BodyKind;
use crate::entity::{blocks, template_versions, templates};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

/// All of them, by name.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<blocks::Model>, DbErr> {
    let query = blocks::Entity::find().order_by_asc(blocks::Column::Name);
    query.order_by_asc(blocks::Column::Id).all(db).await
}

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<blocks::Model>, DbErr> {
    blocks::Entity::find_by_id(id).one(db).await
}

pub async fn by_key(db: &impl ConnectionTrait, key: &str) -> Result<Option<blocks::Model>, DbErr> {
    let query = blocks::Entity::find().filter(blocks::Column::Key.eq(key));
    query.one(db).await
}

/// All of them, to be put in the place of their names.
pub async fn all(db: &impl ConnectionTrait) -> Result<Blocks, DbErr> {
    let rows = list(db).await?.into_iter();
    Ok(rows.map(|row| (row.key, (row.kind, row.body))).collect())
}

/// The same, with ours where the club has none of that name yet.
pub async fn all_or_ours(db: &impl ConnectionTrait) -> Result<Blocks, DbErr> {
    let mut blocks = all(db).await?;
    for (key, _, body) in super::DEFAULTS {
        let ours = || (BodyKind::Mjml, body.to_owned());
        blocks.entry(key.to_owned()).or_insert_with(ours);
    }
    Ok(blocks)
}

/// A template in force whose text takes a block in.
pub struct User {
    pub template: templates::Model,
    pub version: template_versions::Model,
}

/// The templates that take a block in, as they are in force, by name.
pub async fn users(db: &impl ConnectionTrait, key: &str) -> Result<Vec<User>, DbErr> {
    let in_force = templates::Entity::find()
        .filter(templates::Column::VersionId.is_not_null())
        .order_by_asc(templates::Column::Name)
        .order_by_asc(templates::Column::Id)
        .all(db)
        .await?;
    // By id, so that one statement asks for those whose text could name a block at all.
    let ids: Vec<i64> = in_force.iter().filter_map(|row| row.version_id).collect();
    let mut versions = std::collections::HashMap::new();
    for ids in ids.chunks(500) {
        let rows = template_versions::Entity::find()
            .filter(template_versions::Column::Id.is_in(ids.iter().copied()))
            .filter(template_versions::Column::Body.contains("include"))
            .all(db)
            .await?;
        versions.extend(rows.into_iter().map(|row| (row.id, row)));
    }
    let users = in_force.into_iter().filter_map(|template| {
        let version = versions.remove(&template.version_id?)?;
        named(&version.body)
            .contains(key)
            .then_some(User { template, version })
    });
    Ok(users.collect())
}
