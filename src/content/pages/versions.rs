//! `/templates/{id}/versions`: what was kept, and going back to it.

use super::kind_label;
use crate::accounts::{Manager, Staff, Viewer};
use crate::content::commands;
use crate::content::draft::NewTemplate;
use crate::content::store;
use crate::context::Context;
use crate::domain::Role;
use crate::entity::{template_versions, templates};
use crate::web::filters;
use crate::web::{AppError, Hx, Result, Section, Shell, html, see_other};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use chrono_tz::Tz;

#[derive(Template)]
#[template(path = "content/versions.html")]
struct VersionsPage {
    shell: Shell,
    zone: Tz,
    template: templates::Model,
    versions: Vec<template_versions::Model>,
}

impl VersionsPage {
    fn is_in_force(&self, version: &template_versions::Model) -> bool {
        self.template.version_id == Some(version.id)
    }

    fn kind(&self, version: &template_versions::Model) -> &'static str {
        kind_label(version.body_kind)
    }
}

/// `GET /templates/{id}/versions`
pub async fn list_versions(staff: Staff<Viewer>, id: Path<i64>, cx: Data<Context>) -> Result<HttpResponse> {
    let template = store::template(&*cx.db, *id).await?.ok_or(AppError::NotFound)?;
    html(&VersionsPage {
        shell: staff.shell(Section::Templates, &format!("Versions of {}", template.name)),
        zone: staff.zone(),
        versions: store::versions(&*cx.db, *id).await?,
        template,
    })
}

/// `POST /templates/{id}/versions/{number}/restore`: keeps an old version once more, as the newest.
pub async fn restore_version(
    staff: Staff<Manager>,
    path: Path<(i64, i32)>,
    cx: Data<Context>,
    hx: Hx,
) -> Result<HttpResponse> {
    let (id, number) = path.into_inner();
    let tx = cx.db.begin().await?;
    let template = store::template(&*tx, id).await?.ok_or(AppError::NotFound)?;
    let old = store::numbered(&*tx, id, number)
        .await?
        .ok_or(AppError::NotFound)?;
    let draft = NewTemplate {
        channel: template.channel,
        name: template.name.clone(),
        subject: old.subject,
        preheader: old.preheader,
        kind: old.body_kind,
        body: old.body,
        text: old.text,
    };
    commands::edit(&tx, template, draft, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash("ok", format!("Version {number} is in force again."));
    Ok(see_other(hx, &format!("/templates/{id}")))
}
