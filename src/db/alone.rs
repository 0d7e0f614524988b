//! One server for one SQLite file: two would each take the other's deliveries for those of a
//! process that died. PostgreSQL takes any number of nodes.

use anyhow::{Context as _, Result, bail};
use secrecy::SecretString;
use std::fs::{File, TryLockError};
use std::path::PathBuf;

/// That this process serves the database by itself, until it is dropped or the process ends.
#[derive(Debug)]
pub struct Alone(#[allow(dead_code)] File); // held for its lock

impl Alone {
    /// Takes the SQLite file for this process; `None` where the database needs no such thing.
    pub fn take(url: &SecretString) -> Result<Option<Self>> {
        let Some(database) = super::sqlite_file(url).filter(|file| !file.starts_with(":memory:")) else {
            return Ok(None);
        };
        let mut path = database.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => bail!(
                "Another Fairway serves {} already; stop it first, or move to PostgreSQL, which several can share",
                database.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_on_the_same_file_is_refused_in_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let url: SecretString = format!("sqlite://{}/fairway.db?mode=rwc", dir.path().display()).into();
        let first = Alone::take(&url).unwrap();
        assert!(first.is_some());
        let refusal = Alone::take(&url).unwrap_err().to_string();
        assert!(refusal.starts_with("Another Fairway serves "), "{refusal}");
        drop(first);
        assert!(Alone::take(&url).unwrap().is_some());
    }

    #[test]
    fn postgresql_is_shared() {
        assert!(
            Alone::take(&"postgres://club@localhost/fairway".into())
                .unwrap()
                .is_none()
        );
    }
}
