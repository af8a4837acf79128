//! The delays between attempts. This module has no clock and no timer.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// Delays with exponential back-off and full jitter.
///
/// Each delay is a random time from 0 to a bound, and all times in this range are equally likely.
/// The bound begins at `first`, doubles with each delay, and is at most `longest`. So clients that
/// lose the same server at the same moment do not reconnect at the same moment.
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    /// How many delays have been taken since the last reset.
    taken: u32,
    random: Random,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        Backoff { first, longest, taken: 0, random: Random::new() }
    }

    pub(super) fn set_delays(&mut self, first: Duration, longest: Duration) {
        (self.first, self.longest) = (first, longest);
    }

    /// Sets the seed, so that the delays are the same in each run of a test.
    pub(super) fn set_seed(&mut self, seed: u64) {
        self.random = Random(seed);
    }

    /// Begins again with the first bound.
    pub(super) fn reset(&mut self) {
        self.taken = 0;
    }

    pub(super) fn next(&mut self) -> Duration {
        let bound = self.bound();
        self.taken = self.taken.saturating_add(1);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.random.up_to(nanos))
    }

    /// Returns the bound of the next delay.
    fn bound(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.taken).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

/// The random number generator SplitMix64. Do not use it for secrets.
struct Random(u64);

impl Random {
    /// Returns a generator that differs from one run of the program to the next.
    fn new() -> Self {
        // The standard library seeds its hashers from the system.
        Random(RandomState::new().build_hasher().finish())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to `bound`.
    fn up_to(&mut self, bound: u64) -> u64 {
        let scaled = (u128::from(self.next()) * (u128::from(bound) + 1)) >> 64;
        u64::try_from(scaled).unwrap_or(bound)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn bounds_double_up_to_the_longest_delay() {
        let mut backoff = Backoff::new(seconds(1), seconds(60));
        let bounds: Vec<_> =
            (0..9).map(|_| (backoff.bound().as_secs(), backoff.next()).0).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.bound(), seconds(1));
        backoff.set_delays(seconds(90), seconds(60));
        assert_eq!(backoff.bound(), seconds(60));
    }

    /// The reference values of splitmix64 for the seed 1234567.
    #[test]
    fn the_generator_is_splitmix64() {
        let mut random = Random(1_234_567);
        let numbers = [random.next(), random.next(), random.next()];
        let expected =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn a_seed_fixes_the_delays() {
        let delays = |seed: Option<u64>| -> Vec<_> {
            let mut backoff = Backoff::new(seconds(1), seconds(60));
            if let Some(seed) = seed {
                backoff.set_seed(seed);
            }
            (0..20).map(|_| backoff.next()).collect()
        };
        assert_eq!(delays(Some(7)), delays(Some(7)));
        assert_ne!(delays(Some(7)), delays(Some(8)));
        assert_ne!(delays(None), delays(None));
    }

    /// The delays cover the whole range: each tenth of it has about a tenth of the delays.
    #[test]
    fn the_jitter_is_full() {
        let mut backoff = Backoff::new(seconds(100), seconds(100));
        backoff.set_seed(1);
        let delays: Vec<_> = (0..10_000).map(|_| backoff.next()).collect();
        for tenth in 0..10 {
            let within = seconds(tenth * 10)..seconds(tenth * 10 + 10);
            let count = delays.iter().filter(|&&delay| within.contains(&delay)).count();
            assert!((850..1150).contains(&count), "{count} of 10000 in {within:?}");
        }
    }

    proptest! {
        #[test]
        fn a_delay_is_within_its_bound(first: u64, longest: u64, seed: u64, count in 0_u32..100) {
            let (first, longest) = (Duration::from_nanos(first), Duration::from_nanos(longest));
            let mut backoff = Backoff::new(first, longest);
            backoff.set_seed(seed);
            for _ in 0..count {
                let bound = backoff.bound();
                prop_assert!(bound <= longest);
                prop_assert!(backoff.next() <= bound);
            }
        }

        #[test]
        fn lengths_that_do_not_fit_are_cut(seed: u64, taken: u32) {
            let mut backoff = Backoff::new(Duration::MAX, Duration::MAX);
            backoff.set_seed(seed);
            backoff.taken = taken;
            backoff.next();
        }
    }
}
