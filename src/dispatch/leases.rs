//! What this process holds: every claim under a token of its own, renewed while one of its
//! deliveries is not settled. A token is never used twice, so an answer that comes after the lease
//! was lost finds no row.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

pub struct Leases {
    holder: String,
    claims: AtomicU64,
    held: Mutex<BTreeMap<String, usize>>,
    changed: Notify,
}

impl Default for Leases {
    fn default() -> Self {
        Self {
            holder: uuid::Uuid::new_v4().simple().to_string(),
            claims: AtomicU64::default(),
            held: Mutex::default(),
            changed: Notify::new(),
        }
    }
}

impl Leases {
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        // No code that holds the lock can leave the map half-changed.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name for a claim that is about to be made.
    pub fn new_token(&self) -> String {
        let claim = self.claims.fetch_add(1, Ordering::Relaxed);
        format!("{}.{claim}", self.holder)
    }

    /// One delivery of a claim, held until the ticket is dropped.
    pub fn hold(self: &Arc<Self>, token: &str) -> Ticket {
        *self.held().entry(token.to_owned()).or_default() += 1;
        Ticket {
            token: token.to_owned(),
            leases: self.clone(),
        }
    }

    /// How many deliveries are held.
    pub fn count(&self) -> usize {
        self.held().values().sum()
    }

    /// The claims of which some are held.
    pub fn tokens(&self) -> Vec<String> {
        self.held().keys().cloned().collect()
    }

    /// Waits until fewer are held than when it was last asked.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// That a delivery is held.
pub struct Ticket {
    pub token: String,
    leases: Arc<Leases>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut held = self.leases.held();
        if let Some(left) = held.get_mut(&self.token) {
            *left -= 1;
            if *left == 0 {
                held.remove(&self.token);
            }
        }
        drop(held);
        self.leases.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_held_until_its_last_delivery_is_settled() {
        let leases = Arc::new(Leases::default());
        let token = leases.new_token();
        assert_ne!(token, leases.new_token());
        let (one, two) = (leases.hold(&token), leases.hold(&token));
        assert_eq!((leases.count(), leases.tokens()), (2, vec![token.clone()]));
        drop(one);
        assert_eq!((leases.count(), leases.tokens()), (1, vec![token]));
        drop(two);
        assert_eq!((leases.count(), leases.tokens()), (0, vec![]));
    }
}
