//! The house of the tests: a real server on a free port over a database of its own.

pub mod api;
pub mod campaigns;
pub mod contacts;
pub mod feeds;
pub mod gateways;
pub mod journeys;
pub mod nodes;
pub mod people;
pub mod providers;
pub mod recurring;
pub mod sending;
pub mod smtp;
pub mod staff;
pub mod stand_in;
pub mod standin;
pub mod twilio;
pub mod web;

pub use staff::PASSWORD;

use chrono::{DateTime, Utc};
use fairway::app::App;
use fairway::clock::Clock;
use fairway::config::Settings;
use fairway::context::Context;
use fairway::db::Db;
use fairway::dispatch::Dispatcher;
use fairway::providers::Providers;
use fairway::tracking::Ingest;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Monday, 2 March 2026, 08:00 UTC: no daylight-saving change is near.
pub fn start() -> DateTime<Utc> {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

pub struct TestApp {
    pub cx: Context,
    /// `http://127.0.0.1:PORT`
    pub address: String,
    pub http: reqwest::Client,
    /// Works only when a test says so: `app.drain()`.
    pub dispatcher: Dispatcher,
    pub ingest: Ingest,
    pub providers: Providers,
    /// Whether deliveries may still be held at the end: a test that kills a dispatcher says so.
    pub may_leave_leases: std::sync::atomic::AtomicBool,
    server: actix_web::dev::ServerHandle,
    _dir: tempfile::TempDir,
}

impl TestApp {
    /// A server over an empty, migrated database. The loops do not run: a test drives them.
    pub async fn spawn() -> Self {
        Self::spawn_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn spawn_with(change: impl FnOnce(&mut Settings)) -> Self {
        // Two providers of cryptography are linked into the tests; name ours.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::in_dir(dir.path()).unwrap();
        settings.listen = "127.0.0.1:0".parse().unwrap();
        // The stand-ins of other systems listen on this machine.
        settings.private_addresses = true;
        settings.database_url = fresh_database(dir.path()).await.into();
        change(&mut settings);
        let app = App::build(settings, Clock::manual(start())).await.unwrap();
        let cx = app.cx.clone();
        let dispatcher = Dispatcher::new(cx.clone(), &app.channels);
        let ingest = app.ingest.clone();
        let providers = app.providers.clone();
        let (server, _) = app.listen().unwrap();
        Self {
            address: cx.settings.base(),
            cx,
            http: client(),
            dispatcher,
            ingest,
            providers,
            may_leave_leases: false.into(),
            server,
            _dir: dir,
        }
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http
            .get(format!("{}{path}", self.address))
            .send()
            .await
            .unwrap()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.server.stop(false));
        if !std::thread::panicking() {
            self.refuse_held_leases();
        }
    }
}

/// A client with cookies that shows redirects instead of following them.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// A migrated database that nobody else uses: a copied file, or a copied PostgreSQL database.
pub async fn fresh_database(dir: &std::path::Path) -> String {
    match std::env::var("FAIRWAY_TEST_POSTGRES") {
        Ok(server) => fresh_postgres(&server).await,
        Err(_) => fresh_sqlite(dir).await,
    }
}

async fn fresh_sqlite(dir: &std::path::Path) -> String {
    static TEMPLATE: OnceCell<tempfile::TempDir> = OnceCell::const_new();
    let url = |dir: &std::path::Path| format!("sqlite://{}?mode=rwc", dir.join("fairway.db").display());
    let template = TEMPLATE
        .get_or_init(|| async {
            let dir = tempfile::tempdir().unwrap();
            let db = Db::connect(&url(dir.path()).into()).await.unwrap();
            db.close().await.unwrap();
            dir
        })
        .await;
    std::fs::copy(template.path().join("fairway.db"), dir.join("fairway.db")).unwrap();
    url(dir)
}

async fn fresh_postgres(server: &str) -> String {
    use sea_orm::ConnectionTrait as _;
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    // A server that is gone ends every test at once, instead of each after its own patience.
    static IS_GONE: AtomicBool = AtomicBool::new(false);
    let run = async |sql: String| {
        assert!(!IS_GONE.load(Ordering::SeqCst), "the tests' PostgreSQL is gone");
        let mut options = sea_orm::ConnectOptions::new(format!("{server}/postgres"));
        let patience = Duration::from_secs(5);
        options
            .max_connections(1)
            .connect_timeout(patience)
            .acquire_timeout(patience);
        let db = sea_orm::Database::connect(options).await.unwrap_or_else(|error| {
            IS_GONE.store(true, Ordering::SeqCst);
            panic!("the tests' PostgreSQL cannot be reached: {error}")
        });
        db.execute_unprepared(&sql).await.unwrap();
        db.close().await.unwrap();
    };
    // Its own name, so that two runs of the suite can share a server.
    let template = format!("fairway_template_{}", std::process::id());
    TEMPLATE
        .get_or_init(|| async {
            run(format!("CREATE DATABASE {template}")).await;
            let db = Db::connect(&format!("{server}/{template}").into()).await.unwrap();
            db.close().await.unwrap();
        })
        .await;
    // Only one copy can be made of a template at a time.
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = TURN.lock().await;
    let name = format!("fairway_{}", uuid::Uuid::new_v4().simple());
    run(format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    format!("{server}/{name}")
}
