//! Segments that are made of other segments. What a segment stands for with all that it names is
//! kept beside its rule (`resolved`), and made anew for everyone that names it in the transaction
//! that changes it: whoever asks a segment reads one row.

use super::{rule_of, store};
use crate::db::Tx;
use crate::domain::SegmentKind;
use crate::domain::segment::{Named, Reference, Rule, resolve};
use crate::entity::{campaigns, segments};
use crate::web::{FormErrors, Result};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A rule with its references resolved, for a rule that is not stored. What cannot be resolved is
/// said in a sentence.
pub async fn resolve_now(db: &impl ConnectionTrait, rule: &Rule) -> Result<Result<Rule, Reference>, DbErr> {
    let known = reachable(db, rule.segments()).await?;
    Ok(resolve(None, rule, &known))
}

/// What is kept beside a segment's rule: `None` where it names no other.
///
/// # Errors
/// `Invalid`, at `rule`: a segment or campaign that is not there, a way round, or too much of it.
pub(super) async fn resolved(tx: &Tx, own: (&str, &str), rule: &Rule) -> Result<Option<Value>> {
    let refuse = |sentence: String| FormErrors::one("rule", sentence);
    for id in rule.campaigns() {
        let found = match id.parse::<i64>() {
            Ok(id) => campaigns::Entity::find_by_id(id).one(&**tx).await?,
            Err(_) => None,
        };
        if found.is_none() {
            return Err(refuse(format!("There is no campaign “{id}”.")).into());
        }
    }
    if rule.segments().is_empty() {
        return Ok(None);
    }
    let known = reachable(&**tx, rule.segments()).await?;
    let resolved = resolve(Some(own), rule, &known).map_err(|error| refuse(error.to_string()))?;
    let json = resolved.to_json();
    Rule::parse_resolved(&json).map_err(|error| refuse(format!("With those that it names: {error}")))?;
    Ok(Some(json))
}

/// Makes anew what is kept beside every segment that names this one, directly or not.
///
/// # Errors
/// `Invalid` where one of them would become too much.
pub(super) async fn refresh(tx: &Tx, key: &str) -> Result<()> {
    for segment in users_of_users(tx, key).await? {
        let rule = rule_of(&segment).map_err(DbErr::from)?;
        let known = reachable(&**tx, rule.segments()).await?;
        let resolved = resolve(Some((&segment.key, &segment.name)), &rule, &known).map_err(|error| {
            let sentence = format!("The segment “{}” is made of this one. {error}", segment.name);
            FormErrors::one("rule", sentence)
        })?;
        tx.execute_raw(tx.sql(
            "UPDATE segments SET resolved = $1 WHERE id = $2",
            [resolved.to_json().into(), segment.id.into()],
        ))
        .await?;
    }
    Ok(())
}

/// The segments whose rules name one of these keys, by name.
pub async fn users(db: &impl ConnectionTrait, key: &str) -> Result<Vec<segments::Model>, DbErr> {
    let all = with_rules(db).await?;
    Ok(all
        .into_iter()
        .filter(|(_, named)| named.contains(key))
        .map(|(segment, _)| segment)
        .collect())
}

async fn users_of_users(tx: &Tx, key: &str) -> Result<Vec<segments::Model>, DbErr> {
    let all = with_rules(&**tx).await?;
    let mut keys = BTreeSet::from([key.to_owned()]);
    loop {
        let more: Vec<String> = all
            .iter()
            .filter(|(segment, named)| !keys.contains(&segment.key) && !named.is_disjoint(&keys))
            .map(|(segment, _)| segment.key.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        keys.extend(more);
    }
    keys.remove(key);
    let users = all.into_iter().map(|(segment, _)| segment);
    Ok(users.filter(|segment| keys.contains(&segment.key)).collect())
}

/// Every segment with a rule, and the keys that it names. A club has hundreds at most.
async fn with_rules(db: &impl ConnectionTrait) -> Result<Vec<(segments::Model, BTreeSet<String>)>, DbErr> {
    let rows = segments::Entity::find()
        .filter(segments::Column::Kind.eq(SegmentKind::Rule))
        .limit(10_000)
        .all(db)
        .await?;
    let with = rows.into_iter().filter_map(|row| {
        let named = rule_of(&row).ok()?.segments();
        Some((row, named))
    });
    Ok(with.collect())
}

/// The segments of these keys, and all that these name in turn.
async fn reachable(
    db: &impl ConnectionTrait,
    mut wanted: BTreeSet<String>,
) -> Result<BTreeMap<String, Named>, DbErr> {
    let mut known = BTreeMap::new();
    while !wanted.is_empty() {
        let mut more = BTreeSet::new();
        for key in std::mem::take(&mut wanted) {
            let Some(row) = store::by_key(db, &key).await? else {
                continue;
            };
            let rule = match row.kind {
                SegmentKind::Rule => Some(rule_of(&row).map_err(DbErr::from)?),
                SegmentKind::Static => None,
            };
            more.extend(rule.iter().flat_map(Rule::segments));
            known.insert(key, Named { name: row.name, rule });
        }
        wanted = more.into_iter().filter(|key| !known.contains_key(key)).collect();
    }
    Ok(known)
}
