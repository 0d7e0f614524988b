//! Opens and clicks on their way to the database: one bounded queue, one writer, many of them in
//! one transaction. What the database will not take just now is kept and tried again.

use super::record::{Hit, record};
use crate::context::Context;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

/// How many wait at most. Beyond it whoever comes next waits, so that memory stays bounded.
const QUEUE: usize = 20_000;
/// How many go into one transaction.
const BATCH: usize = 500;
/// How long the first of a batch waits for others.
const GATHER: Duration = Duration::from_millis(20);
/// How long a stop tries to write what is left.
const GRACE: Duration = Duration::from_secs(10);

enum Message {
    /// The sender learns when it is kept.
    Hit(Hit, oneshot::Sender<()>),
    Flush(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
}

/// The way in. Cheap to clone.
#[derive(Clone)]
pub struct Ingest(mpsc::Sender<Message>);

impl Ingest {
    /// Starts the writer. It ends on `stop`, or when nobody holds the way in any more.
    pub fn start(cx: Context) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(Writer { cx, receiver }.run());
        Self(sender)
    }

    /// Hands over. The answer comes when it is in the database; whoever does not wait loses
    /// nothing.
    pub(super) async fn push(&self, hit: Hit) -> oneshot::Receiver<()> {
        let (done, kept) = oneshot::channel();
        if self.0.send(Message::Hit(hit, done)).await.is_err() {
            tracing::warn!("an open or click came after the end and was not counted");
        }
        kept
    }

    /// Waits until everything that was handed over is in the database. For tests.
    pub async fn flush(&self) {
        let (done, kept) = oneshot::channel();
        if self.0.send(Message::Flush(done)).await.is_ok() {
            kept.await.unwrap_or_default();
        }
    }

    /// Writes what is left and ends the writer.
    pub async fn stop(&self) {
        let (done, ended) = oneshot::channel();
        let stopping = async {
            if self.0.send(Message::Stop(done)).await.is_ok() {
                ended.await.unwrap_or_default();
            }
        };
        // The writer may hang on a database that is gone, and never read the message.
        if timeout_at(Instant::now() + GRACE * 2, stopping).await.is_err() {
            tracing::error!("opens and clicks were lost at the stop: the database does not answer");
        }
    }
}

struct Writer {
    cx: Context,
    receiver: mpsc::Receiver<Message>,
}

/// What one transaction keeps.
#[derive(Default)]
struct Batch {
    hits: Vec<Hit>,
    waiting: Vec<oneshot::Sender<()>>,
    /// Whoever asked for the end.
    stop: Option<oneshot::Sender<()>>,
    is_urgent: bool,
}

impl Batch {
    fn take(&mut self, message: Message) {
        match message {
            Message::Hit(hit, done) => {
                self.hits.push(hit);
                self.waiting.push(done);
            }
            Message::Flush(done) => {
                self.waiting.push(done);
                self.is_urgent = true;
            }
            Message::Stop(done) => {
                self.stop = Some(done);
                self.is_urgent = true;
            }
        }
    }
}

impl Writer {
    async fn run(mut self) {
        while let Some(first) = self.receiver.recv().await {
            let mut batch = Batch::default();
            batch.take(first);
            self.gather(&mut batch).await;
            let is_last = batch.stop.is_some();
            self.keep(&batch.hits, is_last).await;
            for done in batch.waiting {
                // Whoever stopped waiting need not know.
                done.send(()).unwrap_or_default();
            }
            if let Some(done) = batch.stop {
                self.receiver.close();
                self.keep_rest().await;
                done.send(()).unwrap_or_default();
                return;
            }
        }
    }

    async fn gather(&mut self, batch: &mut Batch) {
        let until = Instant::now() + GATHER;
        while batch.hits.len() < BATCH && !batch.is_urgent {
            match timeout_at(until, self.receiver.recv()).await {
                Ok(Some(message)) => batch.take(message),
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// What was handed over before the way in was closed.
    async fn keep_rest(&mut self) {
        let mut rest = Batch::default();
        while let Some(message) = self.receiver.recv().await {
            rest.take(message);
        }
        for hits in rest.hits.chunks(BATCH) {
            self.keep(hits, true).await;
        }
    }

    /// Tries until it is kept; at the end of the process only for a while.
    async fn keep(&self, hits: &[Hit], is_last: bool) {
        if hits.is_empty() {
            return;
        }
        let began = Instant::now();
        let mut pause = Duration::from_millis(50);
        while let Err(error) = record(&self.cx, hits).await {
            if is_last && began.elapsed() > GRACE {
                tracing::error!(%error, count = hits.len(), "opens and clicks were lost at the stop");
                return;
            }
            tracing::warn!(%error, count = hits.len(), "opens and clicks wait for the database");
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}
