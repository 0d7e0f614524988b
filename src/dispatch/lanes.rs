//! Two queues for several hands: what an event set off overtakes what is sent to many.

use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// The ends that hand out. Cheap to clone.
pub struct Lanes<T> {
    first: Arc<Mutex<T>>,
    bulk: Arc<Mutex<T>>,
}

impl<T> Clone for Lanes<T> {
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            bulk: self.bulk.clone(),
        }
    }
}

impl<T> Lanes<T> {
    pub fn new(first: T, bulk: T) -> Self {
        Self {
            first: Arc::new(Mutex::new(first)),
            bulk: Arc::new(Mutex::new(bulk)),
        }
    }
}

/// Which queues a pair of hands takes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    First,
    Bulk,
    /// From the first whenever something is there.
    Both,
}

/// The sending ends.
pub struct Ends<T> {
    pub first: T,
    pub bulk: T,
}

impl<T> Ends<T> {
    pub const fn of(&self, lane: i32) -> &T {
        match lane {
            0 => &self.bulk,
            _ => &self.first,
        }
    }
}

macro_rules! next {
    ($receiver:ty) => {
        impl<T> Lanes<$receiver> {
            /// The next; `None` once nothing comes any more.
            pub async fn next(&self, takes: Takes) -> Option<T> {
                tokio::select! {
                    biased;
                    Some(item) = async { self.first.lock().await.recv().await }, if takes != Takes::Bulk => Some(item),
                    Some(item) = async { self.bulk.lock().await.recv().await }, if takes != Takes::First => Some(item),
                    else => None,
                }
            }
        }
    };
}

next!(mpsc::Receiver<T>);
next!(mpsc::UnboundedReceiver<T>);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_an_event_set_off_comes_first_and_nothing_is_lost() {
        let (first, firsts) = mpsc::unbounded_channel();
        let (bulk, bulks) = mpsc::unbounded_channel();
        let lanes = Lanes::new(firsts, bulks);
        for n in 0..3 {
            bulk.send(n).unwrap();
        }
        first.send(10).unwrap();
        assert_eq!(lanes.next(Takes::Both).await, Some(10));
        assert_eq!(lanes.next(Takes::Bulk).await, Some(0));
        drop(first);
        assert_eq!(lanes.next(Takes::First).await, None);
        drop(bulk);
        assert_eq!(lanes.next(Takes::Both).await, Some(1));
        assert_eq!(lanes.next(Takes::Both).await, Some(2));
        assert_eq!(lanes.next(Takes::Both).await, None);
    }
}
