//! The database: connecting, and what differs between SQLite and PostgreSQL.
//!
//! On SQLite writers queue in this process (`turn`) and begin with `BEGIN IMMEDIATE`, so that a
//! transaction never fails half-way because another wrote first. They share one connection, because
//! a connection forgets all pages that it keeps when another writes. No transaction is ever open
//! while something is sent or rendered.

mod alone;

pub use alone::Alone;

use anyhow::{Context as _, Result, anyhow};
use fairway_migration::{Migrator, RunMigrations as _};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _, Value,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: DatabaseConnection,
    /// On PostgreSQL the pool itself.
    writing: DatabaseConnection,
    turn: Arc<Mutex<()>>,
}

/// A transaction that may write. Rolled back when dropped without `commit`.
pub struct Tx {
    inner: DatabaseTransaction,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Db {
    /// Connects and brings the schema up to date.
    pub async fn connect(url: &SecretString) -> Result<Self> {
        let db = Self::open(url).await?;
        Migrator::up(&db.pool, None)
            .await
            .context("The database cannot be brought up to date")?;
        Ok(db)
    }

    /// Connects and leaves the schema as it is: for what only looks or copies.
    pub async fn open(url: &SecretString) -> Result<Self> {
        let mut options = ConnectOptions::new(url.expose_secret());
        options
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(10))
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|sqlite| {
                // FULL: what was answered as kept survives a power cut, not only a crash.
                sqlite
                    .pragma("journal_mode", "WAL")
                    .pragma("synchronous", "FULL")
                    .pragma("foreign_keys", "ON")
                    .pragma("busy_timeout", "10000")
                    .pragma("cache_size", "-32000")
                    .pragma("temp_store", "MEMORY")
            });
        let connect = async |options: ConnectOptions| {
            Database::connect(options)
                .await
                .map_err(|error| anyhow!("The database cannot be opened: {error}"))
        };
        let pool = connect(options.clone()).await?;
        let writing = match pool.get_database_backend() {
            DbBackend::Postgres => pool.clone(),
            _ => connect(options.max_connections(1).to_owned()).await?,
        };
        Ok(Self {
            pool,
            writing,
            turn: Arc::default(),
        })
    }

    /// How many steps the schema is behind.
    pub async fn waiting_migrations(&self) -> Result<usize> {
        let waiting = Migrator::get_pending_migrations(&self.pool)
            .await
            .context("The state of the database’s tables cannot be read")?;
        Ok(waiting.len())
    }

    /// Reads the whole of an SQLite file for damage. PostgreSQL looks after itself.
    pub async fn check(&self) -> Result<()> {
        if self.is_postgres() {
            return Ok(());
        }
        let row = self.query_one_raw(self.sql("PRAGMA quick_check(1)", [])).await?;
        let verdict: String = match row {
            Some(row) => row.try_get_by_index(0)?,
            None => "no answer".into(),
        };
        match verdict.as_str() {
            "ok" => Ok(()),
            damage => anyhow::bail!("The database is damaged ({damage}); restore it from a backup"),
        }
    }

    pub fn is_postgres(&self) -> bool {
        self.backend() == DbBackend::Postgres
    }

    pub fn backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    /// A statement with `$1` placeholders, which both databases take.
    pub fn sql(&self, text: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.backend(), text, values)
    }

    /// Begins a transaction that may write. On SQLite it waits its turn first.
    pub async fn begin(&self) -> Result<Tx, DbErr> {
        let turn = match self.is_postgres() {
            true => None,
            false => Some(self.turn.clone().lock_owned().await),
        };
        let inner = self
            .writing
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await?;
        Ok(Tx { inner, _turn: turn })
    }

    /// Ends the pool. Used when the process stops.
    pub async fn close(self) -> Result<(), DbErr> {
        self.writing.close().await?;
        self.pool.close().await
    }
}

/// A statement that is put together of parts: each part binds its values and is given their
/// placeholders, so no value is ever text of the statement.
#[derive(Clone, Debug)]
pub struct Sql {
    pub backend: DbBackend,
    values: Vec<Value>,
}

impl Sql {
    pub const fn new(backend: DbBackend) -> Self {
        Self {
            backend,
            values: Vec::new(),
        }
    }

    pub const fn is_postgres(&self) -> bool {
        matches!(self.backend, DbBackend::Postgres)
    }

    /// Keeps a value and answers its placeholder, such as `$3`.
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Any number of rows as a table `v` for a FROM, bound as one value: a row is an object with
    /// these columns, each with its type in PostgreSQL's words.
    pub fn rows(&mut self, rows: Vec<serde_json::Value>, columns: &[(&str, &str)]) -> String {
        let json = self.bind(serde_json::Value::Array(rows).to_string());
        let each = |write: fn(&str, &str) -> String| {
            let columns: Vec<_> = columns.iter().map(|(name, kind)| write(name, kind)).collect();
            columns.join(", ")
        };
        match self.is_postgres() {
            true => format!(
                "jsonb_to_recordset(CAST({json} AS jsonb)) AS v({})",
                each(|name, kind| format!("{name} {kind}"))
            ),
            false => format!(
                "(SELECT {} FROM json_each({json}) j) AS v",
                each(|name, _| format!("json_extract(j.value, '$.{name}') AS {name}"))
            ),
        }
    }

    pub fn statement(self, text: impl Into<String>) -> Statement {
        Statement::from_sql_and_values(self.backend, text, self.values)
    }
}

/// The file of an SQLite database; `None` for another.
pub fn sqlite_file(url: &SecretString) -> Option<PathBuf> {
    let rest = url.expose_secret().strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    path.split('?').next().map(PathBuf::from)
}

/// Reading goes straight to the pool: `Entity::find().all(&*db)`.
impl Deref for Db {
    type Target = DatabaseConnection;
    fn deref(&self) -> &DatabaseConnection {
        &self.pool
    }
}

impl Tx {
    /// Makes what was written visible and durable.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.inner.commit().await
    }

    /// A statement with `$1` placeholders, which both databases take.
    pub fn sql(&self, text: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.inner.get_database_backend(), text, values)
    }
}

impl Deref for Tx {
    type Target = DatabaseTransaction;
    fn deref(&self) -> &DatabaseTransaction {
        &self.inner
    }
}
