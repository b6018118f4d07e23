//! When requests are due: at once in closed loop, at instants of their own in open loop.

mod due;
mod profile;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

pub use due::Due;
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

/// One worker's part of what is due. All kinds of load differ in nothing else.
#[derive(Debug)]
pub enum Schedule {
    /// A free place on a connection is filled at once.
    Closed,
    /// Requests are due at instants of their own, and wait where no place is free.
    Open(Box<Waiting>),
}

/// How many due instants are held at most, whatever the places; those behind them are not computed yet, and not lost.
const HELD: usize = 65_536;

/// What is due in open loop and not sent: an unbounded queue, of which only the head is held in memory.
#[derive(Debug)]
pub struct Waiting {
    due: Due,
    /// Intended instants, the oldest first.
    held: VecDeque<u64>,
    /// No more is taken from `due` than this many at a time.
    most: usize,
    /// What has waited longer, ns, is shed.
    deadline_ns: u64,
    /// Instants between which requests are told of together, where they are not held.
    bounds: Vec<u64>,
}

impl Schedule {
    /// An open loop over `due` for a worker with so many places for requests in flight. What is given up unseen is told in groups none
    /// of which reaches over one of the instants `bounds` (ns, ascending).
    pub fn open(due: Due, places: usize, deadline_ns: Option<u64>, bounds: Vec<u64>) -> Schedule {
        let most = places.clamp(1, HELD);
        let deadline_ns = deadline_ns.unwrap_or(u64::MAX);
        Schedule::Open(Box::new(Waiting { due, held: VecDeque::with_capacity(2 * most), most, deadline_ns, bounds }))
    }

    /// True of an open loop.
    #[inline]
    pub fn is_open(&self) -> bool {
        matches!(self, Schedule::Open(_))
    }

    /// Sees what is due at `now` and tells `shed` the first intended instant and the number of those that have waited too long.
    #[inline]
    pub fn advance(&mut self, now: u64, shed: impl FnMut(u64, u64)) {
        if let Schedule::Open(waiting) = self {
            waiting.advance(now, shed);
        }
    }

    /// Is a request to be sent now?
    #[inline]
    pub fn has_waiting(&self) -> bool {
        match self {
            Schedule::Closed => true,
            Schedule::Open(waiting) => !waiting.held.is_empty(),
        }
    }

    /// How many requests a connection with `free` places gets, one of `ready` that have some: all its places in closed loop; in
    /// open loop its even part of what waits, so that no connection holds two while another one is free.
    #[inline]
    pub fn share(&self, free: u32, ready: usize) -> u32 {
        match self {
            Schedule::Closed => free,
            Schedule::Open(waiting) => waiting.held.len().div_ceil(ready.max(1)).min(free as usize) as u32,
        }
    }

    /// Takes the request that has waited longest and tells its intended instant: `now` in closed loop.
    #[inline]
    pub fn take(&mut self, now: u64) -> u64 {
        match self {
            Schedule::Closed => now,
            Schedule::Open(waiting) => waiting.held.pop_front().unwrap_or(now),
        }
    }

    /// A request that was sent and never owed an answer waits again, as the oldest; in closed loop nothing ever waits.
    pub fn give_back(&mut self, intended_at: u64) {
        if let Schedule::Open(waiting) = self {
            waiting.held.push_front(intended_at);
        }
    }

    /// When the next request will be due, ns, if none is waiting; `u64::MAX` when that is not known or never.
    #[inline]
    pub fn next(&self) -> u64 {
        match self {
            Schedule::Closed => u64::MAX,
            Schedule::Open(waiting) => waiting.due.next(),
        }
    }

    /// An open loop of which nothing waits and nothing is to come.
    #[inline]
    pub fn is_over(&self) -> bool {
        matches!(self, Schedule::Open(waiting) if waiting.held.is_empty() && waiting.due.next() == u64::MAX)
    }

    /// From `now` on so many requests per second of all workers together are due, whatever was to come; 0 is a pause. Nothing changes in
    /// closed loop, and what is due already still waits.
    pub fn go_on_with(&mut self, rate_per_s: f64, now: u64) {
        if let Schedule::Open(waiting) = self {
            waiting.due.go_on_with(rate_per_s, now);
        }
    }

    /// Nothing is due from `now` on; what is due already still waits.
    pub fn end(&mut self, now: u64) {
        if let Schedule::Open(waiting) = self {
            waiting.due.end(now);
        }
    }

    /// Gives up what waits and tells of each group its first intended instant and number, and whether it had waited too long at `now`.
    pub fn abandon(&mut self, now: u64, mut each: impl FnMut(u64, u64, bool)) {
        let Schedule::Open(waiting) = self else {
            return;
        };
        waiting.due.end(now);
        let too_long = |at: u64| now.saturating_sub(at) > waiting.deadline_ns;
        waiting.held.drain(..).for_each(|at| each(at, 1, too_long(at)));
        waiting.pass_over(now.saturating_sub(waiting.deadline_ns), |at, count| each(at, count, true));
        waiting.pass_over(u64::MAX, |at, count| each(at, count, false));
    }
}

impl Waiting {
    /// Passes over what is due before `until` and tells each group's first instant and number.
    fn pass_over(&mut self, until: u64, mut each: impl FnMut(u64, u64)) {
        while self.due.next() < until {
            let at = self.due.next();
            let next = self.bounds.partition_point(|bound| *bound <= at);
            let end = self.bounds.get(next).map_or(until, |bound| until.min(*bound));
            each(at, self.due.skip(end));
        }
    }

    #[inline]
    fn advance(&mut self, now: u64, mut shed: impl FnMut(u64, u64)) {
        loop {
            while let Some(&at) = self.held.front()
                && now.saturating_sub(at) > self.deadline_ns
            {
                self.held.pop_front();
                shed(at, 1);
            }
            if self.held.is_empty() && now.saturating_sub(self.due.next()) > self.deadline_ns {
                self.pass_over(now.saturating_sub(self.deadline_ns), &mut shed);
            }
            if self.due.next() > now || self.held.len() >= self.most {
                return;
            }
            self.held.push_back(self.due.take());
        }
    }
}
