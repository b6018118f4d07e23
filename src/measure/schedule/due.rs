//! One worker's due instants.

use std::sync::Arc;

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{RngCore, SeedableRng};

use super::{Arrivals, Offer};

/// Poisson arrivals that are passed over one by one, at most.
const DRAWN: u64 = 10_000;

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

    /// Passes over all that is due before the instant `until` (ns) and tells how many that were. The time it takes does not depend on
    /// their number: constant arrivals are computed; Poisson arrivals are drawn one by one up to `DRAWN`, and if there are more their
    /// number is drawn instead, which has the same distribution.
    pub fn skip(&mut self, until: u64) -> u64 {
        let until = until.min(self.ends_at);
        if self.next < self.counts_from && self.counts_from < until {
            return self.skip(self.counts_from) + self.skip(until);
        }
        let mut skipped = 0;
        while self.next < until {
            let (before, limit) = (self.next, self.left.filter(|_| self.next >= self.counts_from).unwrap_or(u64::MAX));
            let (count, position) = match self.offer.arrivals {
                Arrivals::Constant => self.constant_until(until, limit),
                Arrivals::Poisson if skipped < DRAWN => {
                    self.take();
                    skipped += 1;
                    continue;
                }
                Arrivals::Poisson => self.poisson_until(until, limit),
            };
            if before >= self.counts_from {
                self.left = self.left.map(|left| left.saturating_sub(count));
            }
            self.position = position;
            skipped += count;
            self.find();
        }
        skipped
    }

    /// How many of at most `limit` are due before `until`, at least one, and the position of the one behind them.
    fn constant_until(&self, until: u64, limit: u64) -> (u64, f64) {
        let step = self.offer.workers as f64;
        let profile = &self.offer.profile;
        let before = |count: u64| {
            let at = profile.instant_ns(self.position + count as f64 * step, &mut { self.stretch });
            at.is_some_and(|at| self.starts_at.saturating_add(at) < until)
        };
        let estimate = (profile.requests_at(until.saturating_sub(self.starts_at)) - self.position) / step;
        // The instants say exactly where it ends; the estimate is off by what rounding does.
        let mut count = (estimate.max(1.0) as u64).min(limit);
        while count < limit && before(count) {
            count += 1;
        }
        while count > 1 && !before(count - 1) {
            count -= 1;
        }
        (count, self.position + count as f64 * step)
    }

    /// The same for random arrivals; the number is drawn, by the normal distribution that Poisson's nears: there are very many.
    fn poisson_until(&mut self, until: u64, limit: u64) -> (u64, f64) {
        let end = self.offer.profile.requests_at(until.saturating_sub(self.starts_at));
        let mean = (end - self.position).max(0.0) / self.offer.workers as f64;
        if mean < DRAWN as f64 {
            // So few are left that each can be drawn.
            let gap = self.gap();
            return (1, self.position + gap);
        }
        let (one, two) = (self.uniform(), self.uniform());
        let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos();
        let count = (1.0 + mean + mean.sqrt() * normal).max(1.0) as u64;
        let gap = self.gap();
        (count.min(limit), end + gap)
    }

    /// From `at` (ns) on so many requests per second of all workers together are due; 0 is a pause. What was due before, and has not
    /// been taken, stays due.
    pub fn go_on_with(&mut self, rate_per_s: f64, at: u64) {
        let seconds = at.saturating_sub(self.starts_at) as f64 / 1e9;
        self.offer.profile = Arc::new(self.offer.profile.going_on_with(rate_per_s, seconds));
        self.find();
    }

    /// Nothing is due from `at` (ns) on.
    pub fn end(&mut self, at: u64) {
        self.ends_at = self.ends_at.min(at);
        self.find();
    }

    /// In units of the mean gap between all workers' requests: each worker's stream is thinner by their number.
    fn gap(&mut self) -> f64 {
        -self.uniform().ln() * self.offer.workers as f64
    }

    /// More than 0 and less than 1.
    fn uniform(&mut self) -> f64 {
        ((self.random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    #[inline]
    fn find(&mut self) {
        let at = self.offer.profile.instant_ns(self.position, &mut self.stretch);
        let at = at.map_or(u64::MAX, |at| self.starts_at.saturating_add(at));
        let counted_out = self.left == Some(0) && at >= self.counts_from;
        self.next = if at < self.ends_at && !counted_out { at } else { u64::MAX };
    }
}
