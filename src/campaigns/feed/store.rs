//! The readings of feeds and the items that were seen, in the database.

use crate::db::Tx;
use crate::domain::feed::{Edition, Feed};
use crate::entity::{feed_items, feed_readings, runs};
use crate::secret::token_hash;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use std::collections::{HashMap, HashSet};

/// What was read of a campaign's feed.
pub async fn reading(
    db: &impl ConnectionTrait,
    campaign: i64,
) -> Result<Option<feed_readings::Model>, DbErr> {
    feed_readings::Entity::find_by_id(campaign).one(db).await
}

/// The reading of a feed that is waited for.
pub async fn unread(db: &impl ConnectionTrait, campaign: i64) -> Result<Option<feed_readings::Model>, DbErr> {
    let reading = reading(db, campaign).await?;
    Ok(reading.filter(|row| row.next_try_at.is_some()))
}

/// The ids of a feed's items that were there at an earlier run of the campaign.
pub async fn seen(db: &impl ConnectionTrait, campaign: i64, feed: &Feed) -> Result<HashSet<String>, DbErr> {
    let hashes: HashMap<String, &str> = feed
        .items
        .iter()
        .map(|item| (token_hash(&item.id), item.id.as_str()))
        .collect();
    if hashes.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = feed_items::Entity::find()
        .filter(feed_items::Column::CampaignId.eq(campaign))
        .filter(feed_items::Column::ItemHash.is_in(hashes.keys().cloned()))
        .all(db)
        .await?;
    Ok(rows
        .iter()
        .filter_map(|row| hashes.get(&row.item_hash))
        .map(|id| (*id).to_owned())
        .collect())
}

/// Has a feed read for an occurrence. One that is being read for it already goes on.
pub async fn want(
    tx: &Tx,
    campaign: i64,
    url: &str,
    occurrence: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "INSERT INTO feed_readings (campaign_id, url, wanted_for, attempts, next_try_at) VALUES ($1, $2, $3, 0, $4) \
         ON CONFLICT (campaign_id) DO UPDATE SET wanted_for = excluded.wanted_for, attempts = 0, \
           next_try_at = excluded.next_try_at, problem = NULL \
         WHERE feed_readings.wanted_for <> excluded.wanted_for OR feed_readings.next_try_at IS NULL",
        [
            campaign.into(),
            url.into(),
            occurrence.timestamp_millis().into(),
            now.timestamp_millis().into(),
        ],
    ))
    .await?;
    Ok(())
}

/// No more of it is read for an occurrence that is decided.
pub async fn unwant(tx: &Tx, campaign: i64) -> Result<(), DbErr> {
    tx.execute_raw(tx.sql(
        "UPDATE feed_readings SET next_try_at = NULL, problem = NULL WHERE campaign_id = $1 \
         AND (next_try_at IS NOT NULL OR problem IS NOT NULL)",
        [campaign.into()],
    ))
    .await?;
    Ok(())
}

/// Keeps with a run what it takes of a feed, and that all that is in the feed was there to be seen.
pub async fn keep(tx: &Tx, campaign: i64, run: i64, edition: &Edition, feed: &Feed) -> Result<(), DbErr> {
    let json = serde_json::to_value(edition).map_err(|error| DbErr::Json(error.to_string()))?;
    runs::Entity::update_many()
        .set(runs::ActiveModel {
            feed: Set(Some(json)),
            ..Default::default()
        })
        .filter(runs::Column::Id.eq(run))
        .exec(&**tx)
        .await?;
    let hashes: HashSet<_> = feed.items.iter().map(|item| token_hash(&item.id)).collect();
    let rows = hashes.into_iter().map(|item_hash| feed_items::ActiveModel {
        campaign_id: Set(campaign),
        item_hash: Set(item_hash),
        run_id: Set(run),
    });
    let rows: Vec<_> = rows.collect();
    for rows in rows.chunks(100) {
        feed_items::Entity::insert_many(rows.to_vec())
            .on_conflict(
                OnConflict::columns([feed_items::Column::CampaignId, feed_items::Column::ItemHash])
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(&**tx)
            .await?;
    }
    Ok(())
}
