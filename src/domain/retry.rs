//! What becomes of a message that was not taken: when it is tried again, and when no more.

use super::InDoubt;
use std::time::Duration;

const fn minutes(number: u64) -> Duration {
    Duration::from_secs(number * 60)
}

/// How long it waits after its first, second, … attempt. Mail servers that greylist take it after
/// some minutes; one that is down for a night is outlasted.
const DELAYS: [Duration; 6] = [
    minutes(1),
    minutes(5),
    minutes(30),
    minutes(2 * 60),
    minutes(6 * 60),
    minutes(24 * 60),
];

/// A server that asks for a longer wait than this gets this.
const LONGEST: Duration = minutes(48 * 60);

/// A channel without a connection is tried again after 1 s, 2 s, 4 s, …, at most this.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// Why the message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Perhaps later, says the server.
    Temporary { retry_after: Option<Duration> },
    /// Never, says the server.
    Permanent,
    /// The server hung up or fell silent before it had all of it.
    Interrupted,
    /// Nobody knows whether it was taken.
    Ambiguous(InDoubt),
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    RetryAfter(Duration),
    GiveUp,
    /// Left in doubt.
    Unknown,
}

/// Decides after the `attempt`-th attempt, counted from 1. `seed` (the delivery's id) spreads the
/// retries of many messages over a tenth of their delay, always in the same way.
pub fn next(attempt: i32, outcome: Outcome, seed: i64) -> Next {
    let after = usize::try_from(attempt.max(1) - 1).unwrap_or_default();
    let delay = DELAYS.get(after).map(|delay| *delay + jitter(*delay, seed));
    match (outcome, delay) {
        (Outcome::Permanent, _) | (Outcome::Temporary { .. } | Outcome::Interrupted, None) => Next::GiveUp,
        (Outcome::Ambiguous(InDoubt::Leave), _) | (Outcome::Ambiguous(InDoubt::Retry), None) => Next::Unknown,
        (Outcome::Temporary { retry_after }, Some(delay)) => {
            let asked = retry_after.unwrap_or_default().min(LONGEST);
            Next::RetryAfter(delay.max(asked))
        }
        (Outcome::Ambiguous(InDoubt::Retry) | Outcome::Interrupted, Some(delay)) => Next::RetryAfter(delay),
    }
}

/// How long a channel rests after the `failures`-th time in a row that it had no connection.
pub fn rest(failures: u32) -> Duration {
    let doubled = 1_u64.checked_shl(failures.max(1) - 1).unwrap_or(u64::MAX);
    Duration::from_secs(doubled).min(LONGEST_REST)
}

/// Up to a tenth of the delay.
fn jitter(delay: Duration, seed: i64) -> Duration {
    // Fibonacci hashing: neighbouring ids land far from one another.
    let spread = seed.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    (delay / 10).mul_f64(spread as f64 / 65_536.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LATER: Outcome = Outcome::Temporary { retry_after: None };

    #[test]
    fn a_message_refused_for_now_or_cut_short_is_tried_seven_times_over_a_day_and_a_half() {
        for outcome in [LATER, Outcome::Interrupted] {
            let delays: Vec<_> = (1..).map(|attempt| next(attempt, outcome, 0)).take(7).collect();
            assert_eq!(
                delays,
                [
                    Next::RetryAfter(minutes(1)),
                    Next::RetryAfter(minutes(5)),
                    Next::RetryAfter(minutes(30)),
                    Next::RetryAfter(minutes(120)),
                    Next::RetryAfter(minutes(360)),
                    Next::RetryAfter(minutes(1440)),
                    Next::GiveUp,
                ]
            );
        }
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it_within_two_days() {
        let asks = |asked| {
            let outcome = Outcome::Temporary {
                retry_after: Some(asked),
            };
            next(1, outcome, 0)
        };
        assert_eq!(asks(minutes(10)), Next::RetryAfter(minutes(10)));
        assert_eq!(asks(Duration::from_secs(5)), Next::RetryAfter(minutes(1)));
        assert_eq!(asks(minutes(99_999)), Next::RetryAfter(minutes(2880)));
    }

    #[test]
    fn a_final_refusal_is_never_tried_again() {
        for attempt in 1..10 {
            assert_eq!(next(attempt, Outcome::Permanent, 5), Next::GiveUp);
        }
    }

    #[test]
    fn a_message_in_doubt_is_retried_or_left_as_the_campaign_says() {
        let cases = [
            (1, InDoubt::Retry, Next::RetryAfter(minutes(1))),
            (2, InDoubt::Retry, Next::RetryAfter(minutes(5))),
            (7, InDoubt::Retry, Next::Unknown),
            (1, InDoubt::Leave, Next::Unknown),
            (7, InDoubt::Leave, Next::Unknown),
        ];
        for (attempt, policy, expected) in cases {
            assert_eq!(next(attempt, Outcome::Ambiguous(policy), 0), expected);
        }
    }

    #[test]
    fn a_channel_without_a_connection_rests_longer_each_time_up_to_a_minute() {
        let rests: Vec<_> = (1..=9).map(|failures| rest(failures).as_secs()).collect();
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(rest(0).as_secs(), 1);
        assert_eq!(rest(u32::MAX).as_secs(), 60);
    }

    proptest! {
        #[test]
        fn retries_spread_over_a_tenth_and_always_alike(attempt in 1..7, seed: i64) {
            let Next::RetryAfter(plain) = next(attempt, LATER, 0) else { panic!() };
            let Next::RetryAfter(spread) = next(attempt, LATER, seed) else { panic!() };
            prop_assert!(spread >= plain && spread <= plain + plain / 10);
            prop_assert_eq!(next(attempt, LATER, seed), Next::RetryAfter(spread));
        }
    }
}
