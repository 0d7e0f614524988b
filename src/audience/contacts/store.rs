//! Finding contacts.

use crate::db::{Sql, Tx};
use crate::domain::{Channel, ConsentStatus};
use crate::entity::{
    attribute_definitions, consent_log, consents, contact_tags, contacts, topic_opt_outs, topics,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::{Value, json};

/// Contacts on a page.
pub const PAGE: u64 = 50;
/// The character that PostgreSQL takes in no text, not even in one that it is asked for.
const NUL: char = '\0';

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<contacts::Model>, DbErr> {
    contacts::Entity::find_by_id(id).one(db).await
}

/// The same, kept from changes by others until the transaction ends.
pub async fn find_to_change(db: &Tx, id: i64) -> Result<Option<contacts::Model>, DbErr> {
    contacts::Entity::find_by_id(id).lock_exclusive().one(&**db).await
}

/// The contact that a text names: by its key, else its e-mail address, else its id.
pub async fn by_key_or_id_or_email(
    db: &impl ConnectionTrait,
    text: &str,
) -> Result<Option<contacts::Model>, DbErr> {
    if let Some(contact) = by_key(db, text).await? {
        return Ok(Some(contact));
    }
    if let Some(contact) = by_email(db, &text.trim().to_lowercase()).await? {
        return Ok(Some(contact));
    }
    match text.parse() {
        Ok(id) => find(db, id).await,
        Err(_) => Ok(None),
    }
}

pub async fn by_key(db: &impl ConnectionTrait, key: &str) -> Result<Option<contacts::Model>, DbErr> {
    if key.contains(NUL) {
        return Ok(None);
    }
    contacts::Entity::find()
        .filter(contacts::Column::Key.eq(key))
        .one(db)
        .await
}

pub async fn by_email(db: &impl ConnectionTrait, email: &str) -> Result<Option<contacts::Model>, DbErr> {
    if email.contains(NUL) {
        return Ok(None);
    }
    contacts::Entity::find()
        .filter(contacts::Column::Email.eq(email))
        .one(db)
        .await
}

pub async fn by_phone(db: &impl ConnectionTrait, phone: &str) -> Result<Option<contacts::Model>, DbErr> {
    contacts::Entity::find()
        .filter(contacts::Column::Phone.eq(phone))
        .order_by_asc(contacts::Column::Id)
        .one(db)
        .await
}

/// How a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Newest,
    Name,
    Email,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Found anywhere in key, names, e-mail and phone; "" finds all.
    pub words: String,
    pub tag: String,
    /// Consent to e-mail as it stands.
    pub consent: Option<ConsentStatus>,
    pub sort: Sort,
}

impl Filter {
    fn condition(&self, sql: &mut Sql) -> String {
        let mut parts = vec!["1 = 1".to_owned()];
        for word in self.words.to_lowercase().split_whitespace().take(5) {
            let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            parts.push(format!(
                "c.search LIKE {} ESCAPE '\\'",
                sql.bind(format!("%{escaped}%"))
            ));
        }
        if !self.tag.is_empty() {
            let tag = sql.bind(self.tag.to_lowercase());
            parts.push(format!(
                "EXISTS (SELECT 1 FROM contact_tags t WHERE t.contact_id = c.id AND t.tag = {tag})"
            ));
        }
        if let Some(status) = self.consent {
            let channel = sql.bind(Channel::Email);
            let any = format!("SELECT 1 FROM consents k WHERE k.contact_id = c.id AND k.channel = {channel}");
            parts.push(match status {
                ConsentStatus::None => format!(
                    "NOT EXISTS ({any} AND k.status <> {})",
                    sql.bind(ConsentStatus::None)
                ),
                status => format!("EXISTS ({any} AND k.status = {})", sql.bind(status)),
            });
        }
        parts.join(" AND ")
    }
}

pub async fn count(db: &impl ConnectionTrait, filter: &Filter) -> Result<i64, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let condition = filter.condition(&mut sql);
    let text = format!("SELECT CAST(COUNT(*) AS BIGINT) AS number FROM contacts c WHERE {condition}");
    let row = db.query_one_raw(sql.statement(text)).await?;
    row.map_or(Ok(0), |row| row.try_get("", "number"))
}

/// A page of contacts; pages count from 0.
pub async fn page(
    db: &impl ConnectionTrait,
    filter: &Filter,
    page: u64,
) -> Result<Vec<contacts::Model>, DbErr> {
    let mut sql = Sql::new(db.get_database_backend());
    let condition = filter.condition(&mut sql);
    let order = match filter.sort {
        Sort::Newest => "c.created_at DESC, c.id DESC",
        Sort::Name => "c.last_name, c.first_name, c.id",
        Sort::Email => "c.email IS NULL, c.email, c.id",
    };
    let text = format!(
        "SELECT c.* FROM contacts c WHERE {condition} ORDER BY {order} LIMIT {PAGE} OFFSET {}",
        page * PAGE
    );
    contacts::Entity::find()
        .from_raw_sql(sql.statement(text))
        .all(db)
        .await
}

pub async fn tags(db: &impl ConnectionTrait, contact: i64) -> Result<Vec<String>, DbErr> {
    let rows = contact_tags::Entity::find()
        .filter(contact_tags::Column::ContactId.eq(contact))
        .order_by_asc(contact_tags::Column::Tag)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.tag).collect())
}

/// Consent as it stands, for the channels that were ever asked about.
pub async fn consents(db: &impl ConnectionTrait, contact: i64) -> Result<Vec<consents::Model>, DbErr> {
    consents::Entity::find()
        .filter(consents::Column::ContactId.eq(contact))
        .order_by_asc(consents::Column::Channel)
        .all(db)
        .await
}

/// How consent came to be, newest first, at most 100 lines.
pub async fn consent_history(
    db: &impl ConnectionTrait,
    contact: i64,
) -> Result<Vec<consent_log::Model>, DbErr> {
    consent_log::Entity::find()
        .filter(consent_log::Column::ContactId.eq(contact))
        .order_by_desc(consent_log::Column::Id)
        .limit(100)
        .all(db)
        .await
}

/// The topics in use, and whether the contact gets each.
pub async fn topics(db: &impl ConnectionTrait, contact: i64) -> Result<Vec<(topics::Model, bool)>, DbErr> {
    let out: Vec<i64> = topic_opt_outs::Entity::find()
        .filter(topic_opt_outs::Column::ContactId.eq(contact))
        .all(db)
        .await?
        .into_iter()
        .map(|row| row.topic_id)
        .collect();
    let topics = topics::Entity::find()
        .filter(topics::Column::ArchivedAt.is_null())
        .order_by_asc(topics::Column::Position)
        .all(db)
        .await?;
    Ok(topics
        .into_iter()
        .map(|topic| {
            let is_wanted = !out.contains(&topic.id);
            (topic, is_wanted)
        })
        .collect())
}

pub async fn attributes(db: &impl ConnectionTrait) -> Result<Vec<attribute_definitions::Model>, DbErr> {
    attribute_definitions::Entity::find()
        .order_by_asc(attribute_definitions::Column::Name)
        .all(db)
        .await
}

/// The name that a page calls a person by.
pub fn name(contact: &contacts::Model) -> String {
    let name = format!("{} {}", contact.first_name, contact.last_name);
    match name.trim() {
        "" => [&contact.email, &contact.key, &contact.phone]
            .into_iter()
            .flatten()
            .next()
            .cloned()
            .unwrap_or_else(|| "Nameless".into()),
        name => name.to_owned(),
    }
}

/// The contact as the API writes it.
pub async fn json(db: &impl ConnectionTrait, contact: &contacts::Model) -> Result<Value, DbErr> {
    let at = |at: crate::entity::Timestamp| at.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let consents: serde_json::Map<String, Value> = consents(db, contact.id)
        .await?
        .into_iter()
        .map(|row| {
            let consent = json!({"status": row.status, "source": row.source, "at": at(row.at)});
            (row.channel.to_string(), consent)
        })
        .collect();
    Ok(json!({
        "id": contact.id.to_string(),
        "key": contact.key,
        "email": contact.email,
        "phone": contact.phone,
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "timezone": contact.timezone,
        "locale": contact.locale,
        "tags": tags(db, contact.id).await?,
        "attributes": contact.attributes,
        "consents": consents,
        "createdAt": at(contact.created_at),
        "updatedAt": at(contact.updated_at),
    }))
}
