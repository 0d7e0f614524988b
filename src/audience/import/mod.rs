//! People from a file: read whole, each line checked, and all that can be accepted applied in one
//! transaction, so that nothing is ever half-imported.

mod csv_file;
pub mod wizard;

use super::contacts::input::ContactInput;
use super::contacts::{commands, store};
use crate::accounts::Actor;
use crate::accounts::audit::{self, Subject};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::contact::NewContact;
use crate::web::{AppError, FormErrors, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;

/// The largest file that is read, in bytes.
pub const LARGEST: usize = 50 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    /// A contact of the JSON API on each line.
    Ndjson,
}

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where consent in the file comes from, such as `membership form 2026`.
    pub source: String,
    /// Whether the file may subscribe again someone who unsubscribed.
    pub may_resubscribe: bool,
    /// Of numbers without a country: an ISO 3166 code.
    pub country: Option<String>,
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
    let mut errors = FormErrors::default();
    let source = match errors.optional("source", &options.source, 200) {
        source if source.is_empty() => "import".to_owned(),
        source => source,
    };
    errors.or(|| ())?;
    let lines = read(cx, bytes, format, &options).await?;
    let now = cx.clock.now();
    let tx = cx.db.begin().await?;
    let outcome = apply(&tx, lines, &source, options.may_resubscribe, actor, now).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// Writes every line that can be accepted, and a line in the audit trail. The caller commits.
async fn apply(
    tx: &Tx,
    lines: Vec<Line>,
    source: &str,
    may_resubscribe: bool,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<ImportOutcome> {
    let mut outcome = ImportOutcome::default();
    let mut seen = Seen::default();
    for line in lines {
        let accepted = match &line.contact {
            Err(reason) => Err(reason.clone()),
            Ok(new) => match seen.before(new) {
                Some(reason) => Err(reason),
                None => match commands::upsert(tx, new, source, may_resubscribe, actor, now).await {
                    Ok((_, is_new)) => {
                        seen.add(new, line.number);
                        Ok(is_new)
                    }
                    Err(AppError::Invalid(errors)) => Err(sentence(&errors)),
                    Err(error) => return Err(error),
                },
            },
        };
        match accepted {
            Ok(true) => outcome.created += 1,
            Ok(false) => outcome.updated += 1,
            Err(reason) => outcome.report.push(Refused {
                line: line.number,
                reason,
                fields: line.fields,
            }),
        }
    }
    outcome.refused = outcome.report.len() as u64;
    let counts = json!({"created": outcome.created, "updated": outcome.updated, "refused": outcome.refused});
    audit::record(tx, now, actor, "imported", Subject("contacts", None), counts).await?;
    Ok(outcome)
}

async fn read(cx: &Context, bytes: Vec<u8>, format: Format, options: &Options) -> Result<Vec<Line>> {
    if bytes.len() > LARGEST {
        return Err(AppError::TooLarge("50 MB"));
    }
    let known = store::attributes(&*cx.db).await?;
    let country = options.country.clone();
    // Reading a large file takes seconds of computing, which would hold up every other request.
    tokio::task::spawn_blocking(move || {
        let text = String::from_utf8(bytes).map_err(|_| {
            AppError::BadRequest("The file is not in UTF-8; save it as “CSV UTF-8” and try again.".into())
        })?;
        let text = text.trim_start_matches('\u{feff}');
        match format {
            Format::Csv => csv_file::read(text, &known, country.as_deref()),
            Format::Ndjson => Ok(ndjson(text, country.as_deref())),
        }
    })
    .await
    .map_err(anyhow::Error::from)?
}

fn ndjson(text: &str, country: Option<&str>) -> Vec<Line> {
    text.lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty())
        .map(|(line, number)| Line {
            number,
            fields: vec![line.to_owned()],
            contact: serde_json::from_str::<ContactInput>(line)
                .map_err(|error| format!("This is no contact in JSON: {error}."))
                .and_then(|input| parse(input, country)),
        })
        .collect()
}

fn parse(mut input: ContactInput, country: Option<&str>) -> std::result::Result<NewContact, String> {
    input.country = country.map(str::to_owned);
    input.parse().map_err(|errors| sentence(&errors))
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

/// Who was in the file already, and where.
#[derive(Default)]
struct Seen {
    keys: HashMap<String, u64>,
    emails: HashMap<String, u64>,
}

impl Seen {
    fn before(&self, new: &NewContact) -> Option<String> {
        let key = new.key.as_ref().and_then(|key| self.keys.get(key));
        let email = new.email.as_ref().and_then(|email| self.emails.get(email));
        match (key, email) {
            (Some(line), _) => Some(format!("This has the same key as line {line}.")),
            (None, Some(line)) => Some(format!("This has the same e-mail as line {line}.")),
            (None, None) => None,
        }
    }

    fn add(&mut self, new: &NewContact, line: u64) {
        if let Some(key) = &new.key {
            self.keys.insert(key.clone(), line);
        }
        if let Some(email) = &new.email {
            self.emails.insert(email.clone(), line);
        }
    }
}
