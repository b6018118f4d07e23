//! Chance, the same for the same seed.

use std::ops::Range;

/// xorshift64*.
pub(in crate::worker) struct Random(u64);

impl Random {
    pub(in crate::worker) fn new(seed: u64) -> Random {
        // Neighbouring seeds must not begin alike, and zero is a fixed point.
        Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// 0 to `end`, which is left out.
    pub(in crate::worker) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % end
    }

    pub(in crate::worker) fn within(&mut self, range: &Range<u64>) -> u64 {
        range.start + self.below((range.end - range.start).max(1))
    }

    pub(in crate::worker) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of `choices`, each as often as its weight says.
    pub(in crate::worker) fn pick<T: Copy>(&mut self, choices: &[(T, u64)]) -> T {
        let mut at = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for &(choice, weight) in choices {
            if at < weight {
                return choice;
            }
            at -= weight;
        }
        unreachable!("the weights add up")
    }
}
