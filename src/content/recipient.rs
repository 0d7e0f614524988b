//! The club's people as templates know them.

use super::render::Recipient;
use crate::entity::{contact_tags, contacts};
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _};
use std::collections::HashMap;

/// How many contacts one statement asks about.
const CHUNK: usize = 500;

/// Those of the contacts that are there, by id.
pub async fn of(db: &impl ConnectionTrait, contact_ids: &[i64]) -> Result<HashMap<i64, Recipient>, DbErr> {
    let mut people = HashMap::new();
    for ids in contact_ids.chunks(CHUNK) {
        let rows = contacts::Entity::find()
            .filter(contacts::Column::Id.is_in(ids.iter().copied()))
            .all(db)
            .await?;
        people.extend(rows.into_iter().map(|row| (row.id, recipient(row))));
        let tags = contact_tags::Entity::find()
            .filter(contact_tags::Column::ContactId.is_in(ids.iter().copied()))
            .all(db)
            .await?;
        for row in tags {
            if let Some(person) = people.get_mut(&row.contact_id) {
                person.tags.push(row.tag);
            }
        }
    }
    for person in people.values_mut() {
        person.tags.sort();
    }
    Ok(people)
}

fn recipient(row: contacts::Model) -> Recipient {
    Recipient {
        key: row.key,
        email: row.email,
        phone: row.phone,
        first_name: row.first_name,
        last_name: row.last_name,
        timezone: row.timezone,
        locale: row.locale,
        tags: Vec::new(),
        attributes: match row.attributes {
            serde_json::Value::Object(attributes) => attributes,
            _ => serde_json::Map::new(),
        },
    }
}
