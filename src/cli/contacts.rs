//! `fairway contacts import FILE.csv`: the club's people, from another program's file.

use anyhow::{Context as _, Result, anyhow};
use clap::Subcommand;
use fairway::accounts::Actor;
use fairway::audience::import::{self, Format, ImportOutcome, Options};
use fairway::bell::Bell;
use fairway::clock::Clock;
use fairway::config::Settings;
use fairway::context::Context;
use fairway::outbound::Outbound;
use fairway::secret::Secret;
use fairway::web::FormErrors;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Subcommand)]
pub enum ContactsCommand {
    /// Make and change contacts from a CSV file, or from NDJSON by its ending .ndjson. Lines that
    /// are refused go to FILE.refused.csv, each with its reason; the others are written together or
    /// not at all. In a column such as consent_email, "no" opts out; an empty cell changes nothing.
    Import {
        file: PathBuf,
        /// Where consent in the file comes from, such as "membership form 2026".
        #[arg(long, default_value = "import")]
        source: String,
        /// Subscribe again those who unsubscribed, where the file says so.
        #[arg(long)]
        resubscribe: bool,
        /// The country of telephone numbers without one, such as ZA.
        #[arg(long)]
        country: Option<String>,
        /// A tag for everybody in the file, beside those that they have.
        #[arg(long)]
        tag: Option<String>,
    },
}

pub async fn contacts(settings: Settings, command: ContactsCommand) -> Result<()> {
    let ContactsCommand::Import {
        file,
        source,
        resubscribe,
        country,
        tag,
    } = command;
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let options = Options::parse(&source, resubscribe, &said(&country), &said(&tag))
        .map_err(|errors| anyhow!("{}", in_words(&errors)))?;
    let bytes = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let format = match file.extension().and_then(|ending| ending.to_str()) {
        Some("ndjson" | "jsonl") => Format::Ndjson,
        _ => Format::Csv,
    };
    let db = super::open(&settings).await?;
    let cx = Context {
        secret: Secret::load(&settings)?,
        outbound: Outbound::new(settings.private_addresses)?,
        settings: Arc::new(settings),
        db,
        clock: Clock::System,
        bell: Bell::default(),
    };
    let actor = Actor {
        user_id: None,
        name: "Command line".into(),
    };
    let outcome = import::run(&cx, bytes, format, options, &actor)
        .await
        .map_err(|error| anyhow!("{error}"))?;
    if !outcome.report.is_empty() {
        let report = file.with_extension("refused.csv");
        write_report(&report, &outcome).with_context(|| format!("{} cannot be written", report.display()))?;
        eprintln!("The refused lines are in {}.", report.display());
    }
    println!(
        "{} created, {} updated, {} refused",
        outcome.created, outcome.updated, outcome.refused
    );
    Ok(())
}

fn in_words(errors: &FormErrors) -> String {
    let words: Vec<_> = errors
        .0
        .iter()
        .map(|error| format!("--{}: {}", error.field, error.message))
        .collect();
    words.join(" ")
}

fn write_report(path: &Path, outcome: &ImportOutcome) -> Result<()> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_path(path)?;
    writer.write_record(["line", "reason", "fields"])?;
    for refused in &outcome.report {
        let line = refused.line.to_string();
        let head = [line.as_str(), refused.reason.as_str()];
        writer.write_record(head.into_iter().chain(refused.fields.iter().map(String::as_str)))?;
    }
    writer.flush()?;
    Ok(())
}
