//! One worker's due instants.

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{RngCore, SeedableRng};

use super::{Arrivals, Offer};

/// The instants at which one worker's requests are due, one after the other. Each is computed from its number, never from the
/// one before it: there is no drift.
#[derive(Debug, Clone)]
pub struct Due {
    offer: Offer,
    /// The profile's beginning on the run's clock, ns.
    starts_at: u64,
    /// Nothing is due from this instant on.
    ends_at: u64,
    /// Requests still to come from `counts_from` on, where a count ends the run.
    left: Option<u64>,
    counts_from: u64,
    /// How many requests of all workers together are due before the next one of this worker.
    position: f64,
    stretch: usize,
    random: Pcg64Mcg,
    next: u64,
}

impl Due {
    /// The part of the `worker`-th (from 0) worker from `starts_at` on (ns). With constant arrivals the workers take turns, so
    /// that together they are as even as one.
    pub fn new(offer: Offer, worker: u64, starts_at: u64) -> Due {
        // Seeds next to each other must not give related sequences.
        let seed = offer.seed.wrapping_add(worker.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut due = Due {
            random: Pcg64Mcg::seed_from_u64(seed),
            position: worker as f64,
            stretch: 0,
            next: 0,
            left: None,
            counts_from: 0,
            offer,
            starts_at,
            ends_at: u64::MAX,
        };
        if due.offer.arrivals == Arrivals::Poisson {
            due.position = due.gap();
        }
        due.find();
        due
    }

    /// At most `count` requests are due from the instant `from` (ns) on.
    #[must_use]
    pub fn counting(mut self, from: u64, count: u64) -> Due {
        (self.counts_from, self.left) = (from, Some(count));
        self.find();
        self
    }

    /// The next instant, ns; `u64::MAX` when there is none.
    #[inline]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Takes the next instant.
    #[inline]
    pub fn take(&mut self) -> u64 {
        let taken = self.next;
        if taken >= self.counts_from {
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        self.position += match self.offer.arrivals {
            Arrivals::Constant => self.offer.workers as f64,
            Arrivals::Poisson => self.gap(),
        };
        self.find();
        taken
    }

    /// Nothing is due from `at` (ns) on.
    pub fn end(&mut self, at: u64) {
        self.ends_at = self.ends_at.min(at);
        self.find();
    }

    /// In units of the mean gap between all workers' requests: each worker's stream is thinner by their number.
    fn gap(&mut self) -> f64 {
        let uniform = ((self.random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        -uniform.ln() * self.offer.workers as f64
    }

    #[inline]
    fn find(&mut self) {
        let at = self.offer.profile.instant_ns(self.position, &mut self.stretch);
        let at = at.map_or(u64::MAX, |at| self.starts_at.saturating_add(at));
        let counted_out = self.left == Some(0) && at >= self.counts_from;
        self.next = if at < self.ends_at && !counted_out { at } else { u64::MAX };
    }
}
