//! The calls of webhooks: how they are signed, and what follows on an answer.

use chrono::TimeDelta;

/// What the key is derived for.
pub const KEY: &str = "webhooks";

/// How long after each attempt the next one is made.
const PAUSES: [TimeDelta; 3] = [TimeDelta::minutes(1), TimeDelta::minutes(10), TimeDelta::hours(1)];

/// What follows on an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// Once more, so much later.
    Again(TimeDelta),
    Failed,
}

/// Decides by the status, `None` where nobody answered, and the number of attempts so far. What
/// the other side refuses for good is not tried again.
pub fn verdict(status: Option<u16>, attempts: u32) -> Verdict {
    match status {
        Some(200..=299) => Verdict::Done,
        Some(status) if !matches!(status, 408 | 425 | 429 | 500..) => Verdict::Failed,
        _ => {
            let pause = usize::try_from(attempts.saturating_sub(1)).map(|place| PAUSES.get(place));
            match pause {
                Ok(Some(pause)) => Verdict::Again(*pause),
                _ => Verdict::Failed,
            }
        }
    }
}

/// `t=1772438400,v1=…`: HMAC-SHA-256 over the time, a dot and the body, in hex. Whoever checks it
/// also checks that the time is now, so that nobody can send an old call again.
pub fn signature(at: i64, body: &str, sign: impl Fn(&[u8]) -> [u8; 32]) -> String {
    let hex: String = sign(format!("{at}.{body}").as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={at},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_not_taken_is_made_again_at_these_times_and_then_let_go() {
        let pauses: Vec<_> = (1..=4).map(|attempts| verdict(Some(503), attempts)).collect();
        let again = |minutes| Verdict::Again(TimeDelta::minutes(minutes));
        assert_eq!(pauses, [again(1), again(10), again(60), Verdict::Failed]);
        for (status, expected) in [
            (Some(200), Verdict::Done),
            (Some(204), Verdict::Done),
            (Some(301), Verdict::Failed),
            (Some(404), Verdict::Failed),
            (Some(429), again(1)),
            (Some(500), again(1)),
            (None, again(1)),
        ] {
            assert_eq!(verdict(status, 1), expected, "{status:?}");
        }
    }
}
