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
        self.scheduler.notify_one();
        self.ring_dispatch();
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
