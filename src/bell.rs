//! Wakes the loops when there may be something to do. A lost ring only delays: each loop also
//! looks by itself.

use std::sync::Arc;
use tokio::sync::Notify;

#[derive(Clone, Default)]
pub struct Bell {
    scheduler: Arc<Notify>,
    dispatch: Arc<Notify>,
}

impl Bell {
    /// Rung after a commit that may have made something due.
    pub fn ring(&self) {
        self.ring_scheduler();
        self.ring_dispatch();
    }

    /// Rung by the dispatcher when it sent all that it held: a run may be finished.
    pub fn ring_scheduler(&self) {
        self.scheduler.notify_one();
    }

    /// Rung by the scheduler when it made deliveries.
    pub fn ring_dispatch(&self) {
        self.dispatch.notify_one();
    }

    pub async fn scheduler(&self) {
        self.scheduler.notified().await;
    }

    pub async fn dispatch(&self) {
        self.dispatch.notified().await;
    }
}
