//! What a run is told while it lasts.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, AtomicUsize};

use crate::plan::RATES;

/// Tells all workers of a run to end, and how many connections and which rate they are to have from now on. An order to end is seen
/// within 20 ms, the others when a worker looks around: every 100 ms, and at the ends of intervals.
#[derive(Debug)]
pub struct Control {
    /// Not 0: the window closes now. It is then the number of the signal that said so.
    stop: Arc<AtomicUsize>,
    /// Connections of all workers together, at most those of the plan.
    connections: AtomicU64,
    /// Requests per second of all workers together, as bits; a number that is none is the plan's.
    rate_per_s: AtomicU64,
    /// How often one of the two above has changed.
    changes: AtomicU64,
}

/// What a worker is to do from now on, of its own part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Orders {
    /// How many of its connections are to be open.
    pub(super) connections: usize,
    /// The rate of all workers together, requests per second; `None`: that of the plan.
    pub(super) rate_per_s: Option<f64>,
}

impl Control {
    /// Nothing is ordered yet: the plan is run to its end.
    #[must_use]
    pub fn new() -> Control {
        Control {
            stop: Arc::default(),
            connections: AtomicU64::new(u64::MAX),
            rate_per_s: AtomicU64::new(f64::NAN.to_bits()),
            changes: AtomicU64::new(0),
        }
    }

    /// Ends the run, as the signal of this number does.
    pub fn stop(&self, signal: usize) {
        self.stop.store(signal, Relaxed);
    }

    /// The flag itself, for a signal's handler: 0, or the number of the signal that ends the run.
    #[must_use]
    pub fn stop_flag(&self) -> &Arc<AtomicUsize> {
        &self.stop
    }

    /// The signal that ended the run; 0: none did.
    #[must_use]
    pub fn stopped_by(&self) -> usize {
        self.stop.load(Relaxed)
    }

    /// Whether something ended the run.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped_by() != 0
    }

    /// From now on so many connections are kept open, all workers together: from 0 to those of the plan, which more are taken for.
    /// Those that are too many get no more requests, and are closed when nothing is in flight on them.
    pub fn set_connections(&self, connections: u64) {
        self.connections.store(connections, Relaxed);
        self.changes.fetch_add(1, Release);
    }

    /// From now on so many requests per second are due, all workers together, evenly or at random as before: 0 to 1e9, the nearest of
    /// which others are taken for; 0 is a pause, and so is what is no number. A closed loop has no rate and goes on.
    pub fn set_rate(&self, per_s: f64) {
        self.rate_per_s.store(per_s.max(0.0).min(*RATES.end()).to_bits(), Relaxed);
        self.changes.fetch_add(1, Release);
    }

    /// What the worker `index` of `workers` has to do now, if that has changed since `seen`.
    pub(super) fn orders(&self, seen: &mut u64, (index, workers): (u64, u64), planned: usize) -> Option<Orders> {
        let changes = self.changes.load(Acquire);
        if std::mem::replace(seen, changes) == changes {
            return None;
        }
        let all = self.connections.load(Relaxed);
        let part = share(all, index, workers);
        let rate_per_s = Some(f64::from_bits(self.rate_per_s.load(Relaxed))).filter(|rate| !rate.is_nan());
        Some(Orders { connections: usize::try_from(part).unwrap_or(usize::MAX).min(planned), rate_per_s })
    }
}

/// The part of the worker `index` of `workers` in so many connections or requests: all together have all, none over one more than another.
pub(crate) fn share(all: u64, index: u64, workers: u64) -> u64 {
    all / workers + u64::from(index < all % workers)
}

impl Default for Control {
    fn default() -> Control {
        Control::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_gets_its_part_once() {
        let control = Control::default();
        let mut seen = 0;
        assert_eq!(control.orders(&mut seen, (0, 2), 8), None);
        control.set_connections(5);
        let of = |control: &Control, seen: &mut u64, index| control.orders(seen, (index, 2), 8);
        let mut other = 0;
        assert_eq!(of(&control, &mut seen, 0), Some(Orders { connections: 3, rate_per_s: None }));
        assert_eq!(of(&control, &mut other, 1), Some(Orders { connections: 2, rate_per_s: None }));
        assert_eq!(of(&control, &mut seen, 0), None);
        control.set_rate(-1.0);
        control.set_connections(1_000);
        assert_eq!(of(&control, &mut seen, 0), Some(Orders { connections: 8, rate_per_s: Some(0.0) }));
        assert!(!control.is_stopped());
        control.stop(15);
        assert_eq!((control.stopped_by(), control.is_stopped()), (15, true));
    }
}
