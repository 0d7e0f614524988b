//! The ledger of a campaign, page by page: who, what became of it, and when.

use super::words;
use crate::db::Sql;
use crate::domain::{Channel, DeliveryState, UnknownTerm};
use crate::entity::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};

/// The most rows of a page.
pub const LARGEST: u64 = 1_000;

/// Something that a person did, to filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Opened,
    Clicked,
    Converted,
    Unsubscribed,
}

impl Mark {
    pub const ALL: [Self; 4] = [Self::Opened, Self::Clicked, Self::Converted, Self::Unsubscribed];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Converted => "converted",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

impl std::str::FromStr for Mark {
    type Err = UnknownTerm;
    fn from_str(text: &str) -> Result<Self, UnknownTerm> {
        let found = Self::ALL.into_iter().find(|mark| mark.as_str() == text);
        found.ok_or_else(|| UnknownTerm {
            text: text.to_owned(),
        })
    }
}

/// Which rows are wanted; all where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub state: Option<DeliveryState>,
    pub mark: Option<Mark>,
    pub contact: Option<i64>,
    /// Found in names, key, address.
    pub words: String,
}

/// One delivery with its person.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Row {
    pub id: i64,
    pub run_id: i64,
    pub contact_id: Option<i64>,
    pub key: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub channel: Channel,
    pub address: String,
    pub state: DeliveryState,
    pub reason: Option<String>,
    pub reply: Option<String>,
    pub attempt: i32,
    pub message_id: Option<String>,
    /// Where a post can be seen.
    pub permalink: Option<String>,
    pub due_at: Timestamp,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub bounced_at: Option<Timestamp>,
    pub opened_at: Option<Timestamp>,
    pub clicked_at: Option<Timestamp>,
    pub converted_at: Option<Timestamp>,
    pub converted_value: Option<i64>,
    pub unsubscribed_at: Option<Timestamp>,
}

impl Row {
    /// What the person is called; their address where no name is known.
    pub fn name(&self) -> String {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        let name = format!("{} {}", part(&self.first_name), part(&self.last_name));
        match (name.trim(), self.contact_id) {
            // A post is an account's, and nobody was erased.
            ("", None) if !self.channel.is_personal() => self.address.clone(),
            ("", None) => "Erased".to_owned(),
            ("", Some(_)) if self.address.is_empty() => self.key.clone().unwrap_or_else(|| "No name".into()),
            ("", Some(_)) => self.address.clone(),
            (name, _) => name.to_owned(),
        }
    }

    pub fn state_in_words(&self) -> &'static str {
        words::state(self.state)
    }

    pub fn why(&self) -> String {
        words::why(self.state, self.reason.as_deref(), self.reply.as_deref())
    }
}

/// Rows in the order of the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub rows: Vec<Row>,
    /// The key after which the next page begins; `None` on the last.
    pub next: Option<i64>,
}

/// At most `limit` rows behind `cursor`, the key of the last row that was seen.
pub async fn page(
    db: &impl ConnectionTrait,
    campaign: i64,
    filter: &Filter,
    cursor: Option<i64>,
    limit: u64,
) -> Result<Page, DbErr> {
    let limit = limit.clamp(1, LARGEST);
    let mut sql = Sql::new(db.get_database_backend());
    let keys = match filter.contact {
        Some(contact) => of_contact(&mut sql, campaign, contact, filter, cursor),
        None => of_campaign(&mut sql, campaign, filter, cursor, limit + 1),
    };
    let text = format!(
        "SELECT d.id, d.run_id, d.contact_id, c.key, c.first_name, c.last_name, d.channel, d.address, d.state, \
         d.reason, d.reply, d.attempt, d.message_id, d.permalink, d.due_at, d.created_at, d.sent_at, d.delivered_at, \
         d.bounced_at, d.opened_at, d.clicked_at, d.converted_at, d.converted_value, d.unsubscribed_at \
         FROM ({keys}) k JOIN deliveries d ON d.id = k.id LEFT JOIN contacts c ON c.id = d.contact_id \
         ORDER BY d.id LIMIT {}",
        limit + 1
    );
    let mut rows = Row::find_by_statement(sql.statement(text)).all(db).await?;
    let has_more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Page {
        next: rows.last().filter(|_| has_more).map(|row| row.id),
        rows,
    })
}

/// One person's rows: few, and found by the person.
fn of_contact(sql: &mut Sql, campaign: i64, contact: i64, filter: &Filter, cursor: Option<i64>) -> String {
    let contact = sql.bind(contact);
    let campaign = sql.bind(campaign);
    let mut text = format!(
        "SELECT d.id FROM deliveries d WHERE d.contact_id = {contact} AND d.campaign_id + 0 = {campaign}"
    );
    if let Some(state) = filter.state {
        let state = sql.bind(state);
        text.push_str(&format!(" AND d.state = {state}"));
    }
    text + &conditions(sql, filter, cursor)
}

/// The first rows of every state, each read from the index in the order of the keys, so that a
/// page of a million rows costs no more than one of a hundred.
fn of_campaign(sql: &mut Sql, campaign: i64, filter: &Filter, cursor: Option<i64>, limit: u64) -> String {
    let campaign = sql.bind(campaign);
    let conditions = conditions(sql, filter, cursor);
    let join = match filter.words.is_empty() {
        true => "",
        false => "LEFT JOIN contacts c ON c.id = d.contact_id",
    };
    let states: Vec<_> = match filter.state {
        Some(state) => vec![state],
        None => DeliveryState::ALL.to_vec(),
    };
    let parts = states.into_iter().map(|state| {
        format!(
            "SELECT id FROM (SELECT d.id FROM deliveries d {join} WHERE d.campaign_id = {campaign} \
             AND d.state = '{state}'{conditions} ORDER BY d.id LIMIT {limit}) s{state}"
        )
    });
    parts.collect::<Vec<_>>().join(" UNION ALL ")
}

fn conditions(sql: &mut Sql, filter: &Filter, cursor: Option<i64>) -> String {
    let mut text = String::new();
    if let Some(cursor) = cursor {
        let cursor = sql.bind(cursor);
        text.push_str(&format!(" AND d.id > {cursor}"));
    }
    if let Some(mark) = filter.mark {
        text.push_str(&format!(" AND d.{}_at IS NOT NULL", mark.as_str()));
    }
    if !filter.words.is_empty() && filter.contact.is_none() {
        let escaped = filter
            .words
            .to_lowercase()
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        let pattern = sql.bind(format!("%{escaped}%"));
        text.push_str(&format!(
            " AND (c.search LIKE {pattern} ESCAPE '\\' OR LOWER(d.address) LIKE {pattern} ESCAPE '\\')"
        ));
    }
    text
}
