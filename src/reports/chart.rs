//! Opens and clicks over time: the hours of a campaign's runs, gathered into as many bars as can
//! be told apart.

use crate::db::Sql;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use std::collections::BTreeMap;

const HOUR: i64 = 3_600_000;
/// The most bars.
const MOST: i64 = 72;
/// How many hours a bar may stand for, the fewest first.
const STEPS: &[i64] = &[1, 2, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 28 * 24];
/// The drawing's inner size; it is stretched to where it stands.
pub const WIDTH: f64 = 720.0;
pub const HEIGHT: f64 = 200.0;

#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Hour {
    pub hour: i64,
    pub opened: i64,
    pub clicked: i64,
}

/// People who opened or clicked for the first time in some hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    pub from: DateTime<Utc>,
    pub opened: i64,
    pub clicked: i64,
    pub x: f64,
    pub width: f64,
    pub opened_height: f64,
    pub clicked_height: f64,
}

impl Bar {
    /// Where a bar of some height begins, from the top.
    pub fn top(&self, height: &f64) -> f64 {
        HEIGHT - height
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub bars: Vec<Bar>,
    /// What the highest bar counts.
    pub highest: i64,
    /// How long a bar is, in words.
    pub step: String,
}

/// The first opens and clicks of all of a campaign's runs, hour by hour.
pub async fn hours(db: &impl ConnectionTrait, campaign: i64) -> Result<Vec<Hour>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let campaign = sql.bind(campaign);
    let text = format!(
        "SELECT h.hour, CAST(SUM(h.opened) AS BIGINT) AS opened, CAST(SUM(h.clicked) AS BIGINT) AS clicked \
         FROM run_hours h JOIN runs r ON r.id = h.run_id WHERE r.campaign_id = {campaign} \
         GROUP BY h.hour ORDER BY h.hour"
    );
    Hour::find_by_statement(sql.statement(text)).all(db).await
}

impl Chart {
    /// `None` where nobody opened or clicked yet.
    pub fn of(hours: &[Hour]) -> Option<Self> {
        let last = hours.iter().rfind(|hour| hour.opened + hour.clicked > 0)?.hour;
        let first = hours.first()?.hour;
        let count = (last - first) / HOUR + 1;
        let step = STEPS.iter().copied().find(|step| count <= step * MOST);
        let step = step.unwrap_or_else(|| (count + MOST - 1) / MOST);
        let mut sums = BTreeMap::<i64, (i64, i64)>::new();
        for hour in hours.iter().filter(|hour| hour.hour <= last) {
            let sum = sums.entry((hour.hour - first) / HOUR / step).or_default();
            *sum = (sum.0 + hour.opened, sum.1 + hour.clicked);
        }
        let bars = (count + step - 1) / step;
        let highest = sums
            .values()
            .map(|(opened, clicked)| *opened.max(clicked))
            .max()?;
        // A single hour is a slim bar, not a wall.
        let slot = WIDTH / bars.max(12) as f64;
        let height = |number: i64| number as f64 / highest.max(1) as f64 * HEIGHT;
        let bars = (0..bars).map(|index| {
            let (opened, clicked) = sums.get(&index).copied().unwrap_or_default();
            Bar {
                from: DateTime::from_timestamp_millis(first + index * step * HOUR).unwrap_or_default(),
                opened,
                clicked,
                x: index as f64 * slot + slot * 0.1,
                width: slot * 0.4,
                opened_height: height(opened),
                clicked_height: height(clicked),
            }
        });
        Some(Self {
            bars: bars.collect(),
            highest,
            step: match step {
                1 => "hour".into(),
                24 => "day".into(),
                hours if hours % 24 == 0 => format!("{} days", hours / 24),
                hours => format!("{hours} hours"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(number: i64, opened: i64, clicked: i64) -> Hour {
        Hour {
            hour: number * HOUR,
            opened,
            clicked,
        }
    }

    #[test]
    fn however_long_a_campaign_runs_its_bars_are_few_and_lose_nobody() {
        for last in [0, 1, 71, 72, 500, 9_000, 100_000] {
            let hours = [hour(0, 3, 1), hour(last / 2, 2, 2), hour(last, 5, 0)];
            let chart = Chart::of(&hours).unwrap();
            assert!(chart.bars.len() <= 72, "{last}: {}", chart.bars.len());
            assert_eq!(chart.bars.iter().map(|bar| bar.opened).sum::<i64>(), 10);
            assert_eq!(chart.bars.iter().map(|bar| bar.clicked).sum::<i64>(), 3);
            let inside = |bar: &Bar| bar.x + 2.0 * bar.width <= WIDTH && bar.opened_height <= HEIGHT;
            assert!(chart.bars.iter().all(inside));
        }
    }

    #[test]
    fn there_is_no_chart_of_nothing() {
        assert_eq!(Chart::of(&[]), None);
        assert_eq!(Chart::of(&[hour(0, 0, 0)]), None);
    }
}
