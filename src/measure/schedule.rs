//! When requests are due: at once in closed loop, at instants of their own in open loop.

mod profile;
#[cfg(test)]
mod tests;

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{RngCore, SeedableRng};
use std::sync::Arc;

pub use profile::{Profile, Stretch};

/// How the requests of an open loop are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// Evenly, as the rate has it.
    Constant,
    /// At random and independent of each other, as many users without knowledge of each other are.
    Poisson,
}

impl Arrivals {
    /// As it is typed and reported.
    pub fn name(self) -> &'static str {
        match self {
            Arrivals::Constant => "constant",
            Arrivals::Poisson => "poisson",
        }
    }
}

/// What all workers of an open loop share.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The rate of all workers together over time.
    pub profile: Arc<Profile>,
    /// How requests are spaced.
    pub arrivals: Arrivals,
    /// What Poisson arrivals are drawn from.
    pub seed: u64,
    /// How many workers there are.
    pub workers: u64,
}

/// One worker's part of what is due.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// A free place on a connection is filled at once.
    Closed,
    /// Requests are due at instants of their own.
    Open(Box<Due>),
}

impl Schedule {
    /// The instant at which the next request is due, ns; 0 in closed loop, `u64::MAX` when nothing more will be.
    #[inline]
    pub fn next(&self) -> u64 {
        match self {
            Schedule::Closed => 0,
            Schedule::Open(due) => due.next,
        }
    }

    /// True of an open loop.
    #[inline]
    pub fn is_open(&self) -> bool {
        matches!(self, Schedule::Open(_))
    }
}

/// The instants at which one worker's requests are due, one after the other. Each is computed from its number, never from the
/// one before it: there is no drift.
#[derive(Debug, Clone)]
pub struct Due {
    offer: Offer,
    /// The profile's beginning on the run's clock, ns.
    starts_at: u64,
    /// Nothing is due from this instant on.
    ends_at: u64,
    /// Requests still to come, where a count ends the run.
    left: Option<u64>,
    /// How many requests of all workers together are due before the next one of this worker.
    position: f64,
    stretch: usize,
    random: Pcg64Mcg,
    next: u64,
}

impl Due {
    /// The part of the `worker`-th (from 0) worker from `starts_at` until `ends_at` (ns), at most `count` requests. With constant
    /// arrivals the workers take turns, so that together they are as even as one.
    pub fn new(offer: Offer, worker: u64, starts_at: u64, ends_at: u64, count: Option<u64>) -> Due {
        // Seeds next to each other must not give related sequences.
        let seed = offer.seed.wrapping_add(worker.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut due = Due {
            random: Pcg64Mcg::seed_from_u64(seed),
            position: worker as f64,
            stretch: 0,
            next: 0,
            left: count,
            offer,
            starts_at,
            ends_at,
        };
        if due.offer.arrivals == Arrivals::Poisson {
            due.position = due.gap();
        }
        due.find();
        due
    }

    /// Takes the next instant.
    #[inline]
    pub fn take(&mut self) -> u64 {
        let taken = self.next;
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.position += match self.offer.arrivals {
            Arrivals::Constant => self.offer.workers as f64,
            Arrivals::Poisson => self.gap(),
        };
        self.find();
        taken
    }

    /// Nothing is due from `now` on: the window was closed early.
    pub fn end(&mut self, now: u64) {
        self.ends_at = self.ends_at.min(now);
        if self.next >= self.ends_at {
            self.next = u64::MAX;
        }
    }

    /// In units of the mean gap between all workers' requests: each worker's stream is thinner by their number.
    fn gap(&mut self) -> f64 {
        let uniform = ((self.random.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        -uniform.ln() * self.offer.workers as f64
    }

    #[inline]
    fn find(&mut self) {
        let at = match self.left {
            Some(0) => None,
            _ => self.offer.profile.instant_ns(self.position, &mut self.stretch),
        };
        let at = at.map_or(u64::MAX, |at| self.starts_at.saturating_add(at));
        self.next = if at < self.ends_at { at } else { u64::MAX };
    }
}
