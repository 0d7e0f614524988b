//! The links of a run: each distinct address of its content is registered once when the run
//! starts, and a click leads nowhere else.

use super::Compiled;
use crate::db::Tx;
use crate::domain::token::Urls;
use crate::entity::links;
use crate::secret::token_hash;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The longest address that is redirected to; a longer one stays in the mail as it is.
pub(super) const LONGEST: usize = 2048;

/// Registers the links of a content, as its author wrote them, variables and all. Those that are
/// there already stay.
pub async fn register(tx: &Tx, run_id: i64, compiled: &Compiled) -> Result<(), DbErr> {
    let mut distinct = BTreeMap::new();
    for (url, label) in compiled.links().iter().zip(compiled.labels()) {
        distinct.entry(url).or_insert(label);
    }
    let rows = distinct
        .into_iter()
        .map(|(url, label)| (url.clone(), label.clone()))
        .collect();
    insert(tx, run_id, rows).await
}

/// Registers the addresses of a run's posts, and answers with the id of each. Those that are there
/// already stay; one that is too long to be redirected to has none.
pub async fn register_urls(
    tx: &Tx,
    run_id: i64,
    urls: BTreeSet<String>,
) -> Result<BTreeMap<String, i64>, DbErr> {
    let kept: Vec<_> = urls.iter().filter(|url| url.len() <= LONGEST).cloned().collect();
    let rows = kept.into_iter().map(|url| (url, String::new())).collect();
    insert(tx, run_id, rows).await?;
    let rows = links::Entity::find()
        .filter(links::Column::RunId.eq(run_id))
        .all(&**tx)
        .await?;
    let rows = rows.into_iter().filter(|row| urls.contains(&row.url));
    Ok(rows.map(|row| (row.url, row.id)).collect())
}

/// Registers addresses with what they read, beside those of the content: what a run took of a feed.
pub async fn register_whole(tx: &Tx, run_id: i64, addresses: BTreeMap<String, String>) -> Result<(), DbErr> {
    insert(tx, run_id, addresses.into_iter().collect()).await
}

async fn insert(tx: &Tx, run_id: i64, urls: Vec<(String, String)>) -> Result<(), DbErr> {
    let rows: Vec<_> = urls
        .into_iter()
        .map(|(url, label)| links::ActiveModel {
            id: NotSet,
            run_id: Set(run_id),
            // Addresses are too long to be a key.
            url_hash: Set(token_hash(&url)),
            url: Set(url),
            label: Set(label),
            clicks: Set(0),
            people: Set(0),
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    links::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::columns([links::Column::RunId, links::Column::UrlHash])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&**tx)
        .await?;
    Ok(())
}

/// The registered links of a run's content, in the order in which they stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    links: Vec<Option<(i64, String)>>,
    /// Every registered address, for links that only the rendering knows: those of a feed's items.
    whole: HashMap<String, i64>,
}

impl Registered {
    pub async fn load(db: &impl ConnectionTrait, run_id: i64, compiled: &Compiled) -> Result<Self, DbErr> {
        let rows = links::Entity::find()
            .filter(links::Column::RunId.eq(run_id))
            .all(db)
            .await?;
        let whole: HashMap<String, i64> = rows.into_iter().map(|row| (row.url, row.id)).collect();
        let links = compiled.links().iter();
        Ok(Self {
            links: links
                .map(|url| whole.get(url).map(|id| (*id, url.clone())))
                .collect(),
            whole,
        })
    }

    /// What stands in one person's mail instead of the link: the redirect that counts the click.
    /// `url` is the address for this person, which travels in the token where it is theirs alone.
    pub fn click(&self, urls: &Urls, delivery: i64, index: usize, url: &str) -> String {
        if let Some(id) = self.whole.get(url) {
            return urls.click(delivery, *id, None);
        }
        match self.links.get(index) {
            Some(Some((id, _))) if url.len() <= LONGEST => urls.click(delivery, *id, Some(url)),
            _ => url.to_owned(),
        }
    }
}
