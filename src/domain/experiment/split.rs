//! Who is sent which variant: by a hash of the run and the person, so that it is the same however
//! often it is asked, on every node and after every crash. The ledger's SQL says the same.

use super::Experiment;

/// A prime below 2^31, so that no product leaves 63 bits.
pub const PRIME: i64 = 2_147_483_647;

/// How a run's audience is divided. The hash is a polynomial of the third degree with coefficients
/// drawn for the run, which makes any four people fall independently of each other (Wegman and
/// Carter, “New hash functions and their use in authentication and set equality”, 1981).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    pub coefficients: [i64; 4],
    /// Hashes below it are in the test.
    pub tested: i64,
    pub variants: i64,
}

impl Split {
    pub fn of(experiment: &Experiment, run: i64) -> Self {
        let mut seed = run as u64;
        let mut draw = || {
            // SplitMix64 (Steele, Lea, Flood, “Fast splittable pseudorandom number generators”).
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = seed;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % (PRIME as u64 - 1)) as i64 + 1
        };
        Self {
            coefficients: [draw(), draw(), draw(), draw()],
            tested: PRIME * i64::from(experiment.share) / 100,
            variants: experiment.variants.len() as i64,
        }
    }

    /// The variant of a person: 1 and up, or 0 for the rest that waits for the winner.
    pub fn variant(&self, contact: i64) -> i32 {
        let x = contact.rem_euclid(PRIME);
        let hash = self
            .coefficients
            .iter()
            .fold(0, |sum, next| (sum * x + next) % PRIME);
        match hash < self.tested {
            true => (1 + hash * self.variants / self.tested) as i32,
            false => 0,
        }
    }
}
