//! What staff do to attribute definitions. Each is called in a transaction that the caller commits,
//! and leaves its line in the audit trail there.

use super::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::db::Tx;
use crate::domain::{AttributeKind, contact, slug};
use crate::entity::attribute_definitions;
use crate::web::filters::group;
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::{EntityTrait as _, IntoActiveModel as _, ModelTrait as _, SqlErr};
use serde_json::json;

/// The longest label, in characters.
pub const LONGEST_LABEL: usize = 100;

/// An attribute as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttribute {
    pub name: String,
    pub label: String,
    pub kind: AttributeKind,
}

impl NewAttribute {
    /// Reads the form's fields. An empty name is made of the label.
    pub fn parse(label: &str, name: &str, kind: &str) -> Result<Self, FormErrors> {
        let mut errors = FormErrors::default();
        let label = errors.text("label", label, LONGEST_LABEL);
        let name = match name.trim() {
            "" => slug::of(&label).replace('-', "_"),
            name => name.to_owned(),
        };
        if errors.is_empty()
            && let Err(message) = contact::attribute_name(&name)
        {
            errors.add("name", message);
        }
        let kind = kind.parse().unwrap_or_else(|_| {
            errors.add("kind", "Choose the kind of its values.");
            AttributeKind::Text
        });
        errors.or(|| Self { name, label, kind })
    }
}

/// Adds an attribute; its name must be free.
pub async fn add(tx: &Tx, new: NewAttribute, actor: &Actor, now: DateTime<Utc>) -> Result<()> {
    let all = store::list(&**tx).await?;
    if let Some(other) = all.iter().find(|other| other.name == new.name) {
        return Err(taken(&other.label));
    }
    if all.len() >= contact::MOST_ATTRIBUTES {
        return Err(AppError::invalid(
            "label",
            format!(
                "There are {} attributes already. Delete one that nobody has first.",
                all.len()
            ),
        ));
    }
    let row = attribute_definitions::ActiveModel {
        name: Set(new.name.clone()),
        kind: Set(new.kind),
        label: Set(new.label.clone()),
        created_at: Set(now.into()),
    };
    attribute_definitions::Entity::insert(row)
        .exec_without_returning(&**tx)
        .await
        .map_err(|error| match error.sql_err() {
            // An import made it between our look and our write.
            Some(SqlErr::UniqueConstraintViolation(_)) => taken(&new.label),
            _ => AppError::from(error),
        })?;
    let detail = json!({"name": new.name, "label": new.label, "kind": new.kind});
    record(tx, "created", detail, actor, now).await
}

fn taken(label: &str) -> AppError {
    AppError::invalid(
        "name",
        format!("The attribute “{label}” has this name. Choose another."),
    )
}

/// Changes what staff call an attribute. Its name and kind stay: values and rules stand on them.
pub async fn relabel(
    tx: &Tx,
    old: attribute_definitions::Model,
    label: &str,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let detail = json!({"name": old.name, "label": label});
    let mut row = old.into_active_model();
    row.label = Set(label.to_owned());
    attribute_definitions::Entity::update(row).exec(&**tx).await?;
    record(tx, "edited", detail, actor, now).await
}

/// Deletes an attribute that nothing stands on.
///
/// # Errors
/// A conflict that says what does: people with a value, or segments.
pub async fn delete(
    tx: &Tx,
    row: attribute_definitions::Model,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    let people = store::people(&**tx).await?.remove(&row.name).unwrap_or(0);
    let names: Vec<_> = store::segments_of(&**tx, &row.name)
        .await?
        .into_iter()
        .map(|segment| format!("“{}”", segment.name))
        .collect();
    if people > 0 || !names.is_empty() {
        return Err(AppError::Conflict(still_needed(&row.label, people, &names)));
    }
    let detail = json!({"name": row.name, "label": row.label, "kind": row.kind});
    row.delete(&**tx).await?;
    record(tx, "deleted", detail, actor, now).await
}

fn still_needed(label: &str, people: i64, segments: &[String]) -> String {
    let mut reasons = Vec::new();
    match people {
        0 => {}
        1 => reasons.push("1 person has a value".to_owned()),
        people => reasons.push(format!("{} people have a value", group(people))),
    }
    match segments {
        [] => {}
        [one] => reasons.push(format!("the segment {one} asks about it")),
        several => reasons.push(format!("the segments {} ask about it", several.join(", "))),
    }
    format!("“{label}” stays: {}.", reasons.join(", and "))
}

async fn record(
    tx: &Tx,
    action: &str,
    detail: serde_json::Value,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    Ok(audit::record(tx, now, actor, action, Subject("attribute", None), detail).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_the_label_where_none_is_given() {
        for (label, name, made) in [
            ("Home club", "", Ok("home_club")),
            ("Handicap", "hcp", Ok("hcp")),
            ("2nd car", "", Err("name")),
            ("高尔夫", "", Err("name")),
            ("Handicap", "Hand icap", Err("name")),
            ("", "hcp", Err("label")),
        ] {
            let parsed = NewAttribute::parse(label, name, "number");
            match (parsed, made) {
                (Ok(new), Ok(name)) => assert_eq!(new.name, name),
                (Err(errors), Err(field)) => assert!(errors.of(field).is_some(), "{label} {name}"),
                (parsed, _) => panic!("{label} {name}: {parsed:?}"),
            }
        }
        let errors = NewAttribute::parse("Handicap", "", "fraction").unwrap_err();
        assert!(errors.of("kind").is_some());
    }

    #[test]
    fn what_stands_on_an_attribute_is_named() {
        for (people, segments, told) in [
            (1, &[][..], "“Handicap” stays: 1 person has a value."),
            (
                0,
                &["“Low”".to_owned()],
                "“Handicap” stays: the segment “Low” asks about it.",
            ),
            (
                1234,
                &["“Low”".to_owned(), "“High”".to_owned()],
                "“Handicap” stays: 1,234 people have a value, and the segments “Low”, “High” ask about it.",
            ),
        ] {
            assert_eq!(still_needed("Handicap", people, segments), told);
        }
    }
}
