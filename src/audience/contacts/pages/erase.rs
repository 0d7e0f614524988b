//! Erasing a contact, once it was said what that does.

use crate::accounts::{Manager, Staff};
use crate::audience::contacts::{commands, store};
use crate::context::Context;
use crate::entity::deliveries;
use crate::web::filters;
use crate::web::{AppError, Hx, Result, Section, Shell, html, see_other};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

#[derive(Template)]
#[template(path = "audience/contacts/erase.html")]
struct ErasePage {
    shell: Shell,
    id: i64,
    name: String,
    messages: i64,
}

/// `GET /contacts/{id}/erase`: says what will happen, and asks.
pub async fn confirm_erasure(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
) -> Result<HttpResponse> {
    let contact = store::find(&*cx.db, *id).await?.ok_or(AppError::NotFound)?;
    let messages = deliveries::Entity::find()
        .filter(deliveries::Column::ContactId.eq(*id))
        .count(&*cx.db)
        .await?;
    html(&ErasePage {
        shell: staff.shell(Section::Contacts, "Erase a person"),
        id: *id,
        name: store::name(&contact),
        messages: i64::try_from(messages).unwrap_or(i64::MAX),
    })
}

/// `POST /contacts/{id}/erase`
pub async fn erase_contact(
    staff: Staff<Manager>,
    id: Path<i64>,
    cx: Data<Context>,
    hx: Hx,
) -> Result<HttpResponse> {
    let tx = cx.db.begin().await?;
    let contact = store::find(&*tx, *id).await?.ok_or(AppError::NotFound)?;
    commands::erase(&tx, contact, &staff.actor(), cx.clock.now()).await?;
    tx.commit().await?;
    staff.flash(
        "ok",
        "The person is erased. The counts of past campaigns stay as they are.",
    );
    Ok(see_other(hx, "/contacts"))
}
