//! Keys for the JSON API. A key is shown once, when it is made; only its hash is kept.

use super::staff::Level;
use super::{Actor, Club};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::Role;
use crate::entity::api_keys;
use crate::secret::{random_token, token_hash};
use crate::web::{AppError, FormErrors, Result};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

/// What a key begins with, so that one found in a log or a repository is known for what it is.
const PREFIX: &str = "fw_";

/// How many characters of a key stay readable in the list.
const HINT: usize = 8;

/// Its use is written down no more often than this.
const USE_IS_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The most keys that are not revoked.
pub const MOST: usize = 100;

/// A key's name and role as they are typed.
pub fn parse(name: &str, role: &str) -> Result<(String, Role), FormErrors> {
    let mut errors = FormErrors::default();
    let name = errors.text("name", name, 100);
    let role = role.trim().parse();
    if role.is_err() {
        errors.add("role", "Choose viewer, manager or admin.");
    }
    match role {
        Ok(role) => errors.or(|| (name, role)),
        Err(_) => Err(errors),
    }
}

/// Makes a key and answers it. It cannot be read again.
pub async fn create(
    tx: &Tx,
    name: &str,
    role: Role,
    created_by: Option<i64>,
    now: DateTime<Utc>,
) -> Result<String, DbErr> {
    let key = format!("{PREFIX}{}", random_token());
    insert(tx, &key, name, role, created_by, now).await?;
    Ok(key)
}

/// Keeps a key that was chosen elsewhere, such as the demo's. Answers its id.
pub async fn insert(
    tx: &Tx,
    key: &str,
    name: &str,
    role: Role,
    created_by: Option<i64>,
    now: DateTime<Utc>,
) -> Result<i64, DbErr> {
    let inserted = api_keys::Entity::insert(api_keys::ActiveModel {
        id: NotSet,
        name: Set(name.to_owned()),
        role: Set(role),
        key_hash: Set(token_hash(key)),
        hint: Set(key.chars().take(HINT).collect()),
        created_by: Set(created_by),
        created_at: Set(now.into()),
        last_used_at: Set(None),
        revoked_at: Set(None),
    })
    .exec(&**tx)
    .await?;
    Ok(inserted.last_insert_id)
}

/// Every key that is not revoked, newest first.
pub async fn in_force(db: &impl ConnectionTrait) -> Result<Vec<api_keys::Model>, DbErr> {
    api_keys::Entity::find()
        .filter(api_keys::Column::RevokedAt.is_null())
        .order_by_desc(api_keys::Column::Id)
        .all(db)
        .await
}

/// Revokes a key and answers it; `None` where there is none in force by that id.
pub async fn revoke(tx: &Tx, id: i64, now: DateTime<Utc>) -> Result<Option<api_keys::Model>, DbErr> {
    let key = api_keys::Entity::find_by_id(id)
        .filter(api_keys::Column::RevokedAt.is_null())
        .one(&**tx)
        .await?;
    if key.is_some() {
        api_keys::Entity::update_many()
            .col_expr(api_keys::Column::RevokedAt, now.timestamp_millis().into())
            .filter(api_keys::Column::Id.eq(id))
            .exec(&**tx)
            .await?;
    }
    Ok(key)
}

/// A program that asks with a key of at least the role `L`. A handler of the API that takes
/// `ApiKey<Manager>` cannot run for a viewer's key.
pub struct ApiKey<L: Level> {
    pub key: api_keys::Model,
    pub club: Club,
    level: PhantomData<L>,
}

impl<L: Level> ApiKey<L> {
    /// Who acts, for the audit trail.
    pub fn actor(&self) -> Actor {
        Actor {
            user_id: None,
            name: format!("API key “{}”", self.key.name),
        }
    }
}

impl<L: Level> FromRequest for ApiKey<L> {
    type Error = AppError;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let given = bearer(request);
        let cx = request.app_data::<web::Data<Context>>().cloned();
        Box::pin(async move {
            let cx = cx.ok_or_else(|| anyhow::anyhow!("no context in the server"))?;
            let given = given.ok_or(AppError::KeyNeeded)?;
            let key = by_secret(&*cx.db, &given).await?.ok_or(AppError::KeyNeeded)?;
            if key.role < L::ROLE {
                return Err(AppError::RoleNeeded(L::ROLE));
            }
            if let Err(error) = note_use(&cx, &key).await {
                tracing::warn!(%error, "the use of an API key was not noted");
            }
            Ok(Self {
                club: Club::load(&*cx.db).await?,
                key,
                level: PhantomData,
            })
        })
    }
}

/// Whose key a request carries, whatever the key may do; `None` for none of ours.
pub async fn owner(db: &impl ConnectionTrait, request: &HttpRequest) -> Result<Option<i64>, DbErr> {
    let Some(given) = bearer(request) else {
        return Ok(None);
    };
    Ok(by_secret(db, &given).await?.map(|key| key.id))
}

async fn by_secret(db: &impl ConnectionTrait, given: &str) -> Result<Option<api_keys::Model>, DbErr> {
    api_keys::Entity::find()
        .filter(api_keys::Column::KeyHash.eq(token_hash(given)))
        .filter(api_keys::Column::RevokedAt.is_null())
        .one(db)
        .await
}

/// The key of `Authorization: Bearer KEY` (RFC 6750 §2.1; the scheme's name is not case-sensitive).
fn bearer(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty()).then(|| key.trim().to_owned())
}

async fn note_use(cx: &Context, key: &api_keys::Model) -> Result<(), DbErr> {
    let now = cx.clock.now();
    let is_fresh = key.last_used_at.is_some_and(|at| now - at.0 < USE_IS_NOTED_EVERY);
    if is_fresh {
        return Ok(());
    }
    let tx = cx.db.begin().await?;
    api_keys::Entity::update_many()
        .col_expr(api_keys::Column::LastUsedAt, now.timestamp_millis().into())
        .filter(api_keys::Column::Id.eq(key.id))
        .exec(&*tx)
        .await?;
    tx.commit().await
}
