//! What each event of a batch came to in each campaign, and the sums of it.

use crate::db::Tx;
use crate::domain::trigger::Outcome;
use crate::entity::event_outcomes;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _};
use std::collections::BTreeMap;

/// Rows of one statement.
const CHUNK: usize = 1_000;

/// What is to be noted, one outcome for each event and campaign.
#[derive(Default)]
pub struct Outcomes(BTreeMap<(i64, i64), (Outcome, Option<String>)>);

impl Outcomes {
    /// Notes what an event came to in a campaign. The first is the one that counts.
    pub fn note(&mut self, campaign: i64, event: i64, outcome: Outcome, detail: Option<String>) {
        self.0.entry((campaign, event)).or_insert((outcome, detail));
    }

    /// Writes them with their sums.
    pub async fn write(self, tx: &Tx, now: DateTime<Utc>) -> Result<(), DbErr> {
        let mut sums = BTreeMap::<(i64, Outcome), i64>::new();
        let mut rows = Vec::new();
        for ((campaign, event), (outcome, detail)) in self.0 {
            *sums.entry((campaign, outcome)).or_default() += 1;
            rows.push(event_outcomes::ActiveModel {
                campaign_id: Set(campaign),
                event_id: Set(event),
                outcome: Set(outcome),
                detail: Set(detail),
                at: Set(now.into()),
            });
        }
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(CHUNK));
            event_outcomes::Entity::insert_many(std::mem::replace(&mut rows, rest))
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .exec_without_returning(&**tx)
                .await?;
        }
        for ((campaign, outcome), number) in sums {
            tx.execute_raw(tx.sql(
                "INSERT INTO event_counts (campaign_id, outcome, number) VALUES ($1, $2, $3) \
                 ON CONFLICT (campaign_id, outcome) DO UPDATE SET number = event_counts.number + excluded.number",
                [campaign.into(), outcome.into(), number.into()],
            ))
            .await?;
        }
        Ok(())
    }
}
