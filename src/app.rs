//! The composition root: builds the rooms from the settings, starts them, stops them in order.

use crate::accounts::{csrf, housekeeping, sessions};
use crate::audience::import::wizard as imports;
use crate::bell::Bell;
use crate::clock::Clock;
use crate::config::Settings;
use crate::context::Context;
use crate::db::{Alone, Db};
use crate::dispatch::{self, Dispatcher, engagement};
use crate::messaging::Channels;
use crate::outbound::Outbound;
use crate::providers::Providers;
use crate::routes::routes;
use crate::scheduler::{self, journeys};
use crate::secret::Secret;
use crate::signup;
use crate::tracking::Ingest;
use crate::tracking::site::Limits;
use crate::web::{error, security};
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{HttpResponse, HttpServer, web};
use anyhow::{Context as _, Result};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The largest form or JSON body, in bytes. Uploads have limits of their own.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// How long a stop waits for messages that are on a connection. What is cut off is in doubt.
const GRACE: Duration = Duration::from_secs(30);

/// A built application: connected, migrated, bound to its port, not yet serving.
pub struct App {
    pub cx: Context,
    /// How messages leave. Test sends and the dispatcher use the same, and so the same connections.
    pub channels: Channels,
    /// What stands behind them, and may be set anew at any time.
    pub providers: Providers,
    /// Opens and clicks on their way to the database.
    pub ingest: Ingest,
    listener: TcpListener,
    alone: Option<Alone>,
}

impl App {
    /// Connects, migrates and binds. Port 0 takes a free one.
    pub async fn build(mut settings: Settings, clock: Clock) -> Result<Self> {
        settings.make_data_dir()?;
        let channels = Channels::of(&settings)?;
        let alone = Alone::take(&settings.database_url)?;
        let secret = Secret::load(&settings)?;
        let db = Db::connect(&settings.database_url).await?;
        let outbound = Outbound::new(settings.private_addresses)?;
        let listener = TcpListener::bind(settings.listen)
            .with_context(|| format!("Fairway cannot listen on {}", settings.listen))?;
        settings.listen = listener.local_addr()?;
        let cx = Context {
            settings: Arc::new(settings),
            db,
            clock,
            secret,
            bell: Bell::default(),
            outbound,
        };
        let providers = Providers::load(&cx).await?;
        let channels = providers.over(channels);
        Ok(Self {
            ingest: Ingest::start(cx.clone()),
            cx,
            channels,
            providers,
            listener,
            alone,
        })
    }

    /// Serves pages and API until the handle stops it. The loops are started apart.
    pub fn listen(self) -> Result<(ServerHandle, tokio::task::JoinHandle<std::io::Result<()>>)> {
        let Self {
            cx,
            channels,
            providers,
            ingest,
            listener,
            alone: _,
        } = self;
        let limits = web::Data::new(Limits::default());
        let server = HttpServer::new(move || {
            actix_web::App::new()
                .app_data(web::Data::new(cx.clone()))
                .app_data(web::Data::new(channels.clone()))
                .app_data(web::Data::new(providers.clone()))
                .app_data(web::Data::new(ingest.clone()))
                .app_data(limits.clone())
                .app_data(web::PayloadConfig::new(LARGEST_BODY))
                .configure(routes)
                // The last one wraps all before it, and so sees a request first.
                .wrap(from_fn(csrf::check))
                .wrap(sessions::middleware(&cx))
                .wrap(from_fn(error::render_errors))
                .wrap(from_fn(security::add_headers))
                .wrap(Compress::default())
        })
        .workers(2)
        .shutdown_timeout(5)
        .disable_signals()
        .listen(listener)?
        .run();
        let handle = server.handle();
        Ok((handle, tokio::spawn(server)))
    }

    /// Serves and works until SIGINT or SIGTERM.
    pub async fn run(mut self) -> Result<()> {
        let address = self.cx.settings.base();
        let alone = self.alone.take();
        if alone.is_some() {
            // Whoever held deliveries or imports is gone, so nothing need wait for leases to end.
            dispatch::rescue(&self.cx, dispatch::Of::Everyone).await?;
            imports::recover(&self.cx, imports::Of::Everyone).await?;
        }
        let stop = CancellationToken::new();
        let loops = start_loops(&self.cx, &self.channels, &stop);
        let ingest = self.ingest.clone();
        let watching = tokio::spawn(self.providers.clone().watch(stop.clone()));
        let clearing = [
            tokio::spawn(housekeeping::run(self.cx.clone())),
            tokio::spawn(imports::keep_house(self.cx.clone())),
        ];
        let (handle, server) = self.listen()?;
        tracing::info!(%address, "Fairway serves");
        stop_signal().await?;
        tracing::info!("stopping");
        clearing.iter().for_each(tokio::task::JoinHandle::abort);
        watching.abort();
        stop.cancel();
        if tokio::time::timeout(GRACE, futures_util::future::join_all(loops))
            .await
            .is_err()
        {
            tracing::warn!("messages were cut off while being handed over; the ledger names them");
        }
        handle.stop(true).await;
        server.await??;
        ingest.stop().await;
        Ok(())
    }
}

/// Starts the loops. They end when `stop` is cancelled.
fn start_loops(
    cx: &Context,
    channels: &Channels,
    stop: &CancellationToken,
) -> Vec<tokio::task::JoinHandle<()>> {
    let dispatcher = Arc::new(Dispatcher::new(cx.clone(), channels));
    let given = || (cx.clone(), channels.clone());
    vec![
        tend("scheduler", stop, {
            let (cx, _) = given();
            move |stop| scheduler::run(cx.clone(), stop)
        }),
        tend("dispatcher", stop, move |stop| {
            let dispatcher = dispatcher.clone();
            async move { dispatcher.run(stop).await }
        }),
        tend("caller of webhooks", stop, {
            let (cx, _) = given();
            move |stop| journeys::call_webhooks(cx.clone(), stop)
        }),
        tend("reader of feeds", stop, {
            let (cx, _) = given();
            move |stop| scheduler::feeds::run(cx.clone(), stop)
        }),
        tend("looker at posts", stop, {
            let (cx, channels) = given();
            move |stop| engagement::run(cx.clone(), channels.clone(), stop)
        }),
        tend("mailer of sign-ups", stop, {
            let (cx, channels) = given();
            move |stop| signup::mailer::run(cx.clone(), channels.clone(), stop)
        }),
    ]
}

/// Keeps one loop going.
fn tend<Run: Future<Output = ()> + Send + 'static>(
    name: &'static str,
    stop: &CancellationToken,
    run: impl Fn(CancellationToken) -> Run + Send + 'static,
) -> tokio::task::JoinHandle<()> {
    let stop = stop.clone();
    tokio::spawn(keep_going(name, stop.clone(), move || {
        tokio::spawn(run(stop.clone()))
    }))
}

/// Starts a loop again that panicked: sending must not end in silence while pages are served.
async fn keep_going(
    name: &'static str,
    stop: CancellationToken,
    start: impl Fn() -> tokio::task::JoinHandle<()>,
) {
    while let Err(error) = start().await {
        tracing::error!(%error, "the {name} stopped; it is started again");
        if stop.is_cancelled() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn stop_signal() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// `GET /healthz`: the process answers.
pub async fn get_health() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}
