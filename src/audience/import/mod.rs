//! People from a file: read whole, each line checked, and all that can be accepted applied in one
//! transaction, so that nothing is ever half-imported. Everything that takes long is done before it
//! begins, because on SQLite nobody else writes meanwhile.

mod csv_file;
mod judge;
mod options;
pub mod wizard;

pub use options::Options;

use super::contacts::batch::{Manner, SIZE};
use super::contacts::input::ContactInput;
use super::contacts::store;
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::contact::NewContact;
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use judge::Judge;
use sea_orm::ConnectionTrait as _;
use serde::Serialize;
use serde_json::json;

/// The largest file that is read, in bytes.
pub const LARGEST: usize = 50 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    /// A contact of the JSON API on each line.
    Ndjson,
}

/// A line that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// As an editor counts, from 1.
    pub line: u64,
    pub reason: String,
    /// The line as the file has it.
    #[serde(skip)]
    pub fields: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportOutcome {
    pub created: u64,
    pub updated: u64,
    pub refused: u64,
    pub report: Vec<Refused>,
}

/// A line of the file, as far as it could be read.
struct Line {
    number: u64,
    fields: Vec<String>,
    contact: std::result::Result<NewContact, String>,
}

/// Imports a file.
///
/// # Errors
/// Where the file as a whole cannot be read; then nothing was written.
pub async fn run(
    cx: &Context,
    bytes: Vec<u8>,
    format: Format,
    options: Options,
    actor: &Actor,
) -> Result<ImportOutcome> {
    let lines = read(cx, bytes, format, &options).await?;
    let tx = cx.db.begin().await?;
    let outcome = apply(&tx, &lines, &options, actor, cx.clock.now()).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// Writes every line that can be accepted, and a line in the audit trail. The caller commits.
async fn apply(
    tx: &Tx,
    lines: &[Line],
    options: &Options,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<ImportOutcome> {
    lock(tx).await?;
    let manner = Manner {
        source: options.source(),
        may_resubscribe: options.may_resubscribe,
        now,
    };
    let mut judge = Judge::open(&**tx, manner).await?;
    let mut outcome = ImportOutcome::default();
    for lines in lines.chunks(SIZE) {
        let verdicts = judge.judge(&**tx, lines).await?;
        judge.write(tx, actor).await?;
        for (line, verdict) in lines.iter().zip(verdicts) {
            match verdict {
                Ok(put) if put.is_new => outcome.created += 1,
                Ok(_) => outcome.updated += 1,
                Err(reason) => outcome.report.push(Refused {
                    line: line.number,
                    reason,
                    fields: line.fields.clone(),
                }),
            }
        }
    }
    outcome.refused = outcome.report.len() as u64;
    let counts = json!({
        "created": outcome.created,
        "updated": outcome.updated,
        "refused": outcome.refused,
        "tag": options.tag,
    });
    audit::record(tx, now, actor, "imported", Subject("contacts", None), counts).await?;
    Ok(outcome)
}

/// On PostgreSQL others may write meanwhile, as on SQLite they cannot. Nobody then takes a key or
/// leaves between our look and our write; reading goes on.
async fn lock(tx: &Tx) -> Result<()> {
    if tx.get_database_backend() == sea_orm::DbBackend::Postgres {
        tx.execute_unprepared("LOCK TABLE contacts, consents IN SHARE ROW EXCLUSIVE MODE")
            .await?;
    }
    Ok(())
}

async fn read(cx: &Context, bytes: Vec<u8>, format: Format, options: &Options) -> Result<Vec<Line>> {
    if bytes.len() > LARGEST {
        return Err(AppError::TooLarge("50 MB"));
    }
    let known = store::attributes(&*cx.db).await?;
    let options = options.clone();
    // Reading a large file takes seconds of computing, which would hold up every other request.
    tokio::task::spawn_blocking(move || {
        let text = text_of(bytes).map_err(|message| AppError::BadRequest(message.into()))?;
        let text = text.trim_start_matches('\u{feff}');
        match format {
            Format::Csv => csv_file::read(text, &known, &options),
            Format::Ndjson => Ok(ndjson(text, &options)),
        }
    })
    .await
    .map_err(anyhow::Error::from)?
}

/// A file's text, where it is one.
fn text_of(bytes: Vec<u8>) -> std::result::Result<String, &'static str> {
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err("The file is not in UTF-8; save it as “CSV UTF-8” and try again."),
    }
}

fn ndjson(text: &str, options: &Options) -> Vec<Line> {
    text.lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty())
        .map(|(line, number)| Line {
            number,
            fields: vec![line.to_owned()],
            contact: serde_json::from_str::<ContactInput>(line)
                .map_err(|error| format!("This is no contact in JSON: {error}."))
                .and_then(|input| parse(input, options)),
        })
        .collect()
}

/// The contact as the file means it, with what was said of the file as a whole.
fn parse(mut input: ContactInput, options: &Options) -> std::result::Result<NewContact, String> {
    input.country.clone_from(&options.country);
    let mut contact = input.parse().map_err(|errors| sentence(&errors))?;
    contact.added_tags.extend(options.tag.clone());
    Ok(contact)
}

fn sentence(errors: &FormErrors) -> String {
    let words: Vec<_> = errors
        .0
        .iter()
        .map(|error| match error.field.as_str() {
            "" => error.message.clone(),
            field => format!("{field}: {}", error.message),
        })
        .collect();
    words.join(" ")
}
