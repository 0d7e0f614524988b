//! The command line.

use anyhow::Result;
use clap::{Parser, Subcommand};
use fairway::accounts::links;
use fairway::app::App;
use fairway::clock::Clock;
use fairway::config::Settings;
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
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = CommandLine::parse().command.unwrap_or(Command::Serve);
    match run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fairway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    let settings = Settings::load()?;
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_new(&settings.log)?)
        // Standard output is for what is asked for: a key, a link, a report.
        .with_writer(std::io::stderr)
        .init();
    match command {
        Command::Serve => serve(settings).await,
    }
}

/// Serves, after printing how to begin where nobody is staff yet.
async fn serve(settings: Settings) -> Result<()> {
    let app = App::build(settings, Clock::System).await?;
    if let Some(link) = links::setup_link(&app.cx).await? {
        println!("Nobody is staff yet. Make the first administrator, within 24 hours, at:\n\n  {link}\n");
    }
    app.run().await
}
