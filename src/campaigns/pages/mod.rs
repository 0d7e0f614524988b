//! The pages of campaigns. Reading is for all staff, everything else for managers.

mod act;
mod campaign;
pub mod events;
pub mod journey;
mod list;
pub mod occurrence;
mod outlook;
mod repetition;
mod row;
pub mod wizard;

pub use act::{
    choose_winner, confirm_cancel, confirm_delete, confirm_finish, confirm_stop, delete_campaign,
    duplicate_campaign, press_button, take_back_campaign,
};
pub use campaign::{get_campaign, get_live};
pub use list::{get_row, list_campaigns};

use super::store;
use crate::context::Context;
use crate::entity::campaigns;
use crate::web::{AppError, Result};

async fn find(cx: &Context, id: i64) -> Result<campaigns::Model> {
    store::find(&*cx.db, id).await?.ok_or(AppError::NotFound)
}
