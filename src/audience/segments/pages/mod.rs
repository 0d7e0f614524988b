//! The pages of segments. Reading is for all staff, changing for managers.

pub mod edit;
pub mod list;
pub mod members;
pub mod show;

use super::store;
use crate::context::Context;
use crate::entity::{contacts, segments};
use crate::web::{AppError, Result};

async fn load(cx: &Context, id: i64) -> Result<segments::Model> {
    store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)
}

/// What a person is called: by name, else by whatever else is known.
fn called(contact: &contacts::Model) -> String {
    let name = format!("{} {}", contact.first_name, contact.last_name);
    [
        Some(name.trim()),
        contact.email.as_deref(),
        contact.key.as_deref(),
        contact.phone.as_deref(),
    ]
    .into_iter()
    .flatten()
    .find(|text| !text.is_empty())
    .map_or_else(|| format!("Contact {}", contact.id), str::to_owned)
}
