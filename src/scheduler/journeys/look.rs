//! What branches ask about, looked up for many people at once.

use crate::audience::segments;
use crate::db::{Sql, Tx};
use crate::domain::journey::{Did, Test};
use crate::entity::{Timestamp, segments as segment};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult, QueryFilter as _,
};
use std::collections::{BTreeMap, BTreeSet};

/// Those of the people for whom a segment or a rule holds. A segment that is gone holds for nobody.
pub async fn holding(
    tx: &Tx,
    test: &Test,
    people: &[i64],
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<BTreeSet<i64>, DbErr> {
    let mut sql = Sql::new(tx.get_database_backend());
    let who = match test {
        Test::Segment(key) => {
            let found = segment::Entity::find()
                .filter(segment::Column::Key.eq(key))
                .one(&**tx)
                .await?;
            let Some(found) = found else {
                return Ok(BTreeSet::new());
            };
            segments::condition(&mut sql, &found, now, zone)?
        }
        Test::Rule { rule, .. } => match segments::references::resolve_now(&**tx, rule).await? {
            Ok(rule) => segments::rule_condition(&mut sql, &rule, now, zone),
            // A segment that it names is gone, so nobody is in it.
            Err(_) => return Ok(BTreeSet::new()),
        },
        Test::Event(_) | Test::Message { .. } => return Ok(BTreeSet::new()),
    };
    if people.is_empty() {
        return Ok(BTreeSet::new());
    }
    let people: Vec<_> = people.iter().map(|id| sql.bind(*id)).collect();
    let text = format!(
        "SELECT c.id FROM contacts c WHERE c.id IN ({}) AND ({who})",
        people.join(", ")
    );
    let rows = super::Id::find_by_statement(sql.statement(text))
        .all(&**tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// What became of some messages.
pub async fn did(tx: &Tx, deliveries: &[i64]) -> Result<BTreeMap<i64, Vec<Did>>, DbErr> {
    #[derive(FromQueryResult)]
    struct Row {
        id: i64,
        sent_at: Option<Timestamp>,
        opened_at: Option<Timestamp>,
        clicked_at: Option<Timestamp>,
    }
    if deliveries.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut sql = Sql::new(tx.get_database_backend());
    let ids: Vec<_> = deliveries.iter().map(|id| sql.bind(*id)).collect();
    let text = format!(
        "SELECT d.id, d.sent_at, d.opened_at, d.clicked_at FROM deliveries d WHERE d.id IN ({})",
        ids.join(", ")
    );
    let rows = Row::find_by_statement(sql.statement(text)).all(&**tx).await?;
    let did = |row: Row| {
        let all = [
            (Did::Sent, row.sent_at),
            (Did::Opened, row.opened_at),
            (Did::Clicked, row.clicked_at),
        ];
        let did = all.into_iter().filter(|(_, at)| at.is_some()).map(|(did, _)| did);
        (row.id, did.collect())
    };
    Ok(rows.into_iter().map(did).collect())
}
