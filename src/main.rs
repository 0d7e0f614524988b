//! The command line. Standard output holds what was asked for and nothing else; the log and every
//! error go to standard error, an error as one sentence.

mod cli;

use anyhow::Result;
use clap::{Parser, Subcommand};
use cli::contacts::ContactsCommand;
use cli::staff::{KeyCommand, UserCommand};
use fairway::config::Settings;
use std::path::PathBuf;
use std::process::ExitCode;

/// The campaign manager that a club runs itself.
#[derive(Parser)]
#[command(version, about)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the club (the default).
    Serve,
    /// Serve a made-up golf club, to try everything out.
    Demo,
    /// Staff who sign in.
    #[command(subcommand)]
    User(UserCommand),
    /// Keys for the JSON API.
    #[command(subcommand)]
    Key(KeyCommand),
    /// The club's people.
    #[command(subcommand)]
    Contacts(ContactsCommand),
    /// Copy the database and the secret key, while Fairway serves or not.
    Backup {
        /// A file that is not there yet, or a directory.
        dest: PathBuf,
    },
    /// Check the settings, the data directory, the database and the mail server.
    Doctor,
}

#[tokio::main]
async fn main() -> ExitCode {
    // Several providers of cryptography may be linked in; this one is ours. It fails only where
    // one was named before, and then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command.unwrap_or(Command::Serve),
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            eprintln!("fairway: {}; see fairway --help", in_one_sentence(&error));
            return ExitCode::FAILURE;
        }
    };
    match run(command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fairway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    if matches!(command, Command::Doctor) {
        return cli::doctor::run().await;
    }
    let settings = Settings::load()?;
    // A command that ends says what it did; only what serves keeps a log.
    let log = match command {
        Command::Serve | Command::Demo => settings.log.as_str(),
        _ => "warn",
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_new(log)?)
        .with_writer(std::io::stderr)
        .init();
    match command {
        Command::Serve => cli::serve::run(settings).await?,
        Command::Demo => cli::demo::run(settings).await?,
        Command::User(command) => cli::staff::user(settings, command).await?,
        Command::Key(command) => cli::staff::key(settings, command).await?,
        Command::Contacts(command) => cli::contacts::contacts(settings, command).await?,
        Command::Backup { dest } => cli::backup::run(settings, dest).await?,
        Command::Doctor => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// What clap says, without its usage and its suggestions.
fn in_one_sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}
