//! The only place that asks what time it is. Everything else is given a `Clock`.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The time: the system's, or in tests one that is set and moved by hand.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Milliseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `start` until it is moved.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.timestamp_millis())))
    }

    /// Now, to the millisecond, which is what the database keeps.
    pub fn now(&self) -> DateTime<Utc> {
        let millis = match self {
            Self::System => Utc::now().timestamp_millis(),
            Self::Manual(millis) => millis.load(Ordering::SeqCst),
        };
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }

    /// Moves a manual clock forward. The system's clock cannot be moved, and stays.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
        }
    }

    /// Sets a manual clock. The system's clock stays.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Self::Manual(millis) = self {
            millis.store(to.timestamp_millis(), Ordering::SeqCst);
        }
    }
}
