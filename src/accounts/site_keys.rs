//! Site keys: by one, a club's website reports what people do there. A key is public, for it stands
//! in the site's pages; what it can do is said in `docs/website.md`.

use crate::db::Tx;
use crate::entity::site_keys;
use crate::secret::random_token;
use crate::web::FormErrors;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _,
};
use url::{Origin, Url};

/// What a key begins with.
const PREFIX: &str = "site_";
/// How much of a random token a key is: it has to be told apart, not kept secret.
const LENGTH: usize = 20;
/// The most keys that are not revoked.
pub const MOST: usize = 20;

/// A site's address as browsers say it; paths are left out.
///
/// # Errors
/// `Invalid`, at `origin`.
pub fn parse_origin(text: &str) -> Result<String, FormErrors> {
    let url = Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"));
    match url.map(|url| url.origin()) {
        Some(origin @ Origin::Tuple(..)) if text.len() <= 300 => Ok(origin.ascii_serialization()),
        _ => Err(FormErrors::one(
            "origin",
            "This is no website’s address, such as https://www.club.example.",
        )),
    }
}

/// Those that are not revoked, oldest first.
pub async fn in_force(db: &impl ConnectionTrait) -> Result<Vec<site_keys::Model>, DbErr> {
    site_keys::Entity::find()
        .filter(site_keys::Column::RevokedAt.is_null())
        .order_by_asc(site_keys::Column::Id)
        .all(db)
        .await
}

/// A key that is not revoked.
pub async fn find(db: &impl ConnectionTrait, key: &str) -> Result<Option<site_keys::Model>, DbErr> {
    site_keys::Entity::find()
        .filter(site_keys::Column::Key.eq(key))
        .filter(site_keys::Column::RevokedAt.is_null())
        .one(db)
        .await
}

/// Whether links to an address carry a token: where a key of its site says so, and nowhere else.
pub async fn tags(db: &impl ConnectionTrait, url: &Url) -> Result<bool, DbErr> {
    let found = site_keys::Entity::find()
        .filter(site_keys::Column::Origin.eq(url.origin().ascii_serialization()))
        .filter(site_keys::Column::TagsLinks.eq(true))
        .filter(site_keys::Column::RevokedAt.is_null())
        .one(db)
        .await?;
    Ok(found.is_some())
}

pub async fn create(
    tx: &Tx,
    origin: &str,
    tags_links: bool,
    created_by: Option<i64>,
    now: DateTime<Utc>,
) -> Result<site_keys::Model, DbErr> {
    let random: String = random_token()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(LENGTH)
        .collect();
    site_keys::ActiveModel {
        id: NotSet,
        key: Set(format!("{PREFIX}{random}")),
        origin: Set(origin.to_owned()),
        tags_links: Set(tags_links),
        created_by: Set(created_by),
        created_at: Set(now.into()),
        revoked_at: Set(None),
    }
    .insert(&**tx)
    .await
}

/// Answers the key as it was; `None` where there is no such key in force.
pub async fn revoke(tx: &Tx, id: i64, now: DateTime<Utc>) -> Result<Option<site_keys::Model>, DbErr> {
    let found = site_keys::Entity::find_by_id(id)
        .filter(site_keys::Column::RevokedAt.is_null())
        .one(&**tx)
        .await?;
    if let Some(key) = &found {
        let mut row = key.clone().into_active_model();
        row.revoked_at = Set(Some(now.into()));
        row.update(&**tx).await?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_kept_as_browsers_say_it() {
        for (text, origin) in [
            ("https://www.Club.example/", Some("https://www.club.example")),
            (" http://localhost:3000/a?b#c ", Some("http://localhost:3000")),
            ("https://club.example:443", Some("https://club.example")),
            ("www.club.example", None),
            ("javascript:alert(1)", None),
            ("", None),
        ] {
            assert_eq!(parse_origin(text).ok().as_deref(), origin, "{text}");
        }
    }
}
