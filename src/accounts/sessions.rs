//! Sessions in the database, so that they can be listed and revoked. The cookie holds the key, the
//! table its hash.

use super::attempts;
use crate::context::Context;
use crate::db::Tx;
use crate::entity::{sessions, users};
use crate::secret::{random_token, token_hash};
use crate::web::Flash;
use actix_session::config::{CookieContentSecurity, PersistentSession};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_session::{Session, SessionInsertError, SessionMiddleware};
use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Key, SameSite};
use anyhow::Result;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use std::collections::HashMap;

/// The session's entry that names the member of staff.
pub const USER_ID: &str = "user_id";
/// The session's entry with the token that every write must carry.
pub const CSRF: &str = "csrf";
/// The session's entry with messages for the next page.
pub const FLASH: &str = "flash";
/// The session's entry that says since when its password was in force, in milliseconds. Another
/// password ends the session, even one whose row was being written meanwhile.
pub const PASSWORD_SINCE: &str = "password_since";
/// The session's entry with the name by which its owner may end it. It is not the key.
pub const PUBLIC_ID: &str = "id";
/// The session's entries that help its owner to recognise it.
pub const USER_AGENT: &str = "user_agent";
pub const ADDRESS: &str = "address";

/// How long a session lasts without a change.
const LIFETIME: Duration = Duration::days(14);

/// Signs a person in: a new key (a planted one opens nothing), a new CSRF token.
pub fn start(
    session: &Session,
    user: &users::Model,
    request: &HttpRequest,
) -> Result<(), SessionInsertError> {
    session.clear();
    session.renew();
    let agent = request
        .headers()
        .get("user-agent")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    session.insert(USER_ID, user.id)?;
    session.insert(CSRF, random_token())?;
    session.insert(PUBLIC_ID, random_token())?;
    session.insert(PASSWORD_SINCE, user.password_changed_at.0.timestamp_millis())?;
    session.insert(USER_AGENT, agent.chars().take(300).collect::<String>())?;
    session.insert(ADDRESS, attempts::address(request))
}

/// Shows a message on the next page. `kind` is `ok`, `info`, `warn` or `error`.
pub fn flash(session: &Session, kind: &str, text: impl Into<String>) {
    let mut waiting: Vec<Flash> = session.get(FLASH).ok().flatten().unwrap_or_default();
    waiting.push(Flash {
        kind: kind.to_owned(),
        text: text.into(),
    });
    if let Err(error) = session.insert(FLASH, waiting) {
        tracing::warn!(%error, "a message for the next page was lost");
    }
}

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
    fn expiry(&self, ttl: &Duration) -> DateTime<Utc> {
        self.cx.clock.now() + chrono::TimeDelta::seconds(ttl.whole_seconds())
    }

    async fn insert(&self, key: &str, state: HashMap<String, String>, ttl: &Duration) -> Result<()> {
        let text = |name: &str| {
            state
                .get(name)
                .and_then(|json| serde_json::from_str::<String>(json).ok())
        };
        let row = sessions::ActiveModel {
            key_hash: Set(token_hash(key)),
            user_id: Set(state.get(USER_ID).and_then(|json| json.parse().ok())),
            user_agent: Set(text(USER_AGENT)),
            state: Set(serde_json::to_value(state)?),
            created_at: Set(self.cx.clock.now().into()),
            expires_at: Set(self.expiry(ttl).into()),
        };
        let tx = self.cx.db.begin().await?;
        sessions::Entity::insert(row).exec_without_returning(&*tx).await?;
        Ok(tx.commit().await?)
    }

    /// Changes a row that is there. One that was revoked meanwhile stays revoked.
    async fn change(&self, key: &str, state: HashMap<String, String>, ttl: &Duration) -> Result<()> {
        let tx = self.cx.db.begin().await?;
        sessions::Entity::update_many()
            .set(sessions::ActiveModel {
                state: Set(serde_json::to_value(state)?),
                expires_at: Set(self.expiry(ttl).into()),
                ..Default::default()
            })
            .filter(sessions::Column::KeyHash.eq(token_hash(key)))
            .exec(&*tx)
            .await?;
        Ok(tx.commit().await?)
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
        self.insert(&key, state, ttl).await.map_err(SaveError::Other)?;
        key.try_into()
            .map_err(|error| SaveError::Other(anyhow::Error::new(error)))
    }

    /// What changes in a session that goes on is its messages. When the database is busy, one may
    /// show twice; the page that was asked for is not refused for it.
    async fn update(
        &self,
        key: SessionKey,
        state: HashMap<String, String>,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        if let Err(error) = self.change(key.as_ref(), state, ttl).await {
            tracing::warn!(error = format!("{error:#}"), "a session's messages were not kept");
        }
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<()> {
        let until = self.expiry(ttl);
        sessions::Entity::update_many()
            .col_expr(sessions::Column::ExpiresAt, until.timestamp_millis().into())
            .filter(sessions::Column::KeyHash.eq(token_hash(key.as_ref())))
            .exec(&*self.cx.db)
            .await?;
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<()> {
        let tx = self.cx.db.begin().await?;
        sessions::Entity::delete_by_id(token_hash(key.as_ref()))
            .exec(&*tx)
            .await?;
        Ok(tx.commit().await?)
    }
}

/// One of a person's sessions, as they see it.
pub struct Own {
    pub id: String,
    pub user_agent: String,
    pub address: String,
    pub since: DateTime<Utc>,
    key_hash: String,
}

/// A person's sessions, newest first.
pub async fn of(db: &impl ConnectionTrait, user_id: i64, now: DateTime<Utc>) -> Result<Vec<Own>, DbErr> {
    let rows = sessions::Entity::find()
        .filter(sessions::Column::UserId.eq(user_id))
        .filter(sessions::Column::ExpiresAt.gt(now.timestamp_millis()))
        .order_by_desc(sessions::Column::CreatedAt)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(Own::from).collect())
}

impl Own {
    /// The browser and the system in words, as far as its own description tells.
    pub fn browser(&self) -> String {
        let first = |names: &[(&'static str, &'static str)]| {
            names
                .iter()
                .find(|(mark, _)| self.user_agent.contains(mark))
                .map(|(_, name)| *name)
        };
        // Order matters: most browsers also claim to be those after them.
        let browser = first(&[
            ("Edg/", "Edge"),
            ("OPR/", "Opera"),
            ("Firefox/", "Firefox"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ]);
        let system = first(&[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS X", "macOS"),
            ("Linux", "Linux"),
        ]);
        match (browser, system) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(browser), None) => browser.to_owned(),
            (None, _) if self.user_agent.is_empty() => "Unknown browser".to_owned(),
            (None, _) => self.user_agent.chars().take(60).collect(),
        }
    }
}

impl From<sessions::Model> for Own {
    fn from(row: sessions::Model) -> Self {
        let text = |name: &str| {
            row.state
                .get(name)
                .and_then(|json| json.as_str())
                .and_then(|json| serde_json::from_str::<String>(json).ok())
                .unwrap_or_default()
        };
        Self {
            id: text(PUBLIC_ID),
            user_agent: row.user_agent.clone().unwrap_or_default(),
            address: text(ADDRESS),
            since: row.created_at.0,
            key_hash: row.key_hash.clone(),
        }
    }
}

/// Ends those of a person's sessions that `ends` says. Answers how many.
pub async fn end(
    tx: &Tx,
    user_id: i64,
    now: DateTime<Utc>,
    ends: impl Fn(&Own) -> bool,
) -> Result<u64, DbErr> {
    let hashes: Vec<String> = of(&**tx, user_id, now)
        .await?
        .into_iter()
        .filter(|own| ends(own))
        .map(|own| own.key_hash)
        .collect();
    let ended = sessions::Entity::delete_many()
        .filter(sessions::Column::KeyHash.is_in(hashes))
        .exec(&**tx)
        .await?;
    Ok(ended.rows_affected)
}
