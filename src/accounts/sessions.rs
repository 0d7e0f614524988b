//! Sessions in the database, so that they can be listed and revoked. The cookie holds the key, the
//! table its hash.

use crate::context::Context;
use crate::entity::sessions;
use crate::secret::{random_token, token_hash};
use actix_session::SessionMiddleware;
use actix_session::config::{CookieContentSecurity, PersistentSession};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Key, SameSite};
use anyhow::Result;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::collections::HashMap;

/// The session's entry that names the member of staff.
pub const USER_ID: &str = "user_id";
/// The session's entry with the token that every write must carry.
pub const CSRF: &str = "csrf";
/// The session's entry with messages for the next page.
pub const FLASH: &str = "flash";

/// How long a session lasts without a change.
const LIFETIME: Duration = Duration::days(14);

/// The cookie's rules: HttpOnly, SameSite=Lax, Secure where staff come over TLS.
pub fn middleware(cx: &Context) -> SessionMiddleware<DbSessionStore> {
    SessionMiddleware::builder(
        DbSessionStore { cx: cx.clone() },
        Key::derive_from(&cx.secret.derive("session cookie")),
    )
    .cookie_name("fairway_session".into())
    .cookie_http_only(true)
    .cookie_same_site(SameSite::Lax)
    .cookie_secure(cx.settings.is_https())
    .cookie_content_security(CookieContentSecurity::Private)
    .session_lifecycle(PersistentSession::default().session_ttl(LIFETIME))
    .build()
}

pub struct DbSessionStore {
    cx: Context,
}

impl DbSessionStore {
    async fn put(&self, key: &str, state: HashMap<String, String>, ttl: &Duration) -> Result<()> {
        let now = self.cx.clock.now();
        let user_id = state.get(USER_ID).and_then(|text| text.parse().ok());
        let row = sessions::ActiveModel {
            key_hash: Set(token_hash(key)),
            user_id: Set(user_id),
            state: Set(serde_json::to_value(state)?),
            user_agent: Set(None),
            created_at: Set(now.into()),
            expires_at: Set((now + chrono::TimeDelta::seconds(ttl.whole_seconds())).into()),
        };
        let on_conflict = sea_orm::sea_query::OnConflict::column(sessions::Column::KeyHash)
            .update_columns([
                sessions::Column::UserId,
                sessions::Column::State,
                sessions::Column::ExpiresAt,
            ])
            .to_owned();
        sessions::Entity::insert(row)
            .on_conflict(on_conflict)
            .exec_without_returning(&*self.cx.db)
            .await?;
        Ok(())
    }
}

impl SessionStore for DbSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, LoadError> {
        let row = sessions::Entity::find_by_id(token_hash(key.as_ref()))
            .filter(sessions::Column::ExpiresAt.gt(self.cx.clock.now().timestamp_millis()))
            .one(&*self.cx.db)
            .await
            .map_err(|error| LoadError::Other(error.into()))?;
        row.map(|row| serde_json::from_value(row.state))
            .transpose()
            .map_err(|error| LoadError::Deserialization(error.into()))
    }

    async fn save(&self, state: HashMap<String, String>, ttl: &Duration) -> Result<SessionKey, SaveError> {
        let key = random_token();
        self.put(&key, state, ttl).await.map_err(SaveError::Other)?;
        key.try_into()
            .map_err(|error| SaveError::Other(anyhow::Error::new(error)))
    }

    async fn update(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        self.put(key.as_ref(), state, ttl)
            .await
            .map_err(UpdateError::Other)?;
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<()> {
        let until = self.cx.clock.now() + chrono::TimeDelta::seconds(ttl.whole_seconds());
        sessions::Entity::update_many()
            .col_expr(sessions::Column::ExpiresAt, until.timestamp_millis().into())
            .filter(sessions::Column::KeyHash.eq(token_hash(key.as_ref())))
            .exec(&*self.cx.db)
            .await?;
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<()> {
        sessions::Entity::delete_by_id(token_hash(key.as_ref()))
            .exec(&*self.cx.db)
            .await?;
        Ok(())
    }
}
