//! The counts of a journey's steps, gathered while people move and written in the same
//! transaction.

use crate::db::Tx;
use sea_orm::{ConnectionTrait as _, DbErr};
use std::collections::BTreeMap;

/// The row of a journey as a whole.
pub const WHOLE: &str = "";

/// What the counts gain: came, here, dropped.
type Gain = [i64; 3];

/// Gains that are not written yet. Written in the order of their keys, so that two writers never
/// block each other.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<(i64, i64, String), Gain>);

impl Tally {
    fn add(&mut self, campaign: i64, version: i64, step: &str, gain: Gain) {
        let sum = self.0.entry((campaign, version, step.to_owned())).or_default();
        for (sum, gain) in sum.iter_mut().zip(gain) {
            *sum += gain;
        }
    }

    /// Somebody comes to a step.
    pub fn arrive(&mut self, campaign: i64, version: i64, step: &str) {
        self.add(campaign, version, step, [1, 1, 0]);
    }

    /// Somebody goes on from a step.
    pub fn depart(&mut self, campaign: i64, version: i64, step: &str) {
        self.add(campaign, version, step, [0, -1, 0]);
    }

    /// Somebody leaves the journey at a step.
    pub fn drop(&mut self, campaign: i64, version: i64, step: &str) {
        self.add(campaign, version, step, [0, -1, 1]);
    }

    /// Somebody is taken over to another version, as if it had been that one from here on.
    pub fn take_over(&mut self, campaign: i64, version: i64, step: &str, is_same_step: bool) {
        self.add(campaign, version, step, [-i64::from(is_same_step), -1, 0]);
    }

    pub async fn write(self, tx: &Tx) -> Result<(), DbErr> {
        for ((campaign, version, step), [came, here, dropped]) in self.0 {
            if [came, here, dropped] == [0, 0, 0] {
                continue;
            }
            tx.execute_raw(tx.sql(
                "INSERT INTO journey_counts (campaign_id, version_id, step, came, here, dropped) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (campaign_id, version_id, step) DO UPDATE SET \
                   came = journey_counts.came + excluded.came, here = journey_counts.here + excluded.here, \
                   dropped = journey_counts.dropped + excluded.dropped",
                [
                    campaign.into(),
                    version.into(),
                    step.into(),
                    came.into(),
                    here.into(),
                    dropped.into(),
                ],
            ))
            .await?;
        }
        Ok(())
    }
}
