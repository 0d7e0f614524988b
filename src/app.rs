//! The composition root: builds the rooms from the settings, starts them, stops them in order.

use crate::accounts::{csrf, housekeeping, sessions};
use crate::bell::Bell;
use crate::clock::Clock;
use crate::config::Settings;
use crate::context::Context;
use crate::db::Db;
use crate::messaging::Channels;
use crate::routes::routes;
use crate::secret::Secret;
use crate::web::{error, security};
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{HttpResponse, HttpServer, web};
use anyhow::{Context as _, Result};
use std::net::TcpListener;
use std::sync::Arc;

/// The largest form or JSON body, in bytes. Uploads have limits of their own.
const LARGEST_BODY: usize = 4 * 1024 * 1024;

/// A built application: connected, migrated, bound to its port, not yet serving.
pub struct App {
    pub cx: Context,
    /// How messages leave. Test sends and the dispatcher use the same, and so the same connections.
    pub channels: Channels,
    listener: TcpListener,
}

impl App {
    /// Connects, migrates and binds. Port 0 takes a free one.
    pub async fn build(mut settings: Settings, clock: Clock) -> Result<Self> {
        settings.make_data_dir()?;
        let channels = Channels::of(&settings)?;
        let secret = Secret::load(&settings)?;
        let db = Db::connect(&settings.database_url).await?;
        let listener = TcpListener::bind(settings.listen)
            .with_context(|| format!("Fairway cannot listen on {}", settings.listen))?;
        settings.listen = listener.local_addr()?;
        let cx = Context {
            settings: Arc::new(settings),
            db,
            clock,
            secret,
            bell: Bell::default(),
        };
        Ok(Self {
            cx,
            channels,
            listener,
        })
    }

    /// Serves pages and API until the handle stops it. The loops are started apart.
    pub fn listen(self) -> Result<(ServerHandle, tokio::task::JoinHandle<std::io::Result<()>>)> {
        let Self {
            cx,
            channels,
            listener,
        } = self;
        let server = HttpServer::new(move || {
            actix_web::App::new()
                .app_data(web::Data::new(cx.clone()))
                .app_data(web::Data::new(channels.clone()))
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
    pub async fn run(self) -> Result<()> {
        let address = self.cx.settings.base();
        let clearing = tokio::spawn(housekeeping::run(self.cx.clone()));
        let (handle, server) = self.listen()?;
        tracing::info!(%address, "Fairway serves");
        stop_signal().await?;
        tracing::info!("stopping");
        clearing.abort();
        handle.stop(true).await;
        server.await??;
        Ok(())
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
