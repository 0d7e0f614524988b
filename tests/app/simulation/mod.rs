//! A week of a busy club, by a clock that is moved by hand: campaigns of all types, people who come,
//! go and opt out, staff who pause and cancel, events, a mail server with its bad days, and crashes
//! in the middle of the work. What ought to have come of it is reckoned here, apart from the
//! product's own rules, and compared with the ledger and with what the mail server got.
//!
//! The seed is printed; `FAIRWAY_TEST_SEED` tells the same story again. The whole club, 200
//! campaigns, 50,000 people and 500,000 events, takes minutes:
//!
//! `FAIRWAY_TEST_WEEK=full cargo test --release --test app simulation:: -- --nocapture`

mod campaigns;
mod club;
mod expected;
mod post;
mod reckoning;
mod rows;
mod week;

use chrono::{DateTime, TimeDelta, Utc};
use club::Club;
use std::time::Instant;

/// How large the club is.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub campaigns: usize,
    pub people: i64,
    pub events: usize,
    /// From one look at the clock to the next: two hours, or `FAIRWAY_TEST_STEP` minutes.
    pub step: TimeDelta,
}

impl Scale {
    fn of_environment() -> Self {
        let (campaigns, people, events) = match std::env::var("FAIRWAY_TEST_WEEK").as_deref() {
            Ok("full") => (200, 50_000, 500_000),
            Ok("middle") => (60, 5_000, 30_000),
            _ => (20, 500, 3_000),
        };
        let step = std::env::var("FAIRWAY_TEST_STEP").map_or(120, |minutes| minutes.parse().unwrap());
        Self {
            campaigns,
            people,
            events,
            step: TimeDelta::minutes(step),
        }
    }

    pub fn steps(self) -> i64 {
        TimeDelta::days(7).num_minutes() / self.step.num_minutes()
    }
}

/// Chance that can be had again (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// From 0 to `sides` - 1.
    pub fn below(&mut self, sides: usize) -> usize {
        let sides = u64::try_from(sides).unwrap();
        usize::try_from(self.roll() % sides).unwrap()
    }

    /// So often in a thousand.
    pub fn happens(&mut self, per_mille: u64) -> bool {
        self.roll() % 1_000 < per_mille
    }
}

/// Scatters a number.
pub fn mix(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_of_a_busy_club_ends_with_every_message_accounted_for() {
    let seed = match std::env::var("FAIRWAY_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => u64::from(std::process::id()) ^ u64::from(Instant::now().elapsed().subsec_nanos()),
    };
    let scale = Scale::of_environment();
    println!("FAIRWAY_TEST_SEED={seed} {scale:?}");
    let began = Instant::now();
    let mut club = Club::found(scale, seed).await;
    println!("founded after {:?}", began.elapsed());
    for step in 0..scale.steps() {
        club.go_on(step).await;
    }
    println!("the week took {:?}", began.elapsed());
    club.finish().await;
    println!("everything was sent after {:?}", began.elapsed());
    reckoning::reckon(&club).await;
    println!("accounted for after {:?}", began.elapsed());
}
