//! The bytes of requests that change from one to the next.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{RngCore, SeedableRng};

use super::layout::Layout;
use super::{Patch, Sequence, Value};

impl Sequence {
    /// How many numbers it has until its width is used up; beyond that only the last digits are sent.
    pub fn capacity(&self) -> u64 {
        10u64.checked_pow(u32::from(self.width)).map_or(u64::MAX, |end| end.saturating_sub(self.start))
    }
}

/// Writes values over placeholders; one for each worker.
#[derive(Debug)]
pub(super) struct Filler {
    random: Pcg64Mcg,
    /// 1970-01-01 UTC on the run's clock, ns: what is to be added to an instant.
    unix_ns: u64,
    /// What the request under way has drawn: which sequence, and its number.
    drawn: Vec<(u16, u64)>,
    /// What its first counter gave it; [`NONE`] if it has drawn nothing.
    pub(super) first: u64,
    /// What that counter gave a request that was never owed an answer, and gives the one under way again.
    pub(super) again: u64,
}

/// Nothing was drawn.
pub(super) const NONE: u64 = u64::MAX;

impl Filler {
    /// Of the worker `index`, whose values shall differ from those of others.
    pub(super) fn new(seed: u64, index: u64, unix_ns: u64, sequences: usize) -> Filler {
        let random = Pcg64Mcg::seed_from_u64(seed ^ (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Filler { random, unix_ns, drawn: Vec::with_capacity(sequences), first: NONE, again: NONE }
    }

    /// Fills `patches` of one request, whose bytes are `request`, at the instant `now`.
    #[inline]
    pub(super) fn fill(&mut self, request: &mut [u8], patches: &[Patch], layout: &Layout, now: u64) {
        self.drawn.clear();
        self.first = NONE;
        for patch in patches {
            let place = &mut request[patch.at as usize..][..usize::from(patch.width)];
            match patch.value {
                Value::Rand { min, max } => digits(self.random_within(min, max), place),
                Value::Seq(sequence) => digits(self.next_of(sequence, layout), place),
                Value::Uuid => self.uuid(place),
                Value::NowMs => digits((self.unix_ns.wrapping_add(now)) / 1_000_000, place),
            }
        }
    }

    /// One of 0 to `end - 1`, each as likely.
    #[inline]
    pub(super) fn below(&mut self, end: u64) -> u64 {
        // Lemire, Fast Random Integer Generation in an Interval (2019), without its last step: the error is below end / 2^64.
        ((u128::from(self.random.next_u64()) * u128::from(end)) >> 64) as u64
    }

    fn random_within(&mut self, min: u64, max: u64) -> u64 {
        match (max - min).checked_add(1) {
            Some(span) => min + self.below(span),
            None => self.random.next_u64(),
        }
    }

    fn next_of(&mut self, sequence: u16, layout: &Layout) -> u64 {
        if let Some((_, number)) = self.drawn.iter().find(|(one, _)| *one == sequence) {
            return *number;
        }
        // Those that go on together have drawn the same number already.
        let count = match self.drawn.iter().find(|(one, _)| layout.go_together(*one, sequence)) {
            Some((one, number)) => number.wrapping_sub(layout.set().sequences[usize::from(*one)].start),
            None if self.first == NONE && self.again != NONE => std::mem::replace(&mut self.again, NONE),
            None => layout.draw(sequence),
        };
        if self.first == NONE {
            self.first = count;
        }
        let number = layout.set().sequences[usize::from(sequence)].start.wrapping_add(count);
        self.drawn.push((sequence, number));
        number
    }

    /// RFC 9562, 5.4.
    fn uuid(&mut self, place: &mut [u8]) {
        let bits = (u128::from(self.random.next_u64()) << 64) | u128::from(self.random.next_u64());
        let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
        let mut shift = 128;
        for (at, byte) in place.iter_mut().enumerate() {
            *byte = match at {
                8 | 13 | 18 | 23 => b'-',
                _ => {
                    shift -= 4;
                    b"0123456789abcdef"[(bits >> shift) as usize & 0xf]
                }
            };
        }
    }
}

/// The last digits of `number`, padded with zeros.
#[inline]
fn digits(mut number: u64, place: &mut [u8]) {
    for byte in place.iter_mut().rev() {
        *byte = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
