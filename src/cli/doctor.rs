//! `fairway doctor`: a line for each check, and what to do where one does not hold. Changes
//! nothing.

use anyhow::{Result, anyhow, bail};
use fairway::accounts::staff_commands;
use fairway::config::Settings;
use fairway::db::{Db, sqlite_file};
use fairway::domain::Channel;
use fairway::messaging::Channels;
use secrecy::ExposeSecret as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::ExitCode;
use std::time::Duration;

/// What a check found. An error is a check that failed.
enum Found {
    Ok(String),
    Warning(String),
}

type Check = Result<Found>;

#[derive(Default)]
struct Report {
    has_failed: bool,
}

impl Report {
    fn line(&mut self, name: &str, check: Check) {
        match check {
            Ok(Found::Ok(text)) => println!("ok    {name}: {text}"),
            Ok(Found::Warning(text)) => println!("warn  {name}: {text}"),
            Err(error) => {
                self.has_failed = true;
                println!("FAIL  {name}: {error:#}");
            }
        }
    }
}

pub async fn run() -> Result<ExitCode> {
    let mut report = Report::default();
    match Settings::load() {
        Ok(settings) => {
            report.line("settings", Ok(Found::Ok("read".into())));
            report.line("base URL", base_url(&settings));
            report.line("data directory", data_dir(&settings));
            report.line("secret key", secret_key(&settings));
            report.line("database", database(&settings).await);
            report.line("mail", mail(&settings).await);
        }
        Err(error) => report.line("settings", Err(error)),
    }
    Ok(match report.has_failed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn base_url(settings: &Settings) -> Check {
    let base = settings.base();
    Ok(match (&settings.base_url, settings.is_https()) {
        (None, _) => Found::Warning(format!(
            "not set, so links in mail lead to {base}; set FAIRWAY_BASE_URL to the address that recipients can open"
        )),
        (Some(_), false) => Found::Warning(format!("{base} is not https, so passwords travel unprotected")),
        (Some(_), true) => Found::Ok(base),
    })
}

fn data_dir(settings: &Settings) -> Check {
    let dir = &settings.data_dir;
    if !dir.exists() {
        let text = format!("{} is not there yet; the first start makes it", dir.display());
        return Ok(Found::Warning(text));
    }
    tempfile::tempfile_in(dir).map_err(|error| anyhow!("{} cannot be written to: {error}", dir.display()))?;
    Ok(Found::Ok(format!("{} can be written to", dir.display())))
}

fn secret_key(settings: &Settings) -> Check {
    if let Some(key) = &settings.secret_key {
        return match key.expose_secret().len() {
            0..32 => Err(anyhow!("FAIRWAY_SECRET_KEY is shorter than 32 characters")),
            _ => Ok(Found::Ok("from FAIRWAY_SECRET_KEY".into())),
        };
    }
    let path = settings.data_dir.join("secret.key");
    let Ok(metadata) = std::fs::metadata(&path) else {
        let text = format!("{} is not there yet; the first start makes it", path.display());
        return Ok(Found::Warning(text));
    };
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.len() < 32 {
        bail!(
            "{} is shorter than 32 bytes; restore it from a backup",
            path.display()
        );
    }
    if mode & 0o077 != 0 {
        bail!(
            "{} can be read by others (mode {mode:o}); run chmod 600 on it",
            path.display()
        );
    }
    Ok(Found::Ok(format!("{} is its owner’s alone", path.display())))
}

async fn database(settings: &Settings) -> Check {
    if let Some(file) = sqlite_file(&settings.database_url).filter(|file| !file.exists()) {
        let text = format!("{} is not there yet; the first start makes it", file.display());
        return Ok(Found::Warning(text));
    }
    let db = Db::open(&settings.database_url).await?;
    let waiting = db.waiting_migrations().await?;
    if waiting > 0 {
        bail!("reached, but {waiting} changes to its tables wait; starting Fairway makes them");
    }
    db.check().await?;
    let kind = if db.is_postgres() { "PostgreSQL" } else { "SQLite" };
    let is_empty = staff_commands::is_nobody_there(&*db).await?;
    db.close().await?;
    Ok(match is_empty {
        true => Found::Warning(format!(
            "{kind}, up to date, but nobody is staff; starting Fairway prints a link"
        )),
        false => Found::Ok(format!("{kind}, reached and up to date")),
    })
}

async fn mail(settings: &Settings) -> Check {
    let channels = Channels::of(settings)?;
    if settings.smtp_url.is_none() {
        let text = "no server is set, so mail is captured and shown instead of sent; set FAIRWAY_SMTP_URL";
        return Ok(Found::Warning(text.into()));
    }
    let Some(adapter) = channels.get(Channel::Email) else {
        bail!("nothing sends e-mail");
    };
    let place = adapter.place();
    match tokio::time::timeout(Duration::from_secs(20), adapter.check()).await {
        Ok(Ok(())) => Ok(Found::Ok(format!("{place} takes mail from us"))),
        Ok(Err(error)) => Err(anyhow!("{place}: {error}")),
        Err(_) => Err(anyhow!("{place} is not ready for mail within 20 seconds")),
    }
}
