//! Who did what. Written in the transaction of the deed, so that neither is there without the
//! other.

use crate::db::Tx;
use crate::entity::{audit_log, users};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::Value;

/// Who acts: a member of staff, an API key, or the scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub user_id: Option<i64>,
    /// As it is shown: a person's name, `API key “website”`, or `Fairway`.
    pub name: String,
}

impl Actor {
    /// A member of staff.
    pub fn person(user: &users::Model) -> Self {
        Self {
            user_id: Some(user.id),
            name: user.name.clone(),
        }
    }

    /// What the product does by itself.
    pub fn fairway() -> Self {
        Self {
            user_id: None,
            name: "Fairway".into(),
        }
    }
}

/// What was acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject(pub &'static str, pub Option<i64>);

/// Adds a line to the trail. `action` is a past participle: `scheduled`, `paused`, `edited`.
pub async fn record(
    tx: &Tx,
    at: DateTime<Utc>,
    actor: &Actor,
    action: &str,
    subject: Subject,
    detail: Value,
) -> Result<(), DbErr> {
    audit_log::Entity::insert(audit_log::ActiveModel {
        id: NotSet,
        at: Set(at.into()),
        user_id: Set(actor.user_id),
        actor: Set(actor.name.clone()),
        action: Set(action.into()),
        subject_kind: Set(subject.0.into()),
        subject_id: Set(subject.1),
        detail: Set(detail),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}

/// The trail of one thing, newest first, at most `limit` lines.
pub async fn of(
    db: &impl ConnectionTrait,
    subject: Subject,
    limit: u64,
) -> Result<Vec<audit_log::Model>, DbErr> {
    audit_log::Entity::find()
        .filter(audit_log::Column::SubjectKind.eq(subject.0))
        .filter(audit_log::Column::SubjectId.eq(subject.1))
        .order_by_desc(audit_log::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// The trail of everything, newest first, at most `limit` lines older than the line `before`.
pub async fn page(
    db: &impl ConnectionTrait,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<audit_log::Model>, DbErr> {
    let mut lines = audit_log::Entity::find().order_by_desc(audit_log::Column::Id);
    if let Some(before) = before {
        lines = lines.filter(audit_log::Column::Id.lt(before));
    }
    lines.limit(limit).all(db).await
}

/// A line's detail as it is read: `name: Spring open; role: manager`.
pub fn in_words(detail: &Value) -> String {
    let Value::Object(entries) = detail else {
        return match detail {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
    };
    let words: Vec<String> = entries
        .iter()
        .filter_map(|(name, value)| {
            let value = match value {
                Value::Null => return None,
                Value::String(text) if text.is_empty() => return None,
                Value::String(text) => text.clone(),
                Value::Bool(true) => "yes".into(),
                Value::Bool(false) => "no".into(),
                other => other.to_string(),
            };
            let short: String = match value.char_indices().nth(120) {
                Some((end, _)) => format!("{}…", &value[..end]),
                None => value,
            };
            Some(format!("{}: {short}", name.replace('_', " ")))
        })
        .collect();
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_detail_reads_as_words() {
        for (detail, words) in [
            (
                json!({"name": "Spring open", "sent_to": 12}),
                "name: Spring open; sent to: 12",
            ),
            (
                json!({"note": "", "topic": null, "is_ready": true}),
                "is ready: yes",
            ),
            (json!("because"), "because"),
            (json!(null), ""),
        ] {
            assert_eq!(in_words(&detail), words);
        }
        assert!(in_words(&json!({"body": "é".repeat(500)})).ends_with('…'));
    }
}
