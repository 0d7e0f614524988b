//! How fast messages go to one provider: a steady pace (GCRA) in the order in which they ask.

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::time::Duration;
use tokio::sync::Mutex;

/// The slowest and the fastest pace that can be set, in messages a second.
pub const SLOWEST: f64 = 0.01;
pub const FASTEST: f64 = 1000.0;

/// A provider's pace.
pub struct Pace {
    /// Who asked first goes first.
    queue: Mutex<()>,
    limiter: Option<DefaultDirectRateLimiter>,
}

impl Pace {
    /// So many messages a second; `None` for as many as there are.
    pub fn new(rate: Option<f64>) -> Self {
        let period = rate.map(|rate| Duration::from_secs_f64(1.0 / rate.clamp(SLOWEST, FASTEST)));
        Self {
            queue: Mutex::new(()),
            limiter: period.and_then(Quota::with_period).map(RateLimiter::direct),
        }
    }

    /// Reads a pace as staff write it: `10`, `0.5`; empty for none.
    pub fn parse(text: &str) -> Option<Option<f64>> {
        match text.trim() {
            "" => Some(None),
            text => {
                let rate: f64 = text.replace(',', ".").parse().ok()?;
                (SLOWEST..=FASTEST).contains(&rate).then_some(Some(rate))
            }
        }
    }

    /// Waits until the next message may go.
    pub async fn turn(&self) {
        if let Some(limiter) = &self.limiter {
            let _first = self.queue.lock().await;
            limiter.until_ready().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_pace_is_a_number_of_messages_a_second_or_nothing() {
        assert_eq!(Pace::parse(" 10 "), Some(Some(10.0)));
        assert_eq!(Pace::parse("0,5"), Some(Some(0.5)));
        assert_eq!(Pace::parse(""), Some(None));
        for wrong in ["0", "-1", "1001", "fast", "NaN", "inf"] {
            assert_eq!(Pace::parse(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn messages_go_one_after_another_at_the_pace() {
        let pace = Pace::new(Some(50.0));
        let began = Instant::now();
        for _ in 0..6 {
            pace.turn().await;
        }
        // The first goes at once, the others 20 ms apart.
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(95), "{took:?}");
        let free = Pace::new(None);
        for _ in 0..10_000 {
            free.turn().await;
        }
    }
}
