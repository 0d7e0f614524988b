//! `/templates/gallery/{key}`: a designed template as it looks in the club's colours, for the
//! cards of a new template and as a page of its own.

use super::preview::frame;
use super::unsaved;
use crate::accounts::{Staff, Viewer};
use crate::content::{sample, starters};
use crate::context::Context;
use crate::domain::Channel;
use crate::web::{AppError, Result};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

/// `GET /templates/gallery/{key}`
pub async fn get_starter(staff: Staff<Viewer>, key: Path<String>, cx: Data<Context>) -> Result<HttpResponse> {
    let starter = starters::by_key(&key).ok_or(AppError::NotFound)?;
    let version = unsaved(&cx, &starter.draft(&cx.settings.base(), &staff.club)).await?;
    let values = sample::made_up(&staff.club, &version);
    frame(&cx, sample::render(&cx, Channel::Email, version, values).await?)
}
