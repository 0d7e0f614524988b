//! The time zones in which the club's people live.

use crate::domain::schedule;
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{ConnectionTrait, DbErr, Statement};

/// Each zone that a contact names, as it is written and as it is. By steps in the index, so that
/// it costs the number of zones, not of people.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<(String, Tz)>, DbErr> {
    let statement = Statement::from_string(
        db.get_database_backend(),
        "WITH RECURSIVE z(zone) AS (\
           SELECT MIN(timezone) FROM contacts \
           UNION ALL \
           SELECT (SELECT MIN(c.timezone) FROM contacts c WHERE c.timezone > z.zone) FROM z \
           WHERE z.zone IS NOT NULL) \
         SELECT zone FROM z WHERE zone IS NOT NULL",
    );
    let mut zones = Vec::new();
    for row in db.query_all_raw(statement).await? {
        let name: String = row.try_get_by_index(0)?;
        if let Ok(zone) = name.parse() {
            zones.push((name, zone));
        }
    }
    Ok(zones)
}

/// When the clocks show a time for the first of the club's people; `None` where nobody's zone is
/// known.
pub async fn first(db: &impl ConnectionTrait, wall: NaiveDateTime) -> Result<Option<DateTime<Utc>>, DbErr> {
    let zones = all(db).await?;
    let instants = zones
        .into_iter()
        .map(|(_, zone)| schedule::resolve(wall, zone).instant());
    Ok(instants.min())
}
