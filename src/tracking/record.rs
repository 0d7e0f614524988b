//! Many opens and clicks in one transaction: the first of each person moves the counts, every
//! click the link's.

use super::ledger::Ledger;
use crate::context::Context;
use crate::db::Tx;
use crate::domain::ActivityKind;
use crate::entity::{activities, link_clicks, links};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, DbErr, EntityTrait as _, QueryFilter as _};
use std::collections::{BTreeMap, BTreeSet};

/// Something that a person did with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    pub delivery: i64,
    /// The link that was followed; `None` for an open.
    pub link: Option<i64>,
    pub at: DateTime<Utc>,
}

/// Keeps them, all or none.
pub async fn record(cx: &Context, hits: &[Hit]) -> Result<(), DbErr> {
    let tx = cx.db.begin().await?;
    let deliveries: BTreeSet<i64> = hits.iter().map(|hit| hit.delivery).collect();
    let mut ledger = Ledger::lock(&tx, deliveries.iter().copied()).await?;
    let wanted: BTreeSet<i64> = hits.iter().filter_map(|hit| hit.link).collect();
    // The run of each link: a click counts for a link of its own message alone.
    let runs: BTreeMap<i64, i64> = match wanted.is_empty() {
        true => BTreeMap::new(),
        false => links::Entity::find()
            .filter(links::Column::Id.is_in(wanted.iter().copied()))
            .all(&*tx)
            .await?
            .into_iter()
            .map(|link| (link.id, link.run_id))
            .collect(),
    };
    let mut followed = followed(&tx, &wanted, &deliveries).await?;
    let mut clicks = BTreeMap::<i64, (i64, i64)>::new();
    // Of a post every click counts: nobody knows whose it is.
    let mut of_posts = BTreeMap::<i64, i64>::new();
    let (mut seen, mut first_clicks) = (Vec::new(), Vec::new());
    for hit in hits {
        let Some(row) = ledger
            .get(hit.delivery)
            .filter(|row| Ledger::is_counted(row))
            .cloned()
        else {
            continue;
        };
        let is_new = match hit.link {
            None => ledger.open(hit.delivery, hit.at),
            Some(link) if runs.get(&link) == Some(&row.run_id) => {
                ledger.click(hit.delivery, hit.at);
                if !row.channel.is_personal() {
                    *of_posts.entry(hit.delivery).or_default() += 1;
                }
                let is_new = followed.insert((link, hit.delivery));
                let count = clicks.entry(link).or_default();
                *count = (count.0 + 1, count.1 + i64::from(is_new));
                if is_new {
                    first_clicks.push(link_clicks::ActiveModel {
                        link_id: Set(link),
                        delivery_id: Set(hit.delivery),
                        at: Set(hit.at.into()),
                    });
                }
                is_new
            }
            Some(_) => false,
        };
        // One row for the first open and for each link: mail programs load a picture again and
        // again, and whoever holds an address could fill the disk.
        if is_new {
            seen.push(activity(hit, row.contact_id));
        }
    }
    insert(&tx, seen, first_clicks).await?;
    for (link, (clicks, people)) in clicks {
        tx.execute_raw(tx.sql(
            "UPDATE links SET clicks = clicks + $1, people = people + $2 WHERE id = $3",
            [clicks.into(), people.into(), link.into()],
        ))
        .await?;
    }
    for (delivery, clicks) in of_posts {
        tx.execute_raw(tx.sql(
            "UPDATE posts SET clicks = clicks + $1 WHERE delivery_id = $2",
            [clicks.into(), delivery.into()],
        ))
        .await?;
    }
    ledger.write(&tx).await?;
    tx.commit().await
}

/// Which links were followed by whom before.
async fn followed(
    tx: &Tx,
    links: &BTreeSet<i64>,
    deliveries: &BTreeSet<i64>,
) -> Result<BTreeSet<(i64, i64)>, DbErr> {
    if links.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = link_clicks::Entity::find()
        .filter(link_clicks::Column::LinkId.is_in(links.iter().copied()))
        .filter(link_clicks::Column::DeliveryId.is_in(deliveries.iter().copied()))
        .all(&**tx)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.link_id, row.delivery_id))
        .collect())
}

fn activity(hit: &Hit, contact: Option<i64>) -> activities::ActiveModel {
    activities::ActiveModel {
        id: NotSet,
        delivery_id: Set(hit.delivery),
        contact_id: Set(contact),
        kind: Set(match hit.link {
            None => ActivityKind::Open,
            Some(_) => ActivityKind::Click,
        }),
        link_id: Set(hit.link),
        at: Set(hit.at.into()),
        detail: Set(serde_json::json!({})),
    }
}

async fn insert(
    tx: &Tx,
    seen: Vec<activities::ActiveModel>,
    first_clicks: Vec<link_clicks::ActiveModel>,
) -> Result<(), DbErr> {
    if !seen.is_empty() {
        activities::Entity::insert_many(seen)
            .exec_without_returning(&**tx)
            .await?;
    }
    if !first_clicks.is_empty() {
        link_clicks::Entity::insert_many(first_clicks)
            .exec_without_returning(&**tx)
            .await?;
    }
    Ok(())
}
