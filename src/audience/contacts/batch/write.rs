//! Writing a batch: a handful of statements for any number of people.

use super::Batch;
use super::person::{Person, Stored};
use crate::accounts::Actor;
use crate::db::{Sql, Tx};
use crate::entity::attribute_definitions;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait as _, DbErr, EntityTrait as _, FromQueryResult};
use serde_json::{Value, json};
use std::collections::HashMap;

const FIELDS: &[(&str, &str)] = &[
    ("id", "BIGINT"),
    ("key", "TEXT"),
    ("email", "TEXT"),
    ("phone", "TEXT"),
    ("first_name", "TEXT"),
    ("last_name", "TEXT"),
    ("timezone", "TEXT"),
    ("locale", "TEXT"),
    ("attributes", "JSONB"),
    ("search", "TEXT"),
    ("created_at", "BIGINT"),
    ("updated_at", "BIGINT"),
];

/// What a new person is known by until their id is: no two have all three the same.
#[derive(Debug, PartialEq, Eq, Hash, FromQueryResult)]
struct Names {
    key: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

impl Batch {
    /// Writes everything that was put since the last time. Consent is logged as heard by `actor`.
    pub async fn write(&mut self, tx: &Tx, actor: &Actor, now: DateTime<Utc>) -> Result<(), DbErr> {
        self.write_attributes(tx, now).await?;
        self.free_names(tx).await?;
        self.update(tx).await?;
        self.insert(tx).await?;
        self.write_tags(tx).await?;
        self.write_consents(tx, actor, now).await?;
        for person in &mut self.people {
            person.is_changed = false;
            person.has_other_tags = false;
            person.said.clear();
            person.stored = Some(Stored {
                key: person.row.key.clone(),
                email: person.row.email.clone(),
            });
        }
        Ok(())
    }

    async fn write_attributes(&mut self, tx: &Tx, now: DateTime<Utc>) -> Result<(), DbErr> {
        let names = std::mem::take(&mut self.new_attributes);
        let rows: Vec<_> = names
            .into_iter()
            .map(|name| attribute_definitions::ActiveModel {
                kind: Set(self.attributes[&name]),
                label: Set(name.replace('_', " ")),
                name: Set(name),
                created_at: Set(now.into()),
            })
            .collect();
        if !rows.is_empty() {
            // Another node may have defined it meanwhile.
            let keep_theirs = OnConflict::column(attribute_definitions::Column::Name)
                .do_nothing()
                .to_owned();
            attribute_definitions::Entity::insert_many(rows)
                .on_conflict(keep_theirs)
                .exec_without_returning(&**tx)
                .await?;
        }
        Ok(())
    }

    /// Lets go of keys and addresses that somebody else may take in the same batch: a statement
    /// that changes many is refused where two have the same for a moment.
    async fn free_names(&self, tx: &Tx) -> Result<(), DbErr> {
        for (column, of) in [
            ("key", (|stored| &stored.key) as fn(&Stored) -> &Option<String>),
            ("email", |stored| &stored.email),
        ] {
            let ids: Vec<_> = self
                .people
                .iter()
                .filter(|person| {
                    let after = Stored {
                        key: person.row.key.clone(),
                        email: person.row.email.clone(),
                    };
                    let before = person.stored.as_ref().map(of);
                    before.is_some_and(|before| before.is_some() && before != of(&after))
                })
                .map(|person| json!({"id": person.row.id}))
                .collect();
            if ids.is_empty() {
                continue;
            }
            let mut sql = Sql::new(tx.get_database_backend());
            let v = sql.rows(ids, &[("id", "BIGINT")]);
            let text = format!("UPDATE contacts SET {column} = NULL WHERE id IN (SELECT v.id FROM {v})");
            tx.execute_raw(sql.statement(text)).await?;
        }
        Ok(())
    }

    async fn update(&self, tx: &Tx) -> Result<(), DbErr> {
        let is_old = |person: &&Person| person.is_changed && person.row.id != 0;
        let rows: Vec<_> = self.people.iter().filter(is_old).map(fields_of).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let changed: Vec<_> = FIELDS[1..]
            .iter()
            .map(|(name, _)| format!("{name} = v.{name}"))
            .collect();
        let mut sql = Sql::new(tx.get_database_backend());
        let v = sql.rows(rows, FIELDS);
        let text = format!(
            "UPDATE contacts SET {} FROM {v} WHERE contacts.id = v.id",
            changed.join(", ")
        );
        tx.execute_raw(sql.statement(text)).await?;
        Ok(())
    }

    async fn insert(&mut self, tx: &Tx) -> Result<(), DbErr> {
        let mut places = HashMap::new();
        let mut rows = Vec::new();
        for (place, person) in self.people.iter().enumerate() {
            if person.row.id == 0 {
                let mut row = fields_of(person);
                row["place"] = json!(place);
                rows.push(row);
                places.insert(names_of(person), place);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut columns = FIELDS[1..].to_vec();
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        columns.push(("place", "BIGINT"));
        let mut sql = Sql::new(tx.get_database_backend());
        let v = sql.rows(rows, &columns);
        let text = format!(
            "INSERT INTO contacts ({names}) SELECT {names} FROM {v} ORDER BY v.place \
             RETURNING id, key, email, phone"
        );
        for row in tx.query_all_raw(sql.statement(text)).await? {
            let id: i64 = row.try_get("", "id")?;
            let names = Names::from_query_result(&row, "")?;
            let place = places
                .remove(&names)
                .ok_or_else(|| DbErr::Custom(format!("the contact {id} came back as another")))?;
            self.get_id(place, id);
        }
        match places.is_empty() {
            true => Ok(()),
            false => Err(DbErr::RecordNotInserted),
        }
    }

    fn get_id(&mut self, place: usize, id: i64) {
        let person = &mut self.people[place];
        let before = (person.rank(), place);
        person.row.id = id;
        self.by_id.insert(id, place);
        if let Some(phone) = &person.row.phone {
            let same = self.by_phone.entry(phone.clone()).or_default();
            same.remove(&before);
            same.insert((id, place));
        }
    }

    async fn write_tags(&self, tx: &Tx) -> Result<(), DbErr> {
        let changed: Vec<_> = self
            .people
            .iter()
            .filter(|person| person.has_other_tags)
            .collect();
        let had_some: Vec<_> = changed
            .iter()
            .filter(|person| person.stored.is_some())
            .map(|person| json!({"id": person.row.id}))
            .collect();
        if !had_some.is_empty() {
            let mut sql = Sql::new(tx.get_database_backend());
            let v = sql.rows(had_some, &[("id", "BIGINT")]);
            let text = format!("DELETE FROM contact_tags WHERE contact_id IN (SELECT v.id FROM {v})");
            tx.execute_raw(sql.statement(text)).await?;
        }
        let rows: Vec<_> = changed
            .iter()
            .flat_map(|person| {
                let id = person.row.id;
                person.tags.iter().map(move |tag| json!({"id": id, "tag": tag}))
            })
            .collect();
        if !rows.is_empty() {
            let mut sql = Sql::new(tx.get_database_backend());
            let v = sql.rows(rows, &[("id", "BIGINT"), ("tag", "TEXT")]);
            let text = format!("INSERT INTO contact_tags (contact_id, tag) SELECT v.id, v.tag FROM {v}");
            tx.execute_raw(sql.statement(text)).await?;
        }
        Ok(())
    }

    /// The log has every change, the table how it came out.
    async fn write_consents(&self, tx: &Tx, actor: &Actor, now: DateTime<Utc>) -> Result<(), DbErr> {
        let mut log = Vec::new();
        let mut last = HashMap::new();
        for person in &self.people {
            for said in &person.said {
                let row = json!({
                    "place": log.len(),
                    "contact_id": person.row.id,
                    "channel": said.channel,
                    "status": said.status,
                    "source": said.source,
                    "actor": actor.name,
                    "at": now.timestamp_millis(),
                });
                last.insert((person.row.id, said.channel), row.clone());
                log.push(row);
            }
        }
        if log.is_empty() {
            return Ok(());
        }
        let columns = [
            ("place", "BIGINT"),
            ("contact_id", "BIGINT"),
            ("channel", "TEXT"),
            ("status", "TEXT"),
            ("source", "TEXT"),
            ("actor", "TEXT"),
            ("at", "BIGINT"),
        ];
        let mut sql = Sql::new(tx.get_database_backend());
        let v = sql.rows(last.into_values().collect(), &columns);
        let text = format!(
            "INSERT INTO consents (contact_id, channel, status, source, evidence, at) \
             SELECT v.contact_id, v.channel, v.status, v.source, '', v.at FROM {v} WHERE TRUE \
             ON CONFLICT (contact_id, channel) DO UPDATE SET status = excluded.status, \
             source = excluded.source, evidence = excluded.evidence, at = excluded.at"
        );
        tx.execute_raw(sql.statement(text)).await?;
        let mut sql = Sql::new(tx.get_database_backend());
        let v = sql.rows(log, &columns);
        let text = format!(
            "INSERT INTO consent_log (contact_id, channel, topic_id, status, source, evidence, actor, at) \
             SELECT v.contact_id, v.channel, NULL, v.status, v.source, '', v.actor, v.at FROM {v} \
             ORDER BY v.place"
        );
        tx.execute_raw(sql.statement(text)).await?;
        Ok(())
    }
}

fn names_of(person: &Person) -> Names {
    Names {
        key: person.row.key.clone(),
        email: person.row.email.clone(),
        phone: person.row.phone.clone(),
    }
}

fn fields_of(person: &Person) -> Value {
    let row = &person.row;
    json!({
        "id": row.id,
        "key": row.key,
        "email": row.email,
        "phone": row.phone,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "timezone": row.timezone,
        "locale": row.locale,
        "attributes": row.attributes,
        "search": row.search,
        "created_at": row.created_at.0.timestamp_millis(),
        "updated_at": row.updated_at.0.timestamp_millis(),
    })
}
