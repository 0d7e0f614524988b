//! Where staff write templates. Reading is for all, writing for managers.

pub mod blocks;
pub mod edit;
pub mod gallery;
pub mod list;
pub mod preview;
pub mod try_out;
pub mod versions;

use super::blocks::store as blocks_store;
use super::draft::NewTemplate;
use super::render::blocks::{expand, named};
use super::render::{Problem, compile_with, unkept};
use super::store;
use crate::context::Context;
use crate::domain::BodyKind;
use crate::entity::{template_versions, templates};
use crate::web::{AppError, Result};

/// The template of an address, and its newest version.
async fn find(cx: &Context, id: i64) -> Result<(templates::Model, template_versions::Model)> {
    let template = store::template(&*cx.db, id).await?.ok_or(AppError::NotFound)?;
    let version = store::current_version(&*cx.db, id)
        .await?
        .ok_or(AppError::NotFound)?;
    Ok((template, version))
}

/// A draft as a version that was never kept, for checks and previews of what is being written.
/// Our own blocks stand in for those that the club does not have yet.
async fn unsaved(cx: &Context, draft: &NewTemplate) -> Result<template_versions::Model> {
    let whole = match named(&draft.body).is_empty() {
        true => None,
        false => expand(
            draft.kind,
            &draft.body,
            &blocks_store::all_or_ours(&*cx.db).await?,
        ),
    };
    Ok(template_versions::Model {
        subject: draft.subject.clone(),
        preheader: draft.preheader.clone(),
        text: draft.text.clone(),
        whole,
        ..unkept(draft.kind, draft.body.clone())
    })
}

/// What keeps a version from being sent; compiled off the threads that answer requests.
async fn problems(cx: &Context, version: template_versions::Model) -> Result<Vec<Problem>> {
    if version.body.trim().is_empty() {
        return Ok(Vec::new());
    }
    let vocabulary = store::vocabulary(&*cx.db).await?;
    actix_web::web::block(move || compile_with(&version, &vocabulary).err().unwrap_or_default())
        .await
        .map_err(|error| AppError::Internal(error.into()))
}

/// What staff read of a body's kind.
const fn kind_label(kind: BodyKind) -> &'static str {
    match kind {
        BodyKind::Mjml => "MJML",
        BodyKind::Html => "HTML",
        BodyKind::Text => "Text",
    }
}
