//! The one extractor that says who asks and whether they may. A handler that takes
//! `Staff<Manager>` cannot run for a viewer.

use super::{Actor, Club, sessions};
use crate::context::Context;
use crate::domain::Role;
use crate::entity::users;
use crate::web::shell::Badge;
use crate::web::{AppError, Flash, Hx, Section, Shell};
use actix_session::{Session, SessionExt as _};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use chrono_tz::Tz;
use sea_orm::EntityTrait as _;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

/// The least role that a handler asks for.
pub trait Level: 'static {
    const ROLE: Role;
}

pub struct Viewer;
pub struct Manager;
pub struct Admin;

impl Level for Viewer {
    const ROLE: Role = Role::Viewer;
}
impl Level for Manager {
    const ROLE: Role = Role::Manager;
}
impl Level for Admin {
    const ROLE: Role = Role::Admin;
}

/// A signed-in member of staff with at least the role `L`.
pub struct Staff<L: Level = Viewer> {
    pub user: users::Model,
    pub club: Club,
    csrf: String,
    is_captured: bool,
    /// Whether htmx asks for a part of a page, which has no place for messages.
    is_partial: bool,
    session: Session,
    level: PhantomData<L>,
}

impl<L: Level> Staff<L> {
    /// The frame for a page. Takes the waiting messages with it: they show once.
    pub fn shell(&self, section: Section, title: &str) -> Shell {
        // Only where one waits: a removal is a write, and most pages have nothing to remove.
        let flashes = match !self.is_partial && self.session.contains_key(sessions::FLASH) {
            true => self.session.remove_as::<Vec<Flash>>(sessions::FLASH),
            false => None,
        };
        Shell {
            title: title.to_owned(),
            section,
            club: self.club.name.clone(),
            accent: self.club.accent.clone(),
            badge: Some(Badge {
                name: self.user.name.clone(),
                role: self.user.role,
            }),
            csrf: self.csrf.clone(),
            flashes: flashes.and_then(Result::ok).unwrap_or_default(),
            is_captured: self.is_captured,
        }
    }

    /// Shows a message on the next page. `kind` is `ok`, `info`, `warn` or `error`.
    pub fn flash(&self, kind: &str, text: impl Into<String>) {
        sessions::flash(&self.session, kind, text);
    }

    /// Who acts, for the audit trail.
    pub fn actor(&self) -> Actor {
        Actor::person(&self.user)
    }

    /// The zone in which this person reads times: their own, else the club's.
    pub fn zone(&self) -> Tz {
        self.user
            .timezone
            .as_deref()
            .and_then(|name| name.parse().ok())
            .unwrap_or(self.club.timezone)
    }

    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl<L: Level> FromRequest for Staff<L> {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, AppError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let session = request.get_session();
        let cx = request.app_data::<web::Data<Context>>().cloned();
        let is_partial = Hx::of(request).is_partial();
        Box::pin(async move {
            let cx = cx.ok_or_else(|| anyhow::anyhow!("no context in the server"))?;
            let user_id: i64 = session
                .get(sessions::USER_ID)
                .ok()
                .flatten()
                .ok_or(AppError::SignInNeeded)?;
            let user = users::Entity::find_by_id(user_id)
                .one(&*cx.db)
                .await?
                .filter(|user| may_go_on(&session, user))
                .ok_or(AppError::SignInNeeded)?;
            if user.role < L::ROLE {
                return Err(AppError::RoleNeeded(L::ROLE));
            }
            Ok(Self {
                user,
                club: Club::load(&*cx.db).await?,
                csrf: session.get(sessions::CSRF).ok().flatten().unwrap_or_default(),
                is_captured: cx.settings.smtp_url.is_none(),
                is_partial,
                session,
                level: PhantomData,
            })
        })
    }
}

/// Whether a session still stands for this person: not disabled, and signed in with the password
/// that is in force now.
pub fn may_go_on(session: &Session, user: &users::Model) -> bool {
    let since: Option<i64> = session.get(sessions::PASSWORD_SINCE).ok().flatten();
    user.disabled_at.is_none() && since == Some(user.password_changed_at.0.timestamp_millis())
}
