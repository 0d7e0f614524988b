//! Templates and their versions in the database.

use crate::entity::{template_versions, templates};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _};

pub async fn version(db: &impl ConnectionTrait, id: i64) -> Result<Option<template_versions::Model>, DbErr> {
    template_versions::Entity::find_by_id(id).one(db).await
}

/// The newest version of a template; `None` of one that was never saved.
pub async fn current_version(
    db: &impl ConnectionTrait,
    template_id: i64,
) -> Result<Option<template_versions::Model>, DbErr> {
    let template = templates::Entity::find_by_id(template_id).one(db).await?;
    match template.and_then(|template| template.version_id) {
        Some(id) => version(db, id).await,
        None => Ok(None),
    }
}
