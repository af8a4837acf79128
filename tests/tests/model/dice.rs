//! [`Dice`]: random choices that a seed determines.

/// Makes the choices of one random program (SplitMix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // The simulation has a generator of the same kind. It must not make the same choices.
        Dice(seed ^ 0x6a09_e667_f3bc_c909)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn count(&mut self, end: usize) -> usize {
        self.below(end as u64) as usize
    }

    /// Returns a time of less than `end` milliseconds.
    pub(crate) fn millis(&mut self, end: u64) -> i32 {
        self.below(end) as i32
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.count(choices.len())]
    }

    /// Returns a number of bytes. Small ones are as likely as large ones.
    pub(crate) fn size(&mut self) -> usize {
        let most = self.pick(&[2, 16, 300, 5_000, 70_000, 200_000]);
        self.count(most)
    }
}
