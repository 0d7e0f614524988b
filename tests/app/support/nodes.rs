//! The real binary as a process of its own, over the database of a test whose own loops do not run.
#![allow(dead_code)] // each area uses what it needs

use super::TestApp;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// A process that serves. Killed when it is dropped.
pub struct Node {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub address: String,
}

impl Node {
    /// Starts one and waits until it answers.
    pub async fn start(app: &TestApp, smtp: &str) -> Self {
        app.may_leave_leases.store(true, Ordering::SeqCst);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().to_string();
        drop(free);
        let node = Self {
            child: serve(app, smtp, &listen),
            address: format!("http://{listen}"),
        };
        until("an answer", async || {
            let answer = app.http.get(format!("{}/healthz", node.address)).send().await;
            answer.is_ok_and(|answer| answer.status() == 200)
        })
        .await;
        node
    }

    /// SIGKILL. Leases end by themselves after a minute; the test does not wait for it.
    pub async fn kill(mut self, app: &TestApp) {
        self.child.kill().await.unwrap();
        app.execute("UPDATE deliveries SET lease_expires_at = 0 WHERE state = 'SENDING'")
            .await;
        app.execute("UPDATE leases SET expires_at = 0").await;
    }
}

/// `fairway serve` on an address.
pub fn serve(app: &TestApp, smtp: &str, listen: &str) -> Child {
    let settings = &app.cx.settings;
    let url = secrecy::ExposeSecret::expose_secret(&settings.database_url);
    Command::new(env!("CARGO_BIN_EXE_fairway"))
        .arg("serve")
        .current_dir(&settings.data_dir)
        .env("FAIRWAY_DATA_DIR", &settings.data_dir)
        .env("FAIRWAY_DATABASE_URL", url)
        .env("FAIRWAY_SMTP_URL", smtp)
        .env("FAIRWAY_LISTEN", listen)
        .env("FAIRWAY_LOG", "error")
        // What is said to the tests is no setting, and would be refused.
        .env_remove("FAIRWAY_TEST_POSTGRES")
        .env_remove("FAIRWAY_TEST_AXE")
        .env_remove("FAIRWAY_TEST_MEASURE")
        .env_remove("FAIRWAY_TEST_WEEK")
        .env_remove("FAIRWAY_TEST_SEED")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Waits for something, at most a minute.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
