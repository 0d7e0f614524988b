//! `fairway backup DEST`: a consistent copy of the database and the secret key, made while Fairway
//! serves or not. Nothing is ever overwritten.

use anyhow::{Context as _, Result, bail};
use fairway::config::Settings;
use fairway::db::{Db, sqlite_file};
use sea_orm::ConnectionTrait as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

pub async fn run(settings: Settings, dest: PathBuf) -> Result<()> {
    let Some(source) = sqlite_file(&settings.database_url) else {
        bail!(
            "The database is PostgreSQL: copy it with pg_dump, and {} beside it",
            secret_of(&settings).display()
        );
    };
    if !source.exists() {
        bail!("There is no database at {} yet", source.display());
    }
    let (database, secret) = places(&dest);
    if secret.exists() {
        bail!("{} is there already and was left alone", secret.display());
    }
    make_empty(&database)?;
    if let Err(error) = copy(&settings, &database, &secret).await {
        // What is half made would look like a backup.
        for file in [&database, &secret] {
            if let Err(left) = std::fs::remove_file(file)
                && left.kind() != ErrorKind::NotFound
            {
                eprintln!("fairway: {} could not be removed: {left}", file.display());
            }
        }
        return Err(error);
    }
    println!("{}", database.display());
    if secret.exists() {
        println!("{}", secret.display());
        eprintln!("To restore, put them back as fairway.db and secret.key in an empty data directory.");
    } else {
        eprintln!(
            "The secret key is not in a file: keep FAIRWAY_SECRET_KEY too, or links in sent mail stop working."
        );
    }
    Ok(())
}

/// The copies' places: in a directory under their own names, else DEST and DEST.secret.key.
fn places(dest: &Path) -> (PathBuf, PathBuf) {
    if dest.is_dir() {
        return (dest.join("fairway.db"), dest.join("secret.key"));
    }
    let mut secret = dest.as_os_str().to_owned();
    secret.push(".secret.key");
    (dest.to_owned(), secret.into())
}

fn secret_of(settings: &Settings) -> PathBuf {
    settings.data_dir.join("secret.key")
}

/// An empty file that only its owner reads. Refused where something is there already.
fn make_empty(path: &Path) -> Result<std::fs::File> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} is there already and was left alone", path.display())
        }
        made => made.with_context(|| format!("{} cannot be made", path.display())),
    }
}

async fn copy(settings: &Settings, database: &Path, secret: &Path) -> Result<()> {
    let db = Db::open(&settings.database_url).await?;
    let to = database
        .to_str()
        .with_context(|| format!("{} is no name that SQLite can write to", database.display()))?;
    db.execute_raw(db.sql("VACUUM INTO $1", [to.into()]))
        .await
        .context("The database could not be copied")?;
    db.close().await?;
    std::fs::File::open(database)?.sync_all()?;
    if settings.secret_key.is_some() {
        return Ok(());
    }
    // Missing where nothing was served yet: then nothing was signed with it either.
    let bytes = match std::fs::read(secret_of(settings)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        read => read.context("The secret key could not be read")?,
    };
    let mut file = make_empty(secret)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    Ok(())
}
